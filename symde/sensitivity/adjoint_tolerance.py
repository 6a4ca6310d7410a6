"""Absolute tolerances of adjoint states and of the integrals by parameters.

Their sizes have nothing to do with those of the states, so the tolerance given for these cannot serve. What
counts is what an error says of the loss: with L the size of what a jump says of the loss, sum_i |w_i| s_i at
its largest, and s_i the largest |u_i| (or the size atol_i/rtol below which u_i counts for nothing, where that
is larger), the derivative by u_i is held to L/s_i and that by p_j to L/|p_j|, both times rtol and a part.
All of it keeps its meaning when a state or a parameter is measured in other units.

The part is small since more goes through a state than it holds: the errors of the derivative by a fast
intermediate of a reaction count with all that is turned over. Where the integral is solved beside the adjoint
states, its own error test sees that; where it is not, the adjoint states must be good enough by themselves.
Squares of ROBER at 100 points, Rodas5P at rtol 1e-6: with 1e-2 the gradient was off by 14 times rtol beside,
95 times alone; with 1e-4 by 0.06 and 81, with 1e-5 by 0.08 and 2. Most other problems take a tenth more steps
with 1e-5 than with 1e-2, POLLU up to three times as many.

Source: A. C. Hindmarsh, R. Serban, User Documentation for CVODES, section 2.6, for tolerances by the sizes of
the parameters.
"""

from __future__ import annotations

import numpy as np

from symde.sensitivity.jumps import Jumps
from symde.sensitivity.run import Run

BESIDE, ALONE = 1e-4, 1e-5
"""Size below which a derivative counts for nothing, over that of the loss, where the integral is solved
beside the adjoint states, and where these are solved alone."""


def sizes_of_states(run: Run, largest: np.ndarray) -> np.ndarray:
    """The size of each state, from the largest that were seen, shape (n,)."""
    floor = np.broadcast_to(np.asarray(run.atol, dtype=float), largest.shape) / run.plan.rtol
    sizes = np.maximum(largest, floor)
    sizes[sizes == 0.0] = 1.0
    return sizes


def adjoint_tolerance(
    run: Run, jumps: Jumps, sizes: np.ndarray, p: np.ndarray, part: float
) -> tuple[np.ndarray, np.ndarray]:
    """Absolute tolerances of the adjoint states (n,) and of the integrals (m,).

    Args:
        run: What is solved.
        jumps: What the adjoint state jumps by.
        sizes: Of the states, shape (n,).
        p: The parameters.
        part: `BESIDE` or `ALONE`.
    """
    loss = float(np.max(np.abs(jumps.rows) @ sizes))
    if not 0.0 < loss < np.inf:  # weights that are not finite give a gradient that is not
        loss = 1.0
    parameters = np.abs(p)
    parameters[parameters == 0.0] = 1.0
    wanted = run.plan.rtol * part * loss
    return wanted / sizes, wanted / parameters
