"""Events of a model that has sensitivity columns beside its states: what each makes of the columns.

An event that sets states u_k = R_k(t, u, p) at a time that does not move maps the columns of these states to
R_u S + R_p, whose entries a kernel gives beside the new values.
"""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.codegen.derivatives import SparseJacobian, jacobian, time_gradient
from symde.codegen.event_scope import lowering_of
from symde.codegen.events import EventKernels
from symde.codegen.kernel import Kernel, Output
from symde.codegen.llvm import ir_module
from symde.codegen.model_kernels import ModelGraph
from symde.native import load_ir


@dataclass(frozen=True, slots=True, eq=False)
class ColumnEffect:
    """What an event makes of the columns of the states that it sets.

    Attributes:
        address: Kernel (t, u, p) -> new values, their partial derivatives by t, then the entries of R_u and
            R_p; 0 where the event sets nothing.
        count: How many values are set.
        by_states: Rows and columns of the entries of R_u, int64.
        by_parameters: Likewise of R_p; column j belongs to the parameter of column j.
        keeps: The library that the kernel lies in.
    """

    address: int
    count: int
    by_states: tuple[np.ndarray, np.ndarray]
    by_parameters: tuple[np.ndarray, np.ndarray]
    keeps: Any = None


class ColumnEvents:
    """The events of a model with columns; what they read and set lies where it does without.

    Args:
        model: The model's graph.
        events: The kernels of its events.
        parameters: Indices of the parameters that have a column.
        width: Columns as they lie in memory.
    """

    def __init__(
        self, model: ModelGraph, events: EventKernels, parameters: tuple[int, ...], width: int
    ) -> None:
        self._model, self._events, self._parameters = model, events, parameters
        self.width, self.states = width, len(model.lowered.states)
        for name in _SHARED:
            setattr(self, name, getattr(events, name))
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"events have no {name!r}")

    def address(self, name: str) -> int:
        """The address of a kernel by name, 0 where there is none."""
        return self._events.address(name)

    @functools.cached_property
    def effects(self) -> tuple[ColumnEffect, ...]:
        """What each event makes of the columns, in the order of the text."""
        return tuple(self._effect(j) for j in range(len(self._events.plans)))

    def _effect(self, index: int) -> ColumnEffect:
        model, lowered = self._model, self._model.lowered
        event, graph = model.definition.events[index], lowered.graph
        none = np.empty(0, np.int64), np.empty(0, np.int64)
        if not event.effects:
            return ColumnEffect(0, 0, none, none)
        with self._lock:
            scope = lowering_of(lowered, model.definition)
            nodes = [scope.lower(effect.value) for effect in event.effects]
            by_states = jacobian(graph, nodes, lowered.states)
            by_parameters = jacobian(graph, nodes, [lowered.parameters[j] for j in self._parameters])
            outputs = (*nodes, *time_gradient(graph, nodes), *by_states.nodes, *by_parameters.nodes)
            kernel = Kernel("column_effect", graph, model.inputs(), (Output("values", outputs),))
            library = load_ir(ir_module([kernel]))
        places = _entries(by_states), _entries(by_parameters)
        return ColumnEffect(library.address("column_effect"), len(nodes), *places, library)


_SHARED = (
    "count", "floors", "plans", "conditions", "times", "ties", "purposes", "integers", "timed", "along",
    "exits", "groups", "rides",
    "root_spans",
)  # fmt: skip


def _entries(matrix: SparseJacobian) -> tuple[np.ndarray, np.ndarray]:
    rows = np.repeat(np.arange(len(matrix.indptr) - 1), np.diff(matrix.indptr))
    return rows.astype(np.int64), np.array(matrix.indices, np.int64)
