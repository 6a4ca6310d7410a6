"""What a model's equations without a derivative and its invariants say of numbers: for messages, residuals of
solutions, and for what starts depend on. By the graph's interpreter: nothing here is called in a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from symde.codegen.delays import DELAYED
from symde.codegen.evaluate import evaluate
from symde.codegen.past import delayed_values
from symde.problem.system import Equation

if TYPE_CHECKING:
    from symde.problem.solution import Solution

DEPENDENT = 1e-12
"""Of singular values of rows of length 1: equations that depend on each other but for rounding."""

SHARE = 1e-6
"""Part of a null vector's largest entry from which on an entry counts."""


class Constraints:
    """The constraints of a model's system: none where M in M u' = f is the identity and nothing is kept at 0.

    Args:
        system: The model's own.
        delayed: Delayed values at the point in question, where it reads any.
    """

    def __init__(self, system: Any, delayed: np.ndarray | None = None) -> None:
        self._system, self._kernels = system, system.kernels
        self._delayed = {} if delayed is None else {DELAYED: delayed}

    def _slope(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The right-hand side."""
        if not self._delayed:
            return self._system.slope(t, u, p)
        lowered = self._kernels.lowered
        values = evaluate(lowered.graph, lowered.rhs, t, {"u": u, "p": p, **self._delayed})
        return np.array([values[node] for node in lowered.rhs], dtype=float)

    def words(self, index: int) -> Equation:
        """What solutions keep, in the modeller's words."""
        invariant = self._system.definition.invariants[index]
        span, order = invariant.span, invariant.derivative
        if span is None:
            return Equation("", "an invariant", "", 0)
        kind = ("", "", "second ", "third ")[order] if order < 4 else f"{order}th "
        derivative = f"the {kind}derivative by t of " if order else ""
        line = span.source.position(span.start)[0]
        return Equation("", derivative + " ".join(span.text.split()), span.source.name, line)

    def residuals(
        self, t: np.ndarray, u: np.ndarray, p: np.ndarray, solution: Solution | None = None
    ) -> dict[str, np.ndarray]:
        """Values, shape (n_times,), of what is kept at zero: right sides of rows of M without entries, and
        invariants, by their text.

        Args:
            t: Shape (n_times,).
            u: Shape (n_times, n).
            p: Shape (m,).
            solution: Off which delayed values are read, where there are any.

        Raises:
            ValueError: it is needed, and is none or not continuous.
        """
        lowered, kinds = self._kernels.lowered, self._kernels.invariants_kinds
        rows = [i for i, row in enumerate(lowered.mass or ()) if not row]
        kept = [a for a, zero in enumerate(kinds[0]) if zero]
        nodes = [*(lowered.rhs[i] for i in rows), *(lowered.invariants[a] for a in kept)]
        if not nodes:
            return {}
        inputs = {"u": u.T, "p": p}
        if lowered.delays is not None:
            if solution is None or solution.dense is None:
                raise ValueError(
                    "residuals of equations that read the past need the continuous solution: solve without "
                    "saveat"
                )
            inputs = delayed_values(lowered, solution, t, u)
        values = evaluate(lowered.graph, nodes, t, inputs)
        names = [self._system.equation(i).text for i in rows] + [self.words(a).text for a in kept]
        return {
            name: np.array(np.broadcast_to(values[node], t.shape), dtype=float)
            for name, node in zip(names, nodes, strict=True)
        }

    def worst(self, t: float, u: np.ndarray, p: np.ndarray, scale: np.ndarray) -> tuple[int, float]:
        """The equation without a derivative that is missed by most, and its residual; each is seen against
        what moves of the states by `scale`, shape (n,), do to it."""
        matrix, differential = self._start_matrix(t, u, p)
        residual = np.where(differential, 0.0, self._slope(t, u, p))
        with np.errstate(all="ignore"):
            missed = np.abs(residual) / (np.abs(matrix) @ scale + 1e-300)
        index = int(np.argmax(np.where(np.isnan(missed), np.inf, missed)))
        return index, float(residual[index])

    def finite(self, t: float, u: np.ndarray, p: np.ndarray) -> bool:
        """Whether the right sides and the derivatives that the start is solved with are finite there."""
        matrix, _ = self._start_matrix(t, u, p)
        return bool(np.isfinite(matrix).all() and np.isfinite(self._slope(t, u, p)).all())

    def dependent(self, t: float, u: np.ndarray, p: np.ndarray) -> tuple[list[int], list[int]]:
        """Rows without a derivative that depend on each other, or on values given alone, and the states that
        are therefore free; both empty where the numbers tell of none. Arguments as above."""
        matrix, differential = self._start_matrix(t, u, p)
        if not np.isfinite(matrix).all():
            return [], []
        sizes = np.abs(matrix).max(axis=1, keepdims=True)
        left, values, right = np.linalg.svd(matrix / np.where(sizes > 0.0, sizes, 1.0))
        null = values <= DEPENDENT * values[0]
        if not null.any():
            return [], []
        combined, free = np.abs(left[:, null]).max(axis=1), np.abs(right[null]).max(axis=0)
        rows = np.flatnonzero(~differential & (combined > SHARE * combined.max()))
        return rows.tolist(), np.flatnonzero(free > SHARE * free.max()).tolist()

    def guesses_in(self, index: int) -> list[int]:
        """The states whose values at the start are guesses and that this one of what solutions keep reads."""
        entries = self._kernels.model_graph.invariants_jacobian
        read = entries.indices[entries.indptr[index] : entries.indptr[index + 1]]
        return [int(i) for i in read if self._kernels.guesses[i]]

    def derivative(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """u', shape (n,), with (M's rows, -J's) u' = (f, f_t)."""
        matrix, differential = self._start_matrix(t, u, p)
        model = self._kernels.model_graph
        pairs = zip(model.lowered.rhs, model.time_gradient, differential, strict=True)
        nodes = [row if own else by_time for row, by_time, own in pairs]
        values = evaluate(self._kernels.graph, nodes, t, {"u": u, "p": p})
        return np.linalg.solve(matrix, [float(values[node]) for node in nodes])

    def linearised(
        self, t: float, u: np.ndarray, p: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """M's rows where M has entries and -J's where it has none, shape (n, n); which rows are M's (n,); and
        of the others the derivatives of f by the parameters (n, m) and by t (n,), 0 in M's rows."""
        matrix, differential = self._start_matrix(t, u, p)
        model, n = self._kernels.model_graph, self._kernels.n
        entries = model.parameter_jacobian
        values = evaluate(self._kernels.graph, [*entries.nodes, *model.time_gradient], t, {"u": u, "p": p})
        by_parameters, by_time = np.zeros((n, len(p))), np.zeros(n)
        for i in np.flatnonzero(~differential):
            by_time[i] = float(values[model.time_gradient[i]])
            for k in range(entries.indptr[i], entries.indptr[i + 1]):
                by_parameters[i, entries.indices[k]] = float(values[entries.nodes[k]])
        return matrix, differential, by_parameters, by_time

    def _start_matrix(self, t: float, u: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """M's rows where M has entries and -J's where it has none, shape (n, n), and which rows are M's."""
        model, n = self._kernels.model_graph, self._kernels.n
        entries, mass = model.jacobian, model.mass or ()
        with np.errstate(all="ignore"):
            values = evaluate(
                self._kernels.graph, [*entries.nodes, *mass], t, {"u": u, "p": p, **self._delayed}
            )
        matrix, differential = np.zeros((n, n)), np.zeros(n, dtype=bool)
        for i in range(n):
            places = range(entries.indptr[i], entries.indptr[i + 1])
            differential[i] = any(values[mass[k]] for k in places)
            for k in places:
                found = float(values[mass[k] if differential[i] else entries.nodes[k]])
                matrix[i, entries.indices[k]] = found if differential[i] else -found
        return matrix, differential
