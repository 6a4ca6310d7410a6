"""Sensitivity columns beside the states: what a model's graph must give for them.

With s_j = du/dx_j for a parameter or an initial value x_j, the columns obey

    s_j' = J s_j + df/dx_j

J and the partials P = df/dp are evaluated as sparse values; their products with the columns are the engine's
work (`symde.engine.cpu.compiled.columns`), so the code generated does not grow with the number of columns.
Implicit methods need the derivative of the right-hand side above along the states and along t too: values of
patterns within the same two, mostly far fewer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symde.codegen.column_lanes import ENTRY_LIMIT, Pattern, product_ir, solve_ir
from symde.codegen.column_steps import column_interpolant, column_step
from symde.codegen.derivatives import SparseJacobian, directional, jacobian
from symde.codegen.graph import Graph
from symde.codegen.kernel import Kernel, Output
from symde.codegen.llvm import ir_module
from symde.codegen.lu import StaticLU
from symde.codegen.model_kernels import ModelGraph
from symde.native import load_ir


@dataclass(frozen=True)
class ColumnGraph:
    """A model's graph with the derivatives that columns need.

    Attributes:
        model: The model's graph.
        parameters: Indices of the parameters that have a column, in the order of their columns.
        combined: Whether they share one column, each with a weight; the weights of all parameters follow them
            in the input `p`.
    """

    model: ModelGraph
    parameters: tuple[int, ...]
    combined: bool = False

    @cached_property
    def partials(self) -> SparseJacobian:
        """The derivative of the right-hand side by the chosen parameters."""
        lowered = self.model.lowered
        if self.combined:
            return self._along_parameters()
        chosen = [lowered.parameters[j] for j in self.parameters]
        return jacobian(lowered.graph, lowered.rhs, chosen)

    @cached_property
    def along(self) -> tuple[SparseJacobian, SparseJacobian]:
        """The derivatives of J and P along the input `direction` of states."""
        lowered = self.model.lowered
        return self._derivatives(
            {node: lowered.graph.input("direction", i) for i, node in enumerate(lowered.states)}
        )

    @cached_property
    def by_time(self) -> tuple[SparseJacobian, SparseJacobian]:
        """The derivatives of J and P by t."""
        graph = self.model.lowered.graph
        return self._derivatives({graph.time(): graph.constant(1.0)})

    def _derivatives(self, directions: dict[int, int]) -> tuple[SparseJacobian, SparseJacobian]:
        graph = self.model.lowered.graph
        jacobian_change, partials_change = (
            _without_zeros(graph, entries, directional(graph, entries.nodes, directions))
            for entries in (self.model.jacobian, self.partials)
        )
        return jacobian_change, partials_change

    def _along_parameters(self) -> SparseJacobian:
        """The one column of all parameters, by their weights."""
        lowered = self.model.lowered
        graph, m = lowered.graph, len(lowered.parameters)
        weights = {lowered.parameters[j]: graph.input("p", m + j) for j in self.parameters}
        nodes = directional(graph, lowered.rhs, weights)
        rows = [i for i, node in enumerate(nodes) if not graph.is_constant(node, 0.0)]
        starts = tuple(sum(row < i for row in rows) for i in range(len(nodes) + 1))
        return SparseJacobian(starts, (0,) * len(rows), tuple(nodes[i] for i in rows))

    def kernel(self, name: str) -> Kernel:
        """`values`: f and the values of J and P. `along`: the derivatives of these values along the input
        `direction` of states. `by_time`: f, J and P, and the derivatives of f and of the values by t. Of
        derivatives those that are structurally zero are left out."""
        return Kernel(name, self.model.lowered.graph, self.model.inputs(), _OUTPUTS[name](self))


def _without_zeros(graph: Graph, entries: SparseJacobian, nodes: Sequence[int]) -> SparseJacobian:
    """The entries at the same places with other values, those left out that are zero."""
    indptr, indices, kept = [0], [], []
    for i in range(len(entries.indptr) - 1):
        for k in range(entries.indptr[i], entries.indptr[i + 1]):
            if not graph.is_constant(nodes[k], 0.0):
                indices.append(entries.indices[k])
                kept.append(nodes[k])
        indptr.append(len(indices))
    return SparseJacobian(tuple(indptr), tuple(indices), tuple(kept))


def _values(columns: ColumnGraph) -> tuple[Output, ...]:
    return (
        Output("f", columns.model.lowered.rhs),
        Output("jacobian", columns.model.jacobian.nodes),
        Output("partials", columns.partials.nodes),
    )


def _along(columns: ColumnGraph) -> tuple[Output, ...]:
    return _changes(columns.along, "along")


def _by_time(columns: ColumnGraph) -> tuple[Output, ...]:
    slope = Output("time_gradient", columns.model.time_gradient)
    return (*_values(columns), slope, *_changes(columns.by_time, "by_time"))


def _changes(changes: tuple[SparseJacobian, SparseJacobian], name: str) -> tuple[Output, ...]:
    jacobian_change, partials_change = changes
    return (
        Output(f"jacobian_{name}", jacobian_change.nodes),
        Output(f"partials_{name}", partials_change.nodes),
    )


_OUTPUTS: dict[str, Any] = {"values": _values, "along": _along, "by_time": _by_time}


class ColumnKernels:
    """The compiled functions of a model that columns need, by address.

    Attributes:
        parameters: Indices of the parameters that have a column, or a part of the one there is.
        m: Values that the kernels read as parameters: with those of a combined column, their weights.
    """

    def __init__(self, model: ModelGraph, parameters: tuple[int, ...], combined: bool = False) -> None:
        self.parameters = parameters
        self.m = len(model.lowered.parameters) * (1 + combined)
        self._graph = ColumnGraph(model, parameters, combined)
        self._addresses: dict[str, int] = {}
        self._whole: dict[Any, int] = {}
        self._lock = threading.RLock()

    def pattern(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Row pointers and columns of a sparse matrix, compressed rows: `partials` (P; column j belongs to
        `parameters[j]`), and of what the kernels `along` and `by_time` give, `jacobian_along`,
        `partials_along`, `jacobian_by_time` and `partials_by_time`."""
        entries = self._entries(name)
        return np.array(entries.indptr, dtype=np.int64), np.array(entries.indices, dtype=np.int64)

    def _entries(self, name: str) -> SparseJacobian:
        graph = self._graph
        with self._lock:
            if name in ("jacobian", "partials"):
                return graph.partials if name == "partials" else graph.model.jacobian
            matrix, _, derivative = name.partition("_")
            return getattr(graph, derivative)[matrix == "partials"]

    def product_address(self, width: int) -> int:
        """The address of the kernel `columns_product` for so many columns side by side, 0 where the loop over
        the patterns serves as well: see `symde.codegen.column_lanes`."""
        of_states, of_parameters = self._pattern("jacobian"), self._pattern("partials")
        if len(of_states.indices) + len(of_parameters.indices) > ENTRY_LIMIT:
            return 0
        return self._generated("columns_product", width, lambda: product_ir(of_states, of_parameters, width))

    def solve_address(self, plan: StaticLU, width: int) -> int:
        """The address of the kernel `columns_solve` for a model's factorisation, 0 where one column after
        another is as well."""
        of_states, of_parameters = self._pattern("jacobian_along"), self._pattern("partials_along")
        if plan.length + len(of_states.indices) + len(of_parameters.indices) > ENTRY_LIMIT:
            return 0
        return self._generated(
            "columns_solve", width, lambda: solve_ir(plan, of_states, of_parameters, width)
        )

    def step_address(self, method: Any, width: int, padded: int) -> int:
        """The address of a whole step of an explicit method for the states and so many columns, 0 where the
        general step serves as well: see `symde.codegen.column_steps`."""
        return self._of_method(
            "column_step", method, lambda: column_step(self._graph, method, width, padded), (width, padded)
        )

    def interpolant_address(self, method: Any, numbers: Any, width: int, padded: int) -> int:
        """The address of its whole interpolant, likewise."""
        if self._graph.combined:  # it rides along to choose steps, and nothing of it is saved
            return 0
        return self._of_method(
            "column_interpolant",
            method,
            lambda: column_interpolant(self._graph, method, numbers, width, padded),
            (width, padded),
        )

    def _of_method(self, name: str, method: Any, text: Callable[[], str | None], size: Any) -> int:
        key = name, method, size
        with self._lock:
            if key not in self._whole:
                module = text()
                self._whole[key] = 0 if module is None else load_ir(module).address(name)
            return self._whole[key]

    def _pattern(self, name: str) -> Pattern:
        entries = self._entries(name)
        return Pattern(entries.indptr, entries.indices)

    def _generated(self, name: str, width: int, text: Callable[[], str]) -> int:
        key = f"{name} {width}"
        with self._lock:
            if key not in self._addresses:
                self._addresses[key] = load_ir(text()).address(name)
            return self._addresses[key]

    def address(self, name: str) -> int:
        """The address of the kernel `values`, `along` or `by_time`, compiled or loaded by now."""
        with self._lock:
            if name not in self._addresses:
                library = load_ir(ir_module([self._graph.kernel(name)]))
                self._addresses[name] = library.address(name)
            return self._addresses[name]
