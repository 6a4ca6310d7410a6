"""A plain tape: the recorded steps are done again with all of their operations kept.

For short solves, and for those that want second derivatives or derivatives along a direction: what torch can
do with its own operations it can do with this.
"""

from __future__ import annotations

import torch
from torch import Tensor

from symde.engine.batched.again import SavesByAttempt, points_again, step_again
from symde.engine.batched.forward import Forward, solve
from symde.engine.batched.problem import Batch
from symde.engine.batched.times import slopes


def solve_by_tape(batch: Batch) -> Forward:
    """A solve whose saved states can be differentiated, more than once where the method's steps can be."""
    return taped(batch, solve(batch, keep=True))


def taped(batch: Batch, found: Forward) -> Forward:
    """A recorded solve done again, with a history."""
    start = batch.u0
    if batch.t0.requires_grad:
        start = start - _along_time(batch, batch.t0, batch.u0.detach())
    return found.with_states(_with_times(batch, found, _states(batch, found, start)))


def _states(batch: Batch, found: Forward, start: Tensor) -> Tensor:
    """The saved states from the start, step by step."""
    assert found.record is not None
    saves, stepper, p = found.saves, found.stepper, batch.p
    counting = found.record.counting()
    by_attempt = None if saves is None else SavesByAttempt(saves, len(counting))
    values, places, u = [], [], start
    for k in (k for k, counts in enumerate(counting) if counts):
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
    if saves is None:
        return torch.where(torch.isnan(found.u), torch.nan, u)
    base = torch.where(saves.at_start[:, None], start, torch.nan).permute(0, 2, 1)
    if values:
        save = torch.cat([one.save for one in places])
        member = torch.cat([one.member for one in places])
        base = base.index_put((save, member), torch.cat(values, 1).T)
    return base.permute(0, 2, 1)


def _with_times(batch: Batch, found: Forward, u: Tensor) -> Tensor:
    """The saved states with their derivatives by the times at which they are."""
    if batch.times is None:
        return u + _along_time(batch, batch.t1, found.u[0])[None] if batch.t1.requires_grad else u
    if not batch.times.requires_grad:
        return u
    f = slopes(batch.rhs, batch.times.detach(), found.u, None if batch.p is None else batch.p.detach())
    small = _small(batch.times, u)
    return u + f * (small[:, None] if small.ndim == 2 else small[:, None, None])


def _along_time(batch: Batch, t: Tensor, u: Tensor) -> Tensor:
    """0 with the derivative f by a time, shape (n, B)."""
    p = None if batch.p is None else batch.p.detach()
    return slopes(batch.rhs, t.detach()[None], u[None], p)[0] * _small(t, u)


def _small(t: Tensor, u: Tensor) -> Tensor:
    """0 with the derivative 1."""
    return (t - t.detach()).to(u.dtype)
