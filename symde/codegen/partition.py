"""Positions and momenta: the two halves of a model in which neither half's equations read its own states.

    q' = g(p, t),   p' = f(q, t)

The halves are the two colours of the graph in which each state is joined to those its derivative reads. (The
pattern of the Jacobian would leave out what is read without a derivative: `floor(q)`, a condition.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symde.codegen.derivatives import directional
from symde.codegen.graph import Graph


class InseparableError(ValueError):
    """A model has no such halves; the message names the states that forbid them."""


@dataclass(frozen=True, slots=True)
class Partition:
    """The halves of a model.

    Attributes:
        positions: Indices of the states q, ascending.
        momenta: Indices of the states p, ascending.
        unsteady: Why q' = g(p, t) is not M p + c with constants M and c, so that q'' = M f(q, t) is no
            equation in q alone; empty where it is.
    """

    positions: tuple[int, ...]
    momenta: tuple[int, ...]
    unsteady: str = ""


def partition(graph: Graph, rhs: Sequence[int], states: Sequence[int], names: Sequence[str]) -> Partition:
    """The halves of a model: of each connected part those states are positions whose derivatives are linear
    in the others with constant coefficients; where that tells nothing, the first state is one.

    Args:
        graph: Holds the nodes.
        rhs: Node of each state's derivative.
        states: Node that reads each state.
        names: What the states are called.

    Raises:
        InseparableError: some state's derivative reads a state of its own half.
    """
    halves_found = list(_colours(_read_by_others(graph, rhs, names), names))
    moving = [_moving(graph, node, states, name) for node, name in zip(rhs, names, strict=True)]
    positions: list[int] = []
    unsteady = ""
    for halves in halves_found:
        reasons = [next((moving[i] for i in half if moving[i]), "") for half in halves]
        chosen = 1 if reasons[0] and not reasons[1] else 0
        positions += halves[chosen]
        unsteady = unsteady or reasons[chosen]
    momenta = sorted(set(range(len(rhs))) - set(positions))
    return Partition(tuple(sorted(positions)), tuple(momenta), unsteady)


def _read_by_others(graph: Graph, rhs: Sequence[int], names: Sequence[str]) -> list[list[int]]:
    """The states that each derivative reads, which its own is none of."""
    reads = []
    for row, node in enumerate(rhs):
        read = sorted(i for vector, i in graph.inputs_read([node]) if vector == "u")
        if row in read:
            raise InseparableError(f"{names[row]}' depends on {names[row]}")
        reads.append(read)
    return reads


def _colours(reads: Sequence[list[int]], names: Sequence[str]) -> Iterator[tuple[list[int], list[int]]]:
    """The two colours of each connected part, that of its first state first."""
    neighbours: list[set[int]] = [set(row) for row in reads]
    for row, read in enumerate(reads):
        for column in read:
            neighbours[column].add(row)
    colour: dict[int, int] = {}
    for start in range(len(reads)):
        if start in colour:
            continue
        colour[start] = 0
        halves: tuple[list[int], list[int]] = ([start], [])
        pending = [start]
        while pending:
            here = pending.pop()
            for other in sorted(neighbours[here]):
                if other not in colour:
                    colour[other] = 1 - colour[here]
                    halves[colour[other]].append(other)
                    pending.append(other)
                elif colour[other] == colour[here]:
                    reader, read = (here, other) if other in reads[here] else (other, here)
                    raise InseparableError(
                        f"{names[reader]}' depends on {names[read]}, and by the other equations both belong "
                        "to the same half"
                    )
        yield halves


_LINEAR = {"add", "sub", "neg"}


def _moving(graph: Graph, root: int, states: Sequence[int], name: str) -> str:
    """Why a derivative is not a sum of states with constant coefficients, or ""."""
    dependent: set[int] = set()
    inputs, linear = set(states), True
    for node in graph.reachable([root]):
        if graph.op[node] == "time":
            return f"{name}' depends on the time t"
        below = [argument in dependent for argument in graph.args[node]]
        if node in inputs:
            dependent.add(node)
        elif any(below):
            dependent.add(node)
            scaled = graph.op[node] == "mul" and not all(below) or graph.op[node] == "div" and not below[1]
            linear = linear and (scaled or graph.op[node] in _LINEAR)
    return "" if linear else f"{name}' is not linear in the other states"


def half(graph: Graph, rhs: Sequence[int], members: Sequence[int]) -> tuple[int, ...]:
    """The right-hand side of some states, zero for the others: one node a state."""
    zero, wanted = graph.constant(0.0), set(members)
    return tuple(node if i in wanted else zero for i, node in enumerate(rhs))


def accelerations(
    graph: Graph, rhs: Sequence[int], states: Sequence[int], halves: Partition
) -> tuple[int, ...]:
    """q'' for positions and p' for momenta, one node a state; for halves that are not unsteady.

    They read positions and the time alone: q'' is the derivative of q' = M p + c along p'.
    """
    seeds = {states[i]: rhs[i] for i in halves.momenta}
    second = directional(graph, [rhs[i] for i in halves.positions], seeds)
    nodes = list(rhs)
    for i, node in zip(halves.positions, second, strict=True):
        nodes[i] = node
    return tuple(nodes)
