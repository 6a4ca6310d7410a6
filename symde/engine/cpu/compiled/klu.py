"""Sparse LU by KLU, called by address: with the last pivots while they serve, else with others.

Whether they serve is told by the backward error of the first solution, as for every solver here. KLU's own
estimate of their growth (klu_rgrowth) took 2 to 20 % of a factorisation more, and changed nothing in the
47 000 steps of 250 random stiff systems (benchmarks/robustness.py).

Source: T. Davis, E. Palamadai Natarajan, ACM TOMS 37 (2010), doi:10.1145/1824801.1824814.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic

from symde.engine.cpu.compiled.pointers import _call, compiled, doubles, integers, state_at, structure_at
from symde.engine.cpu.compiled.vectors import copy
from symde.engine.cpu.layout import Attempt
from symde.engine.cpu.linear_solvers.klu import Common, KluData

klu_data_at = structure_at(KluData)
common_at = structure_at(Common)

NUMERIC = KluData.numeric.offset
OK = 0
"""KLU's status; above it a pivot is zero, below it memory is short."""

ADDRESS = types.int64


@intrinsic
def call_factor(typing_context, address, starts, rows, values, symbolic, common):
    """`klu_numeric *klu_factor(int *Ap, int *Ai, double *Ax, klu_symbolic *, klu_common *)`."""
    return _call(ADDRESS, *(ADDRESS,) * 5)


@intrinsic
def call_refactor(typing_context, address, starts, rows, values, symbolic, numeric, common):
    """`int klu_refactor(int *Ap, int *Ai, double *Ax, klu_symbolic *, klu_numeric *, klu_common *)`."""
    return _call(types.int32, *(ADDRESS,) * 6)


@intrinsic
def call_solve_by(typing_context, address, symbolic, numeric, length, sides, b, common):
    """`int klu_solve(klu_symbolic *, klu_numeric *, int ldim, int nrhs, double *B, klu_common *)`; also
    `klu_tsolve`."""
    return _call(types.int32, ADDRESS, ADDRESS, types.int32, types.int32, ADDRESS, ADDRESS)


@intrinsic
def call_free_numeric(typing_context, address, numeric, common):
    """`int klu_free_numeric(klu_numeric **, klu_common *)`."""
    return _call(types.int32, ADDRESS, ADDRESS)


@intrinsic
def call_free(typing_context, address, block, count, size, common):
    """`void *klu_free(void *, size_t, size_t, klu_common *)`."""
    return _call(ADDRESS, *(ADDRESS,) * 4)


@compiled
def assemble(state, klu):
    """The values of W = shift*M - J; whether every entry is finite."""
    w, values, entries, diagonal = (
        doubles(klu.values),
        doubles(state.jacobian),
        integers(klu.entries),
        integers(klu.diagonal),
    )
    total = 0.0 * state.shift
    for i in range(state.n):
        w[diagonal[i]] = 0.0
    for k in range(klu.n_entries):
        w[entries[k]] = -values[k]
        total += 0.0 * values[k]
    if state.mass != 0:
        mass = doubles(state.mass)
        for k in range(klu.n_entries):
            w[entries[k]] += state.shift * mass[k]
        return total == 0.0
    for i in range(state.n):
        w[diagonal[i]] += state.shift
    return total == 0.0


@compiled
def release(state, klu):
    """Free the factors; see `release` of the host."""
    call_free_numeric(klu.free_numeric, state.linear + NUMERIC, klu.common)
    call_free(klu.free, klu.numeric, 1, 1, klu.common)
    klu.numeric = 0


@compiled
def factor_anew(state, klu):
    """Factors with pivots chosen by size in place of the last ones; SINGULAR where there are none."""
    release(state, klu)
    state.pivoted = 0
    klu.numeric = call_factor(klu.factor, klu.starts, klu.rows, klu.values, klu.symbolic, klu.common)
    status = common_at(klu.common).status
    if status == OK:
        state.pivoted = 1
        return Attempt.FINE.value
    if status > OK:
        return Attempt.SINGULAR.value
    klu.numeric, klu.failure = 0, status  # freed, whatever was returned
    return Attempt.CALLBACK.value


@compiled
def compute(klu):
    """Factors with the last pivots; whether none of them is zero."""
    arguments = klu.starts, klu.rows, klu.values, klu.symbolic, klu.numeric, klu.common
    call_refactor(klu.refactor, *arguments)
    return common_at(klu.common).status == OK


def factor(address):
    """Factorise shift*M - J with the pivots that served last in this run, with others where they do not."""
    state = state_at(address)
    klu = klu_data_at(state.linear)
    state.factorisations += 1
    if not assemble(state, klu):
        return Attempt.SINGULAR.value
    if not state.pivoted:
        return factor_anew(state, klu)
    if compute(klu):
        return Attempt.FINE.value
    state.pivotings += 1
    return factor_anew(state, klu)


def pivot(address):
    """Factorise again with pivots chosen by size."""
    state = state_at(address)
    return factor_anew(state, klu_data_at(state.linear))


@compiled
def solve_by(state, klu, function, rhs, solution):
    """solution = rhs, solved in place."""
    copy(state.n, rhs, solution)
    state.solves += 1
    call_solve_by(function, klu.symbolic, klu.numeric, state.n, 1, solution, klu.common)


def substitute(address, rhs, solution):
    """Solve with the last factorisation."""
    state = state_at(address)
    klu = klu_data_at(state.linear)
    solve_by(state, klu, klu.solve, rhs, solution)
    return Attempt.FINE


def substitute_transposed(address, rhs, solution):
    """Solve with the transposed matrix and the last factorisation."""
    state = state_at(address)
    klu = klu_data_at(state.linear)
    solve_by(state, klu, klu.solve_transposed, rhs, solution)
    return Attempt.FINE


ENTRIES = {
    "factor": factor,
    "pivot": pivot,
    "substitute": substitute,
    "substitute_transposed": substitute_transposed,
}
