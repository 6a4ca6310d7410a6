"""One step of a method, written for reading, in extended precision; and a problem with a known solution."""

from __future__ import annotations

import decimal
import functools
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

REAL = np.longdouble


@functools.cache
def coefficients(method: Any, key: str) -> np.ndarray:
    """A method's numbers in the precision of the steps, from all their published digits."""
    return _extended(method.exact[key])


def _extended(values: Any) -> np.ndarray:
    if isinstance(values, Fraction):
        with decimal.localcontext(prec=30):
            return REAL(str(decimal.Decimal(values.numerator) / decimal.Decimal(values.denominator)))
    return np.array([_extended(value) for value in values], dtype=REAL)


@functools.cache
def weights_at(method: Any, theta: float) -> np.ndarray:
    """The interpolant's weights at a fraction of the step, summed exactly: those of powers reach 1e6."""
    at = Fraction(theta)
    return _extended(
        [
            sum((value * at ** (m + 1) for m, value in enumerate(row)), Fraction(0))
            for row in method.exact["interpolant"]
        ]
    )


# x = 2 + cos t, y = 2 + sin t; both equations read both states and t
def solution(t: Any) -> np.ndarray:
    return np.array([2 + np.cos(t), 2 + np.sin(t)], dtype=REAL)


def right_hand_side(t: Any, u: np.ndarray) -> np.ndarray:
    x, y = u
    X, Y = solution(t)
    return np.array([-(y - 2) * x * y / (X * Y), (x - 2) * y * y / Y**2], dtype=REAL)


def jacobian(t: Any, u: np.ndarray) -> np.ndarray:
    x, y = u
    X, Y = solution(t)
    first = [-(y - 2) * y / (X * Y), -(2 * y - 2) * x / (X * Y)]
    return np.array([first, [y * y / Y**2, 2 * (x - 2) * y / Y**2]], dtype=REAL)


def time_gradient(t: Any, u: np.ndarray) -> np.ndarray:
    x, y = u
    X, Y = solution(t)
    # X' = 2 - Y and Y' = X - 2
    first = (y - 2) * x * y * ((2 - Y) * Y + X * (X - 2)) / (X * Y) ** 2
    return np.array([first, -2 * (x - 2) * y * y * (X - 2) / Y**3], dtype=REAL)


class Step(NamedTuple):
    """The end of a step, its error estimate (None for fixed steps) and what the interpolant is made of."""

    u: np.ndarray
    error: np.ndarray | None
    method: Any
    parts: np.ndarray

    def at(self, start: np.ndarray, theta: float) -> np.ndarray:
        """The continuous solution at a fraction of the step."""
        return start + weights_at(self.method, theta) @ self.parts


def step(method: Any, t: Any, u: np.ndarray, h: Any) -> Step:
    """One step of the problem above."""
    taken = {"rosenbrock": _rosenbrock, "esdirk": _esdirk}
    return taken.get(method.family, _explicit)(method, t, u, h)


def _explicit(method: Any, t: Any, u: np.ndarray, h: Any) -> Step:
    a, extra_a = coefficients(method, "a"), coefficients(method, "extra_a")
    b, times = coefficients(method, "b"), [*coefficients(method, "c"), *coefficients(method, "extra_c")]
    k = np.zeros((0, 2), dtype=REAL)
    for i, row in enumerate([*a, *extra_a]):
        k = np.vstack([k, right_hand_side(t + times[i] * h, u + h * (row[:i] @ k))])
    stages = k[: len(b)]
    error = None if method.error is None else h * (coefficients(method, "error") @ stages)
    return Step(u + h * (b @ stages), error, method, h * k)


def _rosenbrock(method: Any, t: Any, u: np.ndarray, h: Any) -> Step:
    a, c = coefficients(method, "a"), coefficients(method, "c_matrix")
    alpha, d = coefficients(method, "alpha"), coefficients(method, "d")
    W = np.eye(2, dtype=REAL) / (h * coefficients(method, "gamma")) - jacobian(t, u)
    f_t = time_gradient(t, u)
    U = np.zeros((0, 2), dtype=REAL)
    for i in range(len(alpha)):
        f = right_hand_side(t + alpha[i] * h, u + a[i, :i] @ U)
        U = np.vstack([U, _solve(W, f + c[i, :i] @ U / h + h * d[i] * f_t)])
    return Step(
        u + coefficients(method, "m") @ U,
        coefficients(method, "error") @ U,
        method,
        U,
    )


def _esdirk(method: Any, t: Any, u: np.ndarray, h: Any) -> Step:
    a, c = coefficients(method, "a"), coefficients(method, "c")
    gamma, k = a[-1, -1], right_hand_side(t, u)[None]
    for i in range(1, len(c)):
        base, time = u + h * (a[i, :i] @ k), t + c[i] * h
        y = base + h * gamma * k[-1]
        # each iteration doubles the digits, and h is small
        for _ in range(6):
            defect = y - base - h * gamma * right_hand_side(time, y)
            y = y - _solve(np.eye(2, dtype=REAL) - h * gamma * jacobian(time, y), defect)
        k = np.vstack([k, right_hand_side(time, y)])
    return Step(u + h * (a[-1] @ k), h * (coefficients(method, "error") @ k), method, h * k)


def _solve(W: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cramer's rule: numpy solves no systems in extended precision."""
    determinant = W[0, 0] * W[1, 1] - W[0, 1] * W[1, 0]
    first = right[0] * W[1, 1] - W[0, 1] * right[1]
    return np.array([first, W[0, 0] * right[1] - right[0] * W[1, 0]], dtype=REAL) / determinant
