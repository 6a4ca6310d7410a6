"""Poisson random numbers: by inversion for small means, by transformed rejection for large ones.

Source: W. Hormann, The transformed rejection method for generating Poisson random variables, Insurance:
Mathematics and Economics 12 (1993), 39-45, algorithm PTRS.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import compiled, doubles
from symde.engine.cpu.compiled.random import jumps_at, uniform

SMALL = 10.0
"""Means below are sampled by inversion."""

HALF_LOG_TWO_PI = 0.9189385332046727


@compiled
def log_factorial(k):
    """log(k!), by Stirling's series from 10 on: the next term is below 1e-10."""
    if k < 10.0:
        value, factor = 0.0, 2.0
        while factor <= k:
            value += math.log(factor)
            factor += 1.0
        return value
    x = 1.0 / k
    series = x * (1.0 / 12.0 - x * x * (1.0 / 360.0 - x * x * (1.0 / 1260.0 - x * x / 1680.0)))
    return (k + 0.5) * math.log(k) - k + HALF_LOG_TWO_PI + series


@compiled
def by_inversion(state, mean):
    """The first k whose cumulative probability exceeds a uniform number."""
    number, k = uniform(state), 0.0
    probability = math.exp(-mean)
    cumulative = probability
    # beyond 200 the probability is below 1e-150 for means below 10: only rounding leads there
    while number >= cumulative and k < 200.0:
        k += 1.0
        probability *= mean / k
        cumulative += probability
    return k


@compiled
def by_rejection(state, mean):
    """PTRS."""
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    squeeze = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u, v = uniform(state) - 0.5, 1.0 - uniform(state)
        us = 0.5 - abs(u)
        if us == 0.0:
            continue
        k = math.floor((2.0 * a / us + b) * u + mean + 0.43) * 1.0
        if us >= 0.07 and v <= squeeze:
            return k
        if k < 0.0 or (us < 0.013 and v > us):
            continue
        left = math.log(v * inverse_alpha / (a / (us * us) + b))
        if left <= k * math.log(mean) - mean - log_factorial(k):
            return k


@compiled
def poisson(state, mean):
    """A Poisson number of a mean that is positive, as float64."""
    return by_inversion(state, mean) if mean < SMALL else by_rejection(state, mean)


def sample(address):
    """For tests: Poisson numbers of the mean `epsilon` into the output times."""
    state = jumps_at(address)
    for i in range(state.out_capacity):
        doubles(state.out_t)[i] = poisson(state, state.epsilon)
    return 0


ENTRIES = {"sample": sample}
