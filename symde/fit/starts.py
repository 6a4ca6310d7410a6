"""Where searches start: the given values, then points spread evenly over the bounds."""

from __future__ import annotations

import math

import numpy as np

from symde.fit.parameters import Parameters

FACTOR = 10.0
"""A parameter without bounds is started within this factor of its value, or this multiple of its size."""


def starts_of(parameters: Parameters, count: int, seed: int) -> np.ndarray:
    """Vectors to start from, shape (count, k): the given start, then a Latin hypercube.

    Source: M. D. McKay, R. J. Beckman, W. J. Conover, A comparison of three methods for selecting values of
    input variables, Technometrics 21 (1979).
    """
    start = parameters.start
    if count == 1:
        return start[None]
    from scipy.stats import qmc

    half = np.where(parameters.logs, math.log(FACTOR), FACTOR)
    low, high = parameters.bounds
    low = np.where(
        np.isfinite(low), low, np.minimum(start - half, np.where(np.isfinite(high), high - half, start))
    )
    high = np.where(np.isfinite(high), high, np.maximum(start + half, low + half))
    cube = qmc.LatinHypercube(d=len(start), rng=np.random.default_rng(seed)).random(count - 1)
    return np.vstack([start, low + cube * (high - low)])
