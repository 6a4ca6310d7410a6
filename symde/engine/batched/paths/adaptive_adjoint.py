"""Derivatives of paths along the steps that they took: all done again at once, or stretches of them backward,
the last first."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from symde.engine.batched.paths.adaptive import STRETCH, AdaptiveRun, Found
from symde.engine.batched.paths.done_again import Sums, done_again
from symde.engine.batched.paths.equation import within
from symde.engine.batched.paths.follow import Followed


def follow(run: AdaptiveRun, u0: Tensor, p: Tensor | None) -> Followed:
    """Paths whose saved states are not differentiated."""
    found, u = run.find(u0, p, False)
    return run.followed(found, u)


def follow_on_tape(run: AdaptiveRun, u0: Tensor, p: Tensor | None) -> Followed:
    """Paths all of whose operations torch keeps."""
    found, saved = run.find(u0.detach(), None if p is None else p.detach(), True)
    states = torch.stack([u0, *run.again(found.attempts, u0, p)])
    saves = torch.stack([torch.full_like(found.taken, -1), *(one.save for one in found.attempts)])
    order = torch.arange(len(saves), device=u0.device)[:, None]
    rows = [
        states.gather(0, ((saves == k) * order).amax(0)[None, None].expand(1, *u0.shape))[0]
        for k in range(len(run.times))
    ]
    u = within(run.stepper.equation, torch.stack(rows))
    return run.followed(found, torch.where(torch.isnan(saved), saved, u))


def follow_again(run: AdaptiveRun, u0: Tensor, p: Tensor | None, weights: list[Tensor]) -> Followed:
    """Paths whose saved states can be differentiated, once."""

    def forward(u0: Tensor, p: Tensor | None) -> tuple[Tensor, Found]:
        found, u = run.find(u0, p, True)
        return u, found

    def back(
        found: Found,
        u0: Tensor,
        p: Tensor | None,
        weights: list[Tensor],
        wanted: Sequence[bool],
        grad: Tensor,
    ) -> list[Tensor | None]:
        sums = Sums(u0, p, weights, wanted)
        for index in reversed(range(len(found.starts))):
            attempts = found.attempts[index * STRETCH : (index + 1) * STRETCH]
            with torch.enable_grad():
                start = found.starts[index].detach().requires_grad_()
                states = run.again(attempts, start, sums.p)
                outputs = [within(run.stepper.equation, one) for one in states]
                seeds = [_seed(one.save, grad) for one in attempts]
                if index == 0:  # what is saved at the start
                    outputs.append(within(run.stepper.equation, start))
                    seeds.append(torch.where((run.times == 0)[:, None, None], grad, 0.0).sum(0))
                sums.add(start, states[-1], outputs, seeds)
        return sums.found()

    u, found = done_again(forward, back, u0, p, weights)
    return run.followed(found, u)


def _seed(save: Tensor, grad: Tensor) -> Tensor:
    """What comes back to the states behind an attempt, shape (n, B)."""
    place = save.clamp(min=0)[None, None].expand(1, *grad.shape[1:])
    return torch.where(save >= 0, grad.gather(0, place)[0], 0.0)
