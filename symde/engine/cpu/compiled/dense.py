"""Dense LU with partial pivoting: the fallback that is always right, and the solver of small full systems.

Source: G. Golub, C. Van Loan, Matrix Computations (2013), algorithm 3.4.1.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, state_at, structure_at
from symde.engine.cpu.layout import DIAGONAL_PREFERENCE, Attempt
from symde.engine.cpu.linear_solvers.dense import DenseData

dense_data_at = structure_at(DenseData)


@compiled
def assemble(state, matrix):
    """matrix = shift*M - J, column by column."""
    n, w, values = state.n, doubles(matrix), doubles(state.jacobian)
    starts, columns = integers(state.row_pointers), integers(state.columns)
    for i in range(n * n):
        w[i] = 0.0
    for i in range(n):
        for k in range(starts[i], starts[i + 1]):
            w[columns[k] * n + i] = -values[k]
        if state.mass == 0:
            w[i * n + i] += state.shift
    if state.mass != 0:
        mass = doubles(state.mass)
        for i in range(n):
            for k in range(starts[i], starts[i + 1]):
                w[columns[k] * n + i] += state.shift * mass[k]


@compiled
def largest_in_column(w, n, k):
    """The row at or below k with the largest entry in column k, k where it is nearly so."""
    row, largest = k, abs(w[k * n + k]) / DIAGONAL_PREFERENCE
    for i in range(k + 1, n):
        size = abs(w[k * n + i])
        if size > largest:
            row, largest = i, size
    return row


@compiled
def exchange_rows(w, n, i, j):
    """Exchange two rows of a matrix."""
    for k in range(n):
        w[k * n + i], w[k * n + j] = w[k * n + j], w[k * n + i]


@compiled
def factor_dense(state, dense):
    """LU of shift*M - J in place with the diagonal's reciprocals, and the order of the rows in `pivots`."""
    assemble(state, dense.matrix)
    n, w, pivots = state.n, doubles(dense.matrix), integers(dense.pivots)
    for k in range(n):
        row = largest_in_column(w, n, k)
        pivots[k] = row
        if row != k:
            exchange_rows(w, n, row, k)
        pivot = w[k * n + k]
        if (
            pivot == 0.0 or not abs(pivot) < math.inf
        ):  # an infinite pivot would pass for a state that stands still
            return Attempt.SINGULAR
        reciprocal = 1.0 / pivot
        w[k * n + k] = reciprocal
        for i in range(k + 1, n):
            w[k * n + i] *= reciprocal
        for j in range(k + 1, n):
            factor = w[j * n + k]
            if factor != 0.0:
                for i in range(k + 1, n):
                    w[j * n + i] -= factor * w[k * n + i]
    return Attempt.FINE


@compiled
def solve_dense(n, dense, rhs, solution):
    """solution = (shift*M - J)^-1 rhs from the factors."""
    w, pivots = doubles(dense.matrix), integers(dense.pivots)
    b, x = doubles(rhs), doubles(solution)
    for i in range(n):
        x[i] = b[i]
    for k in range(n):
        row = pivots[k]
        x[k], x[row] = x[row], x[k]
    for k in range(n):
        value = x[k]
        for i in range(k + 1, n):
            x[i] -= w[k * n + i] * value
    for k in range(n - 1, -1, -1):
        value = x[k] * w[k * n + k]
        x[k] = value
        for i in range(k):
            x[i] -= w[k * n + i] * value


@compiled
def solve_dense_transposed(n, dense, rhs, solution):
    """solution = (shift*M - J)^-T rhs from the factors."""
    w, pivots = doubles(dense.matrix), integers(dense.pivots)
    b, x = doubles(rhs), doubles(solution)
    for k in range(n):
        value = b[k]
        for i in range(k):
            value -= w[k * n + i] * x[i]
        x[k] = value * w[k * n + k]
    for k in range(n - 1, -1, -1):
        value = x[k]
        for i in range(k + 1, n):
            value -= w[k * n + i] * x[i]
        x[k] = value
    for k in range(n - 1, -1, -1):
        row = pivots[k]
        x[k], x[row] = x[row], x[k]


def factor(address):
    """Factorise shift*M - J."""
    state = state_at(address)
    state.factorisations += 1
    return factor_dense(state, dense_data_at(state.linear))


def substitute(address, rhs, solution):
    """Solve with the last factorisation."""
    state = state_at(address)
    state.solves += 1
    solve_dense(state.n, dense_data_at(state.linear), rhs, solution)
    return Attempt.FINE


def substitute_transposed(address, rhs, solution):
    """Solve with the transposed matrix and the last factorisation."""
    state = state_at(address)
    state.solves += 1
    solve_dense_transposed(state.n, dense_data_at(state.linear), rhs, solution)
    return Attempt.FINE


ENTRIES = {"factor": factor, "substitute": substitute, "substitute_transposed": substitute_transposed}
