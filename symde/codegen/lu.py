"""The plan of an LU factorisation for one sparsity pattern: W = shift*M - J with a fixed order of pivots.

M is the identity unless its places in the pattern are told.

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

from symde.codegen.matching import cheapest_matching

OPERATION_LIMIT = 7000
"""Multiply-subtracts up to which straight-line code is faster than loops over index arrays (n about 100)."""


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
        massed: Whether M has each entry of the pattern, which is then J's and M's together; None: M is the
            identity, whose entries stand beside J's.
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
    massed: tuple[bool, ...] | None = None


def plan_lu(
    indptr: Sequence[int],
    indices: Sequence[int],
    shifted: Sequence[bool] | None = None,
    sample: Sequence[float] | None = None,
    limit: int = OPERATION_LIMIT,
    massed: Sequence[bool] | None = None,
) -> StaticLU | None:
    """The order of pivots and the fill-in for W = shift*M - J.

    Args:
        indptr, indices: Pattern of J, compressed rows, n rows and columns.
        shifted: Rows that have the shift on their diagonal; default all.
        sample: Typical values of J's entries. With them the pivots are matched for size (a sampled zero is no
            pivot), else a diagonal that J itself fills is preferred to one that has only the shift.
        limit: Most multiply-subtracts.
        massed: Whether M has each entry of the pattern; default: M is the identity in the `shifted` rows.

    Returns:
        None where more operations than `limit` are needed, or where no choice of pivots exists.
    """
    n = len(indptr) - 1
    shifted = tuple(shifted) if shifted is not None else (massed is None,) * n
    pattern = [set(indices[indptr[i] : indptr[i + 1]]) | ({i} if shifted[i] else set()) for i in range(n)]
    if sum(map(len, pattern)) > 2 * limit + 3 * n:
        return None  # each off-diagonal entry in a column below another costs one at least: do not even try
    matched = _match(pattern, indptr, indices, shifted, sample, massed)
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
        massed=None if massed is None else tuple(massed),
    )


def _match(
    pattern: list[set[int]],
    indptr: Sequence[int],
    indices: Sequence[int],
    shifted: Sequence[bool],
    sample: Sequence[float] | None,
    massed: Sequence[bool] | None,
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
    # Where rows have no shift, those that have one give pivots where it stands: it is never small for long,
    # and what is left for the others is what their equations determine.
    reliable = 10.0 * max(sizes, default=1.0)
    for i in range(n):
        for k in range(indptr[i], indptr[i + 1]):
            size = abs(sample[k]) + (reliable if massed is not None and massed[k] else 0.0)
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
