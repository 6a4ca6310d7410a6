"""A model written as text and read again, or pickled, is the same model."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symde.diagnostics import ModelError
from symde.language.syntax import Expr, Name
from symde.model.definition import Constant, Definition, Function, Observable, Parameter, State
from symde.model.model import Model
from symde.model.ode_def import ode_def
from symde.model.trace import trace

from .expressions import expressions, number

TEXTS = [
    "x' = -k*x",
    "x'' = -k*x - c*x'\nx(t0) = 1\nx'(t0) = v\ntime 0 .. 10*T",
    "@ode_def M begin\ndy₁ = -k₁*y₁ + α\nend k₁ α unused",
    "x' = dose - x\ndose = 5*k if t < 3 else 0",
    "x' = -k*x\ny' = dx + x'",
    "f(a, b) = a*exp(-b)\ng(c) = f(c, k)\nx' = -g(x) + max(x, 1, k)\ns = f(x, x)",
    'model M "documented"\nconst c = 2e-3 [s] "a time"\n'
    'param k = 2*a [1/s] in (0, inf) nominal 5 "rate", a = -3 in (-4, 1e20)\n'
    'state x = c*k [mol] nominal 0.1 "amount"\ntime -1 .. k\nx\' = -k*x*a*c\nend',
    "x' = piecewise(x, x < 1 and not (t > 2 or t == 1), 2*x, x != 3, 0)",
    "x' = -x^-2 + 2x/3y - (x - (y - x)) + x/(y/x)\ny' = (x^2)^3 - (-x)^2",
    "param t0 = 1\nstate x = t0\nx' = -x*t0",
    "gamma' = -gamma*time*end\nI' = state",
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_gives_the_model_back(text: str) -> None:
    model = ode_def(text)
    again = ode_def(model.text())
    assert again == model, model.text()
    assert hash(again) == hash(model)
    assert again.text() == model.text()
    assert again.doc == model.doc


@pytest.mark.parametrize("text", TEXTS)
def test_pickle_gives_the_model_back_with_its_places(text: str) -> None:
    model = ode_def(text)
    again = pickle.loads(pickle.dumps(model))
    assert again == model
    assert hash(again) == hash(model)
    assert again.text() == model.text()
    first, second = model.definition.states[0], again.definition.states[0]
    assert first.equation.text == second.equation.text
    assert again.definition.source.text == text


WORDS = ("x", "y", "k", "c", "o", "t")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(expressions(WORDS, leaves=8), min_size=3, max_size=3), expressions(("k", "t0"), leaves=4))
def test_every_model_has_a_text(roots: list[Expr], initial: Expr) -> None:
    first, second, third = roots
    definition = Definition(
        name="M",
        doc=None,
        states=(State("x", first, initial, "mol", 2.0), State("y", second)),
        parameters=(Parameter("k", None, None, (0.0, 2.5), None),),
        observables=(Observable("o", Name("x", span=None)), Observable("q", third)),
        constants=(Constant("c", 2.5),),
        functions=(Function("f", ("a",), Name("a", span=None)),),
        tspan=(number(0), number(10)),
    )
    model = Model(definition)
    try:
        again = ode_def(model.text())
    except ModelError as problem:
        # Random constants may overflow or leave a domain; that alone may stop the text.
        assert {one.code for one in problem.diagnostics} == {"E318"}
        return
    assert again == model, model.text()


def test_pickles_of_shared_and_deep_expressions_stay_small() -> None:
    def spiral(u, p, t):
        x = u[0]
        for _ in range(2000):
            x = x * x + p[0]
        return [x]

    model = Model(trace(spiral, 1, 1))
    data = pickle.dumps(model)
    assert len(data) < 1_000_000
    assert pickle.loads(data) == model
    with pytest.raises(ModelError, match="written as text"):
        model.text()
