"""Switches whose functions are zero for a while: neither of their sides holds there."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import symde
from symde.sensitivity.moving_jump import MovingJumpWarning

METHODS = ("Tsit5", "Vern7", "Rodas5P", "KenCarp4", "Radau", "VCABM", "QNDF", "Taylor", None)
TIGHT = {"rtol": 1e-9, "atol": 1e-11}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("y' = sign(max(t - 1, 0)); time 0 .. 3", 2.0),
        ("y' = sign(max(1 - t, 0)); time 0 .. 3", 1.0),
        # of what is zero, heaviside is 1
        ("x' = cos(t); x(0) = 0; y' = heaviside(max(x - 0.5, 0)); time 0 .. 3", 3.0),
        # a dead zone: beyond 1/2 from pi/6 to 5 pi/6
        ("x' = cos(t); x(0) = 0; y' = sign(x > 0.5 ? x - 0.5 : (x < -0.5 ? x + 0.5 : 0)); time 0 .. 3",
         2 * np.pi / 3),
        ("x' = 0; x(0) = 0; y' = sign(x); time 0 .. 3", 0.0),
        ("x' = 0; x(0) = 0; y' = (x > 0 ? 10 : 0) + (x < 0 ? 100 : 0); time 0 .. 3", 0.0),
        ("discrete a = 0\nx' = a; x(0) = 0; y' = sign(x); start: at t = 1: a = -1\ntime 0 .. 3", -2.0),
        ("x' = 0; x(0) = 1; y' = sign(x); stop_: at t = 1: x = 0\ntime 0 .. 3", 1.0),
    ],
)  # fmt: skip
def test_what_rests_at_zero_is_on_no_side(method, text, exact):
    solution = symde.solve(symde.Problem(f"{text}\ny(0) = 0"), method, **TIGHT)
    assert solution["y"][-1] == pytest.approx(exact, abs=1e-7)
    assert solution.stats.accepted < 300


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF"])
def test_friction_that_sets_in_at_rest_holds(method):
    # nothing moves until t = 1; then 0.3 is held by up to 1, and from t = 2 on pushes with 1.5 against 1
    text = """
      discrete F = 0, push = 0
      v' = push - F*sign(v); v(0) = 0; s' = sign(v); s(0) = 0; time 0 .. 3
      grip: at t = 1: F = 1, push = 0.3
      shove: at t = 2: push = 1.5"""
    solution = symde.solve(symde.Problem(text), method, saveat=[1, 2, 3], **TIGHT)
    np.testing.assert_allclose(solution["v"], [0, 0, 0.5], atol=1e-9)
    np.testing.assert_allclose(solution["s"], [0, 0.3, 1.3], atol=1e-9)


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF"])
def test_a_start_without_speed_is_no_rest(method):
    # x = t^2/2 leaves at once, which the first step shows
    text = "x' = v; v' = 1; y' = sign(x); x(0) = 0; v(0) = 0; y(0) = 0; time 0 .. 1"
    solution = symde.solve(symde.Problem(text), method, **TIGHT)
    assert solution["y"][-1] == pytest.approx(1, abs=1e-12)


def test_derivatives_beside_a_rest_are_right_or_told():
    text = "param a = 2\nx' = cos(t); x(0) = 0; y' = a*sign(max(x - 0.5, 0)); y(0) = 0; time 0 .. 3"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        _, found = symde.value_and_grad(
            lambda u: (u[-1, 1], np.array([[0.0, 1.0]])), symde.Problem(text), "Vern7", wrt="p",
            sensealg="forward", saveat=[3.0], **TIGHT,
        )  # fmt: skip
    right = found["p"][0] == pytest.approx(2 * np.pi / 3, abs=1e-7)
    assert right or any(issubclass(one.category, MovingJumpWarning) for one in told)
