"""Solutions that start on a line, or are put there, and leave it by a higher power of time than the first."""

from __future__ import annotations

import numpy as np
import pytest

import symde

METHODS = ["Tsit5", "Vern9", "Rodas5P", "QNDF", "FBDF", "Radau", "KenCarp4", "VCABM", "Taylor", None]
CONDITIONS = ["x > 1", "x >= 1", "x < 1", "x <= 1", "x == 1", "rising x == 1", "falling x == 1"]


def count(text: str, method: str | None = None, **options) -> list[tuple[str, float]]:
    solution = symde.solve(symde.Problem(text), method, **options)
    return [(event.name, event.t) for event in solution.events]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("f", ["-x + cos(t)", "-x + 2 - cos(t)"])
def test_a_start_with_no_slope_is_no_event(f, condition, method):
    # 1 -+ t^3/6 at first, and never back to 1
    text = f"x' = {f}; x(0) = 1; discrete n = 0; time 0 .. 3; a: when {condition}: n += 1"
    assert count(text, method) == []


@pytest.mark.parametrize("method", [*METHODS, "BS3", "DOP853"])
@pytest.mark.parametrize("power", [2, 3, 4, 5])
def test_a_way_back_counts(power, method):
    # (t^p - t^(p+1)), zero at 0 and 1
    text = f"""
      x' = {power}*t^{power - 1} - {power + 1}*t^{power}; x(0) = 0
      discrete n = 0
      time 0 .. 1.5
      a: when x < 0: n += 1
      b: when x > 0: n += 1"""
    assert count(text, method, rtol=1e-8, atol=1e-10) == [("a", pytest.approx(1, abs=1e-6))]


@pytest.mark.parametrize("method", METHODS)
def test_what_rests_and_leaves_has_crossed(method):
    text = """
      x' = v; v' = F; x(0) = 0; v(0) = 0
      discrete F = 0, n = 0
      time 0 .. 3
      push: at t = 1: F = 1
      left: when x > 0: n += 1"""
    assert count(text, method) == [("push", 1.0), ("left", pytest.approx(1, abs=1e-9))]


@pytest.mark.parametrize("method", [*METHODS, "BS3", "DOP853", "Kvaerno5", "Rosenbrock23"])
@pytest.mark.parametrize("trigger", ["at t = 1", "when q >= 0"])
@pytest.mark.parametrize("condition", ["x > 0", "x == 0", "rising x == 0", "x > 0 and F > 0", "x - 1 > -1"])
def test_what_another_event_releases_crosses_at_that_time(condition, trigger, method):
    # x = (t - 1)^3/6 from there
    text = f"""
      x' = v; v' = w; w' = F; q' = 1
      x(0) = 0; v(0) = 0; w(0) = 0; q(0) = -1
      discrete F = 0, n = 0
      time 0 .. 3
      push: {trigger}: F = 1
      left: when {condition}: n += 1
      never: when x < 0: n += 10"""
    assert count(text, method) == [("push", pytest.approx(1)), ("left", pytest.approx(1, abs=1e-9))]


@pytest.mark.parametrize("condition", ["x < 0", "x <= 0", "falling x == 0"])
@pytest.mark.parametrize("method", METHODS)
def test_a_line_is_crossed_once_where_the_event_takes_the_slope(condition, method):
    # it falls on with no initial velocity
    text = f"""
      x' = v; v' = -1; x(0) = 0.5; v(0) = 0
      discrete n = 0
      time 0 .. 3
      a: when {condition}: v = 0, n += 1"""
    solution = symde.solve(symde.Problem(text), method)
    assert [event.t for event in solution.events] == [pytest.approx(1, abs=1e-5)]
    assert solution["x"][-1] == pytest.approx(-2, abs=1e-4)


def test_rounding_of_a_start_with_no_slope_makes_no_events():
    rng = np.random.default_rng(1)
    for _ in range(200):
        x0, k = 1 + 1e-15 * rng.normal(), 1 + 1e-15 * rng.normal()
        text = f"x' = -{k!r}*x + cos(t); x(0) = {x0!r}; discrete n = 0; time 0 .. 3; a: when x > 1: n += 1"
        assert len(count(text, "Tsit5")) <= 1


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF", None])
def test_events_at_the_start_do_not_count_what_leaves_silently(method):
    # x > 0 holds from the start on
    text = """
      x' = 2*t; x(0) = 0
      discrete n = 0, m = 0
      time 0 .. 3
      first: at t = 0: n += 1
      wrong: when x > 0: m += 1
      last: when x > 4: n += 1"""
    assert [name for name, _ in count(text, method)] == ["first", "last"]


@pytest.mark.parametrize("method", [*METHODS[:-2], None])
def test_a_guarded_root_is_left_to_its_side(method):
    # on a spring of one side: x = 1 - t^2/2 down to 0, then v' = 4 up to it again at the same speed, and up
    text = "x' = v; v' = (-1 + 0*sqrt(x) if x > 0 else 4); x(0) = 1; v(0) = 0; time 0 .. 3"
    fall, below = np.sqrt(2), 2 * np.sqrt(2) / 4
    after = 3 - fall - below
    solution = symde.solve(symde.Problem(text), method, rtol=1e-8, atol=1e-8)
    assert solution.u[-1, 0] == pytest.approx(fall * after - after**2 / 2, abs=2e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "condition, time",
    [("sqrt(x) < 0.5", 0.75), ("log(x) < -1", 1 - np.exp(-1)), ("asin(x) < 0.2", 1 - np.sin(0.2))],
)
def test_what_has_no_value_later_is_crossed_before(condition, time, method):
    # x = 1 - t, far beyond what conditions are defined for
    text = f"x' = -1; x(0) = 1; discrete n = 0; time 0 .. 3; a: when {condition}: n += 1"
    assert count(text, method) == [("a", pytest.approx(time, abs=1e-9))]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("condition", ["1/x < -1", "1/x < 0", "tan(x + pi/2) > 5"])
def test_a_condition_that_turns_true_at_a_pole_does_so_once(condition, method):
    # 1/x and -cot(x) jump from one infinity to the other at x = 0, t = 1
    text = f"x' = -1; x(0) = 1; discrete n = 0; time 0 .. 1.5; a: when {condition}: n += 1"
    assert count(text, method) == [("a", pytest.approx(1, abs=1e-9))]
