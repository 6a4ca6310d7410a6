"""Values of functions of (t, u), and of each its gradient: the columns of a batch do not know each other, so
that one reverse product gives that of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Rows(NamedTuple):
    """Values (R, S), and of each its derivatives by t (R, S) and by u (R, n, S)."""

    values: Tensor
    by_t: Tensor
    by_u: Tensor


def transforming() -> bool:
    """Whether a transform of `torch.func` is at work, in which tensors cannot be made leaves."""
    functorch: Any = torch._C._functorch  # type: ignore[attr-defined]
    return bool(functorch.get_interpreter_stack())


def with_gradients(function: Callable[[Tensor, Tensor], Tensor], t: Tensor, u: Tensor) -> Rows:
    """The rows of a function with their gradients; differentiable where torch records."""
    if transforming():
        made: Any = torch.func.vjp(function, t, u)
        values, pull = made
        unit = torch.eye(len(values), dtype=values.dtype, device=values.device)
        pulled = [pull(row[:, None].expand_as(values)) for row in unit]
        by_t, by_u = (torch.stack(one) for one in zip(*pulled, strict=True))
        return Rows(values, by_t, by_u)
    recorded = torch.is_grad_enabled()
    with torch.enable_grad():
        at_u = u if u.requires_grad else u.detach().requires_grad_()
        at_t = t if t.requires_grad else t.detach().requires_grad_()
        values, times, states = function(at_t, at_u), [], []
        for row in values.unbind(0):
            by_t, by_u = torch.zeros_like(at_t), torch.zeros_like(at_u)
            if row.requires_grad:
                by_t, by_u = torch.autograd.grad(
                    row.sum(), (at_t, at_u), retain_graph=True, create_graph=recorded, allow_unused=True,
                    materialize_grads=True,
                )  # fmt: skip
            times.append(by_t)
            states.append(by_u)
    found = Rows(values, torch.stack(times), torch.stack(states))
    return found if recorded else Rows(*(one.detach() for one in found))
