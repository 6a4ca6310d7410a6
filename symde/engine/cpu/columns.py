"""Systems with sensitivity columns beside the states: their memory and their kernels.

To the engine such a system is a model like any other, of n*(1 + width) states: it has a right-hand side, the
Jacobian of its states, and a way of its own to solve linear systems that factorises that Jacobian once for
all columns.
"""

from __future__ import annotations

import ctypes
from typing import Any, Protocol

import numpy as np

from symde.engine.cpu.layout import double, int64, structure
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import Kernels, LinearSolver, addresses

CONTEXT, DIRECTION = 10, 6
"""Places in the input table of kernels: what a system keeps for a session, and the direction of products."""

ColumnsData = structure(
    "ColumnsData",
    "What the kernels of a system with columns work on.",
    n=int64,  # states
    width=int64,  # columns as they lie in memory
    values=int64,  # kernels, see symde.codegen.columns
    by_time=int64,
    along=int64,
    jacobian_vector=int64,
    timed=int64,  # whether J or P depend on t
    coupled=int64,  # whether J or P depend on u
    row_pointers=int64,
    columns=int64,
    partial_pointers=int64,
    partial_columns=int64,
    jacobian=int64,  # values of the two patterns at the last evaluation
    partials=int64,
    jacobian_change=int64,  # and their derivatives, by t or along a direction
    partials_change=int64,
    outputs=int64,  # table: f, J, P, f_t, J_t, P_t
    change_outputs=int64,  # table: the two derivatives
    inputs=int64,  # table of inputs at the kept point
    t_linear=double,  # the point at which rhs_jacobian was called last
    linear=int64,
)


class PartialKernels(Protocol):
    """Kernels of the values that columns need, by name."""

    m: int

    @property
    def partials(self) -> tuple[np.ndarray, np.ndarray]: ...

    @property
    def timed(self) -> bool: ...

    @property
    def coupled(self) -> bool: ...

    def address(self, name: str) -> int: ...


def padded_width(count: int) -> int:
    """Columns as they lie in memory: from three on in fours, which one register holds."""
    return count if count < 3 else -(-count // 4) * 4


class ColumnsSystem:
    """The kernels of a model with `count` columns beside its states.

    Args:
        model: The model's own kernels.
        partials: What the columns need of it.
        count: Number of columns; those of parameters come first.

    Attributes:
        count: Number of columns.
        width: Columns as they lie in memory.
        n: Number of states and all columns' entries.
        m: Number of parameters, and of what else the kernels read behind them.
        blocks: (start, rows, columns) of the parts that the error test judges by themselves.
    """

    def __init__(self, model: Kernels, partials: PartialKernels, count: int) -> None:
        self.model, self.partials, self.count = model, partials, count
        self.width = padded_width(count)
        self.m = partials.m
        self.n = model.n * (1 + self.width)
        self.blocks = ((0, model.n, 1), (model.n, model.n, self.width))

    @property
    def pattern(self) -> tuple[np.ndarray, np.ndarray]:
        """Row pointers and columns of the Jacobian of the states."""
        return self.model.pattern

    @property
    def lu_length(self) -> int:
        """The generated factorisation is the model's, not of the whole."""
        return 0

    def address(self, name: str) -> int:
        """The address of `rhs`, `rhs_jacobian` or `jacobian_vector`; 0 where the model has none."""
        if name == "jacobian_vector" and not self.model.address(name):
            return 0
        return function_address("columns", name)

    def choose_solver(self, name: str) -> LinearSolver:
        """The solver of the whole, by the model's own of this name."""
        from symde.engine.cpu.linear_solvers.columns import columns_solver

        return columns_solver(self, name)

    def lay_out(self, p: int) -> tuple[Any, tuple[Any, ...]]:
        """Memory for one session, whose parameters lie at address `p`: a `ColumnsData` and what it holds
        addresses of."""
        n, (pointers, columns) = self.model.n, self.model.pattern
        partial_pointers, partial_columns = self.partials.partials
        entries, partial_entries = max(len(columns), 1), max(len(partial_columns), 1)
        patterns = {
            "row_pointers": pointers,
            "columns": columns,
            "partial_pointers": partial_pointers,
            "partial_columns": partial_columns,
        }
        arrays: dict[str, np.ndarray] = {
            name: np.array(values, np.int64) for name, values in patterns.items()
        }
        for name, length in (("jacobian", entries), ("partials", partial_entries)):
            arrays[name], arrays[f"{name}_change"] = np.zeros(length), np.zeros(length)
        arrays["linear"] = np.zeros(self.n + 8)
        places = addresses(arrays)
        changes = [places["jacobian_change"], places["partials_change"]]
        arrays["outputs"] = np.array([0, 0, places["partials"], 0, *changes], np.int64)
        arrays["change_outputs"] = np.array(changes, np.int64)
        arrays["inputs"] = np.array([places["linear"], p, *[0] * 6], np.int64)
        kernels = {name: self.partials.address(name) for name in ("values", "by_time", "along")}
        data = ColumnsData(
            n=n,
            width=self.width,
            jacobian_vector=self.model.address("jacobian_vector"),
            timed=int(self.partials.timed),
            coupled=int(self.partials.coupled),
            **kernels,
            **addresses(arrays),
        )
        return data, (data, *arrays.values())


def address_of(data: Any) -> int:
    """The address of a structure."""
    return ctypes.addressof(data)
