"""How far a gradient is off: twice its change when every step is halved, or its distance from gradients that
were solved again more tightly, where that change is large.

Steps that are halved are still those of a coarse solution. Where a front of the finer one passes at another
time they are too large there: stages do not converge, or gradients of both are wrong in the same way. Over
12 problems at rtol 1e-2 to 1e-5 every estimate below 0.1 bounded the error, and 6 of those from 0.1 to 1 were
of gradients that were wrong altogether, one 2000 times too large.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symde.engine.cpu.pullback import PullBackError
from symde.problem.problem import Problem
from symde.problem.solution import SolveError
from symde.sensitivity.riding import sizes
from symde.sensitivity.share import Derivatives, Share
from symde.sensitivity.wrt import Estimate, Wrt

TRUSTED = 0.05
"""Relative change up to which gradients of halved steps, or of two tolerances, are thought to be resolved."""

TIGHTER = 1e-2
"""Factor from one tolerance to the next."""

TIGHTEST = 1e-13
"""Least relative tolerance of solves that are done again."""


def gradient_error(problem: Problem, wanted: Wrt, shares: Sequence[Share], rtol: float) -> Estimate | None:
    """An estimate of the relative error of a gradient; infinite where no tolerance resolves it, None where
    the strategy cannot halve its steps.

    Twice the change by halving bounds the error as long as that of the halved steps is at most half of it,
    and so for any order from 1 on. Where it is above `TRUSTED`, or halves cannot be done, the default methods
    solve again with tolerances a hundredth each time, until two gradients in turn agree and the halves of the
    second do; its error is thought to be at most its change. A chaotic solution passes one of these by chance
    now and then. Errors of derivatives are measured by the size of what they are by, and relative to the
    largest.

    Args:
        problem: Tells these sizes.
        wanted: What was differentiated by.
        shares: Of each solve in the gradient.
        rtol: The relative tolerance of the gradient.

    Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.4, on
    Richardson's extrapolation, with the factor of order 1 whatever the method's.
    """
    measure = _Measure(problem, wanted)
    if any(share.halved is None for share in shares):
        return None
    coarse = measure.sum([share.derivatives for share in shares])
    if not np.isfinite(coarse).all():
        return Estimate(math.inf, "the gradient is not finite")
    change = 2.0 * measure.halving(coarse, shares)
    if change <= TRUSTED:
        return Estimate(change, "halved steps")
    last, factor = None, TIGHTER
    while rtol * factor >= TIGHTEST:
        try:
            again = [share.tighter(factor) for share in shares]
        except (PullBackError, SolveError):
            again = None
        fine = None if again is None else measure.sum([share.derivatives for share in again])
        if last is not None and again is not None and fine is not None:
            change = _relative(fine - last, fine)
            if change <= TRUSTED and measure.halving(fine, again) <= TRUSTED:
                error = (_relative(fine - coarse, fine) + change) / (1.0 - change)
                return Estimate(error, f"solves to rtol {rtol * factor:.0e}")
        last, factor = fine, factor * TIGHTER
    return Estimate(math.inf, "no tolerance resolves the gradient")


@dataclass(frozen=True, slots=True)
class _Measure:
    """Gradients with each derivative times the size of what it is by."""

    problem: Problem
    wanted: Wrt

    def sum(self, shares: Sequence[Derivatives]) -> np.ndarray:
        """The gradient that shares add up to."""
        u0, p = (np.sum(part, axis=0) for part in zip(*shares, strict=True))
        of_u0, of_p = sizes(self.problem)
        chosen = (of_u0 * u0)[list(self.wanted.states)], (of_p * p)[list(self.wanted.parameters)]
        return np.concatenate(chosen)

    def halving(self, coarse: np.ndarray, shares: Sequence[Share]) -> float:
        """The relative change of a gradient when every step is halved; infinite where that cannot be done."""
        try:
            fine = self.sum([share.halved() for share in shares if share.halved is not None])
        except PullBackError:
            return math.inf
        return max(_relative(fine - coarse, coarse), _relative(fine - coarse, fine))


def _relative(change: np.ndarray, gradient: np.ndarray) -> float:
    """The largest change over the largest derivative; infinite where that is not known."""
    change, largest = np.abs(change).max(), np.abs(gradient).max()
    if change == 0.0:
        return 0.0
    return float(change / largest) if largest > 0.0 and np.isfinite(change) else math.inf
