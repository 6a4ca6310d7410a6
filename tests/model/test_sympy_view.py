"""The sympy objects of a model mean what its text means."""

from __future__ import annotations

import math

import mpmath
import pytest
import sympy
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from symde.diagnostics import ModelError
from symde.language.syntax import Expr, Name, Negate, Number, Power
from symde.model.definition import Definition, Parameter, State
from symde.model.model import Model
from symde.model.ode_def import ode_def
from symde.model.sympy_derivative import differentiate
from symde.model.sympy_view import SympyView, symbol

from .expressions import UndefinedError, expressions, value

WORDS = ("x", "y", "k", "t")
SLOW = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
points = st.fixed_dictionaries({word: st.floats(-3, 3).map(lambda one: round(one, 3)) for word in WORDS})


def definition(expression: Expr) -> Definition:
    states = (State("x", expression), State("y", expression))
    return Definition("model", None, states, (Parameter("k"),), (), (), (), None)


def numeric(expression: sympy.Expr, at: dict[str, float]) -> float:
    # sympy makes zoo**x of 0**(-x), which is 1 at an exact zero and no number at 0.0
    values = {
        symbol(word): sympy.Float(number) if number else sympy.Integer(0) for word, number in at.items()
    }
    return complex(expression.subs(values).evalf(30)).real


@SLOW
@example(Power(Number(0, "0"), Negate(Name("x"))), dict.fromkeys(WORDS, 0.0))
@given(expressions(WORDS), points)
def test_the_view_has_the_value_of_the_expression(expression: Expr, at: dict[str, float]) -> None:
    try:
        expected = value(expression, at)
    except UndefinedError:
        assume(False)
    found = numeric(SympyView(definition(expression)).expression(expression), at)
    # float64 against 30 digits: cancellation inside the reference loses at most half of its digits here.
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


SMOOTH = ("exp", "sin", "cos", "atan", "tanh", "erf", "sinh", "cosh", "abs")


@SLOW
@given(expressions(WORDS, leaves=6, functions=SMOOTH), points)
def test_the_derivative_is_the_limit_of_differences(expression: Expr, at: dict[str, float]) -> None:
    step = 1e-5
    try:
        center = value(expression, at)
        around = [value(expression, at | {"x": at["x"] + n * step}) for n in (-2, -1, 1, 2)]
    except UndefinedError:
        assume(False)
    inner, outer = (around[2] - around[1]) / (2 * step), (around[3] - around[0]) / (4 * step)
    # Away from kinks and steep places the two differences agree; only there do they say what the limit is.
    assume(abs(center) < 1e3 and abs(inner - outer) < 1e-6 * (1 + abs(inner)))
    forward, backward = (around[2] - center) / step, (center - around[1]) / step
    assume(abs(forward - backward) < 1e-2 * (1 + abs(inner)))
    view = SympyView(definition(expression)).expression(expression)
    derivative = differentiate(view, symbol("x"))
    found = numeric(derivative, at)
    assume(math.isfinite(found))
    # where an equality holds at this point alone, the branch of the point is not that of its surroundings
    assume(found == pytest.approx(numeric(derivative, at | {"x": at["x"] + step / 3}), rel=1e-3, abs=1e-3))
    assert found == pytest.approx(inner, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "derivative"),
    [
        ("abs(x)", "sign(x)"),
        ("floor(x)*x", "floor(x)"),
        ("ceil(x) + sign(x) + heaviside(x)", "0"),
        ("mod(x, 3)", "1"),
        ("max(x, y)", "ifelse(x >= y, 1, 0)"),
        ("min(x, y)", "ifelse(x <= y, 1, 0)"),
        ("x^2 if x > y else y", "2*x if x > y else 0"),
        ("gamma(x)", None),
        ("log10(x) + log2(x)", None),
        ("atan2(x, y)", "y/(x^2 + y^2)"),
    ],
)
def test_kinks_are_differentiated_branch_by_branch(text: str, derivative: str | None) -> None:
    model = ode_def(f"x' = {text}\ny' = {derivative or 0} + 0*x")
    found, expected = model.jacobian()[0, 0], model.equations[1].rhs
    at = {symbol("x"): 1.25, symbol("y"): 0.5}
    if derivative is None:
        with mpmath.workdps(30):
            f = sympy.lambdify(symbol("x"), model.equations[0].rhs, "mpmath")
            assert float(found.subs(at)) == pytest.approx(float(mpmath.diff(f, 1.25)), rel=1e-12)
    else:
        assert float(found.subs(at)) == pytest.approx(float(expected.subs(at)), rel=1e-14)
        assert not found.has(sympy.DiracDelta, sympy.Derivative, sympy.Subs)


def robertson() -> Model:
    return ode_def(
        "model R\nparam k1, k2, k3\nstate y1, y2, y3\n"
        "y1' = -k1*y1 + k3*y2*y3\ny2' = k1*y1 - k2*y2^2 - k3*y2*y3\ny3' = k2*y2^2\nend"
    )


def test_jacobian_hessian_and_parameter_jacobian_are_sympys() -> None:
    model = robertson()
    f, u, p = model.rhs(), sympy.Matrix(model.states), sympy.Matrix(model.parameters)
    assert model.jacobian() == f.jacobian(u)
    assert model.parameter_jacobian() == f.jacobian(p)
    assert model.time_gradient() == sympy.zeros(3, 1)
    hessian = model.hessian()
    assert len(hessian) == 3
    for one, matrix in zip(f, hessian, strict=True):
        assert matrix == sympy.hessian(one, model.states)


def test_symbols_are_real_and_nothing_more() -> None:
    model = robertson()
    for one in (*model.states, *model.parameters):
        assert one.is_real and one.is_positive is None and one.is_zero is None


def test_equations_are_unevaluated_derivatives_with_observables_written_out() -> None:
    model = ode_def("x' = -flux + f(x)\nflux = k*x\nf(z) = z^2*k")
    x, k = symbol("x"), symbol("k")
    (equation,) = model.equations
    assert equation.lhs == sympy.Derivative(x, symbol("t"), evaluate=False)
    assert equation.rhs == -k * x + k * x**2
    assert model.observable_values() == {symbol("flux"): k * x}


def test_functions_are_hygienic() -> None:
    # g reads the state x; f has an argument of that name, which g must not see.
    model = ode_def("x' = f(2)\nf(x) = g(x) + x\ng(a) = a*x")
    x = symbol("x")
    assert model.equations[0].rhs == 2 * x + 2


def test_sparsity_is_the_structure_through_observables_and_functions() -> None:
    model = ode_def("x' = flux\ny' = f(z, y)\nz' = 1\nflux = -k*z\nf(a, b) = a*w\nw = x")
    assert model.sparsity().tolist() == [[False, False, True], [True, False, True], [False] * 3]


def test_sparsity_covers_the_symbolic_jacobian() -> None:
    model = robertson()
    jacobian = model.jacobian()
    for row in range(3):
        for column in range(3):
            assert jacobian[row, column] == 0 or model.sparsity()[row, column]


def test_latex_shows_names_as_mathematics() -> None:
    text = ode_def("y₁'' = -alpha*y₁/k_1").latex()
    assert r"\frac{d y_{1}}{d t} &= \dot{y_{1}}" in text
    assert r"\alpha" in text and "k_{1}" in text
    assert ode_def("x' = -x")._repr_latex_().startswith("$")


def test_latex_sets_words_upright_and_leaves_letters_and_commands_alone() -> None:
    text = ode_def("rabbits' = alpha*rabbits - k_on*x1₂*omegadot").latex()
    assert r"\frac{d \mathrm{rabbits}}{d t}" in text and r"\alpha \mathrm{rabbits}" in text
    assert r"k_{\mathrm{on}}" in text and "{x_{1}}_{2}" in text
    assert r"\dot{\omega}" in text and "mathrm{x" not in text


def test_long_sums_and_deep_nesting_are_no_problem() -> None:
    long = ode_def("x' = " + " + ".join(f"{n}*x*k" for n in range(1, 3000)))
    assert long.jacobian()[0, 0] == symbol("k") * (2999 * 3000 // 2)
    deep = ode_def("x' = " + "sin(x*" * 150 + "x" + ")" * 150)
    assert deep.jacobian()[0, 0].has(sympy.cos)
    assert deep.latex().count("sin") >= 150
    assert deep.equations and deep.hessian()


def test_a_chain_too_large_for_sympy_is_refused_at_once() -> None:
    chain = "\n".join(f"a{n} = a{n - 1}*sin(a{n - 1}) + k" for n in range(1, 200))
    model = ode_def(f"a0 = x\n{chain}\nx' = a199")
    assert model.sparsity().tolist() == [[True]]
    with pytest.raises(ModelError, match="too many for sympy"):
        _ = model.equations


@pytest.mark.parametrize(
    "text", ["x' = x*3^(-9^9)", "x' = x*0.5^(9^9)", "x' = x*2^1000", "x' = x + gamma(150)"]
)
def test_numbers_of_absurd_length_do_not_hang(text: str) -> None:
    assert len(str(ode_def(text).equations)) < 1000


def test_a_remainder_by_a_constant_zero_is_undefined_and_no_crash() -> None:
    assert ode_def("const c = 0\nx' = mod(x, c)").equations[0].rhs is sympy.nan
