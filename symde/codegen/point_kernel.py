"""Quantities of a model at one point with their derivatives by time, states and parameters, compiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symde.codegen.call import call
from symde.codegen.derivatives import SparseJacobian, jacobian, time_gradient
from symde.codegen.kernel import Kernel, Output
from symde.codegen.llvm import ir_module
from symde.codegen.model_kernels import ModelGraph
from symde.native import load_ir


@dataclass(frozen=True, slots=True, eq=False)
class AtPoint:
    """Quantities at a point.

    Attributes:
        values: Shape (k,).
        by_time: Partial derivatives by t, shape (k,).
        by_states: Shape (k, n).
        by_parameters: Shape (k, m).
    """

    values: np.ndarray
    by_time: np.ndarray
    by_states: np.ndarray
    by_parameters: np.ndarray


class PointKernel:
    """Values and derivatives of some nodes of a model's graph.

    Args:
        model: The model's graph; it grows by the derivatives.
        nodes: The nodes.
    """

    def __init__(self, model: ModelGraph, nodes: Sequence[int]) -> None:
        lowered = model.lowered
        graph = lowered.graph
        self._count, self._n, self._m = len(nodes), len(lowered.states), len(lowered.parameters)
        self._by_states, states = _entries(jacobian(graph, nodes, lowered.states))
        self._by_parameters, parameters = _entries(jacobian(graph, nodes, lowered.parameters))
        outputs = (*nodes, *time_gradient(graph, nodes), *states, *parameters)
        self._length = len(outputs)
        kernel = Kernel("at_point", graph, model.inputs(), (Output("values", outputs),))
        self._library = load_ir(ir_module([kernel]))

    def __call__(self, t: float, u: np.ndarray, p: np.ndarray) -> AtPoint:
        """The quantities at time t, states u (n,) and parameters p (m,)."""
        code, (out,) = call(self._library.address("at_point"), t, [u, p], [self._length])
        if code:
            raise MemoryError("no memory to evaluate a quantity of the model")
        k, entries = self._count, len(self._by_states[0])
        by_states, by_parameters = np.zeros((k, self._n)), np.zeros((k, self._m))
        by_states[self._by_states] = out[2 * k : 2 * k + entries]
        by_parameters[self._by_parameters] = out[2 * k + entries :]
        return AtPoint(out[:k], out[k : 2 * k], by_states, by_parameters)


def _entries(matrix: SparseJacobian) -> tuple[tuple[np.ndarray, np.ndarray], tuple[int, ...]]:
    rows = np.repeat(np.arange(len(matrix.indptr) - 1), np.diff(matrix.indptr))
    return (rows, np.array(matrix.indices, dtype=int)), matrix.nodes
