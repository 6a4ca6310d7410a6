"""Where a right-hand side jumps: operations whose two sides differ, told by evaluating both.

A conditional may be continuous, `x*sign(x)` is: no rule tells. So points on both sides of a switch are sought
along random lines through the space of states, parameters and time, and brought together. Of a continuous
function the values come together with them, of one that jumps they do not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.codegen.delays import DELAYED, LoweredDelays
from symde.codegen.evaluate import evaluate
from symde.codegen.graph import Graph

SWITCHES = frozenset({"sign", "floor", "ceil", "mod", "lt", "le"})
"""Operations that may jump; `eq` holds nowhere for long."""

MOST = 200
"""Operations that are looked at, which takes 3 to 10 ms each; what is written once for all of many states
shows in the first."""

LINES = 64
"""Lines along which two sides are sought."""

DECADES = -3.0, 4.0
"""Sizes of states, parameters and time at their ends."""

COARSE, FINE = 25, 25
"""Halvings of a line after which the sides are compared, and further ones after which they are again."""

TIME = "t", 0
"""The time among the inputs."""

ROUNDING = 1e-9
"""Differences relative to the values that count for nothing."""

UNDERFLOW = 1e-100
"""Values of which the powers and products were too small for float64 to hold: their differences count for
nothing."""


@dataclass(frozen=True, slots=True)
class Jump:
    """An operation at which a right-hand side jumps.

    Attributes:
        node: The operation.
        states: Whether states decide when.
        parameters: Indices of the parameters that do.
    """

    node: int
    states: bool
    parameters: frozenset[int]


def jumps(graph: Graph, rhs: Sequence[int], discrete: Collection[int] = ()) -> list[Jump]:
    """The operations at which a right-hand side jumps as a solution goes on, up to the first that states
    decide; those whose two sides are not found are taken for such.

    Args:
        graph: Holds the nodes; states are the input `u`, parameters `p`.
        rhs: Node of each state's derivative.
        discrete: Indices of the states that events alone change: where these decide, it jumps at events.
    """
    order = graph.reachable(rhs)
    switches = [node for node in order if graph.op[node] in SWITCHES][:MOST]
    found = []
    for node in switches:
        leaves = [one for one in graph.reachable([node]) if graph.op[one] in ("input", "time")]
        inputs = [graph.value[one] for one in leaves if graph.op[one] == "input"]
        time = any(graph.op[one] == "time" for one in leaves)
        moving = any(
            (vector == "u" and index not in discrete) or vector == DELAYED for vector, index in inputs
        )
        # a time that a discrete variable decides is no fixed one
        states = moving or (time and any(vector == "u" for vector, _ in inputs))
        if (states or time) and _jumps(graph, node, _readers(graph, order, node, rhs)):
            parameters = frozenset(index for vector, index in inputs if vector == "p")
            found.append(Jump(node, states, parameters))
            if states:
                break
    return found


def decided_by(graph: Graph, roots: Sequence[int], moved: Collection[tuple[str, int]]) -> int | None:
    """The first operation at which some nodes jump and of which some inputs, (vector, index), decide when;
    None: there is none."""
    order = graph.reachable(roots)
    for node in [one for one in order if graph.op[one] in SWITCHES][:MOST]:
        decides = not graph.inputs_read([node]).isdisjoint(moved)
        if decides and _jumps(graph, node, _readers(graph, order, node, roots)):
            return node
    return None


def jumps_of_past(graph: Graph, delays: LoweredDelays) -> list[Jump]:
    """The operations at which histories jump: delayed values meet that when their times do, and what these
    depend on decides as well."""
    leaves = [graph.value[one] for one in graph.reachable(delays.times) if graph.op[one] == "input"]
    moved = frozenset(index for vector, index in leaves if vector == "p")
    states = any(vector != "p" for vector, _ in leaves)
    found = jumps(graph, delays.history)
    return [Jump(one.node, one.states or states, one.parameters | moved) for one in found]


def _readers(graph: Graph, order: Sequence[int], node: int, rhs: Sequence[int]) -> list[int]:
    """The derivatives of states that a node takes part in."""
    following = {node}
    for one in order:
        if not following.isdisjoint(graph.args[one]):
            following.add(one)
    return [one for one in dict.fromkeys(rhs) if one in following]


def _jumps(graph: Graph, node: int, readers: Sequence[int]) -> bool:
    """Whether readers of a switch jump where it switches."""
    lines = _Lines(graph, [node, *readers])
    low, high = np.zeros(LINES), np.ones(LINES)
    side = lines.side(node, low)
    switched = side != lines.side(node, high)
    if not switched.any():
        return True
    gaps = []
    for halvings in (COARSE, FINE):
        for _ in range(halvings):
            middle = (low + high) / 2
            same = lines.side(node, middle) == side
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        with np.errstate(all="ignore"):
            before, after = lines.values(readers, low), lines.values(readers, high)
            gaps.append((np.abs(after - before), np.abs(after) + np.abs(before)))
    (coarse, _), (fine, size) = gaps
    known = switched & np.isfinite(coarse) & np.isfinite(fine)
    return bool((known & (fine > coarse / 2) & (fine > ROUNDING * size + UNDERFLOW)).any() or not known.any())


class _Lines:
    """Random lines through the space of what some nodes read."""

    def __init__(self, graph: Graph, nodes: Sequence[int]) -> None:
        self._graph = graph
        points = np.random.default_rng(1958)
        self._ends: dict[tuple[str, int], np.ndarray] = {}
        for node in graph.reachable(nodes):
            if graph.op[node] in ("input", "time"):
                signs = points.choice((-1.0, 1.0), (2, LINES))
                self._ends[graph.value[node] or TIME] = signs * 10 ** points.uniform(*DECADES, (2, LINES))

    def _at(self, place: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        vectors = {"u", "p", DELAYED, *(vector for vector, _ in self._ends)}
        inputs: dict[str, Any] = {vector: {} for vector in vectors} | {"t": {0: np.zeros(LINES)}}
        for (vector, index), (start, end) in self._ends.items():
            inputs[vector][index] = start + place * (end - start)
        return inputs["t"][0], inputs

    def side(self, node: int, place: np.ndarray) -> np.ndarray:
        """On which side of a switch a place of each line lies."""
        graph = self._graph
        t, inputs = self._at(place)
        values = evaluate(graph, [node], t, inputs)
        if graph.op[node] != "mod":
            return np.broadcast_to(values[node], LINES)
        x, y = (values[argument] for argument in graph.args[node])
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.floor(x / y), LINES)

    def values(self, nodes: Sequence[int], place: np.ndarray) -> np.ndarray:
        """Values of some nodes at a place of each line, shape (number of nodes, LINES)."""
        t, inputs = self._at(place)
        values = evaluate(self._graph, nodes, t, inputs)
        return np.array([np.broadcast_to(values[node], LINES) for node in nodes], dtype=float)
