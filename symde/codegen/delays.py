"""Delayed values as inputs of a graph: `x(t - tau)` reads an element of the vector `delayed`.

Element 2j of that vector is pair j, a state (or a derivative of it) at one of the times; element 2j + 1 is
its derivative by that time, of which derivatives of the right-hand side are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symde.codegen.algebra import Algebra
from symde.codegen.derivatives import Tangent, tangents
from symde.codegen.graph import Graph
from symde.language.syntax import Call
from symde.model.delays import delayed

DELAYED = "delayed"

_SMOOTH = frozenset({"time", "add", "sub", "mul", "div", "neg"})
"""Operations on t in what is t minus a constant: they have no pieces."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The `order`-th derivative of a state at a time.

    Attributes:
        state: Index of the state.
        order: 0 for the state itself.
        time: Place of the time among the times.
    """

    state: int
    order: int
    time: int


@dataclass(frozen=True, slots=True)
class LoweredDelays:
    """Delayed values of a model as graph nodes.

    Attributes:
        times: Node of each distinct time s(t, u, p, delayed); one reads no pair but those of earlier times.
        pairs: What is read, each once.
        history: Node of each state before t0 in t, p and the initial state, which stands as `u`.
        along: Places of times at which another, kept solution is read; each is a constant minus t.
    """

    times: tuple[int, ...]
    pairs: tuple[Pair, ...]
    history: tuple[int, ...]
    along: frozenset[int] = frozenset()


class DelayedValues:
    """Finds the times and pairs of a model as its expressions are lowered.

    Args:
        graph: Where the nodes go.
        states: Names of the states.
    """

    def __init__(self, graph: Graph, states: Sequence[str]) -> None:
        self._graph = graph
        self._index = {name: i for i, name in enumerate(states)}
        self.times: list[int] = []
        self.pairs: dict[Pair, int] = {}

    def __contains__(self, function: str) -> bool:
        return delayed(function, self._index) is not None

    def node(self, call: Call, time: int) -> int:
        """The node of a delayed value whose time is a node."""
        found = delayed(call.function, self._index)
        assert found is not None
        if time not in self.times:
            self.times.append(time)
        name, order = found
        pair = Pair(self._index[name], order, self.times.index(time))
        return self._graph.input(DELAYED, 2 * self.pairs.setdefault(pair, len(self.pairs)), call.span)


def slope_of(graph: Graph, pair: int) -> int:
    """The node of the derivative of a pair by its time."""
    return graph.input(DELAYED, 2 * pair + 1)


def with_delayed(
    graph: Graph,
    delays: LoweredDelays,
    seeds: Mapping[int, Tangent],
    own: Mapping[int, Tangent] | None = None,
    slopes: Sequence[int] | None = None,
) -> dict[int, Tangent]:
    """Seeds of a differentiation with those of the delayed values, which follow their times.

    Args:
        graph: Grows by the derivatives.
        delays: The delayed values.
        seeds: Derivatives of states, parameters or t.
        own: Derivatives of pairs at a fixed time.
        slopes: Node of the derivative of each pair by its time. Default: what stands beside it.
    """
    algebra = Algebra(graph)
    found = dict(seeds)
    for time, node in enumerate(delays.times):
        (moved,) = tangents(graph, [node], found)
        for j, pair in enumerate(delays.pairs):
            if pair.time != time:
                continue
            slope = slope_of(graph, j) if slopes is None else slopes[j]
            total = {column: algebra.mul(slope, change) for column, change in moved.items()}
            for column, change in (own or {}).get(j, {}).items():
                total[column] = algebra.add(total[column], change) if column in total else change
            total = {column: change for column, change in total.items() if not algebra.is_zero(change)}
            if total:
                found[graph.input(DELAYED, 2 * j)] = total
    return found


def is_constant_lag(graph: Graph, time: int) -> bool:
    """Whether a time is t minus something that does not change during a solve, nor from piece to piece: the
    derivative of `t - floor(t)` is 1 too."""
    if any(vector != "p" for vector, _ in graph.inputs_read([time])):
        return False
    moving: set[int] = set()
    for node in graph.reachable([time]):
        if graph.op[node] == "time" or not moving.isdisjoint(graph.args[node]):
            moving.add(node)
            if graph.op[node] not in _SMOOTH:
                return False
    (row,) = tangents(graph, [time], {graph.time(): {0: graph.constant(1.0)}})
    return graph.is_constant(row.get(0, graph.constant(0.0)), 1.0)


def depth_of_times(graph: Graph, delays: LoweredDelays) -> int:
    """How often times must be evaluated until all are known: once, and again for those that read pairs."""
    levels: list[int] = []
    for node in delays.times:
        read = {index // 2 for vector, index in graph.inputs_read([node]) if vector == DELAYED}
        levels.append(1 + max((levels[delays.pairs[j].time] for j in read), default=0))
    return max(levels, default=0)
