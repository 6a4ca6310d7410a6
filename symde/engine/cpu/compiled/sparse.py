"""Sparse LU by columns: computed into a known pattern, and with pivoting where that pattern's pivots fail.

Column k of the factors comes from the columns before it: the solution of L x = W[:, k] gives U above the
diagonal and, divided by the pivot, L below. In a known pattern every loop is over stored indices; columns of
L that share their pattern are subtracted two or four at a time, which reads the indices and the work vector
once for all of them (2-D Brusselator, 64 x 64: 142 ms a factorisation column by column, 84 ms so).

Sources: J. Gilbert, T. Peierls, SIAM J. Sci. Stat. Comput. 9 (1988), for the search that tells which columns
take part; T. Davis, Direct Methods for Sparse Linear Systems (2006), 6.2, for the choice of pivots.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, state_at, structure_at
from symde.engine.cpu.layout import DIAGONAL_PREFERENCE, Attempt
from symde.engine.cpu.linear_solvers.sparse import FactorsData, SparseData

sparse_data_at = structure_at(SparseData)
factors_at = structure_at(FactorsData)


@compiled
def entry(state, sources, p, row, column):
    """An entry of W."""
    source = sources[p]
    value = -doubles(state.jacobian)[source] if source >= 0 else 0.0
    if state.mass != 0:
        return value + state.shift * doubles(state.mass)[source] if source >= 0 else value
    return value + state.shift if row == column else value


@compiled
def scatter(state, data, factors, k):
    """Column k of W into the work vector, by position of the row."""
    work, place = doubles(data.work), integers(factors.row_place)
    starts, rows, sources = integers(data.starts), integers(data.rows), integers(data.sources)
    column = integers(data.order)[k]
    for p in range(starts[k], starts[k + 1]):
        row = rows[p]
        work[place[row]] = entry(state, sources, p, row, column)


@compiled
def subtract_one(data, factors, j, p):
    """Subtract column j of L times the entry p of U."""
    work, values, rows = doubles(data.work), doubles(factors.lower), integers(factors.lower_rows)
    starts = integers(factors.lower_starts)
    value = work[j]
    doubles(factors.upper)[p] = value
    work[j] = 0.0
    for q in range(starts[j], starts[j + 1]):
        work[rows[q]] -= values[q] * value


@compiled
def subtract_two(data, factors, j, p):
    """Subtract columns j and j + 1, which share their pattern."""
    work, values, rows = doubles(data.work), doubles(factors.lower), integers(factors.lower_rows)
    starts, upper = integers(factors.lower_starts), doubles(factors.upper)
    first, second = starts[j], starts[j + 1]
    x = work[j]
    y = work[j + 1] - values[first] * x
    upper[p], upper[p + 1] = x, y
    work[j], work[j + 1] = 0.0, 0.0
    first += 1
    for q in range(starts[j + 2] - second):
        work[rows[second + q]] -= values[first + q] * x + values[second + q] * y


@compiled
def subtract_four(data, factors, j, p):
    """Subtract columns j to j + 3, which share their pattern."""
    work, values, rows = doubles(data.work), doubles(factors.lower), integers(factors.lower_rows)
    starts, upper = integers(factors.lower_starts), doubles(factors.upper)
    a, b, c, d = starts[j], starts[j + 1], starts[j + 2], starts[j + 3]
    x = work[j]
    y = work[j + 1] - values[a] * x
    z = work[j + 2] - values[a + 1] * x - values[b] * y
    w = work[j + 3] - values[a + 2] * x - values[b + 1] * y - values[c] * z
    upper[p], upper[p + 1], upper[p + 2], upper[p + 3] = x, y, z, w
    work[j], work[j + 1], work[j + 2], work[j + 3] = 0.0, 0.0, 0.0, 0.0
    a, b, c = a + 3, b + 2, c + 1
    for q in range(starts[j + 4] - d):
        work[rows[d + q]] -= (values[a + q] * x + values[b + q] * y) + (values[c + q] * z + values[d + q] * w)


@compiled
def subtract_columns(data, factors, k):
    """The entries of U above the diagonal of column k, and what they leave in the work vector."""
    starts, rows, runs = integers(factors.upper_starts), integers(factors.upper_rows), integers(factors.runs)
    p, end = starts[k], starts[k + 1]
    while p < end:
        j = rows[p]
        left = min(runs[j], end - p)
        if left >= 4:
            subtract_four(data, factors, j, p)
            p += 4
        elif left >= 2:
            subtract_two(data, factors, j, p)
            p += 2
        else:
            subtract_one(data, factors, j, p)
            p += 1


@compiled
def compute(state, data, factors):
    """Both factors in the pattern they have; SINGULAR where a pivot is zero or not finite."""
    work, reciprocals = doubles(data.work), doubles(factors.reciprocals)
    values, rows, starts = (
        doubles(factors.lower),
        integers(factors.lower_rows),
        integers(factors.lower_starts),
    )
    usable = True
    for k in range(state.n):
        scatter(state, data, factors, k)
        subtract_columns(data, factors, k)
        pivot = work[k]
        work[k] = 0.0
        if pivot == 0.0 or not abs(pivot) < math.inf:
            usable = False
        reciprocal = 1.0 / pivot
        reciprocals[k] = reciprocal
        for q in range(starts[k], starts[k + 1]):
            row = rows[q]
            values[q] = work[row] * reciprocal
            work[row] = 0.0
    return Attempt.FINE.value if usable else Attempt.SINGULAR.value


@compiled
def search_end(data, factors, j):
    """The end of what must be searched of column j of L."""
    end = integers(data.search_ends)[j]
    return end if end >= 0 else integers(factors.lower_starts)[j + 1]


@compiled
def prune(data, factors, k, first):
    """Shorten later searches: where both L[k, j] and U[j, k] are there, rows of column j without a position
    are also rows of column k, and need not be searched in both.

    Source: S. Eisenstat, J. Liu, SIAM J. Matrix Anal. Appl. 14 (1993).
    """
    starts, rows, values = (
        integers(factors.lower_starts),
        integers(factors.lower_rows),
        doubles(factors.lower),
    )
    ends, place = integers(data.search_ends), integers(factors.row_place)
    upper_rows, pivot_row = integers(factors.upper_rows), integers(factors.pivot_rows)[k]
    for p in range(first, integers(factors.upper_starts)[k + 1]):
        j = upper_rows[p]
        if ends[j] >= 0:
            continue
        found = False
        for q in range(starts[j], starts[j + 1]):
            if rows[q] == pivot_row:
                found = True
                break
        if not found:
            continue
        split, last = starts[j], starts[j + 1]
        while split < last:
            if place[rows[split]] >= 0:
                split += 1
            else:
                last -= 1
                rows[split], rows[last] = rows[last], rows[split]
                values[split], values[last] = values[last], values[split]
        ends[j] = split


@compiled
def search(data, factors, k, root, top):
    """Depth first from position `root` through L: positions whose columns take part in column k, into
    `reached` below `top` so that each comes before those it changes. The new top."""
    marks, stack, next_entry = integers(data.marks), integers(data.stack), integers(data.next_entry)
    starts, rows, place = (
        integers(factors.lower_starts),
        integers(factors.lower_rows),
        integers(factors.row_place),
    )
    depth = 0
    stack[0], next_entry[0], marks[root] = root, starts[root], k + 1
    while depth >= 0:
        j = stack[depth]
        q, end, deeper = next_entry[depth], search_end(data, factors, j), False
        while q < end and not deeper:
            position = place[rows[q]]
            q += 1
            if position >= 0 and marks[position] != k + 1:
                marks[position] = k + 1
                deeper = True
        next_entry[depth] = q
        if deeper:
            depth += 1
            stack[depth], next_entry[depth] = position, starts[position]
        else:
            top -= 1
            integers(data.reached)[top] = j
            depth -= 1
    return top


@compiled
def reach(state, data, factors, k):
    """All positions that take part in column k; the first of them in `reached`."""
    top, starts, rows = state.n, integers(data.starts), integers(data.rows)
    marks, place = integers(data.marks), integers(factors.row_place)
    for p in range(starts[k], starts[k + 1]):
        position = place[rows[p]]
        if position >= 0 and marks[position] != k + 1:
            top = search(data, factors, k, position, top)
    return top


@compiled
def eliminate_reached(state, data, factors, top, upper_count):
    """Eliminate a column by those it is reached by and store its entries of U; their new count. While pivots
    are being found, rows go by their own numbers."""
    n, work = state.n, doubles(data.work)
    starts, rows, values = (
        integers(factors.lower_starts),
        integers(factors.lower_rows),
        doubles(factors.lower),
    )
    upper_rows, upper = integers(factors.upper_rows), doubles(factors.upper)
    pivot_rows, reached = integers(factors.pivot_rows), integers(data.reached)
    for p in range(top, n):
        j = reached[p]
        row = pivot_rows[j]
        value = work[row]
        work[row] = 0.0
        upper_rows[upper_count], upper[upper_count] = j, value
        upper_count += 1
        for q in range(starts[j], starts[j + 1]):
            work[rows[q]] -= values[q] * value
    return upper_count


@compiled
def list_rows(state, data, factors, k, top, count):
    """The rows of column k that have no position yet, once each, as L's; the new count."""
    rows, starts = integers(factors.lower_rows), integers(factors.lower_starts)
    place, marks, reached = integers(factors.row_place), integers(data.next_entry), integers(data.reached)
    stamp = -(k + 1)  # `next_entry` is free between searches, and holds nothing negative by itself
    own_starts, own_rows = integers(data.starts), integers(data.rows)
    for p in range(own_starts[k], own_starts[k + 1]):
        row = own_rows[p]
        if place[row] < 0 and marks[row] != stamp:
            marks[row] = stamp
            rows[count] = row
            count += 1
    for p in range(top, state.n):
        j = reached[p]
        for q in range(starts[j], search_end(data, factors, j)):
            row = rows[q]
            if place[row] < 0 and marks[row] != stamp:
                marks[row] = stamp
                rows[count] = row
                count += 1
    return count


@compiled
def choose_pivot(data, factors, first, last, column):
    """The place in L's list of the row that becomes the pivot: the diagonal where it is large enough."""
    rows, work = integers(factors.lower_rows), doubles(data.work)
    chosen, largest, diagonal = first, -1.0, -1
    for q in range(first, last):
        size = abs(work[rows[q]])
        if size > largest:
            chosen, largest = q, size
        if rows[q] == column:
            diagonal = q
    if diagonal >= 0 and abs(work[column]) >= DIAGONAL_PREFERENCE * largest:
        chosen = diagonal
    return chosen


@compiled
def take_pivot(data, factors, k, chosen, first, last):
    """Row `chosen` of the list becomes the pivot of column k, the others L's entries; not FINE where the
    pivot is zero or not finite."""
    rows, values, work = integers(factors.lower_rows), doubles(factors.lower), doubles(data.work)
    row = rows[chosen]
    rows[chosen] = rows[last - 1]
    pivot = work[row]
    work[row] = 0.0
    integers(factors.pivot_rows)[k] = row
    integers(factors.row_place)[row] = k
    reciprocal = 1.0 / pivot
    doubles(factors.reciprocals)[k] = reciprocal
    for q in range(first, last - 1):
        values[q] = work[rows[q]] * reciprocal
        work[rows[q]] = 0.0
    usable = pivot != 0.0 and abs(pivot) < math.inf
    return Attempt.FINE.value if usable else Attempt.SINGULAR.value


@compiled
def factor_by_size(state, data, factors):
    """Both factors with pivots chosen by size; SINGULAR where there are none, or where the factors need
    more memory than there is (a smaller step has a larger diagonal, and needs no pivoting)."""
    n, work, order = state.n, doubles(data.work), integers(data.order)
    place, marks = integers(factors.row_place), integers(data.marks)
    starts, rows, sources = integers(data.starts), integers(data.rows), integers(data.sources)
    lower_starts, upper_starts = integers(factors.lower_starts), integers(factors.upper_starts)
    for i in range(n):
        place[i], marks[i] = -1, 0
        integers(data.next_entry)[i], integers(data.search_ends)[i] = 0, -1
    lower_count, upper_count, code = 0, 0, Attempt.FINE.value
    for k in range(n):
        lower_starts[k], upper_starts[k] = lower_count, upper_count
        if lower_count + n - k > factors.capacity or upper_count + k > factors.capacity:
            return Attempt.SINGULAR.value
        for p in range(starts[k], starts[k + 1]):
            work[rows[p]] = entry(state, sources, p, rows[p], order[k])
        top = reach(state, data, factors, k)
        first = upper_count
        upper_count = eliminate_reached(state, data, factors, top, upper_count)
        last = list_rows(state, data, factors, k, top, lower_count)
        if last == lower_count:
            return Attempt.SINGULAR.value
        chosen = choose_pivot(data, factors, lower_count, last, order[k])
        if take_pivot(data, factors, k, chosen, lower_count, last) != Attempt.FINE:
            code = Attempt.SINGULAR.value
        lower_count = last - 1
        lower_starts[k + 1], upper_starts[k + 1] = lower_count, upper_count
        prune(data, factors, k, first)
    lower_starts[n], upper_starts[n] = lower_count, upper_count
    lower_rows = integers(factors.lower_rows)
    for q in range(lower_count):
        lower_rows[q] = place[lower_rows[q]]
    return code


@compiled
def pivot_by_size(state, data):
    """Use factors with pivots chosen by size from now on, if there are any."""
    code = factor_by_size(state, data, factors_at(data.by_size))
    # an unfinished pattern must not be computed into
    state.pivoted = 1 if code == Attempt.FINE else 0
    return code


@compiled
def factors_in_use(state, data):
    """The set of factors that the last factorisation computed."""
    return factors_at(data.by_size if state.pivoted else data.static)


def factor(address):
    """Factorise shift*M - J with the pivots that served last; with others where one of them is zero."""
    state = state_at(address)
    data = sparse_data_at(state.linear)
    state.factorisations += 1
    if compute(state, data, factors_in_use(state, data)) == Attempt.FINE:
        return Attempt.FINE.value
    state.pivotings += 1
    return pivot_by_size(state, data)


def pivot(address):
    """Factorise again with pivots chosen by size."""
    state = state_at(address)
    return pivot_by_size(state, sparse_data_at(state.linear))


def substitute(address, rhs, solution):
    """Solve with the last factorisation."""
    state = state_at(address)
    data = sparse_data_at(state.linear)
    factors = factors_in_use(state, data)
    state.solves += 1
    n, b, x, y = state.n, doubles(rhs), doubles(solution), doubles(data.work)
    pivot_rows, order = integers(factors.pivot_rows), integers(data.order)
    starts, rows, values = (
        integers(factors.lower_starts),
        integers(factors.lower_rows),
        doubles(factors.lower),
    )
    for k in range(n):
        y[k] = b[pivot_rows[k]]
    for k in range(n):
        value = y[k]
        for q in range(starts[k], starts[k + 1]):
            y[rows[q]] -= values[q] * value
    starts, rows, values = (
        integers(factors.upper_starts),
        integers(factors.upper_rows),
        doubles(factors.upper),
    )
    reciprocals = doubles(factors.reciprocals)
    for k in range(n - 1, -1, -1):
        value = y[k] * reciprocals[k]
        y[k] = 0.0  # the work vector is left as zeros
        x[order[k]] = value
        for q in range(starts[k], starts[k + 1]):
            y[rows[q]] -= values[q] * value
    return Attempt.FINE


def substitute_transposed(address, rhs, solution):
    """Solve with the transposed matrix and the last factorisation."""
    state = state_at(address)
    data = sparse_data_at(state.linear)
    factors = factors_in_use(state, data)
    state.solves += 1
    n, b, x, y = state.n, doubles(rhs), doubles(solution), doubles(data.work)
    pivot_rows, order = integers(factors.pivot_rows), integers(data.order)
    starts, rows, values = (
        integers(factors.upper_starts),
        integers(factors.upper_rows),
        doubles(factors.upper),
    )
    reciprocals = doubles(factors.reciprocals)
    for k in range(n):
        value = b[order[k]]
        for q in range(starts[k], starts[k + 1]):
            value -= values[q] * y[rows[q]]
        y[k] = value * reciprocals[k]
    starts, rows, values = (
        integers(factors.lower_starts),
        integers(factors.lower_rows),
        doubles(factors.lower),
    )
    for k in range(n - 1, -1, -1):
        value = y[k]
        for q in range(starts[k], starts[k + 1]):
            value -= values[q] * y[rows[q]]
        y[k] = value
        x[pivot_rows[k]] = value
    for k in range(n):
        y[k] = 0.0
    return Attempt.FINE


ENTRIES = {
    "factor": factor,
    "pivot": pivot,
    "substitute": substitute,
    "substitute_transposed": substitute_transposed,
}
