"""LU with partial pivoting within a band.

Rows exchanged fill the band above the diagonal by as much as it is wide below. Multipliers stay in the row
they were computed in, so that solves exchange and eliminate in turn, as LAPACK's gbtrs does.

Source: G. Golub, C. Van Loan, Matrix Computations (2013), section 4.3.5.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, state_at, structure_at
from symde.engine.cpu.layout import DIAGONAL_PREFERENCE, Attempt
from symde.engine.cpu.linear_solvers.banded import BandedData

banded_data_at = structure_at(BandedData)


@compiled
def assemble(state, band):
    """The band of shift*M - J."""
    n, w, values = state.n, doubles(band.matrix), doubles(state.jacobian)
    entries, diagonal = integers(band.entries), integers(band.diagonal)
    count = integers(state.row_pointers)[n]
    for i in range(n * band.width):
        w[i] = 0.0
    for k in range(count):
        w[entries[k]] = -values[k]
    if state.mass != 0:
        mass = doubles(state.mass)
        for k in range(count):
            w[entries[k]] += state.shift * mass[k]
        return
    for i in range(n):
        w[diagonal[i]] += state.shift


@compiled
def largest_below(w, start, k, last):
    """The row from k to last - 1 with the largest entry, k where it is nearly so; `start` is the place
    of row 0 of the column."""
    row, largest = k, abs(w[start + k]) / DIAGONAL_PREFERENCE
    for i in range(k + 1, last):
        size = abs(w[start + i])
        if size > largest:
            row, largest = i, size
    return row


@compiled
def exchange_rows(w, start, stride, i, j, first, end):
    """Exchange rows i and j in the columns from `first` to end - 1."""
    for column in range(first, end):
        at = start + column * stride
        w[at + i], w[at + j] = w[at + j], w[at + i]


@compiled
def factor_band(state, band):
    """LU of the band in place, with the order of the rows in `pivots`."""
    n, w, pivots = state.n, doubles(band.matrix), integers(band.pivots)
    lower, upper, stride = band.lower, band.upper, band.width - 1
    top = lower + upper
    end = 0  # columns before it may be filled in the present row
    band.reach = upper
    for k in range(n):
        last = min(n, k + lower + 1)
        here = top + k * stride  # `here + i` is the place of row i in column k
        row = largest_below(w, here, k, last)
        pivots[k] = row
        end = max(end, min(n, row + upper + 1))
        if row != k:
            band.reach = top
            exchange_rows(w, top, stride, k, row, k, end)
        pivot = w[here + k]
        if pivot == 0.0 or not abs(pivot) < math.inf:
            return Attempt.SINGULAR
        reciprocal = 1.0 / pivot
        w[here + k] = reciprocal  # solves have no use for the pivot itself
        for i in range(k + 1, last):
            w[here + i] *= reciprocal
        for j in range(k + 1, end):
            there = top + j * stride
            factor = w[there + k]
            if factor != 0.0:
                for i in range(k + 1, last):
                    w[there + i] -= factor * w[here + i]
    return Attempt.FINE


def factor(address):
    """Factorise shift*M - J."""
    state = state_at(address)
    band = banded_data_at(state.linear)
    state.factorisations += 1
    assemble(state, band)
    return factor_band(state, band)


def substitute(address, rhs, solution):
    """Solve with the last factorisation."""
    state = state_at(address)
    band = banded_data_at(state.linear)
    state.solves += 1
    n, w, pivots, place = state.n, doubles(band.matrix), integers(band.pivots), integers(band.place)
    b, x, y = doubles(rhs), doubles(solution), doubles(band.work)
    lower, stride, top, reach = band.lower, band.width - 1, band.lower + band.upper, band.reach
    for i in range(n):
        y[place[i]] = b[i]
    for k in range(n):
        row, here = pivots[k], top + k * stride
        value = y[row]
        y[row] = y[k]
        y[k] = value
        for i in range(k + 1, min(n, k + lower + 1)):
            y[i] -= w[here + i] * value
    for k in range(n - 1, -1, -1):
        here = top + k * stride
        value = y[k] * w[here + k]
        y[k] = value
        for i in range(max(0, k - reach), k):
            y[i] -= w[here + i] * value
    for i in range(n):
        x[i] = y[place[i]]
    return Attempt.FINE


def substitute_transposed(address, rhs, solution):
    """Solve with the transposed matrix and the last factorisation."""
    state = state_at(address)
    band = banded_data_at(state.linear)
    state.solves += 1
    n, w, pivots, place = state.n, doubles(band.matrix), integers(band.pivots), integers(band.place)
    b, x, y = doubles(rhs), doubles(solution), doubles(band.work)
    lower, stride, top, reach = band.lower, band.width - 1, band.lower + band.upper, band.reach
    for i in range(n):
        y[place[i]] = b[i]
    for k in range(n):
        here, value = top + k * stride, y[k]
        for i in range(max(0, k - reach), k):
            value -= w[here + i] * y[i]
        y[k] = value * w[here + k]
    for k in range(n - 1, -1, -1):
        here, value, row = top + k * stride, y[k], pivots[k]
        for i in range(k + 1, min(n, k + lower + 1)):
            value -= w[here + i] * y[i]
        y[k] = y[row]
        y[row] = value
    for i in range(n):
        x[i] = y[place[i]]
    return Attempt.FINE


ENTRIES = {"factor": factor, "substitute": substitute, "substitute_transposed": substitute_transposed}
