"""The model's own straight-line LU: static order, accepted by residual, refined or pivoted where it must be.

The test of one solution takes twice the time of finding it, so a step tests its first solution, and with one
more test all of them at once: the weighted sum of its solutions against the weighted sum of their right
sides. Only a step that fails there is taken again with every solution tested.

A static order cannot pivot, and the size of a pivot says little (tiny ones are often harmless), so each
solution is judged by its componentwise backward error (Oettli and Prager 1964). One that fails is refined
once; if that does not mend it, the system is factorised again with partial pivoting, and the remaining
solves of the step use those factors.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.dense import factor_dense, solve_dense
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, state_at
from symde.engine.cpu.layout import BACKWARD_ERROR, Attempt


@compiled
def residual_is_small(state, rhs, solution):
    """The residual r = rhs - W x, and whether |r_i| <= bound * (|rhs_i| + sum_j |W_ij x_j|) for all i."""
    b, x, r = doubles(rhs), doubles(solution), doubles(state.residual)
    values, starts, columns = doubles(state.jacobian), integers(state.row_pointers), integers(state.columns)
    small = True
    for i in range(state.n):
        term = state.shift * x[i]
        total, magnitude = b[i] - term, abs(b[i]) + abs(term)
        for k in range(starts[i], starts[i + 1]):
            term = values[k] * x[columns[k]]
            total += term
            magnitude += abs(term)
        r[i] = total
        if not abs(total) <= BACKWARD_ERROR * magnitude:
            small = False
    return small


@compiled
def finite(n, vector):
    """Whether every entry is finite."""
    v, total = doubles(vector), 0.0
    for i in range(n):
        total += 0.0 * v[i]
    return total == 0.0


@compiled
def solve_static(state, rhs, solution):
    """Solve with the static factors; the kernel's code is 1 where its backward error is too large."""
    integers(state.solve_inputs)[3] = rhs
    integers(state.solve_outputs)[0] = solution
    return call_kernel(state.lu_solve, 0.0, state.solve_inputs, state.solve_outputs)


@compiled
def refine(state, rhs, solution):
    """One step of iterative refinement; whether the result is accurate."""
    state.refinements += 1
    residual_is_small(state, rhs, solution)
    solve_static(state, state.residual, state.correction)
    x, correction = doubles(solution), doubles(state.correction)
    for i in range(state.n):
        x[i] += correction[i]
    return residual_is_small(state, rhs, solution)


def factor(address):
    """Factorise shift*I - J in the static order."""
    state = state_at(address)
    state.factorisations += 1
    state.use_dense = 0
    call_kernel(state.lu_factor, 0.0, state.factor_inputs, state.factor_outputs)
    return Attempt.FINE


def solve(address, rhs, solution):
    """Solve with the last factorisation, accurate to the backward error or by pivoting."""
    state = state_at(address)
    state.solves += 1
    if state.use_dense:
        solve_dense(state, rhs, solution)
        return Attempt.FINE
    if solve_static(state, rhs, solution) == 0:
        return Attempt.FINE
    if not finite(state.n, rhs):  # the model's own NaN, not the factorisation's: left for the error test
        return Attempt.FINE
    if refine(state, rhs, solution):
        return Attempt.FINE
    state.pivotings += 1
    state.use_dense = 1
    code = factor_dense(state)
    if code == Attempt.FINE:
        solve_dense(state, rhs, solution)
    return code


def substitute(address, rhs, solution):
    """Solve with the last factorisation, unchecked."""
    state = state_at(address)
    state.solves += 1
    if state.use_dense:
        solve_dense(state, rhs, solution)
        return Attempt.FINE
    integers(state.solve_inputs)[3] = rhs
    integers(state.solve_outputs)[0] = solution
    return call_kernel(state.lu_substitute, 0.0, state.solve_inputs, state.solve_outputs)


def accept(address, rhs, solution):
    """Whether a solution is accurate to the backward error, or not finite because its right side is not."""
    state = state_at(address)
    inputs = integers(state.accept_inputs)
    inputs[2], inputs[3] = solution, rhs
    if call_kernel(state.lu_accept, 0.0, state.accept_inputs, 0) == 0 or not finite(state.n, rhs):
        return Attempt.FINE
    return Attempt.INACCURATE


ENTRIES = {"factor": factor, "solve": solve, "substitute": substitute, "accept": accept}
