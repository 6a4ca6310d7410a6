"""Absolute tolerances of adjoint states and of the integrals by parameters.

Their sizes have nothing to do with those of the states, so the tolerance given for these cannot serve. What
counts is what an error says of the loss: with L the size of what a jump says of the loss, sum_i |w_i| s_i at
its largest, and s_i the largest |u_i| (or the size atol_i/rtol below which u_i counts for nothing, where that
is larger), the derivative by u_i is held to L/s_i and that by p_j to L/|p_j|, both times rtol and `PART`. All
of it keeps its meaning when a state or a parameter is measured in other units.

Source: A. C. Hindmarsh, R. Serban, User Documentation for CVODES, section 2.6, for tolerances by the sizes of
the parameters.
"""

from __future__ import annotations

import numpy as np

from symde.sensitivity.jumps import Jumps
from symde.sensitivity.run import Run

PART = 1e-2
"""Size below which a derivative counts for nothing, over that of the loss."""


def sizes_of_states(run: Run, largest: np.ndarray) -> np.ndarray:
    """The size of each state, from the largest that were seen, shape (n,)."""
    floor = np.broadcast_to(np.asarray(run.atol, dtype=float), largest.shape) / run.plan.rtol
    sizes = np.maximum(largest, floor)
    sizes[sizes == 0.0] = 1.0
    return sizes


def adjoint_tolerance(
    run: Run, jumps: Jumps, sizes: np.ndarray, p: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Absolute tolerances of the adjoint states (n,) and of the integrals (m,).

    Args:
        run: What is solved.
        jumps: What the adjoint state jumps by.
        sizes: Of the states, shape (n,).
        p: The parameters.
    """
    loss = float(np.max(np.abs(jumps.rows) @ sizes))
    if not 0.0 < loss < np.inf:  # weights that are not finite give a gradient that is not
        loss = 1.0
    parameters = np.abs(p)
    parameters[parameters == 0.0] = 1.0
    wanted = run.plan.rtol * PART * loss
    return wanted / sizes, wanted / parameters
