"""Profile likelihoods: how the best loss grows as one parameter is held away from its estimate."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from symde.fit.objective import Objective, Point
from symde.fit.scoring import minimise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FIRST = 0.5
"""First step, in standard errors."""

_BETTER = 1e-3
"""Twice the decrease of the loss, in units of the noise, that tells of a better optimum."""

_HALVES = 6
"""How often a step that leads to where nothing can be solved is halved."""

_MOST = 40
"""Most points on either side."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A profile likelihood.

    Attributes:
        name: The parameter.
        values: Its values, ascending, shape (n_points,).
        changes: Twice the increase of the best loss over all other parameters, in units of the noise, shape
            (n_points,): for a linear model ((value - estimate)/standard error)^2.
        others: All parameters at each value, shape (n_points, k).
        threshold: Increase at the ends of the interval.
        interval: Values where the profile crosses the threshold; infinite, or the bound, where it does not.
            Where the model cannot be solved beyond a value, the interval ends there.
        level: Confidence level.
    """

    name: str
    values: np.ndarray
    changes: np.ndarray
    others: np.ndarray
    threshold: float
    interval: tuple[float, float]
    level: float

    def __repr__(self) -> str:
        low, high = self.interval
        return f"<Profile of {self.name}: {self.level:.0%} interval {low:.6g} to {high:.6g}>"

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the profile with its threshold; the axes."""
        from symde.fit.plot import plot_profile

        return plot_profile(self, ax, **style)


def profile_of(
    objective: Objective,
    theta: np.ndarray,
    best: Point,
    index: int,
    *,
    error: float,
    unit: float,
    threshold: float,
    level: float,
    max_iterations: int,
) -> Profile:
    """The profile of one parameter.

    Args:
        objective: The loss.
        theta: The estimate.
        best: What is known there.
        index: Which parameter.
        error: Its standard error in theta; infinite or NaN: unknown.
        unit: Loss that counts as one half: the variance of unit weight, 1 where the noise is known.
        threshold: Where the interval ends, in twice the loss over `unit`.
        level: For the result.
        max_iterations: Of each optimisation.
    """
    low, high = objective.bounds
    found = {0.0: (theta, 0.0)}
    ends = []
    first = _FIRST * error if math.isfinite(error) and error > 0.0 else 0.05 * (1.0 + abs(theta[index]))
    held = _held(objective, index)
    for side in (-1.0, 1.0):
        bound = high[index] if side > 0 else low[index]
        start, step, previous = theta, first, 0.0
        end = math.inf * side
        shorter = 0
        for _ in range(_MOST):
            at = start[index] + side * step
            at = min(at, bound) if side > 0 else max(at, bound)
            optimum = held(start, at, max_iterations)
            if optimum is None:
                # beyond somewhere there is no solution: as near to there as a few halves go
                step, shorter, end = 0.5 * step, shorter + 1, start[index]
                if shorter > _HALVES:
                    break
                continue
            new, value = optimum
            change = 2.0 * (value - best.value) / unit
            found[at - theta[index]] = new, change
            end = math.inf * side
            if change >= threshold:
                end = _crossing(start[index], previous, at, change, threshold)
                break
            if at == bound:
                end = bound
                break
            # where the loss hardly grows, go on in longer steps
            grown = math.sqrt(max(change, 0.0)) - math.sqrt(max(previous, 0.0))
            step *= 2.0 if grown < 0.25 * math.sqrt(threshold) and not shorter else 1.0
            start, previous = new, change
        ends.append(end)
    order = sorted(found)
    if min(change for _, change in found.values()) < -_BETTER:
        warnings.warn(
            f"the profile of {objective.names[index]} passes a better fit than the estimate, which is an "
            "optimum of its surroundings only: fit again with more starts, starts=20",
            RuntimeWarning,
            stacklevel=3,
        )
    others = np.array([objective.parameters.values(found[key][0]) for key in order])
    interval = [_number(objective, index, theta, end) for end in ends]
    return Profile(
        objective.names[index],
        others[:, index],
        np.array([found[key][1] for key in order]),
        others,
        threshold,
        (interval[0], interval[1]),
        level,
    )


def _held(
    objective: Objective, index: int
) -> Callable[[np.ndarray, float, int], tuple[np.ndarray, float] | None]:
    """Optimises all other parameters."""
    low, high = objective.bounds
    others = np.arange(len(low)) != index

    def optimise(start: np.ndarray, at: float, max_iterations: int) -> tuple[np.ndarray, float] | None:
        theta = start.copy()
        theta[index] = at

        def evaluate(part: np.ndarray) -> Point | None:
            theta[others] = part
            point = objective.point(theta)
            if point is None:
                return None
            return Point(
                point.value,
                point.residuals,
                point.jacobian[:, others],
                point.information[:, others],
                point.gradient[others],
            )

        found = minimise(
            evaluate,
            start[others],
            (low[others], high[others]),
            logs=objective.parameters.logs[others],
            sum_of_squares=objective.noise != "estimated",
            max_iterations=max_iterations,
        )
        if found is None:
            return None
        theta[others] = found.theta
        return theta.copy(), found.point.value

    return optimise


def _crossing(before: float, low: float, after: float, high: float, threshold: float) -> float:
    """Where the profile reaches the threshold: its root is nearly a straight line."""
    a, b, c = (math.sqrt(max(value, 0.0)) for value in (low, high, threshold))
    return before + (after - before) * (c - a) / (b - a)


def _number(objective: Objective, index: int, theta: np.ndarray, end: float) -> float:
    """A coordinate as the parameter's number."""
    if not math.isfinite(end):
        one = objective.parameters[index]
        return (0.0 if one.log else -math.inf) if end < 0 else math.inf
    moved = theta.copy()
    moved[index] = end
    return float(objective.parameters.values(moved)[index])
