"""Taylor coefficients of a model's solution: which recurrences give them (`symde.codegen.taylor_jets`)."""

from __future__ import annotations

from collections.abc import Sequence

from symde.codegen.graph import Graph
from symde.codegen.taylor_builder import Builder
from symde.codegen.taylor_jets import Recurrences
from symde.codegen.taylor_rules import RULES


def recurrences(graph: Graph, rhs: Sequence[int], n: int) -> Recurrences:
    """The jets of a model.

    Args:
        graph: Holds the right-hand side; it is left as it is.
        rhs: Node of each state's derivative; states are the input `u`.
        n: Number of states.

    Raises:
        ValueError: The right-hand side applies a function without a recurrence to something that changes.
    """
    copied, nodes = _copy(graph, rhs)
    builder = Builder(copied, n, RULES)
    for node in copied.reachable(nodes):
        builder.jet(node)
    builder.result.initial_rhs = nodes
    return _pruned(builder.result, n, [builder.jet(node) for node in nodes])


def _pruned(result: Recurrences, n: int, rhs: Sequence[int | None]) -> Recurrences:
    """Only the jets that the right-hand side needs."""
    jets = result.jets
    needed = set(range(n))
    pending = [jet for jet in rhs if jet is not None]
    while pending:
        index = pending.pop()
        if index not in needed:
            needed.add(index)
            pending.extend(jets[index].args)
    place = {index: number for number, index in enumerate(sorted(needed))}
    for index in place:
        jets[index].args = tuple(place[argument] for argument in jets[index].args)
    result.jets = [jets[index] for index in place]
    result.rhs = [None if jet is None else place[jet] for jet in rhs]
    return result


def _copy(graph: Graph, roots: Sequence[int]) -> tuple[Graph, list[int]]:
    copy = Graph()
    place: dict[int, int] = {}
    for node in graph.reachable(roots):
        op = graph.op[node]
        if op == "const":
            place[node] = copy.constant(graph.value[node], graph.span[node])
        elif op == "time":
            place[node] = copy.time()
        elif op == "input":
            place[node] = copy.input(*graph.value[node])
        else:
            place[node] = copy.apply(op, *(place[a] for a in graph.args[node]), span=graph.span[node])
    return copy, [place[root] for root in roots]
