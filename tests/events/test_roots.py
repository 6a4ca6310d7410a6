"""Where a step is searched: two roots in one step, touches, starts, ends, series of high degree."""

from __future__ import annotations

import numpy as np
import pytest

import symde


def times(solution: symde.Solution) -> list[float]:
    return [event.t for event in solution.events]


def solved(text: str, method: str = "Tsit5", p: dict | None = None, **options) -> symde.Solution:
    return symde.solve(symde.Problem(symde.ode_def(text), p=p), method, **options)


HILL = """
  param y = 1
  x' = 2 - 2*t; x(0) = 0
  discrete n = 0
  time 0 .. 4
  hit: when x == y: n += 1"""


@pytest.mark.parametrize("below", [0.5, 1e-3, 1e-9, 1e-13])
def test_both_crossings_near_a_maximum_are_found_in_one_step(below):
    # x = 1 - (t - 1)^2, whose steps are as long as the span allows
    solution = solved(HILL, p={"y": 1 - below}, dt0=2.0)
    # (1 - below) is rounded: the distance of the roots follows from what it has become
    distance = np.sqrt(1 - (1 - below))
    rounding = 2e-9 if below < 1e-9 else 1e-12
    np.testing.assert_allclose(times(solution), [1 - distance, 1 + distance], atol=rounding)


def test_a_maximum_below_the_line_is_no_crossing():
    assert times(solved(HILL, p={"y": 1 + 1e-12}, dt0=2.0)) == []


@pytest.mark.parametrize("method", ["Taylor", "DPRKN12", "Exprb43", "Vern9"])
def test_long_steps_hide_no_roots(method):
    # steps of Taylor take half a period, those of Exprb43 any number of them
    text = """
      q' = v; v' = -q; q(0) = 1; v(0) = 0
      discrete n = 0
      time 0 .. 20
      low: when q < -0.99: n += 1"""
    solution = solved(text, method, rtol=1e-9, atol=1e-9)
    expected = np.arccos(-0.99) + 2 * np.pi * np.arange(3)
    np.testing.assert_allclose(times(solution), expected, rtol=1e-7)


def test_a_condition_that_holds_at_the_start_triggers_when_it_turns_true_again():
    text = """
      x' = cos(t); x(0) = 0
      discrete n = 0
      time 0 .. 10
      up: when x >= 0: n += 1"""
    np.testing.assert_allclose(times(solved(text, "Vern7", rtol=1e-10)), [2 * np.pi], rtol=1e-9)


def test_a_function_that_leaves_zero_at_the_start_has_no_root_there():
    text = """
      x' = v; v' = -1; x(0) = 0; v(0) = 2
      time 0 .. 10
      land: when x <= 0: stop"""
    solution = solved(text, "Vern7", rtol=1e-10)
    assert solution.retcode is symde.Retcode.TERMINATED
    np.testing.assert_allclose(solution.t[-1], 4, rtol=1e-12)


def test_time_conditions_are_hit_exactly():
    text = "x' = -x; x(0) = 1; discrete n = 0; time 0 .. 5\n a: when t > 2.5: n += 1"
    assert times(solved(text)) == [2.5]


def test_crossings_have_a_direction():
    text = """
      x' = cos(t); x(0) = 0
      discrete up = 0, down = 0, both = 0
      time 0 .. 10
      a: when rising x == 0.5: up += 1
      b: when falling x == 0.5: down += 1
      c: when x == 0.5: both += 1"""
    solution = solved(text, "Vern7")
    assert solution.u[-1, 1:].tolist() == [2, 2, 4]
    assert [event.name for event in solution.events] == ["a", "c", "b", "c", "a", "c", "b", "c"]


def test_flights_far_shorter_than_a_step_are_seen():
    # after a thousand bounces that lose nothing every flight has the length of the first
    text = """
      x' = v; v' = -2; x(0) = 0; v(0) = 1e-3
      discrete n = 0
      time 0 .. 1
      bounce: when x <= 0: v = -v, n += 1"""
    solution = solved(text, rtol=1e-6, dt0=0.5)
    assert len(solution.events) == 999 or len(solution.events) == 1000
    np.testing.assert_allclose(times(solution)[:100], 1e-3 * np.arange(1, 101), rtol=1e-9)


def test_conditions_are_joined():
    text = """
      x' = 1; y' = -1; x(0) = 0; y(0) = 5
      discrete n = 0, m = 0
      time 0 .. 10
      both: when x > 2 and y < 2: n += 1
      one: when x > 2 or y < 2: m = t
      not_yet: when not (x < 7): n += 10"""
    solution = solved(text)
    np.testing.assert_allclose(times(solution), [2, 3, 7], rtol=1e-13)
    assert [event.name for event in solution.events] == ["one", "both", "not_yet"]


def test_discrete_variables_take_part_in_conditions():
    text = """
      x' = 1; x(0) = 0
      discrete mode = 0, n = 0
      time 0 .. 10
      a: when x > 2: mode = 1
      b: when mode == 1 and x > 4: n = 1
      c: when mode >= 1: n += 10"""
    solution = solved(text)
    assert [event.name for event in solution.events] == ["a", "c", "b"]
    np.testing.assert_allclose(times(solution), [2, 2, 4], rtol=1e-13)


@pytest.mark.parametrize("method", ["Tsit5", "Vern9", "Rodas5P", "QNDF", "FBDF", "VCABM", "Taylor", None])
@pytest.mark.parametrize("waves", [50, 200, 317])
def test_waves_of_time_far_shorter_than_steps_are_all_counted(waves, method):
    text = f"""
      x' = 1; x(0) = 0
      discrete n = 0
      time 0 .. 1
      a: when sin(2*pi*{waves}*t) > 0.5: n += 1"""
    solution = symde.solve(symde.Problem(symde.ode_def(text)), method)
    times = (np.arange(waves) + 1 / 12) / waves
    np.testing.assert_allclose([event.t for event in solution.events], times, atol=1e-12)


@pytest.mark.parametrize("f", ["1 + 0*abs(x - 0.001)", "1 + 0*floor(x)"])
def test_hundreds_of_conditions_beside_switches_are_all_kept(f):
    # more than memory once had room for
    levels = 3 * (np.arange(500) + 0.5) / 500
    events = [symde.Event(f"x > {float(level)!r}", {"n": "n + 1"}) for level in levels]
    text = f"x' = {f}; x(0) = 0; discrete n = 0; time 0 .. 3"
    solution = symde.solve(symde.Problem(text), "Tsit5", events=events)
    np.testing.assert_allclose([event.t for event in solution.events], levels, atol=1e-12)


def test_more_conditions_than_there_is_room_for_are_refused():
    text = "x' = 1; x(0) = 0; discrete n = 0; time 0 .. 3"
    events = [symde.Event(f"x > {level}", {"n": "n + 1"}) for level in range(4097)]
    with pytest.raises(ValueError, match="4097 different comparisons: 4096 at most"):
        symde.solve(symde.Problem(text), "Tsit5", events=events)
