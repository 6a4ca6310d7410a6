"""Hamilton's equations from the text: exact, readable, and refused where they cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import symde
from symde.diagnostics import ModelError
from symde.language import parse, unparse
from symde.language.syntax import Expr, Hamiltonian
from symde.model.ode_def import ode_def
from symde.model.sympy_derivative import differentiate
from symde.model.sympy_view import SympyView, symbol
from symde.model.syntax_derivative import Differentiator, NoDerivativeError

from .expressions import UndefinedError, expressions, value
from .test_sympy_view import definition, numeric

PENDULUM = """
model Pendulum
  param m = 2, g = 9.81, l = 0.5
  state q = 1, p = 0
  hamiltonian H = p^2/(2*m*l^2) - m*g*l*cos(q) for (q, p)
end
"""


def derived(text: str) -> dict[str, str]:
    """The equations as text, by state."""
    lines = ode_def(text).text().splitlines()
    return dict(line.strip().split("' = ") for line in lines if "' = " in line)


def test_the_equations_are_those_of_the_textbook() -> None:
    assert derived(PENDULUM) == {"q": "p/(m*l^2)", "p": "-(m*g*l*sin(q))"}


def test_the_energy_is_an_observed_quantity() -> None:
    model = ode_def(PENDULUM)
    assert model.observable_names == ("H",)
    solution = symde.solve(symde.Problem(model, tspan=(0, 10)), "Vern7", rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(solution["H"], solution["H"][0], rtol=1e-8)


def test_it_is_the_model_written_by_hand() -> None:
    by_hand = PENDULUM.replace("hamiltonian H = ", "H = ").replace(
        " for (q, p)", "\n  q' = p/(m*l^2)\n  p' = -(m*g*l*sin(q))"
    )
    assert ode_def(PENDULUM) == ode_def(by_hand)


def test_the_text_of_the_model_gives_an_equal_model() -> None:
    model = ode_def(PENDULUM)
    assert ode_def(model.text()) == model


MANY = [
    PENDULUM,
    "hamiltonian H = (u^2 + v^2)/2 - 1/sqrt(x^2 + y^2) for (x, u), (y, v)",
    "T = p^2/2\nV(z) = z^2/2 + a*z^4\nhamiltonian H = T + V(q)*(1 + sin(t)/10) for (q, p)",
    "hamiltonian H = sqrt(1 + p^2) + exp(-q) + log(1 + q^2)*p for (q, p)",
    "r = sqrt(x^2 + y^2)\nhamiltonian E = (u*v)^1.5 + r^a - k*x/(r*y) for (x, u), (y, v)",
]


@pytest.mark.parametrize("text", MANY)
def test_the_equations_are_the_derivatives_of_the_energy(text: str) -> None:
    model = ode_def(text)
    ((_, statement),) = [
        (block, one) for block in parse(text) for one in block.statements if isinstance(one, Hamiltonian)
    ]
    energy = dict(zip(map(str, model.observables), model.observable_values().values(), strict=True))
    rates = {str(one.lhs.args[0]): one.rhs for one in model.equations}
    slopes = energy[statement.name.id]
    names = [*model.state_names, *model.parameter_names, "t"]
    point = {symbol(name): sympy.Rational(k + 3, 7) for k, name in enumerate(names)}
    for q, p in statement.pairs:
        for rate, slope in (
            (rates[q.id], slopes.diff(symbol(p.id))),
            (rates[p.id], -slopes.diff(symbol(q.id))),
        ):
            # both with 30 digits; the text's own decimals have 15
            assert abs((rate - slope).subs(point).evalf(30)) < 1e-13
    symde.testing.check_derivatives(model)


def test_what_is_not_in_a_pair_has_equations_of_its_own() -> None:
    text = "hamiltonian H = p^2/2 + w*q^2/2 for (q, p)\nw' = -w\nd' = p'*q + q'*p"
    model = ode_def(text)
    rates = {str(one.lhs.args[0]): one.rhs for one in model.equations}
    q, p, w = map(symbol, "qpw")
    assert rates["w"] == -w and sympy.expand(rates["d"]) == sympy.expand(p**2 - w * q**2)


def test_two_hamiltonians_with_pairs_of_their_own_stand_side_by_side() -> None:
    text = "hamiltonian H = p^2/2 - cos(q) for (q, p)\nhamiltonian K = u^2/2 + x^4/4 for (x, u)"
    assert derived(text) == {"q": "p", "p": "-sin(q)", "x": "u", "u": "-x^3"}


WRONG = [
    ("hamiltonian H = p^2 + q^2 for (q, q)", "E324", "q", "stands in two pairs"),
    ("hamiltonian H = p^2 + q^2 for (q, p), (r, p)", "E324", "p", "stands in two pairs"),
    ("hamiltonian H = p^2 + q^2 for (q, q')", "E324", "q'", "pairs are made of states"),
    ("hamiltonian H = q'^2 + q^2 for (q, p)", "E325", "q'", "is a derivative"),
    ("v = q'\nhamiltonian H = v^2 + q^2 for (q, p)", "E325", "q'", "is a derivative"),
    ("hamiltonian H = gamma(q) + p^2 for (q, p)", "E325", "gamma(q)", "cannot be written"),
    ("hamiltonian H = p^2 + q^2 for (q, p)\np' = -q", "E301", "p", "two equations"),
    ("hamiltonian H = p^2 + q^2 for (q, p)\nhamiltonian H = p^2 for (r, s)", "E203", "H", "declared twice"),
    ("hamiltonian H = p^2 + q^2 for (q, p)\nhamiltonian K = p^2 for (q, s)", "E301", "q", "two equations"),
    ("param p = 1\nhamiltonian H = p^2 + q^2 for (q, p)", "E308", "p", "is a parameter"),
    ("const p = 1\nhamiltonian H = p^2 + q^2 for (q, p)", "E308", "p", "is a constant"),
    ("p = 2*q\nhamiltonian H = p^2 + q^2 for (q, p)", "E308", "p", "cannot be assigned"),
    ("hamiltonian H = p^2 + K for (q, p)\nK = H*q", "E305", None, "depends on itself"),
    ("hamiltonian t = p^2 for (q, p)", "E204", "t", "reserved"),
    ("hamiltonian H = p^2 for (t, p)", "E204", "t", "reserved"),
    ("hamiltonian H = (p > 1) for (q, p)", "E312", None, "a number is expected"),
    (
        "model M\nstate q = 1\nhamiltonian H = p^2 + q^2 for (q, p)\nend",
        "E303",
        "p",
        "not declared as a state",
    ),
    ("model M\nstate q = 1, p = 1\nhamiltonian H = p^2 + z for (q, p)\nend", "E201", "z", "unknown name `z`"),
    ("hamiltonian H = p^2 + q^2", "E127", "hamiltonian", "which states are conjugate"),
    ("hamiltonian H = p^2 + q^2 for q, p", "E127", "q, p", "two by two"),
    ("hamiltonian H = p^2 + q^2 for (q, p, r)", "E127", "(q, p, r)", "two by two"),
    ("hamiltonian p^2 + q^2 for (q, p)", "E127", "p^2 + q^2", "has a name"),
]


@pytest.mark.parametrize(("text", "code", "caret", "words"), WRONG)
def test_mistakes_are_told_with_their_place(text: str, code: str, caret: str | None, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        ode_def(text)
    (first, *others) = caught.value.diagnostics
    assert (first.code, len(others)) == (code, 0), str(caught.value)
    assert words in first.message
    if caret is not None:
        assert first.span is not None and first.span.text == caret


def test_the_statement_is_written_as_it_was_read() -> None:
    text = "hamiltonian H = p^2/2 + (q if q > 0 else -q) for (q, p), (r, s)"
    (block,) = parse(text)
    assert unparse(block.statements[0]) == text


def test_a_state_may_be_called_hamiltonian() -> None:
    assert ode_def("hamiltonian' = -hamiltonian").state_names == ("hamiltonian",)
    assert ode_def("x' = -x\nhamiltonian = x^2").observable_names == ("hamiltonian",)


SMOOTH = ("exp", "sin", "cos", "tan", "atan", "tanh", "erf", "sinh", "cosh", "abs", "sqrt", "log", "asin")
SLOW = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


@SLOW
@given(
    expressions(("x", "y"), leaves=8),
    st.fixed_dictionaries({word: st.floats(-3, 3).map(lambda one: round(one, 3)) for word in "xy"}),
)
def test_derivatives_of_the_syntax_tree_are_those_of_sympy(expression: Expr, at: dict[str, float]) -> None:
    step = 1e-5
    try:
        slope = Differentiator({}, ("x", "y")).derivative(expression, "x")
        found = value(slope, at | {"pi": math.pi})
        left, middle, right = (value(expression, at | {"x": at["x"] + n * step}) for n in (-1, 0, 1))
    except (UndefinedError, NoDerivativeError):
        assume(False)
    # at a kink the two forms may take different branches
    assume(abs((right - middle) - (middle - left)) < 1e-3 * step * (1 + abs(right - left) / step))
    view = SympyView(definition(expression)).expression(expression)
    try:
        expected = numeric(differentiate(view, symbol("x")), at)
    except (TypeError, ModelError):  # sympy cannot compare or show it
        assume(False)
    assume(math.isfinite(expected))
    # the tree is evaluated in float64, where a derivative may cancel
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)
