"""Derivatives that leave out jumps are told so where a delayed value or a history jumps."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import symde
from symde.sensitivity.moving_jump import MovingJumpWarning


def gradient(text: str, wrt: list[str]) -> object:
    problem = symde.Problem(f"param tau = 1, c = 0.5\nstate x = 1\n{text}\ntime 0 .. 3")
    _, grad = symde.value_and_grad(
        lambda u: (u.sum(), np.ones_like(u)), problem, "Vern7", saveat=[2.5], wrt=wrt, sensealg="forward"
    )
    return grad


@pytest.mark.parametrize(("text", "wrt", "place"), [
    ("x' = x(t - tau) > c ? -1 : 0.3", ["c"], r"x\(t - tau\) > c"),
    ("x' = -x(t - tau)*floor(t/c)", ["c"], r"floor\(t/c\)"),
    ("x' = -x(t > c ? t - 1 : t - 2)", ["c"], "t > c"),
    ("history x = t < -0.5 ? 0 : 1\nx' = -x(t - tau)", ["tau"], "t < -0.5"),
    ("history x = t < -c ? 0 : 1\nx' = -x(t - tau)", ["c"], "t < -c"),
    ("history x = t < -0.5 ? 0 : 1\nx' = -x(t - 1 - 0.1*x)*c", ["c"], "t < -0.5"),
])  # fmt: skip
def test_what_jumps_is_told(text, wrt, place):
    with pytest.warns(MovingJumpWarning, match=place):
        gradient(text, wrt)


@pytest.mark.parametrize(("text", "wrt"), [
    ("history x = t < -0.5 ? 0 : c\nx' = -x(t - tau)", ["c"]),
    ("x' = -abs(x(t - tau))*c", ["c", "tau"]),
    ("history x = max(0, 1 + 2*t)*c\nx' = -x(t - tau)", ["c", "tau"]),
])  # fmt: skip
def test_what_stays_or_has_kinks_is_not(text, wrt):
    with warnings.catch_warnings():
        warnings.simplefilter("error", MovingJumpWarning)
        gradient(text, wrt)
