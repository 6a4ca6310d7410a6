"""A method's numbers as tensors, and weighted sums of stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


def tensor(values: Any, like: Tensor) -> Tensor:
    """Numbers as a tensor of the type and on the device of another."""
    return torch.tensor(np.asarray(values, dtype=float).tolist(), dtype=like.dtype, device=like.device)


def combined(weights: Sequence[float], vectors: Sequence[Tensor]) -> Tensor | None:
    """sum_j weights[j] * vectors[j] over the weights that are not zero; None where all are."""
    total: Tensor | None = None
    for weight, vector in zip(weights, vectors, strict=False):
        if weight == 0.0:
            continue
        total = vector * weight if total is None else torch.add(total, vector, alpha=weight)
    return total


def weighted(stages: Tensor, weights: Tensor) -> Tensor:
    """sum_q weights[s, q] * stages[q, :, s], shape (n, S), the same to the last bit for every S."""
    total, columns = torch.zeros_like(stages[0]), weights.to(stages.dtype).unbind(1)
    for stage, weight in zip(stages.unbind(0), columns, strict=True):
        total = torch.addcmul(total, stage, weight)
    return total


def powers(theta: Tensor, degree: int) -> Tensor:
    """theta, theta^2, ..., shape (len(theta), degree)."""
    return torch.cumprod(theta[:, None].expand(-1, degree), 1)


def chebyshev(theta: Tensor, degree: int) -> Tensor:
    """theta * T_q(2 theta - 1) for q below `degree`, shape (len(theta), degree).

    The weights of an interpolant in these lose fewer digits than in powers, see `in_chebyshev` of
    symde.engine.cpu.families.explicit.
    """
    x = 2.0 * theta - 1.0
    columns = [torch.ones_like(theta), x]
    while len(columns) < degree:
        columns.append(2.0 * x * columns[-1] - columns[-2])
    return torch.stack([theta * one for one in columns[:degree]], 1)


def weights_at(basis: Tensor, interpolant: Tensor) -> Tensor:
    """basis (S, degree) times interpolant (degree, stages), the same to the last bit for every S."""
    total = torch.zeros_like(basis[:, :1] * interpolant[0])
    for column, row in zip(basis.unbind(1), interpolant.unbind(0), strict=True):
        total = torch.addcmul(total, column[:, None], row)
    return total
