"""The smooth stretches of every member's solution, the last first: each ends at saved times or at events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.forward import Forward


class Stretch(NamedTuple):
    """A stretch of every member, and what is at its later end.

    Attributes:
        jump: Derivatives of the loss by states saved there, shape (n, B).
        moments: Numbers of the moments there, with the members that come to each, shape (K,).
        after, before: Its later and its earlier end, shape (B,).
        first, last: Accepted steps of each member that lie in it, shape (B,).
    """

    jump: Tensor
    moments: list[tuple[int, Tensor]]
    after: Tensor
    before: Tensor
    first: Tensor
    last: Tensor


class _Stop(NamedTuple):
    t: float
    save: int  # -1: none
    moment: int  # -1: none


def stretches_between(found: Forward, grad: Tensor, times: Tensor, t0: Tensor) -> Iterator[Stretch]:
    """The stretches, the last first.

    Args:
        found: The solve.
        grad: Derivatives by the saved states, 0 where these are not known, shape (T, n, B).
        times: When they were saved, shape (T, B).
        t0: Starts, shape (B,).
    """
    happened, record = found.happened, found.record
    assert happened is not None and record is not None
    batch = grad.shape[-1]
    owner = torch.full(times.shape, -1, device=times.device) if happened.owner is None else happened.owner
    known = torch.isfinite(found.u).all(1) & (owner < 0)
    stops = [_stops(found, times, known, k) for k in range(batch)]
    # accepted steps of each member up to an attempt
    counted = torch.cat([piece.counted for piece in record.pieces]) if record.pieces else None
    steps = None if counted is None else torch.cumsum(counted, 0)
    last = torch.zeros(batch, dtype=torch.int64) if steps is None else (steps[-1] - 1).cpu()
    last, start, device = last.tolist(), t0.tolist(), grad.device
    for i in range(max(map(len, stops), default=0)):
        jump, moments = torch.zeros_like(grad[0]), dict[int, list[int]]()
        after, before, first = list(start), list(start), [0] * batch
        for k, mine in enumerate(stops):
            if i >= len(mine):
                continue
            stop = mine[i]
            after[k] = stop.t
            if stop.save >= 0:
                jump[:, k] = grad[stop.save, :, k]
            if stop.moment >= 0:
                moments.setdefault(stop.moment, []).append(k)
                last[k] = _until(steps, happened.moments[stop.moment].attempt, k) - 1
            if i + 1 < len(mine):
                before[k] = mine[i + 1].t
            following = next((one.moment for one in mine[i + 1 :] if one.moment >= 0), None)
            if following is not None:
                first[k] = _until(steps, happened.moments[following].attempt, k)
        numbers = sorted(moments, reverse=True)
        ends = (torch.tensor(one, dtype=torch.float64, device=device) for one in (after, before))
        of_members = [(number, torch.tensor(moments[number], device=device)) for number in numbers]
        later, earlier = ends
        steps_of = torch.tensor(first, device=device), torch.tensor(last, device=device).clamp(min=0)
        yield Stretch(jump, of_members, later, earlier, *steps_of)


def _stops(found: Forward, times: Tensor, known: Tensor, k: int) -> list[_Stop]:
    """Where a member is looked at, the last first."""
    assert found.happened is not None
    saves = torch.nonzero(known[:, k])[:, 0].tolist()
    whens = times[:, k].tolist()
    stops = [(whens[save], 1, _Stop(whens[save], save, -1)) for save in saves]
    for number, moment in enumerate(found.happened.moments):
        place = torch.nonzero(moment.member == k)[:, 0]
        if len(place):
            t = float(moment.t[place[0]])
            stops.append((t, 0, _Stop(t, -1, number)))
    # of equal times the later entry first, and saved states, which are not those of events, before these
    order = sorted(range(len(stops)), key=lambda j: (stops[j][0], stops[j][1], j))
    return [stops[j][2] for j in reversed(order)]


def _until(steps: Tensor | None, attempt: int, k: int) -> int:
    return 0 if attempt < 0 or steps is None else int(steps[attempt, k])
