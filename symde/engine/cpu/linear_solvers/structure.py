"""The pattern of W = shift*M - J, seen once for each model."""

from __future__ import annotations

import functools
import weakref
from typing import Any

import numpy as np

from symde.engine.cpu.linear_solver import Kernels

_known: weakref.WeakKeyDictionary[Any, Structure] = weakref.WeakKeyDictionary()


class Structure:
    """What solvers ask of a pattern.

    Attributes:
        n: Number of rows and columns.
        rows, columns: Row and column of each entry of J in order, shape (entries,), int64.
    """

    def __init__(self, n: int, starts: np.ndarray, columns: np.ndarray) -> None:
        self.n = n
        self.columns = np.asarray(columns, dtype=np.int64)
        self.rows = np.repeat(np.arange(n), np.diff(starts))

    @property
    def entries(self) -> int:
        """Entries of J."""
        return len(self.columns)

    def bandwidths(self, place: np.ndarray | None = None) -> tuple[int, int]:
        """Entries below and above the diagonal, at most, with state i at position place[i]."""
        if not self.entries:
            return 0, 0
        rows, columns = (
            (self.rows, self.columns) if place is None else (place[self.rows], place[self.columns])
        )
        distance = rows - columns
        return max(int(distance.max()), 0), max(int(-distance.min()), 0)

    @functools.cached_property
    def band(self) -> tuple[np.ndarray, int, int]:
        """A narrow order: the position of each state, and the bandwidths below and above the diagonal.

        The order of the model, or reverse Cuthill-McKee where that needs fewer than three quarters of its
        operations.

        Source: E. Cuthill, J. McKee, Proc. 24th ACM National Conference (1969); A. George (1971).
        """
        natural = np.arange(self.n)
        lower, upper = self.bandwidths()
        if lower * upper <= 16 or self.n < 8:
            return natural, lower, upper
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import reverse_cuthill_mckee

        graph = csr_array((np.ones(self.entries), (self.rows, self.columns)), shape=(self.n, self.n))
        order = reverse_cuthill_mckee((graph + graph.T).tocsr(), symmetric_mode=True)
        place = np.empty(self.n, dtype=np.int64)
        place[order] = natural
        below, above = self.bandwidths(place)
        if below * above < 0.75 * lower * upper:
            return place, below, above
        return natural, lower, upper


def structure_of(kernels: Kernels) -> Structure:
    """The structure of a model's Jacobian; the same object for the same kernels."""
    known = _known.get(kernels)
    if known is None:
        known = _known[kernels] = Structure(kernels.n, *kernels.pattern)
    return known
