"""Reactions whose rate is 0 at the start: their noise, the root of the rate, has no derivative there."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.problem.problem import Problem


def refuse_vanishing_rates(problem: Problem, du0: np.ndarray, dp: np.ndarray) -> None:
    """Refuse directions in which a rate leaves 0 at the start.

    Later a rate is 0 only where it stays so: the noise ends there, and the derivative of what it does then is
    0.

    Args:
        problem: Of kind "sde".
        du0, dp: Directions of initial state and parameters, shapes (k, n) and (k, m).

    Raises:
        ValueError: there is one, with the reaction.
    """
    system: Any = problem.system
    if not system.definition.reactions or system.definition.noise is not None:
        return
    rates, by_u, by_p = system.rates(problem.tspan[0], problem.u0, problem.p)
    for number in np.flatnonzero(rates == 0.0).tolist():
        if (du0 @ by_u[number] + dp @ by_p[number]).any():
            raise ValueError(
                f"the rate of reaction {number + 1} is 0 at the start, where its root has no derivative by "
                "what is asked for: start from positive numbers, or differentiate by parameters alone, "
                "wrt='p'"
            )
