"""Delayed values in the language: what they become, that they survive every way a model travels, mistakes."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import hypothesis.strategies as st
import pytest
import sympy
from hypothesis import given

import symde
from symde.diagnostics import ModelError
from symde.language import parse, unparse
from symde.language.syntax import History
from symde.model.delays import Delays

TEXT = """model Both
  param tau = 1, c = 2
  state x = 1, y = 0
  history x = c*cos(t), y = t^2
  z = 2*x + t
  f(a) = x(t - a)
  x' = -x(t - tau)*y'(t - 2) + z(t - 1)
  y' = x(t/2) - f(c) + x(t - x)
end"""


def test_what_is_read_of_the_past():
    delays = symde.ode_def(TEXT).definition.delays
    assert isinstance(delays, Delays) and delays.read
    assert delays.states == ("x",) and delays.slopes == ("y",)
    assert [one.state for one in delays.histories] == ["x", "y"]


def test_a_model_without_delays_has_none():
    assert symde.ode_def("x' = -x").definition.delays is None


def test_a_history_is_a_statement_and_a_name_elsewhere():
    (block,) = parse("history x = sin(t), y = 1\nx' = -x\ny' = -y")
    assert [type(one) for one in block.statements[:2]] == [History, History]
    assert unparse(block).splitlines()[0] == "history x = sin(t)"
    model = symde.ode_def("history' = -history\nhistory(0) = 2")
    assert model.state_names == ("history",)


@pytest.mark.parametrize("travelled", [
    lambda model: symde.ode_def(model.text()),
    lambda model: pickle.loads(pickle.dumps(model)),
])  # fmt: skip
def test_models_survive_travelling(travelled):
    model = symde.ode_def(TEXT)
    again = travelled(model)
    assert again == model and hash(again) == hash(model)
    assert again.definition.delays == model.definition.delays


@pytest.mark.parametrize("other", [
    ("t - tau", "t - 2*tau"), ("history x = c*cos(t), y = t^2", "history x = c*sin(t), y = t^2"),
    ("history x = c*cos(t), y = t^2", "history x = c*cos(t)"), ("y'(t - 2)", "y(t - 2)"),
])  # fmt: skip
def test_models_differ_where_their_past_does(other):
    assert symde.ode_def(TEXT) != symde.ode_def(TEXT.replace(*other))


def test_an_observed_quantity_at_another_time_is_written_out():
    written = symde.ode_def("z = 2*x + t\nx' = z(t - 1)")
    assert written.equations == symde.ode_def("z = 2*x + t\nx' = 2*x(t - 1) + (t - 1)").equations


def test_sympy_shows_a_state_at_another_time_as_a_function():
    model = symde.ode_def("param tau\nx' = -x(t - tau) + x\nstate x")
    t, tau, x = sympy.symbols("t tau x", real=True)
    past = sympy.Function("x", real=True)(t - tau)
    assert model.rhs()[0] == x - past
    assert model.jacobian()[0, 0] == 1
    assert model.parameter_jacobian()[0, 0] != 0
    assert r"x{\left(t - \tau \right)}" in model.latex()


def test_a_decorated_function_may_look_back():
    @symde.ode_def
    def decay(x=1.0, *, tau=1.0):
        dx = -x(t - tau)  # noqa: F821, F841  # type: ignore

    assert decay == symde.ode_def("model decay\nparam tau = 1.0\nstate x = 1.0\nx' = -x(t - tau)\nend")


def test_a_state_without_initial_value_begins_where_its_history_ends():
    model = symde.ode_def("param c\nstate x\nhistory x = c + cos(t)\nx' = -x(t - 1)\ntime 2 .. 3")
    problem = symde.Problem(model, p=[5.0])
    assert problem.u0[0] == pytest.approx(5.0 - 0.41614683654714241, rel=1e-15)


@given(st.integers(1, 50), st.integers(1, 50))
def test_lags_are_read_as_written(numerator, denominator):
    text = f"x' = -x(t - {numerator}/{denominator})"
    model = symde.ode_def(text)
    assert symde.ode_def(model.text()) == model and f"x(t - {numerator}/{denominator})" in model.text()


@dataclass(frozen=True)
class Mistake:
    text: str
    code: str
    caret: str
    message: str


MISTAKES = {
    "the future": Mistake("x' = -x(t + 1)", "E383", "x(t + 1)", "of the future"),
    "the future by a constant": Mistake("const a = -2\nx' = -x(t - a)", "E383", "x(t - a)", "of the future"),
    "no delay": Mistake("x' = -x(t - 0)", "E383", "x(t - 0)", "this delay is 0"),
    "the present": Mistake("x' = -x(t)", "E205", "x(t)", "without its time"),
    "a fixed time": Mistake("x' = -x(2)", "E382", "x(2)", "at an earlier time"),
    "a parameter as a time": Mistake("param k\nx' = -x(k)\nx(0) = 1", "E382", "x(k)", "at an earlier time"),
    "two times": Mistake("x' = -x(t - 1, 2)", "E206", "x(t - 1, 2)", "one argument"),
    "an unknown state": Mistake("x' = -y(t - 1)", "E202", "y", "unknown function"),
    "a derivative too many": Mistake("x' = -x''(t - 1)", "E202", "x''", "unknown function"),
    "a history of nothing": Mistake("x' = -x(t - 1)\nhistory z = 1", "E380", "z", "not a state"),
    "two histories": Mistake("x' = -x(t - 1)\nhistory x = 1\nhistory x = 2", "E381", "x", "two histories"),
    "a history of states": Mistake("x' = -x(t - 1)\nhistory x = x\nx(0) = 1", "E208", "x", "cannot read"),
    "a start in the past": Mistake("x' = -x\nx(0) = x(t0 - 1)", "E208", "x(t0 - 1)", "cannot read"),
    "a Hamiltonian of the past": Mistake(
        "hamiltonian H = p^2/2 + q(t - 1)^2 for (q, p)", "E325", "q(t - 1)", "reads the present"
    ),
    "functions": Mistake(
        "f(a) = 2*a\ny = f(x)\nx' = -y(t - 1)", "E384", "y(t - 1)", "cannot be read at another time"
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name):
    mistake = MISTAKES[name]
    with pytest.raises(ModelError) as caught:
        symde.ode_def(mistake.text)
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert (found.code, found.span.text) == (mistake.code, mistake.caret)
    assert mistake.message in found.message
    assert found.help
