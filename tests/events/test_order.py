"""Events at the same time: priority, text, chains."""

from __future__ import annotations

import numpy as np
import pytest

import symde


def solved(text: str, **options) -> symde.Solution:
    return symde.solve(symde.Problem(symde.ode_def(text)), "Tsit5", **options)


def names(solution: symde.Solution) -> list[str]:
    return [event.name for event in solution.events]


SAME = """
  x' = 1; x(0) = 0
  discrete n = 0
  time 0 .. 2
  a: when x > 1 {a}: n = 10*n + 1
  b: when 2*x > 2 {b}: n = 10*n + 2
  c: at t = 1 {c}: n = 10*n + 3"""


@pytest.mark.parametrize(
    ("a", "b", "c", "expected"),
    [
        ("", "", "", 123),
        ("", "priority 1", "", 213),
        ("", "priority 1", "priority 2", 321),
        ("priority -1", "", "priority x", 321),
    ],
)
def test_priority_goes_before_the_text(a, b, c, expected):
    assert solved(SAME.format(a=a, b=b, c=c)).u[-1, 1] == expected


def test_an_event_makes_another_ones_condition_true():
    text = """
      x' = 1; x(0) = 0
      discrete a = 0, b = 0, c = 0
      time 0 .. 2
      third: when b > 0: c = a + b
      second: when a > 0: b = a + 1
      first: when x > 1: a = 1"""
    solution = solved(text)
    assert names(solution) == ["first", "second", "third"]
    assert solution.u[-1, 1:].tolist() == [1, 2, 3]


def test_effects_of_an_event_take_place_at_once():
    solution = solved("x' = 0; y' = 0; x(0) = 1; y(0) = 2; time 0 .. 2\n a: at t = 1: x = y, y = x")
    assert solution.u[-1].tolist() == [2, 1]


def test_a_reset_over_a_crossing_is_none():
    # v falls from 30 through 0 to -65 in no time: what jumps does not cross
    text = """
      v' = 10; v(0) = 20
      discrete n = 0
      time 0 .. 2
      fire: when v == 30: v = -65
      other: when v == 0: n += 1"""
    solution = solved(text)
    assert names(solution) == ["fire"]


def test_an_event_at_the_start_comes_before_the_first_step():
    solution = solved("x' = 0; x(0) = 0; time 0 .. 2\n a: at t = t0, 2: x += 1")
    assert [event.t for event in solution.events] == [0, 2]
    assert solution.t[:2].tolist() == [0, 0] and solution.t[-2:].tolist() == [2, 2]
    assert solution.u[:2, 0].tolist() == [0, 1] and solution.u[-2:, 0].tolist() == [1, 2]


def test_a_delayed_event_that_waits_is_dropped_when_its_condition_fails_in_between():
    # true from 1 to 2 and again from 3 on: what was triggered at 1 is dropped at 2
    text = """
      x' = 1; x(0) = 0
      discrete n = 0
      time 0 .. 10
      a: when (x > 1 and x < 2) or x > 3 after 2.5: n += 1"""
    solution = solved(text)
    np.testing.assert_allclose([event.t for event in solution.events], [5.5], rtol=1e-13)


def test_every_trigger_of_a_persistent_event_counts():
    text = """
      x' = 1; x(0) = 0
      discrete n = 0
      time 0 .. 10
      a: when (x > 1 and x < 2) or x > 3 after 2.5 persistent: n += 1"""
    solution = solved(text)
    np.testing.assert_allclose([event.t for event in solution.events], [3.5, 5.5], rtol=1e-13)


def test_times_in_the_past_do_not_come():
    text = "x' = 0; x(t0) = 0; time 1 .. 4\n a: at t = 0, 3: x += 1\n b: every 1 from 0: x += 10"
    solution = solved(text)
    assert [(event.name, event.t) for event in solution.events] == [
        ("b", 1), ("b", 2), ("a", 3), ("b", 3), ("b", 4),
    ]  # fmt: skip
