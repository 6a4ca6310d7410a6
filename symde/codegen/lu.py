"""LU factorisation generated for one sparsity pattern: W = shift*I - J with a fixed order of pivots.

What a general solver decides while it runs is decided here once: which entry is the pivot of each column,
in which order columns are eliminated, which entries fill in. What is left is straight-line arithmetic.
There is no pivoting by size, so every solve ends with a test of its backward error; where that fails the
caller must use another solver.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

from symde.codegen.graph import Graph
from symde.codegen.kernel import Kernel, Output, Vector
from symde.codegen.matching import cheapest_matching

OPERATION_LIMIT = 7000
"""Multiply-subtracts up to which straight-line code is faster than loops over index arrays (n about 100)."""

TOLERANCE = 1e-10
"""A solution is refused when some |r_i| > TOLERANCE*(|b_i| + sum_j |W_ij x_j|), where r = b - W x."""


@dataclass(frozen=True, slots=True)
class StaticLU:
    """The plan of a factorisation P W Q = L U, pivots in order of elimination.

    Attributes:
        n: Number of rows and columns.
        indptr, indices: Pattern of the Jacobian, compressed rows.
        shifted: Whether row i has the shift on its diagonal (False: an algebraic row).
        rows, columns: Row and column of W that each pivot stands in.
        lower: For each pivot k: position m < k -> slot of L[k, m] in the vector `lu`.
        upper: For each pivot k: position m > k -> slot of U[k, m].
        diagonal: Slot of the reciprocal of each pivot.
        length: Length of `lu`.
        operations: Multiply-subtracts of one factorisation.
    """

    n: int
    indptr: tuple[int, ...]
    indices: tuple[int, ...]
    shifted: tuple[bool, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    lower: tuple[dict[int, int], ...]
    upper: tuple[dict[int, int], ...]
    diagonal: tuple[int, ...]
    length: int
    operations: int


def plan_lu(
    indptr: Sequence[int],
    indices: Sequence[int],
    shifted: Sequence[bool] | None = None,
    sample: Sequence[float] | None = None,
    limit: int = OPERATION_LIMIT,
) -> StaticLU | None:
    """The order of pivots and the fill-in for W = shift*I - J.

    Args:
        indptr, indices: Pattern of J, compressed rows, n rows and columns.
        shifted: Rows that have the shift on their diagonal; default all.
        sample: Typical values of J's entries. With them the pivots are matched for size (a sampled zero is no
            pivot), else a diagonal that J itself fills is preferred to one that has only the shift.
        limit: Most multiply-subtracts.

    Returns:
        None where more operations than `limit` are needed, or where no choice of pivots exists.
    """
    n = len(indptr) - 1
    shifted = tuple(shifted) if shifted is not None else (True,) * n
    pattern = [set(indices[indptr[i] : indptr[i + 1]]) | ({i} if shifted[i] else set()) for i in range(n)]
    if sum(map(len, pattern)) > 2 * limit + 3 * n:
        return None  # each off-diagonal entry in a column below another costs one at least: do not even try
    matched = _match(pattern, indptr, indices, shifted, sample)
    if matched is None:
        return None
    weak = [matched[j] == j and j not in indices[indptr[j] : indptr[j + 1]] for j in range(n)]
    eliminated = _eliminate(pattern, matched, weak, limit)
    if eliminated is None:
        return None
    order, lower_sets, upper_sets, operations = eliminated
    position = {column: k for k, column in enumerate(order)}
    slots = 0
    lower: list[dict[int, int]] = [{} for _ in range(n)]
    upper: list[dict[int, int]] = [{} for _ in range(n)]
    diagonal = []
    for k in range(n):
        diagonal.append(slots)
        slots += 1
        for m in sorted(position[column] for column in upper_sets[k]):
            upper[k][m] = slots
            slots += 1
        for m in sorted(position[column] for column in lower_sets[k]):
            lower[m][k] = slots
            slots += 1
    rows = tuple(matched[column] for column in order)
    return StaticLU(
        n=n,
        indptr=tuple(map(int, indptr)),
        indices=tuple(map(int, indices)),
        shifted=shifted,
        rows=rows,
        columns=tuple(order),
        lower=tuple(lower),
        upper=tuple(upper),
        diagonal=tuple(diagonal),
        length=slots,
        operations=operations,
    )


def _match(
    pattern: list[set[int]],
    indptr: Sequence[int],
    indices: Sequence[int],
    shifted: Sequence[bool],
    sample: Sequence[float] | None,
) -> list[int] | None:
    n = len(pattern)
    if sample is None:
        if all(i in row for i, row in enumerate(pattern)):
            return list(range(n))
        return cheapest_matching(
            [{j: 0.0 if i == j else 1.0 for j in sorted(row)} for i, row in enumerate(pattern)]
        )
    # The shift counts as the size of a typical entry: steps make it neither much larger nor much smaller
    # for long.
    sizes = [abs(value) for value in sample if value and math.isfinite(value)]
    typical = math.exp(sum(map(math.log, sizes)) / len(sizes)) if sizes else 1.0
    values = [{i: typical} if shifted[i] else {} for i in range(n)]
    for i in range(n):
        for k in range(indptr[i], indptr[i + 1]):
            size = abs(sample[k])
            if size and math.isfinite(size):
                values[i][indices[k]] = values[i].get(indices[k], 0.0) + size
    largest = [0.0] * n
    for row in values:
        for j, size in row.items():
            largest[j] = max(largest[j], size)
    return cheapest_matching([{j: math.log(largest[j] / size) for j, size in row.items()} for row in values])


def _eliminate(
    pattern: list[set[int]], matched: Sequence[int], weak: Sequence[bool], limit: int
) -> tuple[list[int], list[set[int]], list[set[int]], int] | None:
    """Markowitz's order on the matched pivots: always the one whose elimination may fill in least.

    Rows are named by the column of their pivot. Among equals a pivot that is more than the bare shift goes
    first.

    Source: Markowitz (1957), Management Science 3(3).

    Returns:
        Order, rows below and columns right of each pivot when its turn came, number of multiply-subtracts.
    """
    n = len(pattern)
    right = [set(pattern[matched[column]]) - {column} for column in range(n)]
    below: list[set[int]] = [set() for _ in range(n)]
    for row, columns in enumerate(right):
        for column in columns:
            below[column].add(row)
    queue = [(len(right[k]) * len(below[k]), weak[k], k) for k in range(n)]
    heapq.heapify(queue)
    order: list[int] = []
    lower: list[set[int]] = []
    upper: list[set[int]] = []
    gone = [False] * n
    operations = 0
    while queue:
        cost, _, pivot = heapq.heappop(queue)
        if gone[pivot] or cost != len(right[pivot]) * len(below[pivot]):
            continue
        operations += cost
        if operations > limit:
            return None
        gone[pivot] = True
        order.append(pivot)
        columns, rows = right[pivot], below[pivot]
        lower.append(rows)
        upper.append(columns)
        for row in rows:
            target = right[row]
            target.discard(pivot)
            target |= columns
            target.discard(row)
        for column in columns:
            target = below[column]
            target.discard(pivot)
            target |= rows
            target.discard(column)
        for k in rows | columns:
            heapq.heappush(queue, (len(right[k]) * len(below[k]), weak[k], k))
    return order, lower, upper, operations


def lu_kernels(plan: StaticLU) -> tuple[Kernel, ...]:
    """The kernels of a plan.

    `lu_factor` reads (jacobian, shift) and writes `lu`. `lu_solve` and `lu_solve_transposed` read
    (jacobian, shift, lu, rhs), write `x` and return 1 where the backward error of x is above `TOLERANCE` or
    x is not finite. `lu_substitute` is `lu_solve` without the test, which takes two thirds of its time: for
    further right-hand sides of a factorisation that has passed. `lu_residual` reads (jacobian, shift, x,
    rhs) and writes `r` = rhs - W x.
    """
    return (
        _factor(plan),
        _solve(plan, "lu_solve", transposed=False),
        _solve(plan, "lu_substitute", transposed=False, tested=False),
        _solve(plan, "lu_solve_transposed", transposed=True),
        _residual(plan),
    )


def _vectors(plan: StaticLU) -> tuple[Vector, Vector]:
    return Vector("jacobian", len(plan.indices)), Vector("shift", 1)


def _matrix(plan: StaticLU, graph: Graph) -> list[dict[int, int]]:
    """Node of each entry of W, by row and column."""
    shift = graph.input("shift", 0)
    matrix: list[dict[int, int]] = []
    for i in range(plan.n):
        row: dict[int, int] = {i: shift} if plan.shifted[i] else {}
        for k in range(plan.indptr[i], plan.indptr[i + 1]):
            j = plan.indices[k]
            entry = graph.input("jacobian", k)
            row[j] = graph.apply("sub", shift, entry) if j in row else graph.apply("neg", entry)
        matrix.append(row)
    return matrix


def _factor(plan: StaticLU) -> Kernel:
    graph = Graph()
    matrix = _matrix(plan, graph)
    position = {column: k for k, column in enumerate(plan.columns)}
    work = [{position[j]: node for j, node in matrix[row].items()} for row in plan.rows]
    below: list[list[int]] = [[] for _ in range(plan.n)]
    for k, entries in enumerate(plan.lower):
        for m in entries:
            below[m].append(k)
    slots = [0] * plan.length
    one = graph.constant(1.0)
    for k in range(plan.n):
        reciprocal = slots[plan.diagonal[k]] = graph.apply("div", one, work[k][k])
        for m, slot in plan.upper[k].items():
            slots[slot] = work[k][m]
        for row in below[k]:
            factor = slots[plan.lower[row][k]] = graph.apply("mul", work[row][k], reciprocal)
            for m in plan.upper[k]:
                product = graph.apply("mul", factor, work[k][m])
                entry = work[row].get(m)
                work[row][m] = (
                    graph.apply("neg", product) if entry is None else graph.apply("sub", entry, product)
                )
    return Kernel("lu_factor", graph, _vectors(plan), (Output("lu", tuple(slots)),))


def _solve(plan: StaticLU, name: str, transposed: bool, tested: bool = True) -> Kernel:
    graph = Graph()
    n = plan.n
    rhs = [graph.input("rhs", i) for i in range(n)]
    lu = [graph.input("lu", slot) for slot in range(plan.length)]
    solution = (
        _substitute_transposed(plan, graph, lu, rhs) if transposed else _substitute(plan, graph, lu, rhs)
    )
    inputs = (*_vectors(plan), Vector("lu", plan.length), Vector("rhs", n))
    refused = None
    if tested:
        matrix = _matrix(plan, graph)
        refused = graph.apply(
            "not", _acceptance(graph, _transpose(matrix) if transposed else matrix, solution, rhs)
        )
    return Kernel(name, graph, inputs, (Output("x", tuple(solution)),), code=refused)


def _subtract_products(graph: Graph, start: int, pairs: list[tuple[int, int]]) -> int:
    for a, b in pairs:
        start = graph.apply("sub", start, graph.apply("mul", a, b))
    return start


def _substitute(plan: StaticLU, graph: Graph, lu: list[int], rhs: list[int]) -> list[int]:
    z: list[int] = []
    for k in range(plan.n):
        pairs = [(lu[slot], z[m]) for m, slot in plan.lower[k].items()]
        z.append(_subtract_products(graph, rhs[plan.rows[k]], pairs))
    solution = [0] * plan.n
    for k in reversed(range(plan.n)):
        z[k] = _subtract_products(graph, z[k], [(lu[slot], z[m]) for m, slot in plan.upper[k].items()])
        z[k] = graph.apply("mul", z[k], lu[plan.diagonal[k]])
        solution[plan.columns[k]] = z[k]
    return solution


def _substitute_transposed(plan: StaticLU, graph: Graph, lu: list[int], rhs: list[int]) -> list[int]:
    n = plan.n
    left: list[list[tuple[int, int]]] = [[] for _ in range(n)]  # of U transposed
    right: list[list[tuple[int, int]]] = [[] for _ in range(n)]  # of L transposed
    for k in range(n):
        for m, slot in plan.upper[k].items():
            left[m].append((slot, k))
        for m, slot in plan.lower[k].items():
            right[m].append((slot, k))
    z: list[int] = []
    for k in range(n):
        value = _subtract_products(graph, rhs[plan.columns[k]], [(lu[slot], z[m]) for slot, m in left[k]])
        z.append(graph.apply("mul", value, lu[plan.diagonal[k]]))
    solution = [0] * n
    for k in reversed(range(n)):
        z[k] = _subtract_products(graph, z[k], [(lu[slot], z[m]) for slot, m in right[k]])
        solution[plan.rows[k]] = z[k]
    return solution


def _transpose(matrix: list[dict[int, int]]) -> list[dict[int, int]]:
    transposed: list[dict[int, int]] = [{} for _ in matrix]
    for i, row in enumerate(matrix):
        for j, node in row.items():
            transposed[j][i] = node
    return transposed


def _acceptance(graph: Graph, matrix: list[dict[int, int]], x: list[int], rhs: list[int]) -> int:
    """Whether every component of the residual is finite and small against the terms it sums."""
    tolerance, tiny = graph.constant(TOLERANCE), graph.constant(1e-300)
    accepted = -1
    for row, right in zip(matrix, rhs, strict=True):
        residual, size = right, graph.apply("abs", right)
        for j, entry in row.items():
            term = graph.apply("mul", entry, x[j])
            residual = graph.apply("sub", residual, term)
            size = graph.apply("add", size, graph.apply("abs", term))
        # Strictly less, so that NaN and infinity fail; the tiny term lets a row of zeros pass.
        bound = graph.apply("add", graph.apply("mul", tolerance, size), tiny)
        good = graph.apply("lt", graph.apply("abs", residual), bound)
        accepted = good if accepted < 0 else graph.apply("and", accepted, good)
    return accepted


def _residual(plan: StaticLU) -> Kernel:
    graph = Graph()
    x = [graph.input("x", j) for j in range(plan.n)]
    nodes = []
    for i, row in enumerate(_matrix(plan, graph)):
        pairs = [(entry, x[j]) for j, entry in row.items()]
        nodes.append(_subtract_products(graph, graph.input("rhs", i), pairs))
    inputs = (*_vectors(plan), Vector("x", plan.n), Vector("rhs", plan.n))
    return Kernel("lu_residual", graph, inputs, (Output("r", tuple(nodes)),))
