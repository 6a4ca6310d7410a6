"""Exact derivatives on the graph: sparse forward accumulation and a reverse sweep.

Both only add nodes to the graph, so they compose: a reverse sweep over a directional derivative gives the
partial derivatives of w'J(u)v.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from symde.codegen.algebra import Algebra
from symde.codegen.graph import LEAVES, Graph
from symde.codegen.rules import RULES, chosen

Tangent = dict[int, int]
"""Derivatives of one node: column -> node. A missing column is a structural zero."""


@dataclass(frozen=True, slots=True)
class SparseJacobian:
    """A Jacobian in compressed rows: row i holds the entries indptr[i] <= k < indptr[i+1].

    Attributes:
        indptr: Start of each row, one more than there are rows.
        indices: Column of each entry, ascending within a row.
        nodes: Graph node of each entry.
    """

    indptr: tuple[int, ...]
    indices: tuple[int, ...]
    nodes: tuple[int, ...]


def tangents(graph: Graph, roots: Sequence[int], seeds: Mapping[int, Tangent]) -> list[Tangent]:
    """Derivatives of the roots when those of some nodes are given.

    Args:
        graph: Grows by the derivatives.
        roots: Nodes to differentiate.
        seeds: Derivatives of the variables, usually inputs.

    Returns:
        One tangent for each root. Time and memory are linear in its nodes and nonzero derivatives.
    """
    algebra = Algebra(graph)
    order = graph.reachable(roots)
    uses = Counter(argument for node in order for argument in graph.args[node])
    uses.update(roots)
    known: dict[int, Tangent] = {}
    for node in order:
        if node in seeds:
            known[node] = dict(seeds[node])
        elif graph.op[node] not in LEAVES:
            algebra.span = graph.span[node]
            tangent = _tangent(algebra, node, known, uses)
            if tangent:
                known[node] = tangent
    return [known.get(root, {}) for root in roots]


def _tangent(g: Algebra, node: int, known: dict[int, Tangent], uses: Mapping[int, int]) -> Tangent:
    args = g.graph.args[node]
    if not any(argument in known for argument in args):
        return {}
    op = g.graph.op[node]
    if op == "add" or op == "sub":
        return _sum(g, op, args, known, uses)
    choice = chosen(g, node)
    if choice is not None:
        return _choice(g, choice, known)
    total: Tangent = {}
    for argument, partial in zip(args, RULES[op](g, node, *args), strict=True):
        if partial is None or g.is_zero(partial) or argument not in known:
            continue
        for column, inner in known[argument].items():
            term = g.mul(partial, inner)
            _put(g, total, column, g.add(total[column], term) if column in total else term)
    return total


def _sum(
    g: Algebra, op: str, args: tuple[int, ...], known: dict[int, Tangent], uses: Mapping[int, int]
) -> Tangent:
    left, right = known.get(args[0], {}), known.get(args[1], {})
    # A long sum is a chain of partial sums: one that nothing else reads gives its dictionary on, else the
    # chain would cost the square of its length.
    total = left if uses[args[0]] == 1 and args[0] != args[1] else dict(left)
    combine = g.add if op == "add" else g.sub
    for column, inner in right.items():
        _put(g, total, column, combine(total.get(column, g.zero), inner))
    return total


def _choice(g: Algebra, choice: tuple[int, int, int], known: dict[int, Tangent]) -> Tangent:
    condition, then, otherwise = choice
    left, right = known.get(then, {}), known.get(otherwise, {})
    total: Tangent = {}
    for column in [*left, *(column for column in right if column not in left)]:
        _put(g, total, column, g.select(condition, left.get(column, g.zero), right.get(column, g.zero)))
    return total


def _put(g: Algebra, total: Tangent, column: int, node: int) -> None:
    if g.is_zero(node):
        total.pop(column, None)
    else:
        total[column] = node


def jacobian(graph: Graph, roots: Sequence[int], variables: Sequence[int]) -> SparseJacobian:
    """The Jacobian of the roots by some nodes (usually inputs), with its structural pattern.

    Args:
        graph: Grows by the derivatives.
        roots: One node a row.
        variables: One node a column.
    """
    one = graph.constant(1.0)
    return compressed(tangents(graph, roots, {node: {column: one} for column, node in enumerate(variables)}))


def compressed(rows: Sequence[Tangent]) -> SparseJacobian:
    """Tangents of some nodes as the rows of a Jacobian."""
    indptr, indices, nodes = [0], [], []
    for row in rows:
        for column in sorted(row):
            indices.append(column)
            nodes.append(row[column])
        indptr.append(len(indices))
    return SparseJacobian(tuple(indptr), tuple(indices), tuple(nodes))


def directional(graph: Graph, roots: Sequence[int], directions: Mapping[int, int]) -> list[int]:
    """The derivative of each root along a direction (variable node -> node of its component)."""
    rows = tangents(graph, roots, {variable: {0: direction} for variable, direction in directions.items()})
    zero = graph.constant(0.0)
    return [row.get(0, zero) for row in rows]


def time_gradient(graph: Graph, roots: Sequence[int]) -> list[int]:
    """The partial derivative of each root by t."""
    return directional(graph, roots, {graph.time(): graph.constant(1.0)})


Guard = tuple[tuple[int, bool], ...]
"""Conditions (node, value they must have) under which a contribution counts."""

_MOST_GUARDS = 8


def adjoint(
    graph: Graph, roots: Sequence[int], weights: Sequence[int], variables: Iterable[int]
) -> list[int]:
    """The derivative of sum(weights*roots) by each variable, in one reverse sweep.

    A branch that a condition leaves out contributes exactly 0, also where its own derivative is infinite.

    Args:
        graph: Grows by the derivatives.
        roots: Nodes to differentiate.
        weights: Node of each root's weight; held constant.
        variables: Nodes to differentiate by, usually inputs.
    """
    algebra = Algebra(graph)
    order = graph.reachable(roots)
    variables = list(variables)
    active = _depends(graph, order, set(variables))
    pending: dict[int, dict[Guard, int]] = {}
    for root, weight in zip(roots, weights, strict=True):
        if root in active:
            _contribute(algebra, pending, root, (), weight)
    result = dict.fromkeys(variables, algebra.zero)
    for node in reversed(order):
        contributions = pending.pop(node, None)
        if contributions is None:
            continue
        algebra.span = graph.span[node]
        if node in result:
            result[node] = _masked_sum(algebra, contributions)
        else:
            if len(contributions) > _MOST_GUARDS:
                contributions = {(): _masked_sum(algebra, contributions)}
            _pass_on(algebra, node, contributions, pending, active)
    return [result[variable] for variable in variables]


def _depends(graph: Graph, order: Iterable[int], variables: set[int]) -> set[int]:
    active: set[int] = set()
    for node in order:
        if node in variables or any(argument in active for argument in graph.args[node]):
            active.add(node)
    return active


def _pass_on(
    g: Algebra,
    node: int,
    contributions: dict[Guard, int],
    pending: dict[int, dict[Guard, int]],
    active: set[int],
) -> None:
    choice = chosen(g, node)
    if choice is not None:
        condition, then, otherwise = choice
        for guard, weight in contributions.items():
            for argument, truth in ((then, True), (otherwise, False)):
                if argument in active:
                    _contribute(g, pending, argument, (*guard, (condition, truth)), weight)
        return
    args = g.graph.args[node]
    if not any(argument in active for argument in args):
        return
    for argument, partial in zip(args, RULES[g.graph.op[node]](g, node, *args), strict=True):
        if argument in active and partial is not None:
            for guard, weight in contributions.items():
                _contribute(g, pending, argument, guard, g.mul(partial, weight))


def _contribute(
    g: Algebra, pending: dict[int, dict[Guard, int]], node: int, guard: Guard, value: int
) -> None:
    if not g.is_zero(value):
        known = pending.setdefault(node, {})
        known[guard] = g.add(known[guard], value) if guard in known else value


def _masked_sum(g: Algebra, contributions: dict[Guard, int]) -> int:
    total = g.zero
    for guard, value in contributions.items():
        for condition, truth in reversed(guard):
            value = g.select(condition, value, g.zero) if truth else g.select(condition, g.zero, value)
        total = g.add(total, value)
    return total
