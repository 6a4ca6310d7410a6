"""Derivatives by times, which are known without integration: du(t)/dt is f, and du(t)/dt0 follows from it.

Where a step ends at a time, or an interpolant is evaluated there, the derivative of what was computed is that of the
method's polynomial: right to its order only. f at the saved state is right to the error of that state.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


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
