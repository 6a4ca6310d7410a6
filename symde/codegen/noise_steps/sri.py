"""Steps of methods of strong order 1.5 for diagonal and for scalar noise, by their tables.

Source: A. Roessler, SIAM J. Numer. Anal. 48 (2010), 922-952, scheme (6.8).
"""

from __future__ import annotations

from typing import Any

from symde.codegen.noise_steps.step import INVERSE, INVERSE_ROOT, ROOT, NoiseStep


def sri(work: NoiseStep, tableau: Any) -> list[int]:
    """The step of a table (`symde.engine.noise.sri_tableau`)."""
    drifts: list[list[int]] = []
    diffusions: list[list[int]] = []
    root = work.size_of_step(ROOT)
    for stage in range(tableau.stages):
        point = work.moved(work.u, tableau.a0[stage], drifts)
        point = work.shaken(point, tableau.b0[stage], diffusions, work.mean)
        other = work.moved(work.u, tableau.a1[stage], drifts)
        other = work.shaken(other, tableau.b1[stage], diffusions, lambda motion: root)
        drifts.append(work.drift(point, work.later(float(tableau.a0[stage].sum()))))
        diffusions.append(work.diffusion(other, work.later(float(tableau.a1[stage].sum()))))
    new = work.moved(work.u, tableau.alpha, drifts)
    for stage in range(tableau.stages):
        for e in work.entries:
            weight = _weight(work, tableau, stage, work.equation.columns[e])
            if weight is not None:
                new = work.added(new, e, weight, diffusions[stage][e])
    return new


def _weight(work: NoiseStep, tableau: Any, stage: int, motion: int) -> int | None:
    """What the diffusion of a stage is multiplied by: beta1 I_1 + beta2 I_11/sqrt(h) + beta3 I_10/h + beta4
    I_111/h."""
    dw, apply = work.increment(motion), work.apply
    double = apply("mul", work.double(motion), work.size_of_step(INVERSE_ROOT))
    square = apply("sub", apply("mul", dw, dw), work.times(3.0, work.h))
    triple = apply("mul", apply("mul", dw, square), work.times(1.0 / 6.0, work.size_of_step(INVERSE)))
    betas = (tableau.beta1, tableau.beta2, tableau.beta3, tableau.beta4)
    integrals = (dw, double, work.mean(motion), triple)
    return work.combined((float(beta[stage]), one) for beta, one in zip(betas, integrals, strict=True))
