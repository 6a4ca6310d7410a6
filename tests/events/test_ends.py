"""How solves with events end: where they are told to, where events accumulate, and where they are refused."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde import Retcode


def problem(text: str, **given) -> symde.Problem:
    return symde.Problem(symde.ode_def(text), **given)


BALL = """
  param e = 0.5
  x' = v; v' = -10; x(0) = 1; v(0) = 0
  time 0 .. 1000
  bounce: when x <= 0: v = -e*v"""

RELAY = """
  x' = m; x(0) = 1
  discrete m = -1
  time 0 .. 3
  up: when x < 0: m = 1
  down: when x > 0: m = -1"""

DECAY = "x' = -x; x(0) = 1; time 0 .. 50\n half: when x < 0.5: stop"


def test_an_event_ends_the_solve_exactly_there():
    solution = symde.solve(problem(DECAY), "Vern7", rtol=1e-10, atol=1e-12)
    assert solution.retcode is Retcode.TERMINATED and solution.success
    assert solution.message == "an event ended the solve"
    np.testing.assert_allclose(solution.t[-1], np.log(2), rtol=1e-10)
    assert solution.dense is not None and solution.dense.end == solution.t[-1]


def test_an_event_that_ends_the_solve_may_set_values_first():
    text = "x' = -x; x(0) = 1; time 0 .. 50\n half: when x < 0.5: x = 7, stop"
    solution = symde.solve(problem(text))
    assert solution.u[-1, 0] == 7 and solution(solution.t[-1])[0] == 7


@pytest.mark.parametrize("e", [0.5, 0.9])
def test_times_that_accumulate_end_the_solve(e):
    # a ball comes to rest at t_1 (1 + e)/(1 - e), t_1 being the first impact
    solution = symde.solve(problem(BALL, p={"e": e}), "Tsit5", rtol=1e-8, throw=False)
    assert solution.retcode is Retcode.ZENO and not solution.success
    assert "event `bounce` accumulate" in solution.message
    np.testing.assert_allclose(solution.t[-1], np.sqrt(0.2) * (1 + e) / (1 - e), rtol=1e-6)


def test_events_that_trigger_each_other_end_the_solve():
    with pytest.raises(symde.SolveError, match="hysteresis") as failure:
        symde.solve(problem(RELAY))
    assert failure.value.retcode is Retcode.CHATTERING
    assert "`up`" in str(failure.value) or "`down`" in str(failure.value)
    np.testing.assert_allclose(failure.value.solution.t[-1], 1, rtol=1e-9)


def test_backwards_in_time_values_are_not_set():
    with pytest.raises(ValueError, match="event `bounce` sets values, which cannot be undone"):
        symde.solve(problem(BALL, tspan=(1, 0)))


def test_backwards_in_time_a_solve_ends_at_an_event():
    text = "x' = -x; x(0) = 1; time 0 .. -5\n big: when x > 2: stop"
    solution = symde.solve(problem(text), "Vern7", rtol=1e-10)
    np.testing.assert_allclose(solution.t[-1], -np.log(2), rtol=1e-9)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("a: every T: x = 0", "event `a` has a period of -1"),
        ("a: when x < 0.5 after T: x = 1", "event `a` has a delay of -1"),
        ("a: at t = log(T): x = 0", "event `a` is due at t = nan"),
    ],
)
def test_times_that_make_no_sense_are_refused(event, message):
    with pytest.raises(ValueError, match=message):
        symde.solve(problem(f"param T = -1\n x' = -x; x(0) = 1; time 0 .. 5\n {event}"))


def test_the_torch_engine_ends_them_too():
    pytest.importorskip("torch")
    here, there = (symde.solve(problem(DECAY), "Tsit5", backend=one, throw=False) for one in ("torch", "cpu"))
    assert here.retcode is there.retcode
    assert here.t[-1] == pytest.approx(there.t[-1], abs=1e-6)
