"""Dense LU with partial pivoting: the fallback that is always right, and the solver of small full systems.

Source: G. Golub, C. Van Loan, Matrix Computations (2013), algorithm 3.4.1 (row-oriented here).
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, state_at
from symde.engine.cpu.layout import Attempt


@compiled
def assemble(state):
    """dense = shift*I - J, row by row."""
    n, w, values = state.n, doubles(state.dense), doubles(state.jacobian)
    starts, columns = integers(state.row_pointers), integers(state.columns)
    for i in range(n * n):
        w[i] = 0.0
    for i in range(n):
        for k in range(starts[i], starts[i + 1]):
            w[i * n + columns[k]] = -values[k]
        w[i * n + i] += state.shift


@compiled
def largest_in_column(w, n, k):
    """The row at or below k with the largest entry in column k."""
    row, largest = k, abs(w[k * n + k])
    for i in range(k + 1, n):
        size = abs(w[i * n + k])
        if size > largest:
            row, largest = i, size
    return row


@compiled
def exchange_rows(w, n, i, j):
    """Exchange two rows of a matrix."""
    for k in range(n):
        w[i * n + k], w[j * n + k] = w[j * n + k], w[i * n + k]


@compiled
def factor_dense(state):
    """LU of shift*I - J in place, with the order of the rows in `pivots`."""
    assemble(state)
    n, w, pivots = state.n, doubles(state.dense), integers(state.pivots)
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
        for i in range(k + 1, n):
            factor = w[i * n + k] / pivot
            w[i * n + k] = factor
            if factor != 0.0:
                for j in range(k + 1, n):
                    w[i * n + j] -= factor * w[k * n + j]
    return Attempt.FINE


@compiled
def solve_dense(state, rhs, solution):
    """solution = (shift*I - J)^-1 rhs from the factors."""
    n, w, pivots = state.n, doubles(state.dense), integers(state.pivots)
    b, x = doubles(rhs), doubles(solution)
    for i in range(n):
        x[i] = b[i]
    for k in range(n):
        row = pivots[k]
        x[k], x[row] = x[row], x[k]
    for i in range(n):
        total = x[i]
        for j in range(i):
            total -= w[i * n + j] * x[j]
        x[i] = total
    for i in range(n - 1, -1, -1):
        total = x[i]
        for j in range(i + 1, n):
            total -= w[i * n + j] * x[j]
        x[i] = total / w[i * n + i]


def factor(address):
    """Factorise shift*I - J."""
    state = state_at(address)
    state.factorisations += 1
    return factor_dense(state)


def solve(address, rhs, solution):
    """Solve with the last factorisation."""
    state = state_at(address)
    state.solves += 1
    solve_dense(state, rhs, solution)
    return Attempt.FINE


def accept(address, rhs, solution):
    """Partial pivoting is accurate by construction (Wilkinson 1963)."""
    return Attempt.FINE


ENTRIES = {"factor": factor, "solve": solve, "substitute": solve, "accept": accept}
