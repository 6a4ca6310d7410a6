"""Full matrices in memory: the solver of small full systems."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu.layout import int64, structure
from symde.engine.cpu.linear_solver import CHECKED, Kernels, Layout, LinearSolver, addresses

DenseData = structure(
    "DenseData",
    "A full LU with partial pivoting.",
    matrix=int64,  # n x n, column by column
    pivots=int64,
)


def dense_data(n: int) -> tuple[Any, tuple[Any, ...]]:
    """Memory of a full factorisation, and what keeps it alive. Pages are touched only where it is used."""
    arrays = {"matrix": np.empty(n * n), "pivots": np.zeros(n, np.int64)}
    return DenseData(**addresses(arrays)), tuple(arrays.values())


def lay_out(kernels: Kernels, state: int, preconditioner: Any) -> Layout:
    """Nothing but the matrix."""
    return Layout(*dense_data(kernels.n))


def cost(kernels: Kernels) -> float:
    """Operations of the elimination and of eight substitutions, and a row's overhead. Full systems of
    10, 20, 50, 120 states take 1.4, 3.8, 20, 164; the sparse solver 1.3, 4.4, 30, 270."""
    n = kernels.n
    return 0.1 * n + 9.5e-5 * n**3 + 2.5e-3 * n**2


SOLVER = LinearSolver("dense", {"factor": "dense", "substitute": "dense", **CHECKED}, lay_out, cost)
