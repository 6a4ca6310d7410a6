"""symde itself, through the public call."""

from __future__ import annotations

import numpy as np


def solver(problem, floor, name: str | None):
    """A method by name; None is the default."""
    from symde import solve as symde_solve

    end = [problem.tspan[1]]

    def solve(rtol: float) -> np.ndarray:
        return symde_solve(problem, name, rtol=rtol, atol=rtol * floor, saveat=end).u[-1]

    return solve
