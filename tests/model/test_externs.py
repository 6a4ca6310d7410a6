"""Functions from outside the text: what declares and calls them, and every mistake about them."""

from __future__ import annotations

import pickle

import pytest
import sympy

import symde
from symde.diagnostics import ModelError
from symde.language import parse, unparse
from symde.language.syntax import ExternDeclaration, Outputs
from symde.model.externs import unbound

SPIRAL = """model Spiral
  extern net(a, b) -> 2
  state x = 2, y = 0
  time 0 .. 1
  (dx, dy) = net(x^3, y)
end
"""


@pytest.mark.parametrize("text", ["extern net(a, b) -> 2", "extern h(a) -> 1", "(f, x') = net(x, 2*y)"])
def test_statements_are_read_and_written_again(text: str) -> None:
    (statement,) = parse(text)[0].statements
    assert isinstance(statement, ExternDeclaration | Outputs)
    assert unparse(statement) == text


def test_extern_is_a_name_where_it_is_used_as_one() -> None:
    assert symde.ode_def("x' = -extern*x").parameter_names == ("extern",)
    assert symde.ode_def("extern = 2\nx' = -extern*x").observable_names == ("extern",)


# text, code, what the caret is under
MISTAKES = [
    ("extern net() -> 2\nx' = 1", "E128", "extern net() -> 2"),
    ("extern net(a) -> 0\nx' = 1", "E128", "0"),
    ("extern net(a) -> 1.5\nx' = 1", "E128", "1.5"),
    ("extern net(a') -> 1\nx' = 1", "E128", "a'"),
    ("(f, 2) = net(x)\nx' = 1", "E129", "2"),
    ("(f, g) = 2*net(x)\nx' = 1", "E129", "2*net(x)"),
    ("extern net(a, b) -> 2\n(f, g) = net(x)\nx' = f + g", "E206", "net(x)"),
    ("extern net(a, b) -> 2\n(f, g, h) = net(x, x)\nx' = f + g + h", "E326", "f, g, h"),
    ("(f, g) = net(x, x)\nx' = f + g", "E202", "net(x, x)"),
    ("h(a) = 2*a\n(f, g) = h(x)\nx' = f + g", "E202", "h(x)"),
    ("extern net(a, b) -> 2\nx' = net(x, x)", "E327", "net(x, x)"),
    ("extern h(a) -> 1\nx' = h(x, 2)", "E206", "h(x, 2)"),
    ("extern h(a) -> 1\nx' = h", "E201", "h"),
    ("extern h(a) -> 1\nx' = h(x)\nh = 3", "E308", "h"),
    ("extern h(a) -> 1\nextern h(a) -> 1\nx' = h(x)", "E203", "h"),
    ("extern h(a) -> 1\nh(x) = 2*x\nx' = h(x)", "E203", "h"),
    ("extern h(a, a) -> 1\nx' = h(x, x)", "E317", "a"),
    ("extern h(t) -> 1\nx' = h(x)", "E204", "t"),
    ("extern h(a) -> 1\nx' = h(x)\nx(0) = h(2)", "E208", "h(2)"),
    ("extern h(a) -> 1\nf(b) = h(b)\nx' = h(x)\nx(0) = f(2)", "E208", "f(2)"),
    ("extern h(a) -> 1\ng = h(2)\nx' = h(x)\nx(0) = g", "E208", "g"),
    ("extern h(a) -> 1\nparam k = h(2)\nx' = k*h(x)", "E208", "h(2)"),
    ("extern h(a) -> 1\nx' = h(x > 1)", "E312", "x > 1"),
    ("extern net(a) -> 2\n(f, f) = net(x)\nx' = f", "E203", "f"),
    ("extern net(a) -> 2\n(f, g) = net(f)\nx' = f + g", "E305", "f"),
    ("extern net(a) -> 2\n(x', f) = net(x)\nx' = f", "E301", "x'"),
    ("extern stiff(a) -> 1\nx' = stiff(x)", "E204", "stiff"),
    (
        "model m\n  extern net(a) -> 2\n  state x = 1\n  (dx, g) = net(speling)\n  z = g\nend",
        "E201",
        "speling",
    ),
]


@pytest.mark.parametrize(
    ("text", "code", "place"), MISTAKES, ids=[f"{one[1]} {one[0][:30]}" for one in MISTAKES]
)
def test_each_mistake_is_told_with_its_place(text: str, code: str, place: str) -> None:
    with pytest.raises(ModelError) as caught:
        symde.ode_def(text)
    (first,) = caught.value.diagnostics
    assert first.code == code, str(caught.value)
    assert first.span is not None and first.span.text.strip("'") == place.strip("'")


def test_values_are_observed_and_derivatives_are_equations() -> None:
    model = symde.ode_def("extern net(a) -> 3\nextern h(a) -> 1\n(x', f, dy) = net(x + h(y))\nz = f + y")
    assert model.state_names == ("x", "y")
    assert model.observable_names == ("f", "z")
    assert model.extern_names == ("net", "h")
    assert model.sparsity().all()


def test_the_text_of_a_model_gives_an_equal_one() -> None:
    for text in (
        SPIRAL,
        "extern net(a) -> 3\nextern h(a) -> 1\n(x', f, dy) = net(x + h(y))\n(g, k, l) = net(f)\nz = f + y",
    ):
        model = symde.ode_def(text)
        assert symde.ode_def(model.text()) == model
        assert pickle.loads(pickle.dumps(model)) == model


def test_sympy_sees_undefined_functions_and_their_derivatives() -> None:
    model = symde.ode_def("extern h(a) -> 1\nx' = -k*h(x^2)")
    (x,), (k,) = model.states, model.parameters
    h = sympy.Function("h", real=True)
    assert model.equations[0].rhs == -k * h(x**2)
    by_x = model.jacobian()[0, 0]
    replaced = by_x.subs(h, sympy.sin).doit() if by_x.has(sympy.Subs) else by_x
    assert sympy.simplify(replaced + 2 * k * x * sympy.cos(x**2)) == 0
    second = model.hessian()[0][0, 0].subs(h, sympy.sin).doit()
    assert sympy.simplify(second - sympy.diff(-k * sympy.sin(x**2), x, 2)) == 0
    assert "h" in model.latex()


def test_a_problem_refuses_a_model_that_lacks_a_function() -> None:
    model = symde.ode_def(SPIRAL)
    assert [one.name for one in unbound(model.definition)] == ["net"]
    with pytest.raises(ValueError, match=r"model.bind\(net=network\).*Dense\(2, 16, \"tanh\"\)"):
        symde.Problem(model)
    with pytest.raises(ModelError, match="nothing is bound"):
        symde.export(model, "c")


def test_a_module_is_refused_on_the_cpu_with_the_remedy() -> None:
    class Module:  # looks like a torch module, whose presence this test does not need
        def state_dict(self): ...
        def named_parameters(self): ...
        def __call__(self, x): ...

    model = symde.ode_def(SPIRAL).bind(net=Module())
    problem = symde.Problem(model)
    with pytest.raises(ValueError, match="backend='torch'.*Network"):
        symde.solve(problem)
    with pytest.raises(ModelError, match="only torch differentiates"):
        symde.export(model, "numpy")


def test_checks_of_a_model_know_functions_from_outside() -> None:
    from symde.model.check import check

    warnings = {
        one.code for one in check(symde.ode_def("extern sin(a) -> 1\nextern h(a) -> 2\nx' = -sin(x)"))
    }
    assert {"W105", "W108"} <= warnings
