"""What one solve adds to a loss and its gradient, and the ways to find it once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from symde.problem.stats import Stats

Derivatives = tuple[np.ndarray, np.ndarray]
"""Those by all initial values (n,) and by all parameters (m,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What one solve adds to a loss and its gradient.

    Attributes:
        value: Its share of the loss.
        derivatives: Those of that, by the common initial values and parameters.
        sensealg: The strategy that found them.
        work: Gives the work of the solve.
        halved: Finds the derivatives with every step as two halves; None where the strategy cannot.
        tighter: Finds the share with the default methods, and both tolerances times a factor.
    """

    value: float
    derivatives: Derivatives
    sensealg: str
    work: Callable[[], Stats]
    halved: Callable[[], Derivatives] | None
    tighter: Callable[[float], Share]
