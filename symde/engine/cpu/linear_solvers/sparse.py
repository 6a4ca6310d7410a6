"""Sparse LU over index arrays in memory: the order, the pattern of the factors, the memory for both.

The columns are put into an order that keeps the factors sparse, once for each model: by SuperLU's minimum
degree on the pattern of W + W^T, which does not depend on values. With the diagonal as pivots that order
gives the pattern of the factors, into which every factorisation is only computed anew. Where its solutions
fail their test, a factorisation that pivots by size finds other rows and another pattern, in a second set of
arrays, and the following ones keep those for as long as they serve.

Sources: A. George, J. Liu, SIAM Review 31 (1989), for minimum degree; J. Gilbert, T. Peierls, SIAM J. Sci.
Stat. Comput. 9 (1988), for the factorisation; T. Davis, E. Palamadai, ACM TOMS 37 (2010), for computing into
a known pattern.
"""

from __future__ import annotations

import ctypes
import warnings
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu import layout
from symde.engine.cpu.layout import int64, structure
from symde.engine.cpu.linear_solver import CHECKED, Kernels, Layout, LinearSolver, addresses
from symde.engine.cpu.linear_solvers.structure import Structure, structure_of

FactorsData = structure(
    "FactorsData",
    "L (unit diagonal, not stored) and U by columns, with the diagonal's reciprocals apart.",
    capacity=int64,  # entries of L and of U there is memory for
    pivot_rows=int64,  # row of W that stands at each position
    row_place=int64,  # position of each row of W
    lower_starts=int64,
    lower_rows=int64,  # positions
    lower=int64,
    upper_starts=int64,
    upper_rows=int64,
    upper=int64,
    reciprocals=int64,
    runs=int64,  # columns from each one on whose parts of L share one pattern, itself included
)

SparseData = structure(
    "SparseData",
    "W by columns in the chosen order, and two sets of factors.",
    order=int64,  # column of W at each position
    starts=int64,
    rows=int64,  # row of W of each entry
    sources=int64,  # place of the entry in J, -1 for a bare shift
    static=int64,  # FactorsData with the diagonal as pivots
    by_size=int64,  # FactorsData of the last factorisation with pivoting
    work=int64,  # n doubles, zero between calls
    marks=int64,  # n, last column whose search reached a position
    stack=int64,  # n
    next_entry=int64,  # n
    reached=int64,  # n, positions in topological order, from the back
    search_ends=int64,  # n, end of what must be searched of each column of L, -1 for all of it
)

SPARE = 4
"""Memory for factors with pivoting, in units of the static ones' length; pages are used only when touched."""


@dataclass(frozen=True)
class Analysis:
    """What one model's pattern gives, the same for all its sessions.

    Attributes:
        order: Column at each position.
        starts, rows, sources: W by columns in that order.
        lower_starts, lower_rows, upper_starts, upper_rows: Patterns of the factors, sorted.
        runs: See `FactorsData`.
        operations: Multiply-subtracts of one factorisation.
    """

    order: np.ndarray
    starts: np.ndarray
    rows: np.ndarray
    sources: np.ndarray
    lower_starts: np.ndarray
    lower_rows: np.ndarray
    upper_starts: np.ndarray
    upper_rows: np.ndarray
    runs: np.ndarray
    operations: int

    @property
    def fill(self) -> int:
        """Entries of L and U, the diagonal once."""
        return len(self.order) + len(self.lower_rows) + len(self.upper_rows)


_known: weakref.WeakKeyDictionary[Any, Analysis] = weakref.WeakKeyDictionary()


def analysis_of(kernels: Kernels) -> Analysis:
    """The analysis of a model's pattern, done once."""
    known = _known.get(kernels)
    if known is None:
        known = _known[kernels] = analyse(structure_of(kernels))
    return known


def analyse(known: Structure) -> Analysis:
    """The order and the factors' pattern for W = shift*M - J."""
    n = known.n
    order, bound = fill_reducing_order(known)
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    starts, rows, sources = _by_columns(known, place)
    lower, upper, runs = _static_pattern(n, order, starts, rows, sources, bound)
    below, right = np.diff(lower[0]), np.bincount(upper[1], minlength=n)
    return Analysis(order, starts, rows, sources, *lower, *upper, runs, int(below @ right))


def fill_reducing_order(known: Structure) -> tuple[np.ndarray, int]:
    """The column at each position, and about how many entries L will have."""
    from scipy.sparse import csc_array, eye_array
    from scipy.sparse.linalg import MatrixRankWarning, splu

    n = known.n
    ones = np.full(known.entries, 1.0)
    # a diagonal that dominates every row: what is wanted is the order, and the factors' pattern with it
    matrix = csc_array((ones, (known.rows, known.columns)), shape=(n, n)) + 4.0 * (n + 1) * eye_array(n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MatrixRankWarning)
        factors = splu(
            csc_array(matrix, dtype=float),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    place = np.asarray(factors.perm_c, dtype=np.int64)
    order = np.empty(n, np.int64)
    order[place] = np.arange(n)
    return order, max(factors.L.nnz, factors.U.nnz)


def _by_columns(known: Structure, place: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W by columns in the order of `place`: starts, rows and sources."""
    n, every = known.n, np.arange(known.n)
    bare = np.ones(n, bool)
    bare[known.rows[known.rows == known.columns]] = False
    rows = np.concatenate([known.rows, every[bare]])
    columns = np.concatenate([known.columns, every[bare]])
    sources = np.concatenate([np.arange(known.entries), np.full(bare.sum(), -1)])
    sorting = np.lexsort((place[rows], place[columns]))
    starts = np.concatenate([[0], np.cumsum(np.bincount(place[columns], minlength=n))])
    return starts.astype(np.int64), rows[sorting].astype(np.int64), sources[sorting].astype(np.int64)


Pattern = tuple[np.ndarray, np.ndarray]


def _static_pattern(
    n: int, order: np.ndarray, starts: np.ndarray, rows: np.ndarray, sources: np.ndarray, bound: int
) -> tuple[Pattern, Pattern, np.ndarray]:
    """The patterns of L and U with the diagonal as pivots: the engine's own factorisation, run on a matrix
    whose diagonal is beyond all doubt."""
    from symde.engine.cpu.library import function_address

    pivot = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)(function_address("sparse", "pivot"))
    jacobian = np.full(max(int(sources.max(initial=0)) + 1, 1), 1e-200)
    capacity = bound + n
    while True:
        factors, kept = _factors(n, capacity)
        data, more = _system(n, order, starts, rows, sources, factors, factors)
        state = layout.State(n=n, shift=1.0, jacobian=jacobian.ctypes.data, linear=ctypes.addressof(data))
        if pivot(ctypes.addressof(state)) == layout.Attempt.FINE:
            break
        capacity *= 2
        del more
    lower = _sorted_columns(kept["lower_starts"], kept["lower_rows"])
    upper = _sorted_columns(kept["upper_starts"], kept["upper_rows"])
    return lower, upper, _runs(*lower)


def _sorted_columns(starts: np.ndarray, rows: np.ndarray) -> Pattern:
    rows = rows[: starts[-1]]
    columns = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return starts.copy(), rows[np.lexsort((rows, columns))]


def _runs(starts: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """How many columns from each one on have parts of L with one pattern below them."""
    n = len(starts) - 1
    runs = np.ones(n, np.int64)
    lengths = np.diff(starts)
    first = np.where(
        lengths > 0, rows[np.minimum(starts[:-1], max(len(rows) - 1, 0))] if len(rows) else -1, -1
    )
    candidates = np.flatnonzero((lengths[:-1] == lengths[1:] + 1) & (first[:-1] == np.arange(1, n)))
    for j in candidates[::-1].tolist():
        begin, middle, end = starts[j], starts[j + 1], starts[j + 2]
        if np.array_equal(rows[begin + 1 : middle], rows[middle:end]):
            runs[j] = runs[j + 1] + 1
    return runs


def _factors(n: int, capacity: int) -> tuple[Any, dict[str, np.ndarray]]:
    """Memory for factors with up to `capacity` entries each."""
    arrays = {
        "pivot_rows": np.zeros(n, np.int64),
        "row_place": np.zeros(n, np.int64),
        "lower_starts": np.zeros(n + 1, np.int64),
        "lower_rows": np.empty(capacity, np.int64),
        "lower": np.empty(capacity),
        "upper_starts": np.zeros(n + 1, np.int64),
        "upper_rows": np.empty(capacity, np.int64),
        "upper": np.empty(capacity),
        "reciprocals": np.zeros(n),
        "runs": np.ones(n, np.int64),
    }
    return FactorsData(capacity=capacity, **addresses(arrays)), arrays


def _system(
    n: int,
    order: np.ndarray,
    starts: np.ndarray,
    rows: np.ndarray,
    sources: np.ndarray,
    static: Any,
    by_size: Any,
) -> tuple[Any, tuple[Any, ...]]:
    arrays = {"order": order, "starts": starts, "rows": rows, "sources": sources, "work": np.zeros(n)}
    arrays |= {
        name: np.zeros(n, np.int64) for name in ("marks", "stack", "next_entry", "reached", "search_ends")
    }
    data = SparseData(static=ctypes.addressof(static), by_size=ctypes.addressof(by_size), **addresses(arrays))
    return data, (static, by_size, *arrays.values())


def lay_out(kernels: Kernels, state: int, preconditioner: Any) -> Layout:
    """Both sets of factors; the static one with its pattern in place."""
    known, n = analysis_of(kernels), kernels.n
    static, fixed = _factors(n, max(len(known.lower_rows), len(known.upper_rows), 1))
    fixed["pivot_rows"][:] = known.order
    fixed["row_place"][known.order] = np.arange(n)
    for name in ("lower_starts", "upper_starts", "runs"):
        fixed[name][:] = getattr(known, name)
    for name in ("lower_rows", "upper_rows"):
        fixed[name][: len(getattr(known, name))] = getattr(known, name)
    by_size, free = _factors(n, min(SPARE * (known.fill + n), n * n))
    data, kept = _system(n, known.order, known.starts, known.rows, known.sources, static, by_size)
    return Layout(data, (*kept, *fixed.values(), *free.values()))


def cost(kernels: Kernels) -> float:
    """Operations of the elimination, entries of eight substitutions, and a row's overhead. Networks of 60,
    100, 200 and 300 species take 16, 46, 150 and 830; dense LAPACK 48, 128, 570 and 2000."""
    known = analysis_of(kernels)
    return _law(kernels.n, known.fill, known.operations)


def bound(kernels: Kernels) -> float:
    """The cost without any fill."""
    entries, n = structure_of(kernels).entries, kernels.n
    return _law(n, max(entries, n), max(entries - n, 0) / 2)


def _law(n: int, fill: int, operations: float) -> float:
    return 5e-4 * operations + 7e-3 * fill + 3.6e-2 * n


SOLVER = LinearSolver(
    "sparse", {"factor": "sparse", "substitute": "sparse", "pivot": "sparse", **CHECKED}, lay_out, cost, bound
)
