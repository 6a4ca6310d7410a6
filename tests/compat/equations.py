"""Equations with known solutions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

F64 = torch.float64
TIMES = torch.tensor([0.0, 0.4, 1.0, 1.7], dtype=F64)
START = torch.tensor([[1.0, -0.5, 2.0], [0.3, 0.0, -1.0]], dtype=F64)


class Decay(nn.Module):
    """y' = -k y + sin t, for y of any shape; counts its calls."""

    def __init__(self, k: float = 0.7, dtype: torch.dtype = F64) -> None:
        super().__init__()
        self.k = nn.Parameter(torch.tensor(k, dtype=dtype))
        self.calls = 0

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        self.calls += 1
        return -self.k * y + torch.sin(t)


def decayed(y0: Tensor, t: Tensor, k: Any) -> Tensor:
    """The solution of Decay at all times, shape (T, *y0.shape)."""
    t = t.reshape(-1, *[1] * y0.ndim)
    start, scale = t[0], k * k + 1.0

    def forced(t: Tensor) -> Tensor:
        return (k * torch.sin(t) - torch.cos(t)) / scale

    return forced(t) + (y0 - forced(start)) * torch.exp(-k * (t - start))
