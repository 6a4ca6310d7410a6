"""Events of the batched engine: what happens, when, and to whom, as in the compiled engine."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import symde
from symde.engine.batched import integrate
from symde.layers.module import module_of
from symde.layers.module_events import events_of
from tests.batched.test_work import Count

BALL = """
model Ball
  param g = 9.81, e = 0.8
  state x = 1, v = 0
  discrete impacts = 0
  time 0 .. 3
  x' = v
  v' = -g
  bounce: when x <= 0: v = -e*v, impacts += 1
end
"""
DOSES = """
  param k = 0.7, T = 1.3, D = 2, level = 0.5, lag = 0.3
  state x = 1
  discrete n = 0
  x' = -k*x
  at t = T, 2*T: x += D*level
  every 0.51 from t0: x -= 0.1*x
  when falling x == level: n += 1
  when n >= 2 after lag: x = 1.3*x + k
  when mod(t, 2) < 1 and x < 0.6 priority 2: x *= 1.1
  time 0 .. 4
"""
THERMOSTAT = """
  param low = 18, high = 22
  state T = 15
  discrete on = 1
  T' = 5*on - 0.2*(T - 5)
  when T > high: on = 0
  when T < low: on = 1
  time 0 .. 15
"""
TIGHT = {"rtol": 1e-9, "atol": 1e-11}


@pytest.mark.parametrize(
    ("text", "method"),
    [(BALL, "Tsit5"), (BALL, "Rodas5P"), (BALL, "KenCarp4"), (DOSES, "Tsit5"), (THERMOSTAT, "Vern7")],
)
def test_events_are_those_of_the_compiled_engine(text, method):
    problem = symde.Problem(symde.ode_def(text))
    here, there = (symde.solve(problem, method, backend=one, **TIGHT) for one in ("torch", "cpu"))
    assert [one.name for one in here.events] == [one.name for one in there.events]
    for ours, theirs in zip(here.events, there.events, strict=True):
        assert ours.t == pytest.approx(theirs.t, abs=1e-7)
        assert ours.before == pytest.approx(theirs.before, abs=1e-7)
        assert ours.after == pytest.approx(theirs.after, abs=1e-7)
    # both limits at an event, and the continuous solution on both sides of it
    t = here.events[0].t
    assert (here.t == t).sum() == (2 if t > 0 or len(here.events) > 1 else 1)
    assert here(t, side="left") == pytest.approx(here.events[0].before, abs=1e-9)
    times = np.linspace(*problem.tspan, 50)
    assert here(times) == pytest.approx(there(times), abs=1e-6)


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "KenCarp4", "RK4"])
def test_each_member_has_its_own_events_to_the_last_bit_as_alone(method):
    problem = symde.Problem(symde.ode_def(BALL))
    rhs, events = module_of(problem.system), events_of(problem.system)
    p = torch.tensor(problem.p)[:, None] * torch.tensor([[1.0, 1.3, 0.6], [1.0, 0.9, 1.1]]).double()
    u0 = torch.tensor(problem.u0)[:, None].repeat(1, 3)
    options = {"method": method, "events": events, "dt0": 0.01 if method == "RK4" else None, **TIGHT}
    found = integrate(rhs, u0, p, 0.0, 2.0, [1.0, 2.0], **options)
    for k in range(3):
        alone = integrate(rhs, u0[:, k : k + 1], p[:, k : k + 1], 0.0, 2.0, [1.0, 2.0], **options)
        assert torch.equal(alone.u[..., 0], found.u[..., k])
        assert torch.equal(alone.events.t, found.events.times(k, "bounce"))
        g, e = p[:, k].tolist()
        # the first impact at sqrt(2/g), each flight e times as long as the one before
        first, flight = math.sqrt(2 / g), 2 * math.sqrt(2 / g)
        expected = (
            [first + flight * e * (1 - e**m) / (1 - e) for m in range(len(alone.events))] if e != 1 else []
        )
        assert alone.events.t.tolist() == pytest.approx(expected, abs=1e-12)


def test_a_saved_time_that_is_an_events_own_holds_the_state_after_it():
    problem = symde.Problem(symde.ode_def("state x = 1\nx' = 0\nat t = 0, 1: x *= 2\ntime 0 .. 1"))
    found = symde.solve(problem, "Tsit5", saveat=[0.0, 0.5, 1.0], backend="torch")
    assert found.u[:, 0].tolist() == [2.0, 2.0, 4.0]


def test_a_stop_ends_one_member_and_no_other():
    problem = symde.Problem(
        symde.ode_def("param k = 1\nstate x = 1\nx' = -k*x\nwhen x < 0.5: stop\ntime 0 .. 1")
    )
    rhs, events = module_of(problem.system), events_of(problem.system)
    p = torch.tensor([[1.0, 0.5]]).double()
    found = integrate(rhs, torch.ones(1, 2).double(), p, 0.0, 1.0, [0.5, 1.0], events=events, **TIGHT)
    assert found.success
    assert found.t.tolist() == pytest.approx([math.log(2), 1.0], abs=1e-9)
    assert found.u[:, 0].isnan().tolist() == [[False, False], [True, False]]
    assert found.state[0].tolist() == pytest.approx([0.5, math.exp(-0.5)], abs=1e-8)


def test_there_is_an_end_to_events_that_accumulate(monkeypatch):
    monkeypatch.setattr("symde.engine.batched.events.accumulation.MOST_AT_ONCE", 50)
    for e, end in ((0.5, 10), (0.5, 1000)):
        problem = symde.Problem(symde.ode_def(BALL), p={"e": e}, tspan=(0, end))
        found = symde.solve(problem, "Tsit5", backend="torch", throw=False)
        assert found.retcode == symde.Retcode.ZENO
        assert "the times of event `bounce` accumulate here" in found.message
        assert found.t[-1] == pytest.approx(math.sqrt(2 / 9.81) * (1 + e) / (1 - e), abs=1e-9)
    chain = "state x = 0\nx' = 1\nwhen x > 1: x = 0.5\nwhen x < 0.7 and t > 0.8: x = 2\ntime 0 .. 2"
    found = symde.solve(symde.Problem(symde.ode_def(chain)), "Tsit5", backend="torch", throw=False)
    assert found.retcode == symde.Retcode.CHATTERING


def test_events_of_a_call_are_those_of_the_torch_engine_too():
    problem = symde.Problem(symde.ode_def(BALL), tspan=(0, 60))
    events = [symde.Event("impacts >= 3 and v < 0", stop=True), symde.Event(at=1.0, effects={"g": 1.62})]
    here, there = (
        symde.solve(problem, "Tsit5", backend=one, events=events, **TIGHT) for one in ("torch", "cpu")
    )
    assert here.retcode == there.retcode == symde.Retcode.TERMINATED
    assert here.t[-1] == pytest.approx(there.t[-1], abs=1e-9)


@pytest.mark.parametrize("waves", [50, 120])
def test_waves_of_time_far_shorter_than_steps_are_all_counted(waves):
    text = f"x' = 1; x(0) = 0\ndiscrete n = 0\ntime 0 .. 0.2\na: when sin(2*pi*{waves}*t) > 0.5: n += 1"
    found = symde.solve(symde.Problem(symde.ode_def(text)), "Tsit5", backend="torch")
    times = (np.arange(waves // 5) + 1 / 12) / waves
    np.testing.assert_allclose([event.t for event in found.events], times, atol=1e-12)


@pytest.mark.parametrize("condition", ["1/x < -1", "tan(x + pi/2) > 5"])
def test_a_condition_that_turns_true_at_a_pole_does_so_once(condition):
    # 1/x and -cot(x) jump from one infinity to the other at x = 0, t = 1
    text = f"x' = -1; x(0) = 1; discrete n = 0; time 0 .. 1.5; a: when {condition}: n += 1"
    found = symde.solve(symde.Problem(symde.ode_def(text)), "Tsit5", backend="torch", max_steps=200)
    assert [one.t for one in found.events] == [pytest.approx(1, abs=1e-9)]


def test_a_function_that_leaves_zero_without_a_slope_is_on_the_side_it_goes_to():
    # t^4 - t^5, zero at 0 and 1
    text = """
      x' = 4*t^3 - 5*t^4; x(0) = 0
      discrete n = 0
      time 0 .. 1.5
      a: when x < 0: n += 1
      b: when x > 0: n += 1"""
    found = symde.solve(symde.Problem(symde.ode_def(text)), "KenCarp4", backend="torch", max_steps=400)
    assert [one.name for one in found.events] == ["a"]
    assert found.events[0].t == pytest.approx(1, abs=1e-5)
    # it falls on with no velocity from where the event has taken it
    text = """
      x' = v; v' = -1; x(0) = 0.5; v(0) = 0
      discrete n = 0
      time 0 .. 3
      a: when x < 0: v = 0, n += 1"""
    found = symde.solve(symde.Problem(text), "Vern9", backend="torch")
    assert [one.t for one in found.events] == [pytest.approx(1, abs=1e-5)]


def test_touches_are_no_crossings_and_two_crossings_in_a_step_are_two():
    # x = sin(t) by a long step, and a line a little below its top
    text = "state x = 0, y = 1\ndiscrete n = 0\nx' = y\ny' = -x\nwhen x == {}: n += 1\ntime 0 .. 3"
    for level, expected in ((1.001, 0), (0.9999, 2)):
        problem = symde.Problem(symde.ode_def(text.format(level)))
        found = symde.solve(problem, "Vern9", backend="torch", **TIGHT)
        assert len(found.events) == expected
    assert found.events[0].t == pytest.approx(math.asin(0.9999), abs=1e-7)


def test_effects_backwards_in_time_and_wrong_numbers_are_refused():
    ball = symde.Problem(symde.ode_def(BALL), tspan=(1, 0))
    with pytest.raises(ValueError, match="cannot be undone: solve forwards"):
        symde.solve(ball, "Tsit5", backend="torch")
    for text, message in (
        ("param P = 0\nstate x = 1\nx' = 0\nevery P: x = 2\ntime 0 .. 1", "period of 0: it must be positive"),
        ("param P = 0\nstate x = 1\nx' = 0\nat t = 1/P: x = 2\ntime 0 .. 1", "due at t = inf.*finite"),
        ("state x = 1\nx' = -1\nwhen x < 0.5 after x - 1: x = 2\ntime 0 .. 1", "delay of -0.5"),
    ):
        with pytest.raises(ValueError, match=message):
            symde.solve(symde.Problem(symde.ode_def(text)), "Tsit5", backend="torch")


def test_a_watch_costs_a_known_number_of_operations_and_nothing_without_events():
    problem = symde.Problem(symde.ode_def(BALL))
    rhs, events = module_of(problem.system), events_of(problem.system)
    u0, p = (torch.tensor(one)[:, None].repeat(1, 100) for one in (problem.u0, problem.p))
    counts = []
    for most in (4, 8):
        with Count() as mode:
            integrate(rhs, u0, p, 0.0, 0.3, None, "Tsit5", dtmax=0.01, max_steps=most, events=events)
        counts.append(sum(mode.found.values()))
    # about 100 without a watch; measured, with none to spare
    assert (counts[1] - counts[0]) / 4 <= 290
