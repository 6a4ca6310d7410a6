"""Dense LU of (alpha + i beta)*I - J with partial pivoting, complex numbers as pairs.

Source: G. Golub, C. Van Loan, Matrix Computations (2013), algorithm 3.4.1 (row-oriented here); R. L. Smith,
Algorithm 116, Communications of the ACM 5 (1962), for the division that does not overflow.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, structure_at
from symde.engine.cpu.families.radau import ComplexSystem
from symde.engine.cpu.layout import Attempt

system_at = structure_at(ComplexSystem)


@compiled
def assemble(system):
    """dense = (alpha + i beta)*M - J, row by row."""
    n, w, values = system.n, doubles(system.dense), doubles(system.jacobian)
    starts, columns = integers(system.row_pointers), integers(system.columns)
    for i in range(2 * n * n):
        w[i] = 0.0
    for i in range(n):
        for k in range(starts[i], starts[i + 1]):
            w[2 * (i * n + columns[k])] = -values[k]
        if system.mass == 0:
            w[2 * (i * n + i)] += system.alpha
            w[2 * (i * n + i) + 1] = system.beta
            continue
        mass = doubles(system.mass)
        for k in range(starts[i], starts[i + 1]):
            w[2 * (i * n + columns[k])] += system.alpha * mass[k]
            w[2 * (i * n + columns[k]) + 1] = system.beta * mass[k]


@compiled
def largest_in_column(w, n, k):
    """The row at or below k with the largest entry in column k, by the sum of the parts' magnitudes."""
    row, largest = k, -1.0
    for i in range(k, n):
        at = 2 * (i * n + k)
        size = abs(w[at]) + abs(w[at + 1])
        if size > largest:
            row, largest = i, size
    return row


@compiled
def exchange_rows(w, n, i, j):
    """Exchange two rows."""
    for k in range(2 * n):
        w[2 * i * n + k], w[2 * j * n + k] = w[2 * j * n + k], w[2 * i * n + k]


@compiled
def invert(x, y):
    """1/(x + iy) by Smith's rule."""
    if abs(x) >= abs(y):
        ratio = y / x
        size = x + y * ratio
        return 1.0 / size, -ratio / size
    ratio = x / y
    size = x * ratio + y
    return ratio / size, -1.0 / size


@compiled
def eliminate_below(w, n, k):
    """Rows below k without column k; the factors stay in its place."""
    diagonal = 2 * (k * n + k)
    x, y = w[diagonal], w[diagonal + 1]  # the reciprocal of the pivot
    for i in range(k + 1, n):
        at = 2 * (i * n + k)
        a, b = w[at], w[at + 1]
        if a == 0.0 and b == 0.0:
            continue
        re, im = a * x - b * y, a * y + b * x
        w[at], w[at + 1] = re, im
        for j in range(k + 1, n):
            target, source = 2 * (i * n + j), 2 * (k * n + j)
            u, v = w[source], w[source + 1]
            w[target] -= re * u - im * v
            w[target + 1] -= re * v + im * u


@compiled
def factor_dense(system):
    """LU in place, reciprocals of the pivots on the diagonal, the order of the rows in `pivots`."""
    assemble(system)
    n, w, pivots = system.n, doubles(system.dense), integers(system.pivots)
    for k in range(n):
        row = largest_in_column(w, n, k)
        pivots[k] = row
        if row != k:
            exchange_rows(w, n, row, k)
        diagonal = 2 * (k * n + k)
        size = abs(w[diagonal]) + abs(w[diagonal + 1])
        if size == 0.0 or not size < math.inf:
            return Attempt.SINGULAR
        w[diagonal], w[diagonal + 1] = invert(w[diagonal], w[diagonal + 1])
        eliminate_below(w, n, k)
    return Attempt.FINE


@compiled
def solve_dense(system, rhs, solution):
    """Solve with the factors."""
    n, w, pivots = system.n, doubles(system.dense), integers(system.pivots)
    b, c = doubles(rhs), doubles(rhs + 8 * system.padded)
    x, y = doubles(solution), doubles(solution + 8 * system.padded)
    for i in range(n):
        x[i], y[i] = b[i], c[i]
    for k in range(n):
        row = pivots[k]
        x[k], x[row] = x[row], x[k]
        y[k], y[row] = y[row], y[k]
    for i in range(n):
        re, im = x[i], y[i]
        for j in range(i):
            at = 2 * (i * n + j)
            re -= w[at] * x[j] - w[at + 1] * y[j]
            im -= w[at] * y[j] + w[at + 1] * x[j]
        x[i], y[i] = re, im
    for i in range(n - 1, -1, -1):
        re, im = x[i], y[i]
        for j in range(i + 1, n):
            at = 2 * (i * n + j)
            re -= w[at] * x[j] - w[at + 1] * y[j]
            im -= w[at] * y[j] + w[at + 1] * x[j]
        at = 2 * (i * n + i)
        x[i], y[i] = re * w[at] - im * w[at + 1], re * w[at + 1] + im * w[at]


def factor(address):
    """Factorise."""
    return factor_dense(system_at(address))


def solve(address, rhs, solution):
    """Solve with the last factorisation."""
    solve_dense(system_at(address), rhs, solution)
    return Attempt.FINE


ENTRIES = {"factor": factor, "solve": solve}
