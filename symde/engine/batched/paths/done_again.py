"""Paths as a torch function whose way back does their steps again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.casting import Casting
from symde.engine.batched.once import only_once

TWICE = (
    "the gradient of a path that is done again cannot be differentiated again: use sensealg='tape' for "
    "second derivatives"
)

Forward = Callable[[Tensor, Tensor | None], tuple[Tensor, Any]]
"""Of u0 and p: what is saved, and what the way back needs."""

Back = Callable[[Any, Tensor, Tensor | None, list[Tensor], Sequence[bool], Tensor], list[Tensor | None]]
"""Of that, u0, p, the weights, what is wanted of all these, and what comes back to what was saved: their
derivatives."""


def done_again(
    forward: Forward, back: Back, u0: Tensor, p: Tensor | None, weights: list[Tensor]
) -> tuple[Tensor, Any]:
    """What `forward` gives, differentiable once by u0, p and the weights."""
    kept: list[Any] = []
    u = _Again.apply(forward, back, kept, u0, p, *weights)
    return u, kept[0]  # type: ignore[return-value]


class _Again(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        forward: Forward,
        back: Back,
        kept: list[Any],
        u0: Tensor,
        p: Tensor | None,
        *weights: Tensor,
    ) -> Tensor:
        u, found = forward(u0, p)
        kept.append(found)
        ctx.back, ctx.found, ctx.casting = back, found, Casting(u0.device.type)
        ctx.save_for_backward(u0, p, *weights)  # refuses values that were changed in between
        return u

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:  # type: ignore[override]
        u0, p, *weights = ctx.saved_tensors
        with torch.no_grad(), ctx.casting():
            found = ctx.back(ctx.found, u0, p, weights, ctx.needs_input_grad[3:], grad)
        return None, None, None, *only_once(found, (grad, *ctx.saved_tensors), TWICE)


class Sums:
    """The derivatives of stretches, the last first, and their sums.

    Args:
        u0, p, weights: What is differentiated by.
        wanted: Which of these.
    """

    def __init__(self, u0: Tensor, p: Tensor | None, weights: list[Tensor], wanted: Sequence[bool]) -> None:
        self.p = None if p is None else p.detach().requires_grad_(wanted[1])
        self._wanted = wanted[1:]
        self._targets: list[Any] = [
            one for one, want in zip((self.p, *weights), self._wanted, strict=True) if want
        ]
        self._sums: list[Tensor | None] = [None] * len(self._targets)
        self._adjoint = torch.zeros_like(u0)

    def add(self, start: Tensor, end: Tensor, outputs: list[Tensor], seeds: list[Tensor]) -> None:
        """A stretch from `start` to `end`, with what comes back to its outputs."""
        by_u, *others = torch.autograd.grad(
            [*outputs, end], [start, *self._targets], [*seeds, self._adjoint], allow_unused=True
        )
        self._adjoint = torch.zeros_like(self._adjoint) if by_u is None else by_u
        self._sums = [_added(one, two) for one, two in zip(self._sums, others, strict=True)]

    def found(self) -> list[Tensor | None]:
        """Derivatives by u0, p and the weights; None where they are not wanted."""
        each = iter(self._sums)
        return [self._adjoint, *(next(each) if want else None for want in self._wanted)]


def _added(total: Tensor | None, part: Tensor | None) -> Tensor | None:
    """The sum; None stands for 0."""
    return total if part is None else part if total is None else total + part
