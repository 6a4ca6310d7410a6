"""A recorded solve as a torch function: what its adjoints have in common, whichever way they go back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.casting import Casting
from symde.engine.batched.forward import Forward, solve
from symde.engine.batched.once import only_once
from symde.engine.batched.problem import Batch

Grads = Callable[[Any, tuple[bool, ...], Tensor], list[Tensor | None]]
"""Derivatives by u0, p, t0, t1, times and the weights: from the function's context, whether each is wanted,
and the derivatives by the saved states. Those by the log of events are the context's `logged`."""

TWICE = (
    "the gradient of a replayed or adjoint solve cannot be differentiated again: use gradient='tape' for "
    "second derivatives"
)


def recorded(batch: Batch, grads: Grads, stages: bool = False) -> Forward:
    """A solve whose saved states can be differentiated, once; `stages` as in `solve`."""
    made: list[Forward] = []
    inputs = batch.u0, batch.p, batch.t0, batch.t1, batch.times, *batch.weights
    u, *logged = _Recorded.apply(batch, grads, made, stages, *inputs)
    return made[0].with_states(u, tuple(logged))


class _Recorded(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, batch: Batch, grads: Grads, made: list[Forward], stages: bool, *inputs: Tensor | None
    ) -> tuple[Tensor, ...]:
        found = solve(batch, keep=True, stages=stages)
        made.append(found)
        ctx.batch, ctx.found, ctx.casting, ctx.grads = batch, found, Casting(batch.u0.device.type), grads
        ctx.save_for_backward(*inputs)  # refuses values that were changed in between
        return found.u, *(() if found.happened is None else found.happened.logged)

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *logged: Tensor) -> tuple[Any, ...]:  # type: ignore[override]
        ctx.logged = logged
        with torch.no_grad(), ctx.casting():
            found = ctx.grads(ctx, ctx.needs_input_grad[4:], grad)
        return None, None, None, None, *only_once(found, (grad, *logged, *ctx.saved_tensors), TWICE)
