"""What a model says about its start, as numbers: parameters, initial state and time span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from symde.codegen.evaluate import Program, evaluate
from symde.codegen.graph import Graph
from symde.codegen.lower import LoweredStart, lower_start
from symde.model.definition import Definition


class ModelStart:
    """Defaults, initial values and time span of one model, ready for repeated evaluation.

    Pure numbers are looked up; what depends on parameters is evaluated on the graph.
    """

    def __init__(self, definition: Definition) -> None:
        self._lowered: LoweredStart = lower_start(definition)
        graph = self._lowered.graph
        self._parameter_index = {name: j for j, name in enumerate(definition.parameter_names)}
        self._state_index = {name: i for i, name in enumerate(definition.state_names)}
        self._graph = graph
        self._default_numbers, dependent = _numbers(graph, self._lowered.defaults)
        self._default_missing = [j for j, node in enumerate(self._lowered.defaults) if node is None]
        self._dependent_nodes = in_order(graph, dependent)
        self._dependent = [(j, Program(graph, [node])) for j, node in self._dependent_nodes]
        self._initial_numbers, following = _numbers(graph, self._lowered.initial)
        self._initial_missing = [i for i, node in enumerate(self._lowered.initial) if node is None]
        self._following, self._following_nodes = list(following), list(following.values())
        self._initial = Program(graph, self._following_nodes)
        self._tspan = Program(graph, self._lowered.tspan) if self._lowered.tspan else None
        span, variable = _numbers(graph, self._lowered.tspan or ())
        self._fixed_tspan = None if variable or self._tspan is None else (span.item(0), span.item(1))

    def parameters(self, given: Mapping[str, float]) -> np.ndarray:
        """All parameters, shape (m,); a default that uses other parameters follows them.

        Raises:
            KeyError: Names a parameter that is unknown, or has neither default nor given value.
        """
        p = _with_given(self._default_numbers, self._default_missing, self._parameter_index, given)
        if self._dependent:
            fixed = {self._parameter_index[name] for name in given}
            for j, program in self._dependent:
                if j not in fixed:
                    p[j] = program.run(0.0, {"p": p})[0]
        return p

    def initial(self, p: np.ndarray, t0: float, given: Mapping[str, float] | None = None) -> np.ndarray:
        """The initial state, shape (n,).

        Raises:
            KeyError: Names a state that is unknown, or has neither initial nor given value.
        """
        u = _with_given(self._initial_numbers, self._initial_missing, self._state_index, given or {})
        if self._following:
            u[self._following] = self._initial.run(t0, {"p": p})
            for name, value in (given or {}).items():
                u[self._state_index[name]] = value
        return u

    def tspan(self, p: np.ndarray) -> tuple[float, float] | None:
        """The default time span, None where the model has none."""
        if self._fixed_tspan is not None or self._tspan is None:
            return self._fixed_tspan
        start, end = self._tspan.run(0.0, {"p": p})
        return start, end

    # -- many members at once
    # ------------------------------------------------------------------------------------------------

    def parameter_rows(self, given: Mapping[str, float | np.ndarray], count: int) -> np.ndarray:
        """The parameters of several members, shape (count, m); a value may be an array of shape (count,).

        Raises:
            KeyError: as `parameters`.
        """
        p = _rows_with_given(
            self._default_numbers, self._default_missing, self._parameter_index, given, count
        )
        fixed = {self._parameter_index[name] for name in given}
        for j, node in self._dependent_nodes:
            if j not in fixed:
                p[:, j] = evaluate(self._graph, [node], 0.0, {"p": p.T})[node]
        return p

    def initial_rows(self, p: np.ndarray, t0: float, given: Mapping[str, float | np.ndarray]) -> np.ndarray:
        """The initial states of several members, shape (count, n), from parameters of shape (count, m).

        Raises:
            KeyError: as `initial`.
        """
        u = _rows_with_given(self._initial_numbers, self._initial_missing, self._state_index, given, len(p))
        values = evaluate(self._graph, self._following_nodes, t0, {"p": p.T})
        for i, node in zip(self._following, self._following_nodes, strict=True):
            u[:, i] = values[node]
        for name, value in given.items():
            u[:, self._state_index[name]] = value
        return u

    @property
    def tspan_is_fixed(self) -> bool:
        """Whether the default time span is the same whatever the parameters are."""
        return self._fixed_tspan is not None or self._tspan is None


def _rows_with_given(
    numbers: np.ndarray,
    missing: Sequence[int],
    index: Mapping[str, int],
    given: Mapping[str, float | np.ndarray],
    count: int,
) -> np.ndarray:
    names = list(index)
    for position in missing:
        if names[position] not in given:
            raise KeyError(names[position])
    rows = np.tile(numbers, (count, 1))
    for name, value in given.items():
        rows[:, index[name]] = value
    return rows


def _numbers(graph: Graph, nodes: Sequence[int | None]) -> tuple[np.ndarray, dict[int, int]]:
    """The vector of the nodes that are constants, and the position and node of each that is not."""
    numbers = np.full(len(nodes), np.nan)
    rest: dict[int, int] = {}
    for position, node in enumerate(nodes):
        if node is None:
            continue
        if graph.op[node] == "const":
            numbers[position] = graph.value[node]
        else:
            rest[position] = node
    return numbers, rest


def in_order(graph: Graph, dependent: Mapping[int, int]) -> list[tuple[int, int]]:
    """Defaults so that each comes after those it reads. The model's builder has excluded cycles."""
    reads = {
        j: {index for _, index in graph.inputs_read([node])} & dependent.keys()
        for j, node in dependent.items()
    }
    order: list[tuple[int, int]] = []
    done: set[int] = set()
    for first in dependent:
        stack = [first]
        while stack:
            j = stack[-1]
            waiting = [other for other in reads[j] if other not in done]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if j not in done:
                done.add(j)
                order.append((j, dependent[j]))
    return order


def _with_given(
    numbers: np.ndarray, missing: Sequence[int], index: Mapping[str, int], given: Mapping[str, float]
) -> np.ndarray:
    vector = numbers.copy()
    for name, value in given.items():
        vector[index[name]] = value
    for position in missing:
        name = list(index)[position]
        if name not in given:
            raise KeyError(name)
    return vector
