"""Events at known times that the compiled loop carries out by itself: as the host would, and without it."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.cpu.event_times import CHUNK, EventTimes
from symde.engine.cpu.executive import Executive
from symde.problem.event_plan import EventPlan

METHODS = ("Tsit5", "Vern7", "Rodas5P", "VCABM", "QNDF", "Radau", "Taylor")

TREATED = """
model Treated
  param k = 0.7, size = 2, lag = 0.3
  state A = 0, B = 1
  discrete n = 0, high = 0
  time 0 .. 12
  A' = -k*A
  B' = A - 0.2*B - high
  discrete given = size
  dose: every 1 from 0 until 9: A += given, n += 1
  other: at t = lag, 4, 4 + lag: B = 0.5*B + A
  same: every 2: n += 10*A
  above: when B > 3: high = 1
  below: when B < 5: high = 0
  late: when n > 100: given = 0.5
  finish: at t = 11: stop
end
"""


def seen(problem: symde.Problem, method: str, **options):
    """All that a solve tells."""
    solution = symde.solve(problem, method, rtol=1e-8, atol=1e-10, **options)
    records = [(one.t, one.name, one.before, one.after) for one in solution.events]
    return solution, records


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("options", [{}, {"saveat": 0.25}, {"saveat": [1.0, 4.0], "dense": True}])
def test_the_loop_does_what_the_host_does(method, options, monkeypatch):
    problem = symde.Problem(symde.ode_def(TREATED))
    solution, records = seen(problem, method, **options)
    monkeypatch.setattr(Executive, "_can_loop", lambda self: False)
    alone = symde.Problem(symde.ode_def(TREATED))  # a system of its own, with sessions of its own
    by_host, expected = seen(alone, method, **options)
    assert [one[:2] for one in records] == [one[:2] for one in expected]
    assert {name for _, name, _, _ in records} >= {
        "dose",
        "other",
        "same",
        "above",
        "below",
        "late",
        "finish",
    }
    for (_, _, *states), (_, _, *others) in zip(records, expected, strict=True):
        np.testing.assert_array_equal(states, others)
    np.testing.assert_array_equal(solution.t, by_host.t)
    np.testing.assert_array_equal(solution.u, by_host.u)
    if solution.dense is not None:
        assert solution.dense is not None
        t = np.linspace(0, 11, 100)
        np.testing.assert_array_equal(solution(t), by_host(t))


@pytest.fixture
def hosted(monkeypatch):
    """The times at which the host is called."""
    times: list[float] = []
    take = Executive.take

    def noted(self, at_root):
        times.append(self.session.state.t)
        return take(self, at_root)

    monkeypatch.setattr(Executive, "take", noted)
    return times


def test_doses_do_not_call_the_host(hosted):
    text = "param k = 0.3\nA' = -k*A; A(0) = 0; time 0 .. 100\ndose: every 1 from 0: A += 2"
    problem = symde.Problem(symde.ode_def(text))
    solution = symde.solve(problem, "Tsit5", rtol=1e-10, atol=1e-12, saveat=[100.0])
    assert hosted == []
    assert [one.t for one in solution.events] == list(range(101))
    # a geometric series
    assert solution.u[-1, 0] == pytest.approx(2 * (1 - np.exp(-0.3 * 101)) / (1 - np.exp(-0.3)), rel=1e-9)


def test_the_host_is_called_where_a_dose_fulfils_a_condition(hosted):
    text = """
      A' = -0.1*A; A(0) = 0; time 0 .. 9.5
      discrete given = 2
      dose: every 1 from 0: A += given
      enough: when A >= 8: given = 0.5
    """
    solution = symde.solve(symde.Problem(symde.ode_def(text)), "Tsit5")
    enough = [one.t for one in solution.events if one.name == "enough"]
    doses = {one.t for one in solution.events if one.name == "dose"}
    assert len(enough) == 1
    assert doses & set(hosted) == set(enough)


def test_more_times_than_are_made_at_once(hosted):
    number = 3 * CHUNK + 5
    text = f"x' = 1; x(0) = 0; time 0 .. 1\ndiscrete n = 0\nevery: every 1/{number} from 0: n += 1"
    solution = symde.solve(symde.Problem(symde.ode_def(text)), "Tsit5", saveat=[1.0])
    assert solution["n"][-1] == number + 1
    np.testing.assert_allclose([one.t for one in solution.events], np.arange(number + 1) / number, rtol=1e-14)
    assert len(hosted) <= 5


def test_times_that_are_made_later_stay_in_order():
    every = EventPlan("a", "every", -1, "both", (0, 1, None), (0,), False, False, False)
    slow = EventPlan("b", "every", -1, "both", (2, 1, None), (0,), False, False, False)
    at = EventPlan("c", "at", -1, "both", (3, 4), (0,), False, False, False)
    times = EventTimes((every, slow, at), (1.0, 0.0, 7.0, 2 * CHUNK + 0.5, 14.0), 0.0, 5.0 * CHUNK)
    taken = []
    while times.next is not None:
        t = times.next
        taken += [(t, index) for index, _ in times.take(t)]
    expected = [(float(k), 0) for k in range(5 * CHUNK + 1)]
    expected += [(7.0 * k, 1) for k in range(5 * CHUNK // 7 + 1)] + [(14.0, 2), (2 * CHUNK + 0.5, 2)]
    assert taken == sorted(expected)


def test_stops_of_the_caller_come_between_doses():
    text = "A' = -0.3*A; A(0) = 0; time 0 .. 10\ndose: every 1 from 0: A += 2"
    problem = symde.Problem(symde.ode_def(text))
    whole = symde.solve(problem, "Tsit5", saveat=[2.5, 5.0, 10.0], rtol=1e-10, atol=1e-12)
    integrator = symde.Integrator(problem, "Tsit5", rtol=1e-10, atol=1e-12)
    for row, t in enumerate((2.5, 5.0, 10.0)):
        assert integrator.advance(t)[0] == pytest.approx(whole.u[row, 0], rel=1e-8)
