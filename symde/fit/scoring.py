"""Fisher scoring: Newton's method with the expected information in place of the second derivatives.

For a sum of squares it is the method of Levenberg and Marquardt. Bounds are kept by projection, and what a
bound holds back leaves the linear system until the gradient points inside again.

Source: J. J. More, The Levenberg-Marquardt algorithm: implementation and theory, Numerical Analysis, Lecture
Notes in Mathematics 630 (1978), for the scaling; H. B. Nielsen, Damping parameter in Marquardt's method,
report IMM-REP-1999-05, DTU (1999), for the damping; C. T. Kelley, Iterative Methods for Optimization (1999),
section 5.5, for the projection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from symde.fit.objective import Point

TOLERANCE = 1e-10
"""Decrease of the loss, in units of what noise does to it, below which a fit has converged: its parameters
are then within about 1e-5 standard errors of the optimum."""

SMALLEST_STEP = 1e-11
"""Relative change of all coordinates below which it has converged as well: for data without noise."""

_NOISE = 1e-7
"""A predicted relative decrease below this that does not come true is lost in the tolerance of the solves."""

_LARGEST_DAMPING = 1e14
_REACH = 4.0
"""Longest step of a logarithm (a factor of 55), and of other coordinates relative to 1 + |theta|."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Where a search ended.

    Attributes:
        theta: The vector.
        point: What is known there.
        converged: Whether it is an optimum.
        message: Why the search ended, as a sentence.
        iterations, evaluations: Steps taken, and vectors tried.
    """

    theta: np.ndarray
    point: Point
    converged: bool
    message: str
    iterations: int
    evaluations: int


def minimise(
    evaluate: Callable[[np.ndarray], Point | None],
    theta: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    *,
    sum_of_squares: bool,
    max_iterations: int,
    on_step: Callable[[float], None] | None = None,
) -> Found | None:
    """A local minimum of a loss, None where it cannot be evaluated at the start.

    Args:
        evaluate: Gives loss, gradient and information of a vector, None where there are none.
        theta: The start, within the bounds.
        bounds: Lower and upper bounds.
        sum_of_squares: Whether the loss is half a sum of squares, whose smallest value may be zero.
        max_iterations: Most steps.
        on_step: Called with the loss after every step.
    """
    low, high = bounds
    here, theta = evaluate(theta), theta.copy()
    if here is None or not np.isfinite(here.value):
        return None
    damping, growth, tried = 1e-3, 2.0, 1
    for iteration in range(max_iterations):
        held = ((theta <= low) & (here.gradient > 0.0)) | ((theta >= high) & (here.gradient < 0.0))
        newton = _Newton(here, ~held)
        if newton.decrease <= TOLERANCE * _unit(here, sum_of_squares):
            return Found(theta, here, True, "the loss cannot be made smaller", iteration, tried)
        while True:
            step = newton.step(damping)
            reach = _REACH * (1.0 + np.abs(theta))
            step = step / max(1.0, float(np.max(np.abs(step) / reach)))
            new = np.clip(theta + step, low, high)
            moved = new - theta
            if not (np.abs(moved) > SMALLEST_STEP * (1.0 + np.abs(theta))).any():
                return Found(
                    theta, here, True, "the parameters cannot be told more exactly", iteration, tried
                )
            predicted = newton.predicted(moved)
            there = evaluate(new)
            tried += 1
            gain = here.value - there.value if there is not None else np.nan
            if there is not None and np.isfinite(there.gradient).all() and gain > 0.0:
                break
            if np.isfinite(gain) and predicted <= _NOISE * abs(here.value):
                message = "the loss cannot be made smaller within the tolerance of the solves"
                return Found(theta, here, True, message, iteration, tried)
            damping, growth = damping * growth, 2.0 * growth
            if damping > _LARGEST_DAMPING:
                message = "no step makes the loss smaller, though its gradient is not zero"
                return Found(theta, here, False, message, iteration, tried)
        ratio = gain / predicted if predicted > 0.0 else 1.0
        damping, growth = max(1e-12, damping * max(1.0 / 3.0, 1.0 - (2.0 * ratio - 1.0) ** 3)), 2.0
        theta, here = new, there
        if on_step is not None:
            on_step(here.value)
    message = f"the limit of {max_iterations} iterations was reached"
    return Found(theta, here, False, message, max_iterations, tried)


def _unit(point: Point, sum_of_squares: bool) -> float:
    """What noise does to the loss: about 1 in a likelihood, the mean square where the noise is unknown."""
    if not sum_of_squares:
        return 1.0
    return min(1.0, 2.0 * point.value / len(point.residuals))


class _Newton:
    """The quadratic model of a loss at a point, over the coordinates that are free."""

    def __init__(self, point: Point, free: np.ndarray) -> None:
        self._free, self._gradient, self._rows = free, point.gradient, point.information
        sizes = np.sqrt((point.information[:, free] ** 2).sum(axis=0))
        # a coordinate that nothing depends on: it has no gradient either, and stays
        self._sizes = np.where(sizes > 0.0, sizes, 1.0)
        _, self._singular, self._directions = np.linalg.svd(
            point.information[:, free] / self._sizes, full_matrices=False
        )
        self._slopes = self._directions @ (point.gradient[free] / self._sizes)

    @property
    def decrease(self) -> float:
        """Decrease of the loss by an undamped step, directions of almost no information left out."""
        if not len(self._singular):
            return 0.0
        known = self._singular > 1e-8 * self._singular[0]
        return 0.5 * float(((self._slopes[known] / self._singular[known]) ** 2).sum())

    def step(self, damping: float) -> np.ndarray:
        """The step of all coordinates."""
        step = np.zeros(len(self._free))
        along = self._slopes / (self._singular**2 + damping)
        step[self._free] = -(self._directions.T @ along) / self._sizes
        return step

    def predicted(self, step: np.ndarray) -> float:
        """Decrease of the loss that the model promises for a step."""
        return -float(self._gradient @ step) - 0.5 * float(((self._rows @ step) ** 2).sum())
