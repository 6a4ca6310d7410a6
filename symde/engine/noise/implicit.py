"""What implicit steps with noise need beside the equation: linear systems with the Jacobian of the drift."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu import layout, linear_solvers
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import addresses


class DriftPattern:
    """The drift as solvers of linear systems look at a model (`symde.engine.cpu.linear_solver.Kernels`).

    Attributes:
        n, m: Numbers of states and, of no use here, of parameters.
        pattern: Of the Jacobian by rows: starts and columns.
        lu_length: No factorisation is generated.
    """

    lu_length = 0

    def __init__(self, n: int, pattern: tuple[np.ndarray, np.ndarray]) -> None:
        self.n, self.m, self.pattern = n, 0, pattern

    def address(self, name: str) -> int:
        """Of a kernel: there are none."""
        return 0


def transposed(pattern: tuple[np.ndarray, np.ndarray]) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The pattern of the transposed Jacobian, and the place of each of its entries in the other."""
    starts, columns = pattern
    n = len(starts) - 1
    rows = np.repeat(np.arange(n), np.diff(starts))
    places = np.lexsort((rows, columns))
    counts = np.bincount(columns.astype(np.int64), minlength=n)
    return (np.concatenate([[0], np.cumsum(counts)]), rows[places]), places.astype(np.int64)


class DriftSystem:
    """Systems (shift - J) x = b in memory of their own, by the solver that suits the pattern.

    Args:
        pattern: The drift.

    Attributes:
        address: Of the `State` that the compiled functions work with.
        jacobian: Where the entries of J are read.
    """

    def __init__(self, pattern: DriftPattern) -> None:
        solver = linear_solvers.choose(pattern)
        starts, columns = (np.array(part, np.int64) for part in pattern.pattern)
        state: Any = layout.State()
        arrays = {name: np.zeros(pattern.n) for name in ("residual", "refinement", "u", "atol")}
        arrays |= {"jacobian": np.zeros(max(len(columns), 1)), "row_pointers": starts, "columns": columns}
        for name, place in addresses(arrays).items():
            setattr(state, name, place)
        state.n = state.padded = pattern.n
        state.entries = len(columns)
        kept = solver.lay_out(pattern, ctypes.addressof(state), None)
        state.linear = ctypes.addressof(kept.data)
        for entry, module in solver.entries.items():
            setattr(state, entry, function_address(module, entry))
        self._kept = (state, kept, arrays)
        self.address = ctypes.addressof(state)
        self.jacobian = arrays["jacobian"]
