"""Choices whose branches are both computed, made safe to differentiate.

Where both branches of a choice are computed, reverse differentiation sends a zero into the one left out, and
0 * inf is NaN: the derivative of sqrt at 0, of log below 0. So what may be infinite, and counts only under a
condition, gets a harmless argument where the condition fails. Values stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symde.codegen.graph import CALL, LEAVES, Graph

HARMLESS: dict[str, tuple[float | None, ...]] = {
    "div": (None, 1.0),
    "pow": (1.0, None),
    "mod": (None, 1.0),
    "atan2": (None, 1.0),
    **dict.fromkeys(("sqrt", "log", "log2", "log10", "gamma", "digamma", "trigamma"), (1.0,)),
    **dict.fromkeys(("asin", "acos", "exp", "sinh", "cosh", "tan"), (0.0,)),
}
"""Operations whose derivative may be infinite, with arguments at which it is not (None: any will do)."""

MOST_CONDITIONS = 8
"""Ways to need a node that are told apart; one needed in more ways counts as always needed."""

Way = frozenset[tuple[int, bool]]
"""Conditions, and the truth values they must have, under which a node is needed."""

ALWAYS: frozenset[Way] = frozenset({frozenset()})


def needs(graph: Graph, roots: Sequence[int]) -> dict[int, frozenset[Way]]:
    """The ways in which each node is needed. A node that a condition reads is needed whenever the choice
    is."""
    found: dict[int, frozenset[Way]] = dict.fromkeys(roots, ALWAYS)
    for node in reversed(graph.reachable(roots)):
        ways, args = found[node], graph.args[node]
        if graph.op[node] == "select":
            condition, then, otherwise = args
            _need(found, condition, ways)
            _need(found, then, frozenset(way | {(condition, True)} for way in ways))
            _need(found, otherwise, frozenset(way | {(condition, False)} for way in ways))
        else:
            for argument in args:
                _need(found, argument, ways)
    return found


def _need(found: dict[int, frozenset[Way]], node: int, more: frozenset[Way]) -> None:
    ways = found.get(node, frozenset()) | more
    shortest = frozenset(way for way in ways if not any(other < way for other in ways))
    found[node] = shortest if len(shortest) <= MOST_CONDITIONS else ALWAYS


def guarded(graph: Graph, roots: Sequence[int]) -> tuple[Graph, tuple[int, ...]]:
    """The roots on a graph of their own, with harmless arguments where a branch is left out."""
    ways = needs(graph, roots)
    copy = Graph()
    copies: dict[int, int] = {}
    stack = list(reversed(roots))
    while stack:
        node = stack[-1]
        if node in copies:
            stack.pop()
            continue
        risky = graph.op[node] in HARMLESS and ways[node] != ALWAYS
        conditions = [one for way in ways[node] for one, _ in way] if risky else []
        # what the condition of a choice reads is needed without it, so conditions never wait for the node
        missing = [one for one in (*graph.args[node], *conditions) if one not in copies]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        copies[node] = _copied(graph, copy, node, copies, ways[node] if risky else None)
    return copy, tuple(copies[root] for root in roots)


def _copied(
    graph: Graph, copy: Graph, node: int, copies: Mapping[int, int], ways: frozenset[Way] | None
) -> int:
    op, span = graph.op[node], graph.span[node]
    if op in LEAVES:
        value = graph.value[node]
        if op == "const":
            return copy.constant(value, span)
        if op == "time":
            return copy.time(span)
        vector, index = value
        return copy.input(vector, index, span)
    args = [copies[one] for one in graph.args[node]]
    if ways is not None:
        needed = _holds(copy, copies, ways)
        for k, harmless in enumerate(HARMLESS[op]):
            if harmless is not None and copy.op[args[k]] != "const":
                args[k] = copy.apply("select", needed, args[k], copy.constant(harmless))
    if op == CALL:
        function, place, count = graph.value[node]
        made = copy.call(function, place, count, tuple(args), span)
    else:
        made = copy.apply(op, *args, span=span)
    if node in graph.names:
        copy.names.setdefault(made, graph.names[node])
    return made


def _holds(copy: Graph, copies: Mapping[int, int], ways: frozenset[Way]) -> int:
    """The node that is true where one of the ways is."""
    either: int | None = None
    for way in sorted(ways, key=sorted):
        both: int | None = None
        for condition, truth in sorted(way):
            one = copies[condition] if truth else copy.apply("not", copies[condition])
            both = one if both is None else copy.apply("and", both, one)
        assert both is not None
        either = both if either is None else copy.apply("or", either, both)
    assert either is not None
    return either
