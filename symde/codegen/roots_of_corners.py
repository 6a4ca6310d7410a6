"""Whether an expression is a root of what is cut off at 0, as sqrt(max(x, 0)): its derivative there is not
finite, and paths stay near that place."""

from __future__ import annotations

from collections.abc import Iterable

from symde.codegen.graph import Graph


def has_root_of_corner(graph: Graph, node: int, states: Iterable[int]) -> bool:
    """Whether a node reads such a root of states, or chooses by these between a root and something else."""
    reading: dict[int, bool] = {}
    own = set(states)
    for one in graph.reachable([node]):
        args = graph.args[one]
        reading[one] = one in own or any(reading[arg] for arg in args)
        if not reading[one]:
            continue
        if _is_root(graph, one) and reading[args[0]] and _ends_at_zero(graph, args[0], reading):
            return True
        if graph.op[one] == "select" and reading[args[0]]:
            branches = graph.reachable(list(args[1:]))
            if any(_is_root(graph, inner) and reading[graph.args[inner][0]] for inner in branches):
                return True
    return False


def _is_root(graph: Graph, node: int) -> bool:
    if graph.op[node] == "sqrt":
        return True
    if graph.op[node] != "pow" or graph.op[graph.args[node][1]] != "const":
        return False
    return 0.0 < graph.value[graph.args[node][1]] < 1.0


def _ends_at_zero(graph: Graph, node: int, reading: dict[int, bool]) -> bool:
    """Whether a factor of a node is cut off at 0 by what reads states."""
    op, args = graph.op[node], graph.args[node]
    if not reading[node]:
        return False
    if op == "abs":
        return True
    if op in ("min", "max", "select"):
        return any(graph.op[arg] == "const" and graph.value[arg] == 0.0 for arg in args)
    if op in ("mul", "neg", "div"):
        return any(_ends_at_zero(graph, arg, reading) for arg in (args[:1] if op == "div" else args))
    return False
