"""Derivatives of paths along the steps that they took: all done again at once, or stretches of them backward,
the last first."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.casting import Casting
from symde.engine.batched.once import only_once
from symde.engine.batched.paths.adaptive import STRETCH, AdaptiveRun, Found
from symde.engine.batched.paths.adjoint import TWICE, added
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
    made: list[Found] = []
    u = _Again.apply(run, made, u0, p, *weights)
    return run.followed(made[0], u)  # type: ignore[arg-type]


class _Again(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, run: AdaptiveRun, made: list[Found], u0: Tensor, p: Tensor | None, *weights: Tensor
    ) -> Tensor:
        found, u = run.find(u0, p, True)
        made.append(found)
        ctx.run, ctx.found, ctx.casting = run, found, Casting(u0.device.type)
        ctx.save_for_backward(u0, p, *weights)  # refuses values that were changed in between
        return u

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:  # type: ignore[override]
        with torch.no_grad(), ctx.casting():
            found = _grads(ctx, ctx.needs_input_grad[2:], grad)
        return None, None, *only_once(found, (grad, *ctx.saved_tensors), TWICE)


def _grads(ctx: Any, wanted: tuple[bool, ...], grad: Tensor) -> list[Tensor | None]:
    """Derivatives by u0, p and the weights."""
    run, found = ctx.run, ctx.found
    u0, p, *weights = ctx.saved_tensors
    equation = run.stepper.equation
    p = None if p is None else p.detach().requires_grad_(wanted[1])
    targets: list[Any] = [one for one, want in zip((p, *weights), wanted[1:], strict=True) if want]
    sums: list[Tensor | None] = [None] * len(targets)
    adjoint = torch.zeros_like(u0)
    for index in reversed(range(len(found.starts))):
        attempts = found.attempts[index * STRETCH : (index + 1) * STRETCH]
        with torch.enable_grad():
            start = found.starts[index].detach().requires_grad_()
            states = run.again(attempts, start, p)
            outputs = [within(equation, one) for one in states]
            seeds = [_seed(one.save, grad) for one in attempts]
            by_u, *others = torch.autograd.grad(
                [*outputs, states[-1]], [start, *targets], [*seeds, adjoint], allow_unused=True
            )
        adjoint = torch.zeros_like(u0) if by_u is None else by_u
        sums = [added(one, two) for one, two in zip(sums, others, strict=True)]
    at_start = (run.times == 0).nonzero()[:, 0]
    with torch.enable_grad():
        start = u0.detach().requires_grad_()
        (direct,) = torch.autograd.grad(within(equation, start), start, grad[at_start].sum(0))
    each = iter(sums)
    return [adjoint + direct, *(next(each) if want else None for want in wanted[1:])]


def _seed(save: Tensor, grad: Tensor) -> Tensor:
    """What comes back to the states behind an attempt, shape (n, B)."""
    place = save.clamp(min=0)[None, None].expand(1, *grad.shape[1:])
    return torch.where(save >= 0, grad.gather(0, place)[0], 0.0)
