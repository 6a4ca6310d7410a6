"""Linear solves that are judged: by their componentwise backward error, refined once, else pivoted anew.

Written on the solver's own `substitute` and `pivot`, so that it serves every solver that has a factorisation.
Partial pivoting alone bounds the error of a row relative to the largest entry of the matrix only; with one
refinement every row is solved to its own size.

Sources: W. Oettli, W. Prager, Numer. Math. 6 (1964), for the backward error; R. D. Skeel, Math. Comp. 35
(1980), for the one refinement.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import (
    call_solve,
    call_step,
    compiled,
    doubles,
    integers,
    state_at,
)
from symde.engine.cpu.layout import BACKWARD_ERROR, SUSPICION, TINY, Attempt

MOST_REFINEMENTS = 5
"""Refinements of a solution by pivoting factors: rows of very different size may need a few, since each only
brings the error down by the accuracy of the largest."""


HARMLESS = 1e-3
"""Part of the tolerance that a residual may leave as error where nothing better can be had."""


@compiled
def residual_with_mass(state, rhs, solution, bound):
    """The same for W = shift*M - J with another M than the identity."""
    b, x, r, mass = doubles(rhs), doubles(solution), doubles(state.residual), doubles(state.mass)
    values, starts, columns = doubles(state.jacobian), integers(state.row_pointers), integers(state.columns)
    small = True
    for i in range(state.n):
        total, magnitude = b[i], abs(b[i])
        for k in range(starts[i], starts[i + 1]):
            # M's part is taken away first: J's is small against it, or the other way round
            first = state.shift * mass[k] * x[columns[k]]
            second = values[k] * x[columns[k]]
            total = (total - first) + second
            magnitude += abs(first) + abs(second)
        r[i] = total
        if not abs(total) <= bound * magnitude + TINY:
            small = False
    return small


@compiled
def residual_is_within(state, rhs, solution, bound):
    """The residual r = rhs - W x, and whether |r_i| <= bound * (|rhs_i| + sum_j |W_ij x_j|) for all i."""
    b, x, r = doubles(rhs), doubles(solution), doubles(state.residual)
    values, starts, columns = doubles(state.jacobian), integers(state.row_pointers), integers(state.columns)
    small = True
    if state.mass != 0:
        return residual_with_mass(state, rhs, solution, bound)
    for i in range(state.n):
        term = state.shift * x[i]
        total, magnitude = b[i] - term, abs(b[i]) + abs(term)
        for k in range(starts[i], starts[i + 1]):
            term = values[k] * x[columns[k]]
            total += term
            magnitude += abs(term)
        r[i] = total
        # numbers near the smallest have no relative accuracy
        if not abs(total) <= bound * magnitude + TINY:
            small = False
    return small


@compiled
def residual_is_small(state, rhs, solution):
    """The residual, and whether it is that of a solution that is accepted."""
    return residual_is_within(state, rhs, solution, BACKWARD_ERROR)


@compiled
def finite(n, vector):
    """Whether every entry is finite."""
    v, total = doubles(vector), 0.0
    for i in range(n):
        total += 0.0 * v[i]
    return total == 0.0


@compiled
def refine(state, address, rhs, solution):
    """One step of iterative refinement; whether the result is accurate. Needs the residual."""
    state.refinements += 1
    call_solve(state.substitute, address, state.residual, state.refinement)
    state.solves -= 1  # counted as a refinement
    x, correction = doubles(solution), doubles(state.refinement)
    for i in range(state.n):
        x[i] += correction[i]
    return residual_is_small(state, rhs, solution)


@compiled
def harmless(state):
    """Whether the residual is nothing against the tolerance of the step: |r_i| over the shift, which is about
    the error it leaves, below a thousandth of it. The last word where rows differ so much in size that no
    refinement brings the smallest ones to their own accuracy."""
    r, u, atol = doubles(state.residual), doubles(state.u), doubles(state.atol)
    limit = HARMLESS * abs(state.shift)
    small = True
    for i in range(state.n):
        if not abs(r[i]) <= limit * (atol[i] + state.rtol * abs(u[i])):
            small = False
    return small


@compiled
def solve_judged(state, address, rhs, solution, refinements):
    """Solve with the last factorisation and refine where needed; FINE or INACCURATE."""
    code = call_solve(state.substitute, address, rhs, solution)
    if code != Attempt.FINE:
        return code
    if residual_is_small(state, rhs, solution) or not finite(state.n, rhs):
        # a NaN in the right side is the model's own, and left for the error test
        return Attempt.FINE.value
    for _ in range(refinements):
        if refine(state, address, rhs, solution):
            return Attempt.FINE.value
    if state.pivot == 0 or state.pivoted:
        return Attempt.FINE.value if harmless(state) else Attempt.INACCURATE.value
    return Attempt.INACCURATE.value


def solve(address, rhs, solution):
    """Solve with the last factorisation, accurate to the backward error, or with a pivoting one; SINGULAR
    where none is accurate."""
    state = state_at(address)
    code = solve_judged(state, address, rhs, solution, MOST_REFINEMENTS if state.pivot == 0 else 1)
    if code != Attempt.INACCURATE:
        return code
    if state.pivot == 0:
        return Attempt.SINGULAR.value
    state.pivotings += 1
    code = call_step(state.pivot, address)
    if code != Attempt.FINE:
        return code
    state.solves -= 1  # the same system again
    code = solve_judged(state, address, rhs, solution, MOST_REFINEMENTS)
    return Attempt.SINGULAR.value if code == Attempt.INACCURATE else code


def accept(address, rhs, solution):
    """Whether a sum of solutions leaves no doubt of any, or is not finite because its right side is not."""
    state = state_at(address)
    if residual_is_within(state, rhs, solution, SUSPICION) or not finite(state.n, rhs):
        return Attempt.FINE
    return Attempt.INACCURATE


ENTRIES = {"solve": solve, "accept": accept}
