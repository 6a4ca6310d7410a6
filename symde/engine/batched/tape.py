"""A plain tape: the recorded steps are done again with all of their operations kept.

For short solves, and for those that want second derivatives: what torch can differentiate of its own
operations it can differentiate of this, `torch.func.grad` included.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.again import SavesByAttempt, points_again, step_again
from symde.engine.batched.events.again import MomentsAgain
from symde.engine.batched.forward import Forward, solve
from symde.engine.batched.once import only_once
from symde.engine.batched.problem import Batch
from symde.engine.batched.times import along, slopes


def solve_by_tape(batch: Batch) -> Forward:
    """A solve whose saved states can be differentiated, more than once where the method's steps can be."""
    return taped(batch, solve(batch, keep=True))


def taped(batch: Batch, found: Forward) -> Forward:
    """A recorded solve done again, with a history."""
    start = _moved(batch, batch.t0[None], batch.u0[None], -1.0)[0]
    moments = None if found.happened is None else MomentsAgain(batch, found)
    u = _states(batch, found, start, moments)
    times = batch.t1[None] if batch.times is None else batch.times
    times = times if times.ndim == 2 else times[:, None].expand(-1, len(batch.t0))
    logged = () if moments is None else moments.logged
    return found.with_states(_moved(batch, times, u, 1.0), logged)


def _states(batch: Batch, found: Forward, start: Tensor, moments: MomentsAgain | None) -> Tensor:
    """The saved states from the start, step by step."""
    assert found.record is not None
    saves, stepper, p = found.saves, found.stepper, batch.p
    counting = found.record.counting()
    by_attempt = None if saves is None else SavesByAttempt(saves, len(counting))
    values, places, u = [], [], start
    if moments is not None:
        u = moments.after(-1, u)
    for k, counts in enumerate(counting):
        if moments is not None and k:
            u = moments.after(k - 1, u)
        if not counts:
            continue
        recorded = found.record.attempt(k)
        present = torch.where(recorded.counted, u, recorded.u)
        step = step_again(stepper, recorded, present, p)
        u = torch.where(recorded.counted, step.u, u)
        if by_attempt is None:
            continue
        inside, at_end = by_attempt.inside(k), by_attempt.at_end(k)
        if inside is not None:
            values.append(points_again(stepper, recorded, step, present, p, inside))
            places.append(inside)
        if at_end is not None:
            values.append(u[:, at_end.member])
            places.append(at_end)
    if moments is not None and counting:
        u = moments.after(len(counting) - 1, u)
    if saves is None:
        return torch.where(torch.isnan(found.u), torch.nan, u)
    base = torch.where(saves.at_start[:, None], start, torch.nan).permute(0, 2, 1)
    if values:
        save = torch.cat([one.save for one in places])
        member = torch.cat([one.member for one in places])
        base = base.index_put((save, member), torch.cat(values, 1).T)
    if moments is not None:
        base = moments.saved(base)
    return base.permute(0, 2, 1)


def _moved(batch: Batch, times: Tensor, u: Tensor, sign: float) -> Tensor:
    """The states (T, n, B) with their derivatives by the times (T, B) at which they are."""
    if not times.requires_grad:
        return u
    return _Moved.apply(batch.rhs, sign, times, u, batch.p, *batch.weights)  # type: ignore[return-value]


class _Moved(torch.autograd.Function):
    """States with the derivative f by their times, or -f: a later start is an earlier state. Once only, since
    the derivatives by the states depend on the times too."""

    @staticmethod
    def forward(
        rhs: Any, sign: float, times: Tensor, u: Tensor, p: Tensor | None, *weights: Tensor
    ) -> Tensor:
        return u.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.rhs, ctx.sign, *tensors = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:  # type: ignore[override]
        times, u, p, *weights = ctx.saved_tensors
        by_times = ctx.sign * along(slopes(ctx.rhs, times, u, p), grad)
        # the others' derivatives are 0, and again known only once
        others = [None if one is None else torch.zeros_like(one) for one in (p, *weights)]
        return None, None, *only_once([by_times, grad, *others], (*ctx.saved_tensors, grad), TWICE)


TWICE = (
    "second derivatives of a solve are not known where t0, t1 or saved times are differentiated by: detach "
    "these, or take symde.layers.diffeq on the CPU"
)
