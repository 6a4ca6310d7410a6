"""LU of a full matrix by LAPACK, called by address; nothing is returned, whatever the types below say."""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic

from symde.engine.cpu.compiled.pointers import _call, compiled, doubles, integers, state_at, structure_at
from symde.engine.cpu.compiled.vectors import copy
from symde.engine.cpu.layout import Attempt
from symde.engine.cpu.linear_solvers.lapack import LapackData

lapack_data_at = structure_at(LapackData)


@intrinsic
def call_getrf(typing_context, address, m, n, a, lda, ipiv, info):
    """`void dgetrf(int *m, int *n, double *a, int *lda, int *ipiv, int *info)`."""
    return _call(types.int32, *(types.int64,) * 6)


@intrinsic
def call_getrs(typing_context, address, trans, n, nrhs, a, lda, ipiv, b, ldb, info):
    """`void dgetrs(char *trans, int *n, int *nrhs, double *a, int *lda, int *ipiv, double *b, int *ldb,
    int *info)`."""
    return _call(types.int32, *(types.int64,) * 9)


@compiled
def assemble(state, matrix):
    """matrix = shift*M - J, column by column; whether every entry is finite."""
    n, w, values, total = state.n, doubles(matrix), doubles(state.jacobian), 0.0
    starts, columns = integers(state.row_pointers), integers(state.columns)
    for i in range(n * n):
        w[i] = 0.0
    for i in range(n):
        for k in range(starts[i], starts[i + 1]):
            w[columns[k] * n + i] = -values[k]
            total += 0.0 * values[k]
        if state.mass == 0:
            w[i * n + i] += state.shift
    if state.mass != 0:
        mass = doubles(state.mass)
        for i in range(n):
            for k in range(starts[i], starts[i + 1]):
                w[columns[k] * n + i] += state.shift * mass[k]
    return total == 0.0


@compiled
def solve_by(state, lapack, letter, rhs, solution):
    """solution = rhs, solved in place."""
    copy(state.n, rhs, solution)
    state.solves += 1
    n = lapack.numbers
    call_getrs(lapack.getrs, letter, n, n + 4, lapack.matrix, n, lapack.pivots, solution, n, n + 8)


def factor(address):
    """Factorise shift*M - J."""
    state = state_at(address)
    lapack = lapack_data_at(state.linear)
    state.factorisations += 1
    if not assemble(state, lapack.matrix):
        return Attempt.SINGULAR
    n = lapack.numbers
    call_getrf(lapack.getrf, n, n, lapack.matrix, n, lapack.pivots, n + 8)
    diagonal = doubles(lapack.matrix)
    for i in range(state.n):  # what the 32-bit info says
        if diagonal[i * state.n + i] == 0.0:
            return Attempt.SINGULAR
    return Attempt.FINE


def substitute(address, rhs, solution):
    """Solve with the last factorisation."""
    state = state_at(address)
    lapack = lapack_data_at(state.linear)
    solve_by(state, lapack, lapack.same, rhs, solution)
    return Attempt.FINE


def substitute_transposed(address, rhs, solution):
    """Solve with the transposed matrix and the last factorisation."""
    state = state_at(address)
    lapack = lapack_data_at(state.linear)
    solve_by(state, lapack, lapack.transposed, rhs, solution)
    return Attempt.FINE


ENTRIES = {"factor": factor, "substitute": substitute, "substitute_transposed": substitute_transposed}
