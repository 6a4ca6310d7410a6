"""Derivatives that cannot be differentiated again: to try is an error, never a number that lacks a term."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def only_once(
    grads: Sequence[Tensor | None], inputs: Sequence[Tensor | None], why: str
) -> list[Tensor | None]:
    """The same derivatives, with a history that leads to an error.

    torch's own `once_differentiable` lets derivatives pass as constants where what they are multiplied by is
    one.

    Args:
        grads: Derivatives; None where there are none.
        inputs: What they depend on.
        why: What the error says.
    """
    if not torch.is_grad_enabled():
        return list(grads)
    known = [one for one in grads if one is not None]
    reached = _Once.apply(why, len(known), *known, *(one for one in inputs if one is not None))
    again = iter(reached)
    return [None if one is None else next(again) for one in grads]


class _Once(torch.autograd.Function):
    @staticmethod
    def forward(why: str, count: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(one.clone() for one in tensors[:count])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.why = inputs[0]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        raise NotImplementedError(ctx.why)
