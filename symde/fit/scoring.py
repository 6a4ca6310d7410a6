"""Fisher scoring: Newton's method with the expected information in place of the second derivatives.

For a sum of squares it is the method of Levenberg and Marquardt. What a bound holds back leaves the linear
system until the gradient points inside again. What a step would carry past its bound goes there, and the step
of all others is solved for again.

Source: J. J. More, The Levenberg-Marquardt algorithm: implementation and theory, Numerical Analysis, Lecture
Notes in Mathematics 630 (1978), for the scaling; H. B. Nielsen, Damping parameter in Marquardt's method,
report IMM-REP-1999-05, DTU (1999), for the damping; C. T. Kelley, Iterative Methods for Optimization (1999),
section 5.5, for the projection.
"""

from __future__ import annotations

import math
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
INTERRUPTED, ENDED = "the search was interrupted", "the callback ended the search"
_LOG_REACH = math.log(10.0)
"""Longest step of a logarithm. With steps that grow with it 20 of 40 starts of an epidemic and its noise
found the optimum, and others went to rates of 1e-80; with this all 40 did. Longer ones lose starts on three
problems of seven, shorter ones cost up to half as many solves again (kinetics over nine decades)."""

_REACH = 4.0
"""That of other coordinates, relative to 1 + |theta|."""


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
    logs: np.ndarray,
    sum_of_squares: bool,
    max_iterations: int,
    on_step: Callable[[np.ndarray, float], object] | None = None,
) -> Found | None:
    """A local minimum of a loss, None where it cannot be evaluated at the start.

    Args:
        evaluate: Gives loss, gradient and information of a vector, None where there are none.
        theta: The start, within the bounds.
        bounds: Lower and upper bounds.
        logs: Which coordinates are logarithms.
        sum_of_squares: Whether the loss is half a sum of squares, whose smallest value may be zero.
        max_iterations: Most steps.
        on_step: Called with vector and loss after every step; ends the search by returning something true.

    Raises:
        SearchInterrupted: Ctrl-C, or `on_step` ended it; how far the search came is kept on it.
    """
    low, high = bounds
    first, theta = evaluate(theta), theta.copy()
    if first is None or not np.isfinite(first.value):
        return None
    here = first
    damping, growth, tried, iteration = 1e-3, 2.0, 1, 0

    def ended(converged: bool, message: str) -> Found:
        return Found(theta, here, converged, message, iteration, tried)

    try:
        while iteration < max_iterations:
            held = ((theta <= low) & (here.gradient > 0.0)) | ((theta >= high) & (here.gradient < 0.0))
            rows = triangle(here.information)
            newton = _Newton(rows, here.gradient, ~held)
            if newton.decrease <= TOLERANCE * _unit(here, sum_of_squares):
                return ended(True, "the loss cannot be made smaller")
            while True:
                moved, cut = _within(newton, rows, here.gradient, theta, damping, bounds, logs)
                if not cut and not _tells(moved, theta):
                    return ended(True, "the parameters cannot be told more exactly")
                predicted = _predicted(rows, here.gradient, moved)
                # a step that a bound bends may lead uphill; more damping turns it to the gradient
                if predicted > 0.0:
                    there = evaluate(theta + moved)
                    tried += 1
                    gain = here.value - there.value if there is not None else np.nan
                    if there is not None and np.isfinite(there.gradient).all() and gain > 0.0:
                        break
                    if np.isfinite(gain) and predicted <= _NOISE * abs(here.value):
                        return ended(
                            True, "the loss cannot be made smaller within the tolerance of the solves"
                        )
                damping, growth = damping * growth, 2.0 * growth
                if damping > _LARGEST_DAMPING:
                    return ended(False, "no step makes the loss smaller, though its gradient is not zero")
            ratio = gain / predicted
            damping, growth = max(1e-12, damping * max(1.0 / 3.0, 1.0 - (2.0 * ratio - 1.0) ** 3)), 2.0
            theta, here, iteration = np.clip(theta + moved, low, high), there, iteration + 1
            if on_step is not None and on_step(theta, here.value):
                raise SearchInterrupted(ended(False, ENDED), wanted=True)
    except SearchInterrupted:
        raise
    except KeyboardInterrupt as interrupt:
        raise SearchInterrupted(ended(False, INTERRUPTED)) from interrupt
    return ended(False, f"the limit of {max_iterations} iterations was reached")


class SearchInterrupted(KeyboardInterrupt):
    """A search that did not come to its end.

    Attributes:
        found: How far it came.
        wanted: Whether it was told to end, and not interrupted.
    """

    def __init__(self, found: Found, wanted: bool = False) -> None:
        super().__init__(found.message)
        self.found, self.wanted = found, wanted


def _within(
    newton: _Newton,
    rows: np.ndarray,
    gradient: np.ndarray,
    theta: np.ndarray,
    damping: float,
    bounds: tuple[np.ndarray, np.ndarray],
    logs: np.ndarray,
) -> tuple[np.ndarray, bool]:
    """A step that keeps the bounds, and whether they bend it: what would pass a bound goes there, and all
    others are solved for again under that. Cut off instead, a step may lead uphill (an epidemic's three
    rates, whose share of reported cases meets 1)."""
    down, up = bounds[0] - theta, bounds[1] - theta
    reach = np.where(logs, _LOG_REACH, _REACH * (1.0 + np.abs(theta)))
    step = _short(newton.step(damping), reach)
    moved, free = np.clip(step, down, up), newton.free
    while free.any():
        out = free & ((step < down) | (step > up))
        if not out.any():
            break
        free = free & ~out
        fixed = np.where(free, 0.0, moved)
        part = _Newton(rows, gradient + rows.T @ (rows @ fixed), free).step(damping)
        step = fixed + _short(part, reach)
        moved = np.where(free, np.clip(step, down, up), fixed)
    return moved, bool((free != newton.free).any())


def _short(step: np.ndarray, reach: np.ndarray) -> np.ndarray:
    return step / max(1.0, float(np.max(np.abs(step) / reach)))


def _tells(moved: np.ndarray, theta: np.ndarray) -> bool:
    return bool((np.abs(moved) > SMALLEST_STEP * (1.0 + np.abs(theta))).any())


def _predicted(rows: np.ndarray, gradient: np.ndarray, step: np.ndarray) -> float:
    """Decrease of the loss that the quadratic model promises for a step."""
    return -float(gradient @ step) - 0.5 * float(((rows @ step) ** 2).sum())


def triangle(rows: np.ndarray) -> np.ndarray:
    """R with the same R'R as many rows, of as many as there are columns."""
    return np.asarray(np.linalg.qr(rows, mode="r"))


def _unit(point: Point, sum_of_squares: bool) -> float:
    """What noise does to the loss: about 1 in a likelihood, the mean square where the noise is unknown."""
    if not sum_of_squares:
        return 1.0
    return min(1.0, 2.0 * point.value / len(point.residuals))


class _Newton:
    """The quadratic model of a loss over the coordinates that are free.

    Args:
        rows: R, where R'R is the information, shape (rows, k).
        gradient: Derivative of the loss, shape (k,).
        free: Which coordinates are free.
    """

    def __init__(self, rows: np.ndarray, gradient: np.ndarray, free: np.ndarray) -> None:
        self.free = free
        sizes = np.sqrt((rows[:, free] ** 2).sum(axis=0))
        # a coordinate that nothing depends on: it has no gradient either, and stays
        self._sizes = np.where(sizes > 0.0, sizes, 1.0)
        _, self._singular, self._directions = np.linalg.svd(rows[:, free] / self._sizes, full_matrices=False)
        self._slopes = self._directions @ (gradient[free] / self._sizes)

    @property
    def decrease(self) -> float:
        """Decrease of the loss by an undamped step, directions of almost no information left out."""
        if not len(self._singular):
            return 0.0
        known = self._singular > 1e-8 * self._singular[0]
        return 0.5 * float(((self._slopes[known] / self._singular[known]) ** 2).sum())

    def step(self, damping: float) -> np.ndarray:
        """The step of all coordinates."""
        step = np.zeros(len(self.free))
        along = self._slopes / (self._singular**2 + damping)
        step[self.free] = -(self._directions.T @ along) / self._sizes
        return step
