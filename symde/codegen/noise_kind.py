"""What kind of noise a diffusion matrix is: which states its entries read, and whether motions commute."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from symde.codegen.derivatives import jacobian
from symde.codegen.evaluate import FUNCTIONS, Value, evaluate_by
from symde.codegen.graph import Graph
from symde.codegen.jumps import SWITCHES

POINTS = 64
"""Random points at which it is looked whether noise commutes, each with branches of its own."""

CLOSE = 1e-9

RANGES = (0.1, 2.0), (0.1, 0.9)
"""Where the points lie; in the second, if the first has some without a value: correlations are below 1."""

DECIDING = SWITCHES | {"eq"}
"""Operations through which a state changes a coefficient of which the derivative by it is 0."""


class NoiseKind(StrEnum):
    """What a method may rely on.

    ADDITIVE: no state changes the noise. DIAGONAL: a Brownian motion for each state, whose coefficient reads
    that state alone. SCALAR: one Brownian motion. COMMUTATIVE: L_i g_j = L_j g_i for all motions, where
    L_i = sum_k g_ki d/dx_k. GENERAL: all else.
    """

    ADDITIVE = "additive"
    DIAGONAL = "diagonal"
    SCALAR = "scalar"
    COMMUTATIVE = "commutative"
    GENERAL = "general"


@dataclass(frozen=True, slots=True)
class Products:
    """The terms of Milstein's method: L_first g_(row, second), one a place.

    Attributes:
        rows, first, second: state and motions of each.
        nodes: graph nodes.
    """

    rows: tuple[int, ...]
    first: tuple[int, ...]
    second: tuple[int, ...]
    nodes: tuple[int, ...]


def states_read(graph: Graph, nodes: Sequence[int], states: Sequence[int]) -> list[frozenset[int]]:
    """Which states change each of some nodes: those by which it has a derivative, and those that decide
    where it jumps, of which derivatives know nothing."""
    slopes = jacobian(graph, nodes, states)
    places = {node: place for place, node in enumerate(states)}
    found = []
    for row, node in enumerate(nodes):
        deciding = [one for one in graph.reachable([node]) if graph.op[one] in DECIDING]
        decided = {places[one] for one in graph.reachable(deciding) if one in places}
        found.append(decided.union(slopes.indices[slopes.indptr[row] : slopes.indptr[row + 1]]))
    return list(map(frozenset, found))


def without_products(
    rows: Sequence[int], columns: Sequence[int], reads: Sequence[frozenset[int]]
) -> NoiseKind | None:
    """The kind that follows from which states each entry reads; None: that does not tell it."""
    if not any(reads):
        return NoiseKind.ADDITIVE
    own = all(read <= {row} for row, read in zip(rows, reads, strict=True))
    if own and len(set(rows)) == len(rows) and len(set(columns)) == len(columns):
        return NoiseKind.DIAGONAL
    return NoiseKind.SCALAR if len(set(columns)) == 1 else None


def commutes(graph: Graph, products: Products, lengths: dict[str, int], held: Collection[int] = ()) -> bool:
    """Whether all products are the same in either order, at random points and on every branch: of what
    chooses one, any is taken.

    Args:
        graph: Holds the nodes.
        products: Of two motions in both orders, where they are not always 0.
        lengths: Of the inputs.
        held: Conditions that hold.
    """
    places = zip(products.rows, products.first, products.second, strict=True)
    nodes = dict(zip(places, products.nodes, strict=True))
    pairs = [(node, nodes.get((row, second, first))) for (row, first, second), node in nodes.items()]
    pairs = [(one, two) for one, two in pairs if one != two]
    roots = [node for pair in pairs for node in pair if node is not None]
    for ends in RANGES:
        values = _values(graph, roots, lengths, held, ends)
        if all(np.isfinite(values[node]).all() for node in roots):
            return all(_alike(values[one], 0.0 if two is None else values[two]) for one, two in pairs)
    return False


def _values(
    graph: Graph,
    roots: Sequence[int],
    lengths: dict[str, int],
    held: Collection[int],
    ends: tuple[float, float],
) -> dict[int, Value]:
    draws = np.random.default_rng(1992)
    inputs = {name: draws.uniform(*ends, (length, POINTS)) for name, length in lengths.items()}
    branches = _Branches(graph, draws, held)
    return evaluate_by(branches.value, graph, roots, draws.uniform(*ends, POINTS), inputs)


def _alike(one: Any, two: Any) -> bool:
    return bool((np.abs(one - two) <= CLOSE * (np.abs(one) + np.abs(two))).all())


class _Branches:
    """Values of operations that choose: one of their branches at random, the same for all that ask."""

    def __init__(self, graph: Graph, draws: np.random.Generator, held: Collection[int]) -> None:
        self._graph, self._draws, self._held = graph, draws, frozenset(held)
        self._signs: dict[int, np.ndarray] = {}

    def value(self, node: int, op: str, arguments: Sequence[Value]) -> Value:
        """The value of an operation, from those of its arguments."""
        if op in ("lt", "le", "eq"):
            return np.full(POINTS, True) if node in self._held else self._either()
        if op in ("min", "max"):
            return np.where(self._either(), *arguments)
        if op in ("abs", "sign"):
            sign = self._signs.setdefault(self._graph.args[node][0], np.where(self._either(), 1.0, -1.0))
            return sign if op == "sign" else sign * arguments[0]
        if op in ("floor", "ceil"):
            return self._draws.uniform(-2.0, 2.0, POINTS)
        if op == "mod":
            return arguments[0] - self._draws.integers(-1, 2, POINTS) * arguments[1]
        return FUNCTIONS[op](*arguments)[()]

    def _either(self) -> np.ndarray:
        return self._draws.random(POINTS) < 0.5
