"""Loops in a large kernel: many expressions of one shape become one body and a table of what it reads.

A model of thousands of equations repeats itself, whether it came from a discretised partial differential
equation, a network or a program that wrote its text. Straight-line code for it takes minutes to compile and
does not fit the processor's caches. Here the graph of a kernel is cut into expressions: every output is one,
and so is every value that several of them read. Expressions of equal shape differ only in the leaves they
read, and those are a table of indices.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from symde.codegen.graph import BOOLEAN, Graph
from symde.codegen.kernel import Kernel

SMALLEST_GROUP = 8
"""Expressions of one shape from which a loop is shorter than writing them out."""

MOST_PLACES = 4
"""Outputs that an expression stores itself; one that is needed in more places is kept and copied."""

KEPT, CONSTANT, TIME = "kept value", "constant", "time"
"""What a leaf may be besides an element of an input vector."""

Place = tuple[int, int]
"""Output vector and index within it."""


@dataclass(slots=True)
class Expression:
    """A value to compute from leaves.

    Attributes:
        root: Its node.
        nodes: What it alone computes, in order of evaluation, `root` last; empty for a copy of a leaf.
        leaves: Leaf nodes in the order in which the nodes first read them.
        places: Where the value is stored.
        kept: Whether later expressions read it.
        level: One more than the highest level among the kept values it reads.
        shape: Equal for expressions that differ only in the indices they read and write.
    """

    root: int
    nodes: list[int]
    leaves: list[int]
    places: list[Place]
    kept: bool
    level: int
    shape: tuple[object, ...] = ()


@dataclass(slots=True)
class Level:
    """Expressions that may be computed in any order: those of equal shape together, and the rest."""

    groups: list[list[Expression]] = field(default_factory=list)
    rest: list[Expression] = field(default_factory=list)


Levels = tuple[list[Level], dict[int, int]]


def levels(kernel: Kernel) -> Levels:
    """The kernel's expressions in order of dependence, and the place of each kept value among the kept."""
    graph = kernel.graph
    order = kernel.graph.depth_first(kernel.roots())
    places = _places(kernel)
    owner = _owners(graph, order, places)
    expressions = _expressions(graph, order, owner, places)
    result = [Level() for _ in range(1 + max((one.level for one in expressions), default=-1))]
    groups: dict[tuple[object, ...], list[Expression]] = {}
    for one in expressions:
        groups.setdefault((one.level, one.shape), []).append(one)
    for group in groups.values():
        level = result[group[0].level]
        copies_kept = not group[0].nodes and bool(graph.args[group[0].root])
        if len(group) >= SMALLEST_GROUP or copies_kept:
            level.groups.append(group)
        else:
            level.rest.extend(group)
    return result, _numbered(graph, result)


def _numbered(graph: Graph, found: Iterable[Level]) -> dict[int, int]:
    """The place of each kept value: those of a group follow each other in the order of what they read, as the
    neurons of a layer are counted."""
    kept: dict[int, int] = {}

    def read(one: Expression) -> list[int]:
        return [kept.get(leaf, -1) if graph.args[leaf] else _element(graph, leaf) for leaf in one.leaves]

    for level in found:
        for group in level.groups:
            if group[0].kept:
                group.sort(key=read)
        for one in (*(one for group in level.groups for one in group), *level.rest):
            if one.kept:
                kept[one.root] = len(kept)
    return kept


def _element(graph: Graph, leaf: int) -> int:
    return graph.value[leaf][1] if graph.op[leaf] == "input" else -1


def _places(kernel: Kernel) -> dict[int, list[Place]]:
    places: dict[int, list[Place]] = {}
    for number, output in enumerate(kernel.outputs):
        for index, node in enumerate(output.nodes):
            places.setdefault(node, []).append((number, index))
    return places


def _owners(graph: Graph, order: list[int], places: dict[int, list[Place]]) -> dict[int, int]:
    """The expression each inner node belongs to, by its root: its users' if they agree, else its own."""
    owner: dict[int, int] = {}
    for node in reversed(order):
        if graph.args[node]:
            root = owner.get(node, -1)
            if root < 0 or node in places:
                root = owner[node] = node
            for argument in graph.args[node]:
                if graph.args[argument] and owner.setdefault(argument, root) != root:
                    owner[argument] = -1  # shared: its own expression
    return owner


def _expressions(
    graph: Graph, order: list[int], owner: dict[int, int], places: dict[int, list[Place]]
) -> list[Expression]:
    members: dict[int, list[int]] = {}
    read: set[int] = set()
    for node in order:
        if graph.args[node]:
            members.setdefault(owner[node], []).append(node)
            read.update(a for a in graph.args[node] if graph.args[a] and owner[a] != owner[node])
    found: list[Expression] = []
    level: dict[int, int] = {}
    for node in order:
        if owner.get(node, node) != node:
            continue
        wanted = places.get(node, [])
        if not graph.args[node]:
            found.extend(_copies(graph, node, wanted, 0))
            continue
        many = len(wanted) > MOST_PLACES
        one = _expression(graph, node, members[node], [] if many else wanted, many or node in read, level)
        level[node] = one.level
        found.append(one)
        if many:
            found.extend(_copies(graph, node, wanted, one.level + 1))
    return found


def _copies(graph: Graph, node: int, places: Iterable[Place], level: int) -> list[Expression]:
    """A leaf, or a value that is kept, written to each of its places."""
    copies = []
    for place in places:
        one = Expression(node, [], [node], [place], False, level)
        one.shape = _shape(graph, one)
        copies.append(one)
    return copies


def _expression(
    graph: Graph, root: int, nodes: list[int], places: list[Place], kept: bool, level: dict[int, int]
) -> Expression:
    inside, leaves, height = set(nodes), {}, 0
    for node in nodes:
        for argument in graph.args[node]:
            if argument not in inside and graph.op[argument] != "time":
                leaves.setdefault(argument)
                height = max(height, level.get(argument, -1) + 1)
    one = Expression(root, nodes, list(leaves), places, kept, height)
    one.shape = _shape(graph, one)
    return one


def _shape(graph: Graph, one: Expression) -> tuple[object, ...]:
    """Operations, what kind each leaf is and how the nodes are joined; an exponent counts with its value,
    since powers are written out."""
    number = {leaf: k for k, leaf in enumerate(one.leaves)}
    parts: list[object] = [one.kept, *(place[0] for place in one.places)]
    parts += [kind_of(graph, leaf) for leaf in one.leaves]
    for node in one.nodes:
        number[node] = len(number)
        op, args = graph.op[node], graph.args[node]
        parts.append((op, *(number.get(argument, -1) for argument in args)))
        if op == "pow" and graph.op[args[1]] == "const":
            parts.append(graph.value[args[1]])
    return tuple(parts)


def kind_of(graph: Graph, leaf: int) -> str:
    """The vector a leaf is read from, KEPT (told apart by whether it is a truth value), CONSTANT or TIME."""
    op = graph.op[leaf]
    if op == "time":
        return TIME
    if op == "input":
        return graph.value[leaf][0]
    if op == "const":
        return CONSTANT
    return f"{KEPT} truth" if op in BOOLEAN else KEPT
