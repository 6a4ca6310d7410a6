"""An explicit attempt row by row, for torch's compiler: it makes of it one loop over the members, whose
stages stay in registers, where tensors of all states would be written and read again for every stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.attempts import Made, Span
from symde.engine.batched.control import Progress, Tolerance, choose, decide
from symde.engine.batched.explicit import ExplicitStepper
from symde.engine.batched.numbers import combined

MOST_ROWS = 16
"""States above which the loop's body would be long, and take long to compile."""

Rows = Sequence[Tensor]


def row_attempt_function(stepper: ExplicitStepper, keep_stages: bool) -> Callable[..., Any]:
    """One attempt as a function of tensors alone: (span, progress, first stage) to (made, first, stages)."""
    rhs: Any = stepper.equation.rhs

    def whole(span: Span, progress: Progress, first: Tensor | None) -> tuple[Made, Tensor | None, Any]:
        attempt = choose(progress, span.t_end, span.direction)
        t, h, u = progress.t, attempt.h, progress.u.unbind(0)
        p, size = () if span.p is None else span.p.unbind(0), attempt.h.to(progress.u.dtype)
        stages: list[Rows] = [rhs.rows(t, u, p) if first is None else first.unbind(0)]
        for i in range(1, len(stepper.b) - stepper.keeps_first):
            stages.append(rhs.rows(t + stepper.c[i] * h, _moved(u, size, stepper.a[i], stages), p))
        u_new = _moved(u, size, stepper.b, stages)
        if stepper.keeps_first:
            stages.append(rhs.rows(t + h, u_new, p))
        mean_square = _mean_square(stepper, span.tolerance, u, u_new, size, stages)
        verdict = decide(progress, attempt, mean_square, None, span.law, span.largest)
        following = verdict.progress(_chosen(verdict.accepted, u_new, u))
        last = _chosen(verdict.accepted, stages[-1], stages[0]) if stepper.keeps_first else None
        kept = torch.stack([torch.stack(list(one)) for one in stages]) if keep_stages else None
        return Made(attempt, following, verdict.accepted, mean_square), last, kept

    return whole


def _moved(u: Rows, size: Tensor, weights: list[float], stages: Sequence[Rows]) -> list[Tensor]:
    sums = [combined(weights, [stage[r] for stage in stages]) for r in range(len(u))]
    return [row if total is None else row + size * total for row, total in zip(u, sums, strict=True)]


def _chosen(accepted: Tensor, then: Rows, otherwise: Rows) -> Tensor:
    return torch.stack([torch.where(accepted, a, b) for a, b in zip(then, otherwise, strict=True)])


def _mean_square(
    stepper: ExplicitStepper, tolerance: Tolerance, u: Rows, u_new: Rows, size: Tensor, stages: Sequence[Rows]
) -> Tensor:
    """As `Tolerance.mean_square`, row by row; zero, or NaN, for methods without an estimate."""
    total = torch.zeros_like(size, dtype=torch.float64)
    for r, (old, new) in enumerate(zip(u, u_new, strict=True)):
        largest = torch.maximum(old.abs(), new.abs()).to(torch.float64)
        total = total + largest * 0.0
        estimate = None if stepper.error is None else combined(stepper.error, [one[r] for one in stages])
        if estimate is not None:
            ratio = size * estimate / (tolerance.atol[r] + tolerance.rtol * largest)
            total = total + ratio * ratio / len(u)
    return total
