"""Conditions that read what jumps: the moments of the jumps are exact, and each counts once."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde import ModelError

METHODS = ["Tsit5", "Rodas5P", "QNDF", "VCABM", "Taylor", None]
PLAIN = "x' = 1"
SWITCHED = "x' = 0.5 + 0.5*heaviside(x + 1)"

# x = t from 0 to 3
TIMES = {
    "floor(x) > 1": [2.0],
    "floor(x) >= 1": [1.0],
    "ceil(x) > 2": [2.0],
    "sign(x - 1) > 0": [1.0],
    "(0 if x < 1.5 else 3) > 1": [1.5],
    "(x if x < 1.5 else x + 3) > 3": [1.5],
    "mod(x, 1) > 0.25": [0.25, 1.25, 2.25],
    "mod(x, 1) < 0.25": [1.0, 2.0, 3.0],
    "mod(t, 1) > 0.25": [0.25, 1.25, 2.25],
    "floor(t) + floor(2*x) > 4": [2.0],
    "heaviside(x - 1)*x > 2": [2.0],
    "abs(x - 1) < 0.5": [0.5],
    "max(x, 2) > 2.5": [2.5],
    "floor(x) == 1 and x > 1.5 or x > 2.5": [1.5, 2.5],
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("f", [PLAIN, SWITCHED])
@pytest.mark.parametrize("condition", [one for one in TIMES if "==" not in one])
def test_times_of_jumps_are_exact(condition, f, method):
    text = f"{f}; x(0) = 0; discrete n = 0; time 0 .. 3; a: when {condition}: n += 1"
    solution = symde.solve(symde.Problem(text), method)
    found = [event.t for event in solution.events]
    assert len(found) == len(TIMES[condition]) or (
        found == TIMES[condition][:-1] and TIMES[condition][-1] == 3
    )
    np.testing.assert_allclose(found, TIMES[condition][: len(found)], atol=1e-12)


@pytest.mark.parametrize(
    "crossing", ["floor(x) == 2", "sign(x - 1) == 0", "rising ceil(x) == 1", "mod(x, 1) == 0"]
)
def test_crossings_of_what_jumps_only_are_refused(crossing):
    text = f"x' = 1; x(0) = 0; discrete n = 0; time 0 .. 3; a: when {crossing}: n += 1"
    with pytest.raises(ModelError, match="E344.*jumps only"):
        symde.solve(symde.Problem(text))


@pytest.mark.parametrize("f", [PLAIN, SWITCHED, "x' = 1 + 0*abs(x - 1)"])
@pytest.mark.parametrize("method", METHODS)
def test_kinks_that_touch_do_not_cross(f, method):
    text = f"{f}; x(0) = 0; discrete n = 0; time 0 .. 3; a: when abs(x - 1) == 0: n += 1"
    assert symde.solve(symde.Problem(text), method).events == ()


def test_derivatives_go_through_conditions_that_jump():
    # from x = k t at floor(x) = 2 on at half the speed, until t = 3
    text = """
      param k = 1
      state x = 0
      discrete s = 1
      time 0 .. 3
      x' = k*s
      half: when floor(x) >= 2: s = 0.5"""
    value, grad = symde.value_and_grad(
        lambda u: (u[-1, 0], np.outer(np.arange(len(u)) == len(u) - 1, [1.0, 0.0])),
        symde.Problem(text),
        wrt="p",
        saveat=[3.0],
    )
    # x(3) = 2 + k/2 (3 - 2/k) = 1 + 3k/2
    assert value == pytest.approx(2.5) and grad["p"] == pytest.approx([1.5])
