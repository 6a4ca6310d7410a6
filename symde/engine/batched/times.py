"""Derivatives by times, which are known without integration: du(t)/dt is f, and du(t)/dt0 follows from it.

Where a step ends at a time, or an interpolant is evaluated there, the derivative of what was computed is that
of the method's polynomial: right to its order only. f at the saved state is right to the error of that state.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.forward import Forward
from symde.engine.batched.problem import Batch


@torch.no_grad()
def slopes(rhs: Any, times: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
    """f at saved states, shape (T, n, B), 0 where a state is not known.

    Args:
        rhs: The right-hand side.
        times: Shape (T,) or (T, B).
        u: Saved states, shape (T, n, B).
        p: Parameters.
    """
    count, n, batch = u.shape
    known = torch.isfinite(u).all(1)
    flat = u.permute(1, 0, 2).reshape(n, -1)
    every = (times if times.ndim == 2 else times[:, None].expand(-1, batch)).reshape(-1)
    if p is not None and p.shape[1] > 1:
        p = p.repeat(1, count)
    f = rhs(every, flat, p).reshape(n, count, batch).permute(1, 0, 2)
    return torch.where(known[:, None], f, 0.0)


def along(f: Tensor, grad: Tensor) -> Tensor:
    """f . grad over the states, in float64; 0 where f is, whatever grad is."""
    return torch.where(f == 0.0, 0.0, f * grad).to(torch.float64).sum(-2)


def grads_of_times(
    batch: Batch,
    found: Forward,
    inputs: tuple[Any, ...],
    wanted: tuple[bool, ...],
    adjoint: Tensor,
    grad: Tensor,
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Derivatives of a loss by t0, t1 and the saved times.

    Args:
        batch, found: What was solved.
        inputs: u0, p, t0, t1 and times first.
        wanted: Whether each of the three is.
        adjoint: Derivative by u0.
        grad: By the saved states.
    """
    u0, p, t0, t1, times = inputs[:5]
    by_t0 = by_t1 = by_times = None
    if wanted[0]:
        by_t0 = -along(slopes(batch.rhs, t0[None], u0[None], p), adjoint[None])[0]
    if wanted[1]:
        by_t1 = torch.zeros_like(t1)
        if times is None:
            by_t1 = along(slopes(batch.rhs, t1[None], found.u, p), grad)[0]
    if wanted[2] and times is not None:
        by_times = along(slopes(batch.rhs, times, found.u, p), grad)
        by_times = by_times if times.ndim == 2 else by_times.sum(-1)
    return by_t0, by_t1, by_times
