"""Steps of methods of weak order 2 for any noise, by their tables.

Source: K. Debrabant, A. Roessler, Appl. Numer. Math. 59 (2009), 582-594, scheme (3). Where each motion's
coefficients read nothing that another motion moves, the stages of all motions are one, and the stages with
hats cancel.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symde.codegen.noise_steps.step import INVERSE_ROOT, ROOT, NoiseStep


def ri(work: NoiseStep, tableau: Any) -> list[int]:
    """The step of a table (`symde.engine.noise.ri_tableau`)."""
    drifts: list[list[int]] = []
    diffusions: list[list[int]] = []
    for stage in range(tableau.stages):
        point = work.moved(work.u, tableau.a0[stage], drifts)
        point = work.shaken(point, tableau.b0[stage], diffusions, work.increment)
        # before the drift of this stage, which none of its diffusions reads
        late = _diffusions(work, tableau, stage, drifts, diffusions)
        drifts.append(work.drift(point, work.later(float(tableau.a0[stage].sum()))))
        diffusions.append(late)
    new = work.moved(work.u, tableau.alpha, drifts)
    for stage in range(tableau.stages):
        for e in work.entries:
            motion = work.equation.columns[e]
            double = work.apply("mul", work.double(motion), work.size_of_step(INVERSE_ROOT))
            betas = (tableau.beta1[stage], work.increment(motion)), (tableau.beta2[stage], double)
            weight = work.combined((float(beta), one) for beta, one in betas)
            if weight is not None:
                new = work.added(new, e, weight, diffusions[stage][e])
    return new if work.equation.together else _mixed(work, tableau, new, diffusions)


def _motions(work: NoiseStep) -> Iterable[list[int]]:
    """The entries of each motion; of all together, where their stages are one."""
    if work.equation.together:
        return [list(work.entries)]
    columns = work.equation.columns
    return [[e for e in work.entries if columns[e] == motion] for motion in range(work.equation.motions)]


def _diffusions(
    work: NoiseStep, tableau: Any, stage: int, drifts: list[list[int]], diffusions: list[list[int]]
) -> list[int]:
    """The diffusion of a stage: of each motion, where that motion alone has moved."""
    root, found = work.size_of_step(ROOT), [0] * len(work.entries)
    at, time = work.moved(work.u, tableau.a1[stage], drifts), work.later(float(tableau.a1[stage].sum()))
    for entries in _motions(work):
        point = work.shaken(at, tableau.b1[stage], diffusions, lambda motion: root, entries)
        values = work.read([work.equation.diffusion[e] for e in entries], point, time)
        for e, value in zip(entries, values, strict=True):
            found[e] = value
    return found


def _mixed(work: NoiseStep, tableau: Any, new: list[int], diffusions: list[list[int]]) -> list[int]:
    """With what motions do to the coefficients of others, from the stages with hats."""
    columns, root = work.equation.columns, work.size_of_step(ROOT)
    share = (work.equation.motions - 1) * float(tableau.beta3[0])
    if share != 0.0:
        new = work.shaken(new, [share], diffusions[:1], work.increment)
    for other, entries in enumerate(_motions(work)):
        rest = [e for e in work.entries if columns[e] != other]
        for stage in range(1, tableau.stages):
            point = work.shaken(work.u, tableau.b2[stage], diffusions, lambda motion: root, entries)
            values = work.read([work.equation.diffusion[e] for e in rest], point, work.t)
            for e, value in zip(rest, values, strict=True):
                double = work.apply(
                    "mul", _double_integral(work, columns[e], other), work.size_of_step(INVERSE_ROOT)
                )
                parts = (tableau.beta3[stage], work.increment(columns[e])), (tableau.beta4[stage], double)
                weight = work.combined((float(beta), one) for beta, one in parts)
                if weight is not None:
                    new = work.added(new, e, weight, value)
    return new


def _double_integral(work: NoiseStep, k: int, other: int) -> int:
    """What stands for the double integral of two motions: (dW_k dW_l -+ h s)/2 with a two-valued number s."""
    apply, first = work.apply, min(k, other)
    up = apply("lt", work.zero, work.normal(first, 1))
    sign = apply("select", up, work.h, apply("neg", work.h))
    product = apply("mul", work.increment(k), work.increment(other))
    return work.times(0.5, apply("add" if other < k else "sub", product, sign))
