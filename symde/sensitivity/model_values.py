"""Values of a model's right-hand side and of its derivatives at points, by the graph's interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.codegen.derivatives import SparseJacobian
from symde.codegen.evaluate import evaluate


class ModelValues:
    """f, J = df/du and P = df/dp of a model with fixed parameters, at one point (n,) or many (n_points, n).

    Args:
        system: The model's system.
        p: Parameters, shape (m,).
        t: Time.
    """

    def __init__(self, system: Any, p: np.ndarray, t: float) -> None:
        self._model = system.kernels.model_graph
        self._p, self._t = p, t
        self.n, self.m = len(self._model.lowered.states), len(p)

    def f(self, u: np.ndarray) -> np.ndarray:
        """The right-hand side, the shape of u."""
        return self._values(self._model.lowered.rhs, u)

    def jacobian(self, u: np.ndarray) -> np.ndarray:
        """The derivative by the states, shape (..., n, n)."""
        return self._dense(self._model.jacobian, u, self.n)

    def partials(self, u: np.ndarray) -> np.ndarray:
        """The derivative by the parameters, shape (..., n, m)."""
        return self._dense(self._model.parameter_jacobian, u, self.m)

    @property
    def timed(self) -> bool:
        """Whether the right-hand side reads t."""
        lowered = self._model.lowered
        return any(lowered.graph.op[node] == "time" for node in lowered.graph.reachable(lowered.rhs))

    def _values(self, nodes: tuple[int, ...], u: np.ndarray) -> np.ndarray:
        graph = self._model.lowered.graph
        values = evaluate(graph, nodes, self._t, {"u": u.T, "p": self._p})
        result = np.empty((*u.shape[:-1], len(nodes)))
        for k, node in enumerate(nodes):
            result[..., k] = values[node]
        return result

    def _dense(self, entries: SparseJacobian, u: np.ndarray, columns: int) -> np.ndarray:
        rows = np.repeat(np.arange(self.n), np.diff(entries.indptr))
        matrix = np.zeros((*u.shape[:-1], self.n, columns))
        matrix[..., rows, np.array(entries.indices, dtype=int)] = self._values(entries.nodes, u)
        return matrix
