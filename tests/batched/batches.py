"""Problems of the library as batches."""

from __future__ import annotations

import torch

from symde.layers.module import module_of
from tests.problems import get


def rhs_of(name: str) -> torch.nn.Module:
    """The right-hand side of a problem."""
    return module_of(get(name).problem.system)


def alone(name: str, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    """Initial state (n, 1) and parameters (m, 1) of a problem."""
    problem = get(name).problem
    return tuple(torch.tensor(one).reshape(-1, 1).to(dtype) for one in (problem.u0, problem.p))


def crowd(name: str, count: int, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    """The same for many members, each with values of its own up to a fifth larger."""
    random = torch.Generator().manual_seed(3)
    return tuple(
        one.to(dtype)
        * (1 + 0.2 * torch.rand(len(one), count, generator=random, dtype=torch.float64)).to(dtype)
        for one in alone(name)
    )
