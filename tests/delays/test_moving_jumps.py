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


@pytest.mark.parametrize("sensealg", ["forward", "discrete"])
def test_a_time_that_glides_along_the_start_is_told(sensealg):
    # the time t - 1 + x stays at 0, where x' is 0 before and -1 after: dx(T)/da is -T, or 1 - e^T
    text = "param a = 1\nx' = -a*x(t - 1 + x); x(0) = 1\nhistory x = 1\ntime 0 .. 0.8"
    problem = symde.Problem(symde.ode_def(text))
    sides = [
        (symde.solve(symde.remake(problem, p=[1 + h]), "Tsit5", rtol=1e-11, atol=1e-12)["x"][-1] - 0.2) / h
        for h in (1e-6, -1e-6)
    ]
    np.testing.assert_allclose(sides, [-0.8, 1 - np.exp(0.8)], rtol=1e-4)
    with pytest.warns(MovingJumpWarning, match="keeps to a discontinuity") as caught:
        symde.value_and_grad(
            lambda u: (u[-1, 0], np.array([[1.0]])),
            problem,
            "Tsit5",
            wrt="p",
            sensealg=sensealg,
            saveat=[0.8],
        )
    assert caught[0].filename == __file__


@pytest.mark.parametrize("sensealg", ["forward", "discrete"])
@pytest.mark.parametrize(
    "text",
    [
        "param a = 1\nx' = -a*x(t - 0.7 + 0.3*x); x(0) = 1\nhistory x = 1\ntime 0 .. 3",  # crosses
        "param a = 1\nx' = -a*x(t^2/2); x(0) = 1\nhistory x = 1\ntime 0 .. 1",  # leaves with no slope
        "param a = 1\nx' = -a*x(t - 1 - sin(t)); x(0) = 1\nhistory x = 1\ntime 0 .. 6",  # slows down
    ],
)
def test_a_time_that_passes_is_not_told(text, sensealg):
    with warnings.catch_warnings():
        warnings.simplefilter("error", MovingJumpWarning)
        symde.value_and_grad(
            lambda u: (u[-1, 0], np.array([[1.0]])), symde.Problem(symde.ode_def(text)), "Tsit5", wrt="p",
            sensealg=sensealg, saveat=[0.8],
        )  # fmt: skip
