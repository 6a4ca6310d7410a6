"""How far a gradient is off: twice its change when every step is halved."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from symde.engine.cpu.pullback import PullBackError
from symde.problem.problem import Problem
from symde.sensitivity.riding import sizes
from symde.sensitivity.wrt import Wrt

Derivatives = tuple[np.ndarray, np.ndarray]
"""Those by all initial values (n,) and by all parameters (m,)."""


def gradient_error(
    problem: Problem, wanted: Wrt, found: Derivatives, finer: Sequence[Callable[[], Derivatives]]
) -> float:
    """An estimate of the relative error of a gradient; infinite where the change is as large as the gradient
    itself or the halves cannot be done.

    It bounds the error as long as that of the halved steps is at most half of it, and so for any order from 1
    on. A gradient that changes as a whole says nothing even of that. Errors of derivatives are measured by
    the size of what they are by, and relative to the largest.

    Args:
        problem: Tells these sizes.
        wanted: What was differentiated by.
        found: The gradient.
        finer: Give the share of each solve in the gradient with halved steps.

    Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.4, on
    Richardson's extrapolation, with the factor of order 1 whatever the method's.
    """
    try:
        shares = [share() for share in finer]
    except PullBackError:
        return math.inf
    fine = _scaled(problem, wanted, *(np.sum(part, axis=0) for part in zip(*shares, strict=True)))
    coarse = _scaled(problem, wanted, *found)
    change, least = np.abs(fine - coarse).max(), min(np.abs(fine).max(), np.abs(coarse).max())
    if change == 0.0:
        return 0.0
    return float(2.0 * change / least) if 2.0 * change < least else math.inf


def _scaled(problem: Problem, wanted: Wrt, u0: np.ndarray, p: np.ndarray) -> np.ndarray:
    of_u0, of_p = sizes(problem)
    return np.concatenate([(of_u0 * u0)[list(wanted.states)], (of_p * p)[list(wanted.parameters)]])
