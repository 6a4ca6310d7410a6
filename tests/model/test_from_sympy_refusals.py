"""What sympy can say and the language cannot is refused by name; nothing is read as something else."""

import pytest
import sympy as sp

import symde

x, k, t, s = sp.symbols("x k t s")
X = sp.Function("X")
from_sympy = symde.Model.from_sympy

VALUES = {
    "a text is never evaluated": ("__import__('os').getpid()", "is no sympy expression"),
    "None": (None, "is no sympy expression"),
    "a list": ([x], "is no sympy expression"),
    "a condition": (sp.true, "is a condition"),
    "an integer beyond float64": (sp.Integer(10) ** 400, "out of the range of float64"),
    "a fraction of such": (sp.Rational(10**400, 10**400 + 1), "out of the range of float64"),
    "a number nearer to zero than float64 can tell": (sp.Float("1e-400"), "out of the range of float64"),
    "a delay": (X(t - 1), "not a function of the time"),
    "a function of a state": (X(x), "not a function of the time"),
    "a derivative": (sp.Derivative(X(t), t), "`Derivative` in"),
    "an integral": (sp.Integral(x, x), "`Integral` in"),
    "a matrix": (sp.Matrix([x]), "has no counterpart"),
    "a dummy": (sp.Dummy("k"), "is a dummy symbol"),
    "a symbol called pi": (sp.Symbol("pi"), "called `pi`"),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_without_counterpart_is_refused(name):
    value, words = VALUES[name]
    for arguments in (({x: value},), ({x: -k * x}, {k: value}), ({x: -k * x}, None, {x: value})):
        with pytest.raises(symde.ModelError) as caught:
            from_sympy(*arguments)
        assert words in str(caught.value)


def test_a_symbol_t_beside_another_time_is_refused():
    with pytest.raises(symde.ModelError, match="a symbol is called `t`"):
        from_sympy({x: -t * x}, t=s)


def test_functions_of_the_time_are_states():
    assert from_sympy({X(t): -X(t)}).state_names == ("X",)
    assert from_sympy({X(s): -X(s) * s}, t=s).state_names == ("X",)


@pytest.mark.parametrize("name", ["a b", "1x", "", "x'", "x-y", "\n", "x#", "x;y'=1"])
def test_what_is_no_name_names_nothing(name):
    with pytest.raises(symde.ModelError, match="cannot be the name"):
        from_sympy({sp.Symbol(name): -sp.Symbol(name)})
    with pytest.raises(symde.ModelError, match="cannot be the name"):
        from_sympy({x: -x * sp.Symbol(name)})
    with pytest.raises(symde.ModelError, match="cannot be the name of a model"):
        from_sympy({x: -x}, name=name)
    with pytest.raises(ValueError, match="is no name"):
        symde.ode_def("x' = -x", parameters=[name])


def test_velocities_of_second_order_states_may_be_primed():
    model = from_sympy({x: sp.Symbol("x'"), sp.Symbol("x'"): -x})
    assert symde.ode_def(model.text()) == model


def test_arguments_of_the_wrong_kind_are_told():
    for arguments, words in (
        ((5,), "equations"),
        (({x: x}, 5), "parameters"),
        (({x: x}, "k"), "parameters"),
        (({x: x}, None, [1]), "initial"),
        (({x: x}, None, None, None, 5), "name"),
    ):
        with pytest.raises(TypeError, match=words):
            from_sympy(*arguments)
    with pytest.raises(symde.ModelError, match="needs an equation"):
        from_sympy({})
    with pytest.raises(TypeError, match="name="):
        symde.ode_def("x' = x", name=5)
    for parameters in (5, [1], [k]):
        with pytest.raises(TypeError, match="parameters="):
            symde.ode_def("x' = x", parameters=parameters)
