"""Digamma and trigamma: the derivatives of log(gamma), which the C library lacks.

The functions are written so that printers can copy them: a shift upwards by the recurrence, then the
asymptotic series; below zero the reflection. Relative error below 1e-14 away from the zeros of digamma.

Source: Abramowitz and Stegun (1964), 6.3.5-6.3.7, 6.3.18, 6.4.6-6.4.7, 6.4.12.
"""

from __future__ import annotations

import math

SHIFT = 10.0
"""The asymptotic series is used from here on; its first neglected term is then below 1e-17."""

DIGAMMA_SERIES = (-1 / 12, 1 / 120, -1 / 252, 1 / 240, -1 / 132, 691 / 32760, -1 / 12, 3617 / 8160)
"""Coefficients of x^-2, x^-4, ... in digamma(x) - log(x) + 1/(2x): -B_2k/(2k)."""

TRIGAMMA_SERIES = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
"""Coefficients of x^-3, x^-5, ... in trigamma(x) - 1/x - 1/(2x^2): B_2k."""


def digamma(x: float) -> float:
    """The derivative of log(gamma(x)); NaN at the poles 0, -1, -2, ..."""
    if not math.isfinite(x):
        return x if x > 0.0 else math.nan
    if x <= 0.0:
        if x == math.floor(x):
            return math.nan
        # The distance to the nearest pole keeps all its digits, which pi*x has lost.
        return digamma(1.0 - x) - math.pi / math.tan(math.pi * (x - math.floor(x + 0.5)))
    shift = 0.0
    while x < SHIFT:
        shift += 1.0 / x
        x += 1.0
    return math.log(x) - 0.5 / x + _series(DIGAMMA_SERIES, 1.0 / (x * x)) - shift


def trigamma(x: float) -> float:
    """The derivative of digamma(x); infinite at the poles 0, -1, -2, ..."""
    if not math.isfinite(x):
        return 0.0 if x > 0.0 else -x
    if x <= 0.0:
        if x == math.floor(x):
            return math.inf
        return _square(math.pi / math.sin(math.pi * (x - math.floor(x + 0.5)))) - trigamma(1.0 - x)
    shift = 0.0
    while x < SHIFT:
        shift += 1.0 / x / x  # x*x may underflow
        x += 1.0
    square = 1.0 / (x * x)
    return (1.0 + _series(TRIGAMMA_SERIES, square)) / x + 0.5 * square + shift


def _square(x: float) -> float:
    return x * x  # infinite where x**2 raises


def _series(coefficients: tuple[float, ...], square: float) -> float:
    total = 0.0
    for coefficient in reversed(coefficients):
        total = (total + coefficient) * square
    return total


def erf(x: float) -> float:
    """The error function."""
    return math.erf(x)


def gamma(x: float) -> float:
    """The gamma function as C's `tgamma`: NaN at negative integers, infinite where too large."""
    try:
        return math.gamma(x)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.copysign(math.inf, x) if x == 0.0 else math.nan
