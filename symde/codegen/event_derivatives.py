"""Derivatives of what events read and do: root functions, new values, delays and known times, all exact."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from symde.codegen.call import call
from symde.codegen.derivatives import directional
from symde.codegen.evaluate import Program
from symde.codegen.event_scope import lower_times, lowering_of
from symde.codegen.fixed_modes import FixedModes
from symde.codegen.graph import Graph
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.modes import as_it_stands
from symde.codegen.point_kernel import PointKernel
from symde.codegen.start_derivatives import Matrix
from symde.codegen.system import ModelKernels
from symde.model.events import At, Every, ModelEvent


class EventDerivatives:
    """Compiled derivatives of a model's events, each made when it is first asked for.

    Args:
        kernels: The model's kernels; it has events.
        fixed: The same between changes of its branches, where these are modes, whose values follow the
            parameters then; None: branches are taken as they stand.
    """

    def __init__(self, kernels: ModelKernels, fixed: FixedModes | None = None) -> None:
        events = kernels.events
        assert events is not None
        self._kernels, self._model, self._events = (
            kernels if fixed is None else fixed,
            kernels.model_graph,
            events,
        )
        self._fixed = fixed
        definition = kernels.definition
        self._scope = lowering_of(self._model.lowered, definition)
        self._known: dict[tuple[str, int], PointKernel] = {}
        self._times: dict[int, KnownTimes] = {}
        self._lock = threading.Lock()

    def root(self, index: int) -> PointKernel:
        """A root function and its derivative along the solution, two quantities; the function alone where M
        in M u' = f is not the identity, or f reads the past."""
        return self._point(
            "root",
            index,
            lambda: self._root(self._events.root_nodes[index]),
            self._model if self._fixed is None else self._fixed.model_graph,
        )

    def effect(self, index: int) -> PointKernel:
        """The new values of what an event sets, in the order of its plan; the delay last where it has one."""
        return self._point("effect", index, lambda: self._effect(self._model.definition.events[index]))

    def times(self, index: int) -> KnownTimes:
        """The times of an event that are known at the start."""
        with self._lock:
            if index not in self._times:
                self._times[index] = KnownTimes(self._model, index)
            return self._times[index]

    def slope(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The right-hand side of u' = f, shape (n,)."""
        _, (slope,) = call(self._kernels.address("rhs"), t, [u, p], [len(u)])
        return slope

    def _root(self, node: int) -> list[int]:
        if self._fixed is None:
            lowered = self._model.lowered
            node = as_it_stands(lowered.graph, node)
        else:
            lowered = self._fixed.lowered
            (node,) = self._fixed.fixed(lowered.graph, [node])
        graph = lowered.graph
        if lowered.mass is not None or lowered.delays is not None:
            return [node]
        along = {graph.time(): graph.constant(1.0), **dict(zip(lowered.states, lowered.rhs, strict=True))}
        return [node, *directional(graph, [node], along)]

    def _effect(self, event: ModelEvent) -> list[int]:
        expressions = [one.value for one in event.effects]
        if event.after is not None:
            expressions.append(event.after)
        return [self._scope.lower(one) for one in expressions]

    def _point(
        self, kind: str, index: int, nodes: Callable[[], list[int]], model: ModelGraph | None = None
    ) -> PointKernel:
        with self._lock:
            found = self._known.get((kind, index))
            if found is None:
                found = self._known[kind, index] = PointKernel(model or self._model, nodes())
            return found


class KnownTimes:
    """The times of one `at` or `every` as functions of the parameters and t0.

    Args:
        model: The model's graph.
        index: Which event.

    Attributes:
        moves: Whether they depend on any of that.
    """

    def __init__(self, model: ModelGraph, index: int) -> None:
        graph, lower = lower_times(model.definition)
        trigger = model.definition.events[index].trigger
        self._period: int | None = None
        if isinstance(trigger, At):
            nodes = [lower(one) for one in trigger.times]
        else:
            assert isinstance(trigger, Every)
            period = lower(trigger.period)
            first = (
                graph.apply("add", graph.time(), period) if trigger.start is None else lower(trigger.start)
            )
            nodes = [first, period]
            self._period = 1
        inputs = [graph.input("p", j) for j in range(len(model.definition.parameters))]
        self._values, self._by_parameters = Program(graph, nodes), Matrix(graph, tuple(nodes), inputs)
        by_start = _by_time(graph, nodes)
        self._by_start = Program(graph, by_start)
        self.moves = bool(self._by_parameters.entries) or any(
            not graph.is_constant(one, 0.0) for one in by_start
        )

    def derivative(self, t: float, t0: float, p: np.ndarray) -> tuple[np.ndarray, float]:
        """Derivatives of the time that is t by the parameters (m,) and by t0.

        Args:
            t: When the event came.
            t0: The start of the solve.
            p: Parameters, shape (m,).
        """
        values = np.array(self._values.run(t0, {"p": p}), dtype=float)
        weights = np.zeros(len(values))
        if self._period is None:
            weights[np.argmin(np.abs(values - t))] = 1.0
        else:
            first, period = values
            weights[:] = 1.0, round((t - first) / period)
        by_start = np.array(self._by_start.run(t0, {"p": p}), dtype=float)
        return weights @ self._by_parameters(t0, p), float(weights @ by_start)


def _by_time(graph: Graph, nodes: list[int]) -> list[int]:
    return directional(graph, nodes, {graph.time(): graph.constant(1.0)})
