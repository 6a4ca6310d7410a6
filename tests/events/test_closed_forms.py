"""Events against closed forms: their times at the accuracy of the method."""

from __future__ import annotations

import numpy as np
import pytest

import symde

TIGHT = dict(rtol=1e-10, atol=1e-12)

BALL = symde.ode_def("""model Ball
  param g = 9.81, e = 0.8
  state x = 1, v = 0
  time 0 .. 3
  x' = v
  v' = -g
  bounce: when x <= 0: v = -e*v
end""")

THERMOSTAT = symde.ode_def("""model Thermostat
  state T = 20
  discrete on = 1
  time 0 .. 50
  T' = -0.1*(T - 10) + 2*on
  off: when T > 22: on = 0
  heat: when T < 18: on = 1
end""")

DOSES = symde.ode_def("""model Doses
  param k = 0.3, D = 100
  state A = 0
  time 0 .. 24
  A' = -k*A
  dose: every 6 from t0: A += D
end""")

NEURON = symde.ode_def("""model Neuron
  param I = 1.5
  state v = 0
  time 0 .. 10
  v' = I - v
  spike: when v >= 1: v = 0
end""")


def times(solution: symde.Solution) -> np.ndarray:
    return np.array([event.t for event in solution.events])


def impacts(height: float, g: float, e: float, end: float) -> np.ndarray:
    """Times at which a ball that is dropped hits the ground: flights last 2 v/g, and v shrinks by e."""
    found, v = [np.sqrt(2 * height / g)], np.sqrt(2 * height * g)
    while found[-1] <= end:
        v *= e
        found.append(found[-1] + 2 * v / g)
    return np.array(found[:-1])


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Taylor", "Rodas5P", "Radau"])
def test_a_ball_bounces_when_it_does(method):
    solution = symde.solve(symde.Problem(BALL), method, **TIGHT)
    expected = impacts(1, 9.81, 0.8, 3)
    assert len(solution.events) == len(expected) == 6
    assert np.abs(times(solution) / expected - 1).max() < 1e-10


def test_events_tell_what_was_before_and_after():
    first = symde.solve(symde.Problem(BALL), "Tsit5", **TIGHT).events[0]
    v = np.sqrt(2 * 9.81)
    assert first.name == "bounce"
    np.testing.assert_allclose(first.before, [0, -v], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(first.after, [0, 0.8 * v], rtol=1e-10, atol=1e-10)


def test_a_thermostat_switches_when_it_does():
    # up towards 30 and down towards 10: 8/10 and 8/12 are left at the switches
    solution = symde.solve(symde.Problem(THERMOSTAT), "Vern7", **TIGHT)
    first, later = 10 * np.log(10 / 8), 10 * np.log(12 / 8)
    expected = first + later * np.arange(12)
    np.testing.assert_allclose(times(solution), expected, rtol=1e-10)
    assert [event.name for event in solution.events] == ["off", "heat"] * 6


def test_doses_add_up():
    solution = symde.solve(symde.Problem(DOSES), "Vern7", **TIGHT)
    assert times(solution).tolist() == [0, 6, 12, 18, 24]
    expected = sum(100 * np.exp(-0.3 * (24 - 6 * k)) for k in range(5))
    np.testing.assert_allclose(solution.u[-1, 0], expected, rtol=1e-10)


def test_a_neuron_fires_regularly():
    solution = symde.solve(symde.Problem(NEURON), "Vern7", **TIGHT)
    np.testing.assert_allclose(times(solution), np.log(3) * np.arange(1, 10), rtol=1e-10)


def test_a_constant_delay_and_its_condition():
    # x = sin t is above 0.9 from asin(0.9) to pi - asin(0.9), 0.902 later
    text = """
      x' = cos(t); x(0) = 0
      discrete early = 0, late = 0, kept = 0
      time 0 .. 5
      a: when x > 0.9 after 0.5: early = x
      b: when x > 0.9 after 2: late = x
      c: when x > 0.9 after 2 persistent: kept = x"""
    solution = symde.solve(symde.Problem(symde.ode_def(text)), "Vern7", **TIGHT)
    trigger = np.arcsin(0.9)
    assert [event.name for event in solution.events] == ["a", "c"]
    np.testing.assert_allclose(times(solution), [trigger + 0.5, trigger + 2], rtol=1e-10)
    # right sides read the time of the trigger
    np.testing.assert_allclose(solution.u[-1, 1:], [0.9, 0, 0.9], rtol=1e-10)


def test_times_and_delays_may_follow_from_parameters_and_states():
    text = """
      param T = 2, tau = 0.5
      x' = 1; x(0) = 0
      discrete n = 0
      time 0 .. 10
      a: at t = T, 2*T: n += 1
      b: when x > 3 after tau*x: n += 10
      c: every T from 1 until 5: n += 100"""
    solution = symde.solve(symde.Problem(symde.ode_def(text)), "Tsit5")
    found = [(event.name, event.t) for event in solution.events]
    expected = [("c", 1), ("a", 2), ("c", 3), ("a", 4), ("b", 4.5), ("c", 5)]
    assert [name for name, _ in found] == [name for name, _ in expected]
    np.testing.assert_allclose([t for _, t in found], [t for _, t in expected], rtol=1e-13)
    # b has read n = 101 at t = 3, before c, which comes later in the text
    assert solution.u[-1, 1] == 111 + 100
    moved = symde.solve(symde.remake(symde.Problem(symde.ode_def(text)), p={"T": 4}), "Tsit5")
    assert [event.t for event in moved.events if event.name == "a"] == [4, 8]
