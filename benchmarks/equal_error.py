"""Time at equal error: the only comparison of solvers that means something.

A solver's tolerance is its own affair; its error at the end point is not. Each solver runs a problem at
tolerances from 1e-3 to 1e-14, its error is measured against a reference, and the time for a given error is
read off by interpolation in log-log.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

TOLERANCES = tuple(10.0 ** (-0.5 * k) for k in range(6, 29))

Solver = Callable[[float], np.ndarray]
"""Solves a problem at a tolerance and gives the end state, shape (n,)."""


@dataclass(frozen=True, slots=True)
class Point:
    """One run: the tolerance asked for, the error found, the seconds one solve took."""

    rtol: float
    error: float
    seconds: float


def end_error(u: np.ndarray, reference: np.ndarray, floor: np.ndarray | float) -> float:
    """max over components of |u - ref| / (floor + |ref|)."""
    return float(np.max(np.abs(u - reference) / (floor + np.abs(reference))))


def best_seconds(
    run: Callable[[], object], budget: float, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Minimum over bursts of the mean time of a call: the machine's noise only ever adds."""
    started = clock()
    run()
    once = max(clock() - started, 1e-7)
    calls = max(1, int(1.5e-3 / once))
    best, spent = math.inf, 0.0
    while spent < budget or best == math.inf:
        started = clock()
        for _ in range(calls):
            run()
        passed = clock() - started
        best, spent = min(best, passed / calls), spent + passed
    return best


def work_precision(
    solver: Solver,
    reference: np.ndarray,
    floor: np.ndarray | float,
    budget: float = 0.05,
    tolerances: Sequence[float] = TOLERANCES,
    tightest: float = 1e-9,
    slowest: float = math.inf,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Point]:
    """Points of the work-precision diagram, from loose to tight.

    Stops once the error `tightest` is reached, or a solve has taken more than `slowest` seconds.
    """
    points = []
    for rtol in tolerances:
        try:
            u = solver(rtol)
        except (RuntimeError, ValueError):
            continue  # a failed run is no point
        error = end_error(u, reference, floor)
        if not math.isfinite(error):
            continue
        points.append(Point(rtol, error, best_seconds(lambda rtol=rtol: solver(rtol), budget, clock)))
        if error < tightest or points[-1].seconds > slowest:
            break
    return points


def seconds_at(points: Sequence[Point], error: float) -> float:
    """Time for an error, log-log between the last point above it and the first at or below it; NaN if
    never."""
    for previous, point in zip([None, *points], points, strict=False):
        if point.error > error:
            continue
        if previous is None or previous.error <= error:
            return point.seconds
        share = math.log(previous.error / error) / math.log(previous.error / point.error)
        return math.exp((1 - share) * math.log(previous.seconds) + share * math.log(point.seconds))
    return math.nan
