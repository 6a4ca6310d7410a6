"""The adjoint of fully implicit stages M k_i = f(t_i, y_i), y_i = u + h sum_j a_ij k_j, one linear system.

With wk_i the derivative of a number by k_i, all that follows taken along,

    M' v_i - h sum_j a_ji J(t_j, y_j)' v_j = wk_i,
    w_old += sum_i J(t_i, y_i)' v_i,    gradient += sum_i P(t_i, y_i)' v_i

It is solved by the blended iteration, transposed: with theta = (M' - h gamma J')^-1, J the
mean over the stages,

    change = theta (zeta + M' theta (eta - zeta)),    zeta = gamma a^-T eta,    eta the residual,

until what is left cannot be seen.

Source: W. W. Hager, Runge-Kutta methods in optimal control and the transformed adjoint system, Numer. Math.
87 (2000); L. Brugnano, C. Magherini, Blended implementation of block implicit methods for ODEs, Applied
Numerical Mathematics 42 (2002) 29-45, for the iteration.
"""

from __future__ import annotations

import math

from symde.engine.cpu.adjoints import CollocationAdjoint
from symde.engine.cpu.compiled.adjoint_tools import (
    add_scaled,
    factorise_values,
    mass_transposed,
    pull,
    transposed_values,
)
from symde.engine.cpu.compiled.pointers import (
    call_solve,
    compiled,
    doubles,
    integers,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.layout import TINY, Attempt

collocation_at = structure_at(CollocationAdjoint)

MOST_ITERATIONS = 200
"""Iterations after which a step is given up. In the left half plane the formulas of three, five and seven
stages contract by 0.34, 0.51 and 0.60 at worst."""

ENOUGH, FLOOR = 1e-15, 1e-10
"""Relative change below which the iteration ends, and below which it ends if it no longer contracts."""

ROUNDING, PATIENCE = 1e-6, 8
"""Relative change below which the iteration ends too where so many iterations in turn did not lessen it: long
stiff steps leave more than `FLOOR`. Integrals of ROBER at h J of 2e8 ended in DIVERGED without it; with it
their gradients agree to 2e-13 with complex steps."""

SMALL = 1e-4
"""Share of the largest entry below which another is solved relative to that."""


@compiled
def multiply_add(n, starts, columns, values, x, scale, target):
    """target += scale * A x, A by compressed rows."""
    first, column, a = integers(starts), integers(columns), doubles(values)
    v, out = doubles(x), doubles(target)
    for i in range(n):
        total = 0.0
        for k in range(first[i], first[i + 1]):
            total += a[k] * v[column[k]]
        out[i] += scale * total


@compiled
def linearise_stages(adjoint, state, formula, y, jacobians):
    """J' at every stage, and the factors for their mean; the solver's code."""
    system, stages, h = state_at(adjoint.system), formula.stages, state.h_old
    c, size = doubles(formula.c), 8 * adjoint.padded
    clear(system.entries, system.jacobian)
    for i in range(stages):
        place = jacobians + 8 * system.entries * i
        if transposed_values(adjoint, state.t_old + c[i] * h, y + size * i, place) != 0:
            return Attempt.CALLBACK.value
        add_scaled(system.entries, 1.0 / stages, place, system.jacobian)
    return factorise_values(adjoint, state, state.u_new, 1.0 / (h * formula.gamma))


@compiled
def residual(adjoint, state, formula, v, jacobians, products, eta):
    """eta_i = wk_i - M' v_i + h sum_j a_ji J_j' v_j."""
    system, stages = state_at(adjoint.system), formula.stages
    padded, size = adjoint.padded, 8 * adjoint.padded
    a = doubles(formula.a)
    clear(padded * stages, products)
    for j in range(stages):
        values = jacobians + 8 * system.entries * j
        multiply_add(
            adjoint.n, system.row_pointers, system.columns, values, v + size * j, 1.0, products + size * j
        )
    copy(padded * stages, adjoint.stages, eta)
    for i in range(stages):
        add_scaled(padded, -1.0, mass_transposed(adjoint, v + size * i), eta + size * i)
    for i in range(stages):
        for j in range(stages):
            add_scaled(padded, state.h_old * a[stages * j + i], products + size * j, eta + size * i)


@compiled
def smoothed(adjoint, rhs, solution):
    """solution = (M' - h gamma J')^-1 rhs; the solver's code."""
    system = state_at(adjoint.system)
    code = call_solve(system.solve, adjoint.system, rhs, solution)
    x = doubles(solution)
    for i in range(adjoint.padded):
        x[i] *= system.shift
    return code


@compiled
def correct(adjoint, formula, i, eta, v):
    """Correct v_i, the change in `solution`; the solver's code."""
    stages, padded, size = formula.stages, adjoint.padded, 8 * adjoint.padded
    blend = doubles(formula.blend)
    clear(padded, adjoint.start)
    for j in range(stages):
        add_scaled(padded, blend[stages * j + i], eta + size * j, adjoint.start)
    zeta, own, rhs = doubles(adjoint.start), doubles(eta + size * i), doubles(adjoint.factor)
    for k in range(padded):
        rhs[k] = own[k] - zeta[k]
    code = smoothed(adjoint, adjoint.factor, adjoint.solution)
    if code != Attempt.FINE:
        return code
    add_scaled(padded, 1.0, mass_transposed(adjoint, adjoint.solution), adjoint.start)
    code = smoothed(adjoint, adjoint.start, adjoint.solution)
    add_scaled(padded, 1.0, adjoint.solution, v + size * i)
    return code


@compiled
def relative_square(adjoint, v):
    """Sum of squares of the change in `solution` over |v|."""
    x, change, largest, total = doubles(v), doubles(adjoint.solution), TINY, 0.0
    for k in range(adjoint.n):
        largest = max(largest, abs(x[k]))
    for k in range(adjoint.n):
        ratio = change[k] / (abs(x[k]) + SMALL * largest)
        total += ratio * ratio
    return total


@compiled
def solve_transposed(adjoint, state, formula, v, jacobians, products, eta):
    """v from the wk in `stages`; FINE, DIVERGED or the solver's code."""
    stages, size = formula.stages, 8 * adjoint.padded
    previous, least, waited = 0.0, math.inf, 0
    copy(adjoint.padded * stages, adjoint.stages, v)
    for iteration in range(MOST_ITERATIONS):
        residual(adjoint, state, formula, v, jacobians, products, eta)
        total = 0.0
        for i in range(stages):
            code = correct(adjoint, formula, i, eta, v)
            if code != Attempt.FINE:
                return code
            total += relative_square(adjoint, v + size * i)
        change = math.sqrt(total / (stages * adjoint.n))
        # not finite: the weights are not, and neither will the gradient be
        if not change > ENOUGH or (change <= FLOOR and iteration > 0 and change > 0.9 * previous):
            return Attempt.FINE.value
        waited = 0 if change < 0.9 * least else waited + 1
        least, previous = min(least, change), change
        if waited >= PATIENCE and least <= ROUNDING:
            return Attempt.FINE.value
    return Attempt.DIVERGED.value


@compiled
def pull_stages(adjoint, state, formula, y):
    """Pull the wk in `stages` back to the start of the step, in `weights`, and to the gradient; FINE or what
    failed. `scratch` holds the states y of the stages first."""
    stages, size = formula.stages, 8 * adjoint.padded
    v = y + size * stages
    products, eta, jacobians = v + size * stages, v + 2 * size * stages, v + 3 * size * stages
    code = linearise_stages(adjoint, state, formula, y, jacobians)
    if code != Attempt.FINE:
        return code
    code = solve_transposed(adjoint, state, formula, v, jacobians, products, eta)
    if code != Attempt.FINE:
        return code
    c, failed = doubles(formula.c), 0
    for i in range(stages):
        t = state.t_old + c[i] * state.h_old
        failed += pull(adjoint, adjoint.product, t, y + size * i, v + size * i, 1.0, adjoint.weights)
    return Attempt.FINE.value if failed == 0 else Attempt.CALLBACK.value
