"""Steps of methods of strong order 1.5 for additive noise, by their tables.

Source: A. Roessler, SIAM J. Numer. Anal. 48 (2010), 922-952, scheme (6.1).
"""

from __future__ import annotations

from typing import Any

from symde.codegen.noise_steps.step import NoiseStep


def sra(work: NoiseStep, tableau: Any) -> list[int]:
    """The step of a table (`symde.engine.noise.sra_tableau`)."""
    diffusions = [work.diffusion(work.u, work.later(float(late))) for late in tableau.c1]
    drifts: list[list[int]] = []
    for stage in range(tableau.stages):
        point = work.moved(work.u, tableau.a[stage], drifts)
        point = work.shaken(point, tableau.b[stage], diffusions, work.mean)
        drifts.append(work.drift(point, work.later(float(tableau.a[stage].sum()))))
    new = work.moved(work.u, tableau.alpha, drifts)
    new = work.shaken(new, tableau.beta1, diffusions, work.increment)
    return work.shaken(new, tableau.beta2, diffusions, work.mean)
