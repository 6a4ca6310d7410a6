"""Models from sympy expressions."""

from __future__ import annotations

import pytest
import sympy
from hypothesis import HealthCheck, assume, given, settings

from symde.diagnostics import ModelError
from symde.language.syntax import Expr
from symde.model.model import Model
from symde.model.ode_def import ode_def
from symde.model.sympy_view import SympyView

from .expressions import UndefinedError, expressions, value
from .test_sympy_view import definition, numeric, points

x, y, k, t = sympy.symbols("x y k t", real=True)


def test_symbols_names_and_functions_of_time_are_states() -> None:
    time = sympy.Symbol("s")
    f = sympy.Function("x")(time)
    by_function = Model.from_sympy({f: -k * f + time}, t=time)
    assert by_function == Model.from_sympy({"x": -k * x + t})
    assert by_function.equations == ode_def("x' = -k*x + t").equations


def test_parameters_are_the_other_symbols_sorted_or_as_given() -> None:
    b, a = sympy.symbols("b a")
    assert Model.from_sympy({x: b * x - a}).parameter_names == ("a", "b")
    assert Model.from_sympy({x: b * x - a}, parameters=[b, "a"]).parameter_names == ("b", "a")
    model = Model.from_sympy({x: b * x - a}, parameters={b: 2, a: 3 * b}, initial={x: 2 * a})
    other = ode_def("param b = 2, a = 3*b\nstate x = 2*a\nx' = b*x - a")
    assert model.equations == other.equations
    assert model.definition.states[0].initial == other.definition.states[0].initial


def test_symbols_lose_their_assumptions() -> None:
    positive = sympy.Symbol("x", positive=True)
    model = Model.from_sympy({positive: -positive * abs(positive)})
    assert model.states[0].is_positive is None


@pytest.mark.parametrize(
    ("equations", "message"),
    [
        ({x: sympy.besselj(0, x)}, "besselj"),
        ({x: sympy.I * x}, "no counterpart|no finite real"),
        ({x: sympy.oo}, "no finite real"),
        ({x: sympy.Piecewise((1, x < 0))}, "has no value"),
        ({sympy.Symbol("a b"): x}, "cannot be the name"),
        ({t: x}, "cannot be the name"),
        ({x: sympy.Integral(x, x)}, "no counterpart"),
    ],
)
def test_what_the_language_lacks_is_refused(equations: dict, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Model.from_sympy(equations)


def test_undefined_symbols_are_errors_where_parameters_are_given() -> None:
    with pytest.raises(ModelError, match="cannot read `k`"):
        Model.from_sympy({x: k * x}, parameters=[])
    with pytest.raises(ModelError, match="is a state and a parameter"):
        Model.from_sympy({x: k * x}, parameters=["x", "k"])
    with pytest.raises(ModelError, match="has no equation"):
        Model.from_sympy({x: k * x}, initial={y: 1})
    with pytest.raises(ModelError, match="initial value cannot read `x`"):
        Model.from_sympy({x: x, y: y}, initial={y: x}, parameters=[])


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(expressions(("x", "y", "k", "t")), points)
def test_what_the_view_shows_reads_back_with_the_same_value(expression: Expr, at: dict[str, float]) -> None:
    try:
        expected = value(expression, at)
        shown = SympyView(definition(expression)).expression(expression)
    except (UndefinedError, ModelError):
        # A constant part is no real number, which a text may not say either.
        assume(False)
    assume(not shown.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.I, sympy.AccumBounds))
    assume(all(abs(number) < 1e300 for number in shown.atoms(sympy.Number)))
    assume(not shown.has(sympy.re, sympy.im, sympy.arg, sympy.factorial))
    model = Model.from_sympy({x: shown, y: 0}, parameters=[k])
    # Half of the digits of float64, as in the test of the view itself.
    assert numeric(model.equations[0].rhs, at) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    "shown",
    [
        x**2 * y / (3 * k) - sympy.sqrt(x) * sympy.exp(-t) + sympy.Rational(2, 3),
        1 / sympy.sqrt(x) - x ** sympy.Rational(-5, 2) - 2.5e-7 * x,
        sympy.Piecewise((x, x < y), (-x, sympy.And(x > 2 * y, sympy.Ne(t, 1))), (k, True)),
        sympy.Max(x, y, k) + sympy.Min(x, 1) + sympy.Abs(x - y) + sympy.sign(x),
        sympy.Heaviside(x, 1) + sympy.Heaviside(y) + sympy.floor(x) + sympy.Mod(x, y),
        sympy.E * sympy.pi * sympy.gamma(x) * sympy.atan2(y, x) - sympy.erf(x) + sympy.log(x) / sympy.log(10),
    ],
)
def test_exact_expressions_come_back_as_they_were(shown: sympy.Expr) -> None:
    found = Model.from_sympy({x: shown, y: 0}, parameters=[k]).equations[0].rhs
    assert sympy.simplify(found.rewrite(sympy.Piecewise) - shown.rewrite(sympy.Piecewise)) == 0
