"""Derivatives of what a model says about its start: defaults, initial values and time span by parameters."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from symde.codegen.derivatives import SparseJacobian, directional, jacobian
from symde.codegen.evaluate import Program
from symde.codegen.graph import Graph
from symde.codegen.lower import LoweredStart
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.start import in_order
from symde.model.definition import Definition


class StartDerivatives:
    """Derivatives of a model's start, ready for repeated evaluation.

    Attributes:
        constant: Whether nothing of the model's own start depends on a parameter or on t0.
    """

    def __init__(self, lowered: LoweredStart) -> None:
        graph = lowered.graph
        self._m = len(lowered.defaults)
        inputs = [graph.input("p", j) for j in range(self._m)]
        self._initial = Matrix(graph, lowered.initial, inputs)
        zero = graph.constant(0.0)
        initial = [zero if node is None else node for node in lowered.initial]
        by_time = directional(graph, initial, {graph.time(): graph.constant(1.0)})
        self._by_time = Program(graph, by_time)
        self._tspan = Matrix(graph, lowered.tspan or (), inputs)
        dependent = {
            j: node
            for j, node in enumerate(lowered.defaults)
            if node is not None and graph.inputs_read([node])
        }
        self._followers = [(j, Matrix(graph, (node,), inputs)) for j, node in in_order(graph, dependent)]
        steady = all(graph.is_constant(node, 0.0) for node in by_time)
        self.constant = steady and not (self._followers or self._initial.entries or self._tspan.entries)

    def parameters(self, p: np.ndarray, given: Collection[int]) -> np.ndarray:
        """What a parameter takes along, shape (m, m): column j is the change of all parameters when the j-th
        is set to another value and those not given follow their defaults."""
        result = np.eye(self._m)
        for j, matrix in self._followers:
            if j not in given:
                result[j] = matrix(0.0, p)[0] @ result
                result[j, j] = 1.0
        return result

    def initial(self, p: np.ndarray, t0: float, given: Collection[int]) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of the initial values by all parameters (n, m) and by t0 (n,); zero where given."""
        by_p, by_t = self._initial(t0, p), np.array(self._by_time.run(t0, {"p": p}))
        rows = list(given)
        by_p[rows], by_t[rows] = 0.0, 0.0
        return by_p, by_t

    def tspan(self, p: np.ndarray) -> np.ndarray:
        """Derivatives of t0 and t1 by all parameters, shape (2, m); zeros where the model has no span."""
        matrix = self._tspan(0.0, p)
        return matrix if len(matrix) else np.zeros((2, self._m))


class Matrix:
    """The derivative of some nodes (zero for those that are not there) by the parameters."""

    def __init__(self, graph: Graph, roots: tuple[int | None, ...], inputs: list[int]) -> None:
        zero = graph.constant(0.0)
        nodes = [zero if node is None else node for node in roots]
        entries: SparseJacobian = jacobian(graph, nodes, inputs)
        self._shape = len(nodes), len(inputs)
        self._rows = np.repeat(np.arange(len(nodes)), np.diff(entries.indptr))
        self._columns = np.array(entries.indices, dtype=int)
        self._program = Program(graph, entries.nodes)
        self.entries = len(entries.nodes)

    def __call__(self, t: float, p: np.ndarray) -> np.ndarray:
        matrix = np.zeros(self._shape)
        if not self.entries:
            return matrix
        matrix[self._rows, self._columns] = self._program.run(t, {"p": p})
        return matrix


def parameter_derivative(definition: Definition, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Value and derivative by the parameters of the right-hand sides of a definition that reads nothing else:
    shapes (n,) and (n, m)."""
    graph = ModelGraph(definition)
    lowered, entries = graph.lowered, graph.parameter_jacobian
    inputs = {"p": p, "u": np.full(len(lowered.states), np.nan)}
    values = np.array(Program(lowered.graph, lowered.rhs).run(np.nan, inputs))
    matrix = np.zeros((len(lowered.rhs), len(lowered.parameters)))
    rows = np.repeat(np.arange(len(lowered.rhs)), np.diff(entries.indptr))
    matrix[rows, list(entries.indices)] = Program(lowered.graph, entries.nodes).run(np.nan, inputs)
    return values, matrix
