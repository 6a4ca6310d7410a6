"""Sensitivity columns beside the states: what a model's graph must give for them.

With s_j = du/dx_j for a parameter or an initial value x_j, the columns obey

    s_j' = J s_j + df/dx_j

J and the partials P = df/dp are evaluated as sparse values; their products with the columns are the engine's
work (`symde.engine.cpu.compiled.columns`), so the code generated does not grow with the number of columns.
Implicit methods need the derivative of the right-hand side above along the states and along t too: values of
the same two patterns.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symde.codegen.derivatives import SparseJacobian, directional, jacobian
from symde.codegen.kernel import Kernel, Output
from symde.codegen.llvm import ir_module
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
        """`values`: f and the values of J and P. `along`: the derivative of those values along the input
        `direction` of states. `by_time`: f, J and P, and the derivatives of f and of the values by t."""
        return Kernel(name, self.model.lowered.graph, self.model.inputs(), _OUTPUTS[name](self))


def _values(columns: ColumnGraph) -> tuple[Output, ...]:
    return (
        Output("f", columns.model.lowered.rhs),
        Output("jacobian", columns.model.jacobian.nodes),
        Output("partials", columns.partials.nodes),
    )


def _along(columns: ColumnGraph) -> tuple[Output, ...]:
    lowered = columns.model.lowered
    directions = {node: lowered.graph.input("direction", i) for i, node in enumerate(lowered.states)}
    return _differentiated(columns, "along", directions)


def _by_time(columns: ColumnGraph) -> tuple[Output, ...]:
    graph = columns.model.lowered.graph
    slope = Output("time_gradient", columns.model.time_gradient)
    derivatives = _differentiated(columns, "by_time", {graph.time(): graph.constant(1.0)})
    return (*_values(columns), slope, *derivatives)


def _differentiated(columns: ColumnGraph, name: str, directions: dict[int, int]) -> tuple[Output, ...]:
    graph = columns.model.lowered.graph
    values = (("jacobian", columns.model.jacobian.nodes), ("partials", columns.partials.nodes))
    return tuple(
        Output(f"{vector}_{name}", tuple(directional(graph, nodes, directions))) for vector, nodes in values
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
        self._lock = threading.RLock()

    @property
    def partials(self) -> tuple[np.ndarray, np.ndarray]:
        """Row pointers and columns of P, compressed rows, int32; column j belongs to `parameters[j]`."""
        entries = self._graph.partials
        return np.array(entries.indptr, dtype=np.int32), np.array(entries.indices, dtype=np.int32)

    @property
    def timed(self) -> bool:
        """Whether J or P depend on t."""
        return self._any("by_time", slice(4, None))

    @property
    def coupled(self) -> bool:
        """Whether J or P depend on the states."""
        return self._any("along", slice(None))

    def _any(self, name: str, which: slice) -> bool:
        kernel = self._graph.kernel(name)
        return any(
            not kernel.graph.is_constant(node, 0.0)
            for output in kernel.outputs[which]
            for node in output.nodes
        )

    def address(self, name: str) -> int:
        """The address of the kernel `values`, `along` or `by_time`, compiled or loaded by now."""
        with self._lock:
            if name not in self._addresses:
                library = load_ir(ir_module([self._graph.kernel(name)]))
                self._addresses[name] = library.address(name)
            return self._addresses[name]
