"""Banded matrices in memory: chains, lines and one-dimensional grids."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu.layout import int64, structure
from symde.engine.cpu.linear_solver import CHECKED, Kernels, Layout, LinearSolver, addresses
from symde.engine.cpu.linear_solvers.structure import structure_of

BandedData = structure(
    "BandedData",
    "An LU with partial pivoting within a band, whose columns lie one after another.",
    lower=int64,  # entries below the diagonal
    upper=int64,  # entries above it before rows are exchanged
    reach=int64,  # entries above it in the last factors: upper, or lower + upper where rows were exchanged
    width=int64,  # entries kept of a column: row i of column j is entry lower + upper + i - j
    matrix=int64,
    pivots=int64,
    entries=int64,  # where in the band each entry of J belongs
    diagonal=int64,  # where each state's shift belongs
    place=int64,  # position of each state in the order of the band
    work=int64,
)


def lay_out(kernels: Kernels, state: int, preconditioner: Any) -> Layout:
    """The band and where the entries of J belong in it."""
    known = structure_of(kernels)
    place, lower, upper = known.band
    width = 2 * lower + upper + 1
    rows, columns = place[known.rows], place[known.columns]
    arrays = {
        "matrix": np.zeros(kernels.n * width),
        "pivots": np.zeros(kernels.n, np.int64),
        "entries": columns * width + lower + upper + rows - columns,
        "diagonal": place * width + lower + upper,
        "place": place,
        "work": np.zeros(kernels.n),
    }
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    data = BandedData(lower=lower, upper=upper, width=width, **addresses(arrays))
    return Layout(data, tuple(arrays.values()))


def cost(kernels: Kernels) -> float:
    """Operations of the elimination and of eight substitutions, and a row's overhead. For n = 300 and 1, 5,
    10, 30 entries on either side of the diagonal 30, 54, 68 and 138; the sparse solver takes 19, 42, 77 and
    320: a band pays from about 8 entries on."""
    _, lower, upper = structure_of(kernels).band
    return _law(kernels.n, lower, upper)


def bound(kernels: Kernels) -> float:
    """The cost in the best of all orders: the entries of the fullest row stand on both sides of it."""
    known = structure_of(kernels)
    fullest = int(np.bincount(known.rows, minlength=1).max(initial=1))
    return _law(kernels.n, (fullest - 1) // 2, (fullest - 1) // 2)


def _law(n: int, lower: int, upper: int) -> float:
    factor = 0.012 + 0.004 * upper + 1.7e-4 * lower * upper
    return n * (factor + 8 * (0.012 + 3e-4 * (lower + upper)))


SOLVER = LinearSolver("banded", {"factor": "banded", "substitute": "banded", **CHECKED}, lay_out, cost, bound)
