"""The matrix M of M u' = f as nodes, its dependent rows made algebraic ones.

The engine knows two kinds of rows: those that have entries of M, which are linearly independent, and those
that have none, which are constraints 0 = f_i. A definition may state M otherwise: capacitors between two
nodes of a circuit, for instance, give the rows (C, -C) and (-C, C). Such dependent rows are found by
elimination, at values of the parameters that are as good as any others, and each is replaced by the
combination of rows of f that its dependence makes a constraint.

Source: K. E. Brenan, S. L. Campbell, L. R. Petzold, Numerical Solution of Initial-Value Problems in
Differential-Algebraic Equations (1996), 2.2 and 5.5, for constant singular M.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symde.codegen.derivatives import SparseJacobian
from symde.codegen.evaluate import evaluate
from symde.codegen.graph import Graph

RANK = 1e-10
"""Part of its row's largest entry below which an entry that elimination leaves counts as zero."""

Rows = list[dict[int, int]]
"""Of each row of M: column -> node."""


@dataclass(frozen=True, slots=True)
class ReducedMass:
    """M with independent rows, and f to match.

    Attributes:
        rows: Entries of each row as (column, node), ascending; none of an algebraic row.
        rhs: Node of each row of f.
    """

    rows: tuple[tuple[tuple[int, int], ...], ...]
    rhs: tuple[int, ...]


def reduce_mass(
    graph: Graph,
    entries: Sequence[tuple[int, int, int]],
    rhs: Sequence[int],
    parameters: int,
    divided: bool = False,
) -> ReducedMass:
    """Rows of M that depend on others made empty, and the constraints they imply in f.

    Args:
        graph: Grows by the combinations.
        entries: (row, column, node) of M; the nodes read parameters only.
        rhs: Node of each row of f.
        parameters: How many there are.
        divided: Whether rows are solved for a derivative each as well (M is then the identity or nearly so,
            and mostly free of parameters): what derivatives by parameters in M need, which must not be zero.
    """
    n = len(rhs)
    rows: Rows = [{} for _ in range(n)]
    for row, column, node in entries:
        if not graph.is_constant(node, 0.0):
            rows[row][column] = node
    f = list(rhs)
    for group in _coupled(rows):
        if divided or len(group) > 1 and not _dominant(graph, rows, group, parameters):
            pivots = _eliminate(graph, rows, f, group, parameters)
            if divided:
                _divide(graph, rows, f, pivots)
                _fix(graph, rows, group, parameters)
    return ReducedMass(tuple(tuple(sorted(row.items())) for row in rows), tuple(f))


def _coupled(rows: Rows) -> list[list[int]]:
    """Rows that share columns, directly or through others, group by group."""
    group_of: dict[int, int] = {}
    groups: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        if not row:
            continue
        met = sorted({group_of[j] for j in row if j in group_of})
        merged = [one for group in met for one in groups.pop(group)] + [i]
        groups[i] = merged
        for one in merged:
            for j in rows[one]:
                group_of[j] = i
    return [sorted(group) for group in groups.values()]


def _dominant(graph: Graph, rows: Rows, group: list[int], parameters: int) -> bool:
    """Whether each row's own entry is larger than all others together: then the rows are independent."""
    nodes = [node for i in group for node in rows[i].values()]
    values = evaluate(graph, nodes, 0.0, {"p": _sample(parameters)})
    sizes = [{j: abs(float(values[node])) for j, node in rows[i].items()} for i in group]
    return all(2.0 * row.get(i, 0.0) > sum(row.values()) for i, row in zip(group, sizes, strict=True))


def _sample(parameters: int) -> np.ndarray:
    """Parameters as good as any."""
    return np.random.default_rng(11).uniform(0.5, 1.5, parameters)


Entries = dict[int, tuple[int, float]]
"""A row: column -> node and value in the sample."""


def _eliminate(
    graph: Graph, rows: Rows, f: list[int], group: list[int], parameters: int
) -> list[tuple[int, int, Entries, int]]:
    """Gaussian elimination within a group, on nodes and on a sample of their values side by side; only rows
    that vanish are changed. The others: row, column of the pivot, entries and f as elimination left them."""
    nodes = [node for i in group for node in rows[i].values()]
    values = evaluate(graph, nodes, 0.0, {"p": _sample(parameters)})
    pivots: list[tuple[int, int, Entries, int]] = []
    for i in group:
        row = {j: (node, float(values[node])) for j, node in rows[i].items()}
        size, combined = max(abs(value) for _, value in row.values()), f[i]
        for _, column, other, right in pivots:
            if column in row:
                combined = _subtract(graph, row, combined, column, other, right, size)
        row = {j: entry for j, entry in row.items() if abs(entry[1]) > RANK * size}
        if row:
            pivots.append((i, max(row, key=lambda j: abs(row[j][1])), row, combined))
        else:
            rows[i], f[i] = {}, combined
    return pivots


def _divide(graph: Graph, rows: Rows, f: list[int], pivots: list[tuple[int, int, Entries, int]]) -> None:
    """Back substitution: each row has its pivot 1 and nothing in the columns of other pivots."""
    solved: list[tuple[int, Entries, int]] = []
    for i, column, row, combined in reversed(pivots):
        entries, right = dict(row), combined
        size = max(abs(value) for _, value in entries.values())
        for pivot, other, known in solved:
            if pivot in entries:
                right = _subtract(graph, entries, right, pivot, other, known, size)
        divisor, value = entries[column]
        scaled = {
            j: (graph.apply("div", node, divisor), number / value) for j, (node, number) in entries.items()
        }
        scaled[column] = graph.constant(1.0), 1.0
        solved.append((column, scaled, graph.apply("div", right, divisor)))
        rows[i], f[i] = {j: node for j, (node, _) in scaled.items()}, solved[-1][2]


def _subtract(
    graph: Graph,
    row: Entries,
    combined: int,
    column: int,
    other: Entries,
    right: int,
    size: float,
) -> int:
    """Take away the multiple of a row with a pivot that leaves nothing in its column; f to match."""
    node, value = row[column]
    factor = graph.apply("div", node, other[column][0])
    ratio = value / other[column][1]
    for j, (entry, number) in other.items():
        product = graph.apply("mul", factor, entry)
        old = row.get(j)
        new = graph.apply("neg", product) if old is None else graph.apply("sub", old[0], product)
        row[j] = new, (0.0 if old is None else old[1]) - ratio * number
        if abs(row[j][1]) <= RANK * size:
            del row[j]
    row.pop(column, None)
    return graph.apply("sub", combined, graph.apply("mul", factor, right))


def _fix(graph: Graph, rows: Rows, group: list[int], parameters: int) -> None:
    """Entries that are the same whatever the parameters, such as C/C, become numbers."""
    nodes = [node for i in group for node in rows[i].values()]
    samples = np.random.default_rng(12).uniform(0.5, 1.5, (3, parameters))
    seen = [evaluate(graph, nodes, 0.0, {"p": sample}) for sample in samples]
    for i in group:
        for j, node in rows[i].items():
            values = [float(values[node]) for values in seen]
            if max(values) - min(values) <= 1e-14 * abs(values[0]):
                rows[i][j] = graph.constant(values[0])


def united(
    jacobian: SparseJacobian, rows: Sequence[Sequence[tuple[int, int]]], zero: int
) -> tuple[SparseJacobian, tuple[int, ...]]:
    """J with the pattern of J and M together, zeros where only M has an entry; M by the same places."""
    indptr, indices, nodes, mass = [0], [], [], []
    for i, row in enumerate(rows):
        own = {
            jacobian.indices[k]: jacobian.nodes[k] for k in range(jacobian.indptr[i], jacobian.indptr[i + 1])
        }
        entries = dict(row)
        for j in sorted(own.keys() | entries.keys()):
            indices.append(j)
            nodes.append(own.get(j, zero))
            mass.append(entries.get(j, zero))
        indptr.append(len(indices))
    return SparseJacobian(tuple(indptr), tuple(indices), tuple(nodes)), tuple(mass)
