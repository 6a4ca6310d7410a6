"""The model's own straight-line LU: static order, accepted by residual, refined or pivoted where it must be.

The test of one solution takes twice the time of finding it, so a step tests its first solution, and with one
more test all of them at once: the weighted sum of its solutions against the weighted sum of their right
sides. Only a step that fails there is taken again with every solution tested. A poor solution may hide behind
larger ones, so the sum must be good to rounding: where it was held against the bound of single solutions, 13
in 216 million were above that; now 2 are, in runs that run away and fail. It costs at most one per cent more
evaluations in the seven structures where they were counted (benchmarks/robustness.py).

A static order cannot pivot, and the size of a pivot says little (tiny ones are often harmless), so each
solution is judged by its componentwise backward error (Oettli and Prager 1964). One that fails is refined
once; if that does not mend it, the system is factorised again with partial pivoting, and the remaining
solves of the step use those factors.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.checked import MOST_REFINEMENTS, finite, harmless, residual_is_small
from symde.engine.cpu.compiled.dense import dense_data_at, factor_dense, solve_dense
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    compiled,
    doubles,
    integers,
    state_at,
    structure_at,
)
from symde.engine.cpu.layout import Attempt
from symde.engine.cpu.linear_solvers.generated import GeneratedData

generated_data_at = structure_at(GeneratedData)


@compiled
def call_solving(kernel, data, rhs, solution):
    """Call one of the kernels that solve; its code."""
    integers(data.solve_inputs)[3] = rhs
    integers(data.solve_outputs)[0] = solution
    return call_kernel(kernel, 0.0, data.solve_inputs, data.solve_outputs)


@compiled
def substitute_any(state, data, rhs, solution):
    """Solve with the factors in use, unchecked."""
    if state.pivoted:
        solve_dense(state.n, dense_data_at(data.dense), rhs, solution)
    else:
        call_solving(data.substitute, data, rhs, solution)


@compiled
def refine(state, data, rhs, solution):
    """One step of iterative refinement where the residual is not small; whether the result is accurate."""
    if residual_is_small(state, rhs, solution):
        return True
    state.refinements += 1
    substitute_any(state, data, state.residual, state.refinement)
    x, correction = doubles(solution), doubles(state.refinement)
    for i in range(state.n):
        x[i] += correction[i]
    return residual_is_small(state, rhs, solution)


@compiled
def solve_pivoted(state, data, rhs, solution):
    """Solve with the pivoting factors; SINGULAR where even they and a refinement are not accurate."""
    solve_dense(state.n, dense_data_at(data.dense), rhs, solution)
    for _ in range(MOST_REFINEMENTS):
        if refine(state, data, rhs, solution):
            return Attempt.FINE.value
    if harmless(state) or not finite(state.n, rhs):
        return Attempt.FINE.value
    return Attempt.SINGULAR.value


def factor(address):
    """Factorise shift*M - J in the static order."""
    state = state_at(address)
    data = generated_data_at(state.linear)
    state.factorisations += 1
    state.pivoted = 0
    call_kernel(data.factor, 0.0, data.factor_inputs, data.factor_outputs)
    return Attempt.FINE


def solve(address, rhs, solution):
    """Solve with the last factorisation, accurate to the backward error or by pivoting."""
    state = state_at(address)
    data = generated_data_at(state.linear)
    state.solves += 1
    if state.pivoted:
        return solve_pivoted(state, data, rhs, solution)
    if call_solving(data.solve, data, rhs, solution) == 0:
        return Attempt.FINE.value
    if not finite(state.n, rhs):  # the model's own NaN, not the factorisation's: left for the error test
        return Attempt.FINE.value
    if refine(state, data, rhs, solution):
        return Attempt.FINE.value
    state.pivotings += 1
    state.pivoted = 1
    code = factor_dense(state, dense_data_at(data.dense))
    if code == Attempt.FINE:
        return solve_pivoted(state, data, rhs, solution)
    return code


def substitute(address, rhs, solution):
    """Solve with the last factorisation, unchecked."""
    state = state_at(address)
    state.solves += 1
    substitute_any(state, generated_data_at(state.linear), rhs, solution)
    return Attempt.FINE


def accept(address, rhs, solution):
    """Whether a sum of solutions leaves no doubt of any, or is not finite because its right side is not."""
    state = state_at(address)
    data = generated_data_at(state.linear)
    inputs = integers(data.accept_inputs)
    inputs[2], inputs[3] = solution, rhs
    if call_kernel(data.accept, 0.0, data.accept_inputs, 0) == 0 or not finite(state.n, rhs):
        return Attempt.FINE
    return Attempt.INACCURATE


ENTRIES = {"factor": factor, "solve": solve, "substitute": substitute, "accept": accept}
