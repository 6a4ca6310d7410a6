"""The derivative of a path backward: stretches of its steps are done again, the last first.

The noise is counted, so that it need not be kept: memory is that of the states at the ends of some
sqrt(steps) stretches, and of the operations of one of them.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.casting import Casting
from symde.engine.batched.once import only_once
from symde.engine.batched.paths.equation import within
from symde.engine.batched.paths.follow import Followed, Run, follow

TWICE = (
    "the gradient of a path that is done again cannot be differentiated again: use sensealg='tape' for "
    "second derivatives"
)


def follow_again(run: Run, u0: Tensor, p: Tensor | None, weights: list[Tensor]) -> Followed:
    """Paths whose saved states can be differentiated, once."""
    made: list[Followed] = []
    u = _Again.apply(run, made, u0, p, *weights)
    return dataclasses.replace(made[0], u=u)


class _Again(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, run: Run, made: list[Followed], u0: Tensor, p: Tensor | None, *weights: Tensor
    ) -> Tensor:
        ctx.length = max(math.isqrt(run.grid.steps), 1)
        ctx.segments = []
        found = follow(run, u0, p, ctx.segments, ctx.length)
        made.append(found)
        ctx.run, ctx.casting = run, Casting(u0.device.type)
        ctx.save_for_backward(u0, p, *weights)  # refuses values that were changed in between
        return found.u

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:  # type: ignore[override]
        with torch.no_grad(), ctx.casting():
            found = _grads(ctx, ctx.needs_input_grad[2:], grad)
        return None, None, *only_once(found, (grad, *ctx.saved_tensors), TWICE)


def _grads(ctx: Any, wanted: tuple[bool, ...], grad: Tensor) -> list[Tensor | None]:
    """Derivatives by u0, p and the weights."""
    run: Run = ctx.run
    u0, p, *weights = ctx.saved_tensors
    p = None if p is None else p.detach().requires_grad_(wanted[1])
    targets: list[Any] = [one for one, want in zip((p, *weights), wanted[1:], strict=True) if want]
    sums: list[Tensor | None] = [None] * len(targets)
    adjoint = torch.zeros_like(u0)
    for index in reversed(range(len(ctx.segments))):
        first = index * ctx.length
        last = min(first + ctx.length, run.grid.steps)
        with torch.enable_grad():
            start = ctx.segments[index].detach().requires_grad_()
            outputs, seeds, old = [], [], start
            if index == 0:
                for place in run.saves.at_start:
                    outputs.append(within(run.stepper.equation, start))
                    seeds.append(grad[place])
            end = start
            for step, found in run.steps(start, p, first, last):
                end = found.u
                for place, state in run.points(step, old, end):
                    outputs.append(state)
                    seeds.append(grad[place])
                old = end
            by_u, *others = torch.autograd.grad(
                [*outputs, end], [start, *targets], [*seeds, adjoint], allow_unused=True
            )
        adjoint = torch.zeros_like(u0) if by_u is None else by_u
        sums = [added(one, two) for one, two in zip(sums, others, strict=True)]
    found = iter(sums)
    return [adjoint, *(next(found) if want else None for want in wanted[1:])]


def added(total: Tensor | None, part: Tensor | None) -> Tensor | None:
    """The sum; None stands for 0."""
    return total if part is None else part if total is None else total + part
