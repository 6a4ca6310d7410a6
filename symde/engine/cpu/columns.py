"""Systems with sensitivity columns beside the states: their memory and their kernels.

To the engine such a system is a model like any other, of n*(1 + width) states: it has a right-hand side, the
Jacobian of its states, and a way of its own to solve linear systems that factorises that Jacobian once for
all columns.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from symde.engine.cpu.layout import double, int64, structure
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import Kernels, LinearSolver, addresses

CONTEXT, DIRECTION = 10, 6
"""Places in the input table of kernels: what a system keeps for a session, and the direction of products."""

EXPLICIT = ("explicit", "explicit_two_estimates")
"""Families whose whole steps with columns are kernels."""

SparsePattern = structure(
    "SparsePattern", "A sparse matrix by compressed rows.", row_pointers=int64, columns=int64
)

PATTERNS = (
    "jacobian",
    "partials",
    "jacobian_along",
    "partials_along",
    "jacobian_by_time",
    "partials_by_time",
)
"""J and P, and what is not zero of their derivatives along the states and by t."""

ColumnsData = structure(
    "ColumnsData",
    "What the kernels of a system with columns work on.",
    n=int64,  # states
    width=int64,  # columns as they lie in memory
    values=int64,  # kernels, see symde.codegen.columns
    by_time=int64,
    along=int64,
    jacobian_vector=int64,
    product=int64,  # kernel for J S + [P, 0], 0: the loop over the patterns; its tables
    product_inputs=int64,
    product_outputs=int64,
    timed=int64,  # whether J or P depend on t
    coupled=int64,  # whether J or P depend on u
    **dict.fromkeys(PATTERNS, int64),  # addresses of a `SparsePattern` each
    jacobian_values=int64,  # at the last evaluation
    partials_values=int64,
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

    def pattern(self, name: str) -> tuple[np.ndarray, np.ndarray]: ...

    def address(self, name: str) -> int: ...

    def product_address(self, width: int) -> int: ...

    def solve_address(self, plan: Any, width: int) -> int: ...

    def step_address(self, method: Any, width: int, padded: int) -> int: ...

    def interpolant_address(self, method: Any, numbers: Any, width: int, padded: int) -> int: ...


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
        events: The model's events with what they make of columns, None where it has none.
        n: Number of states and all columns' entries.
        m: Number of parameters, and of what else the kernels read behind them.
        mass, invariants: As the model's.
        blocks: (start, rows, columns) of the parts that the error test judges by themselves.
    """

    def __init__(self, model: Kernels, partials: PartialKernels, count: int, events: Any = None) -> None:
        self.model, self.partials, self.count = model, partials, count
        self.events, self.has_events = events, events is not None
        self.width = padded_width(count)
        self.m = partials.m
        self.mass: bool = getattr(model, "mass", False)
        self.invariants: bool = getattr(model, "invariants", False)
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

    def step_address(self, method: Any, padded: int) -> int:
        """The address of a whole step of an explicit method as one kernel, 0 where there is none."""
        return self.partials.step_address(method, self.width, padded) if method.family in EXPLICIT else 0

    def interpolant_address(self, method: Any, numbers: Any, padded: int) -> int:
        """The address of a whole interpolant, likewise."""
        return self.partials.interpolant_address(method, numbers, self.width, padded)

    def choose_solver(self, name: str) -> LinearSolver:
        """The solver of the whole, by the model's own of this name."""
        from symde.engine.cpu.linear_solvers.columns import columns_solver

        return columns_solver(self, name)

    def lay_out(self, p: int) -> tuple[Any, tuple[Any, ...]]:
        """Memory for one session, whose parameters lie at address `p`: a `ColumnsData` and what it holds
        addresses of."""
        n = self.model.n
        patterns = {name: self.partials.pattern(name) for name in PATTERNS}
        places = {
            name: (pointers.ctypes.data, columns.ctypes.data)
            for name, (pointers, columns) in patterns.items()
        }
        arrays: dict[str, np.ndarray] = {name: np.array(place, np.int64) for name, place in places.items()}
        for name in ("jacobian", "partials"):
            length = max(len(patterns[name][1]), 1)
            arrays[f"{name}_values"], arrays[f"{name}_change"] = np.zeros(length), np.zeros(length)
        arrays["linear"] = np.zeros(self.n + 8)
        found = addresses(arrays)
        changes = [found["jacobian_change"], found["partials_change"]]
        arrays["outputs"] = np.array([0, 0, found["partials_values"], 0, *changes], np.int64)
        arrays["change_outputs"] = np.array(changes, np.int64)
        arrays["inputs"] = np.array([found["linear"], p, *[0] * 6], np.int64)
        arrays["product_inputs"] = np.array([0, found["partials_values"], 0], np.int64)
        arrays["product_outputs"] = np.array([0], np.int64)
        kernels = {name: self.partials.address(name) for name in ("values", "by_time", "along")}

        def changing(derivative: str) -> int:
            return int(any(len(patterns[f"{name}_{derivative}"][1]) for name in ("jacobian", "partials")))

        data = ColumnsData(
            n=n,
            width=self.width,
            jacobian_vector=self.model.address("jacobian_vector"),
            product=self.partials.product_address(self.width),
            timed=changing("by_time"),
            coupled=changing("along"),
            **kernels,
            **addresses(arrays),
        )
        return data, (data, patterns, *arrays.values())
