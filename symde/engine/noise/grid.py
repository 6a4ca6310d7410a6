"""Steps of one size."""

from __future__ import annotations

import math

from symde.engine.noise.method import NoiseMethod
from symde.engine.noise.session import Grid

_WHOLE = 1e-9
"""Relative distance from a whole number of steps that is rounding."""

COUNTED = 2.0**53
"""Whole numbers below are exact."""


def equal_steps(
    t0: float, t1: float, step: float | None, max_steps: float, method: NoiseMethod, halved: bool = False
) -> Grid:
    """Steps of that size from t0 to t1; where the span is no multiple of it, of the next smaller size of
    which it is one, or, where they are `halved`, of which it is a power of 2.

    Raises:
        ValueError: there is no size, or they are more than `max_steps`, or than can be counted.
    """
    if step is None:
        raise ValueError(
            f"{method.name} keeps its step size: give dt0=..., such as dt0={(t1 - t0) / 1000:g} for 1000 "
            f"steps{', or rtol and atol for steps that follow the error' if method.adaptive else ''}"
        )
    count = (t1 - t0) / step
    if count >= COUNTED:
        raise ValueError(f"dt0 = {step:g} takes {count:.6g} steps, more than can be counted: enlarge it")
    steps = max(math.ceil(count * (1.0 - _WHOLE)), 1)
    if halved:  # their Brownian motion is that of a tree, which knows these times best
        steps = 2 ** (steps - 1).bit_length()
    if steps > max_steps:
        raise ValueError(f"dt0 = {step:g} takes {steps:.6g} steps, and max_steps = {max_steps}: raise it")
    return Grid(t0, (t1 - t0) / steps, steps, t1=t1)
