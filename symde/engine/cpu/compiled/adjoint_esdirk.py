"""The adjoint of one step of a singly diagonally implicit method, exact for stages that are solved exactly.

With M k_1 = f(t, u), shift M (y_i - base_i) = f(t_i, y_i), base_i = u + h sum_{j<i} a_ij k_j,
k_i = shift (y_i - base_i), u_new = y_s, wy_i and wk_i the derivatives of a number by y_i and k_i, backwards
over the stages:

    z = (shift M' - J(t_i, y_i)')^-1 (wy_i + shift wk_i),    wbase_i = wy_i + J(t_i, y_i)' z
    wk_j += h a_ij wbase_i,    w_old += wbase_i

wbase_i is shift (M' z - wk_i) too, but where the equation is stiff that is the difference of large numbers.
Where M has empty rows, k_1 solves A k_1 = (f, f_t) with M's rows and, where these are empty, those of -J
(`consistent`): with y = A^-T wk_1, its entries for the former rows pull back f, the others J k_1 + f_t.

Source: W. W. Hager, Runge-Kutta methods in optimal control and the transformed adjoint system, Numer. Math.
87 (2000), with the stages' equations differentiated as they stand.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.adjoint_tools import (
    add_scaled,
    adjoint_at,
    factorise_transposed,
    factorise_values,
    pull,
    transposed_values,
)
from symde.engine.cpu.compiled.esdirk import esdirk_data_at, interpolant_of
from symde.engine.cpu.compiled.pointers import call_solve, compiled, doubles, integers, slot_at, state_at
from symde.engine.cpu.compiled.vectors import clear, combine, copy
from symde.engine.cpu.layout import Attempt


@compiled
def pull_interpolant(adjoint, state, method):
    """From the interpolant's coefficients to the stages."""
    padded, stages, weights = adjoint.padded, method.stages, doubles(interpolant_of(state, method))
    for q in range(method.degree):
        source = adjoint.coefficients + 8 * padded * (q + 1)
        for i in range(stages):
            weight = state.h_old * weights[stages * q + i]
            add_scaled(padded, weight, source, adjoint.stages + 8 * padded * i)


@compiled
def pull_stage(adjoint, state, method, i, shift):
    """From wy_i in `factor` and wk_i to wbase_i in `factor`; FINE or what failed."""
    padded, h, row = adjoint.padded, state.h_old, method.a + 8 * method.stages * i
    t = state.t_old + doubles(method.c)[i] * h
    combine(padded, state.u_new, h, row, i + 1, state.stages, state.stage)
    code = factorise_transposed(adjoint, state, t, state.stage, shift)
    if code != Attempt.FINE:
        return code
    own = adjoint.stages + 8 * padded * i
    w, k = doubles(adjoint.factor), doubles(own)
    for j in range(padded):
        k[j] = w[j] + shift * k[j]
    code = call_solve(state_at(adjoint.system).solve, adjoint.system, own, adjoint.solution)
    if code != Attempt.FINE:
        return code
    if pull(adjoint, adjoint.product, t, state.stage, adjoint.solution, 1.0, adjoint.factor) != 0:
        return Attempt.CALLBACK.value
    return Attempt.FINE.value


@compiled
def pull_first_slope(adjoint, state):
    """From wk_1, first of `stages`, to the start of the step; FINE or what failed."""
    system, marks = state_at(adjoint.system), integers(adjoint.differential)
    t, u = state.t_old, state.u_new
    if transposed_values(adjoint, t, u, system.jacobian) != 0:
        return Attempt.CALLBACK.value
    values, columns = doubles(system.jacobian), integers(system.columns)
    for k in range(system.entries):
        if marks[columns[k]] != 0:
            values[k] = 0.0
    code = factorise_values(adjoint, state, u, 1.0)
    if code != Attempt.FINE:
        return code
    code = call_solve(system.solve, adjoint.system, adjoint.stages, adjoint.solution)
    if code != Attempt.FINE:
        return code
    y, own, others = doubles(adjoint.solution), doubles(adjoint.factor), doubles(adjoint.mass_work)
    for i in range(adjoint.n):
        own[i] = y[i] if marks[i] != 0 else 0.0
        others[i] = y[i] - own[i]
    failed = pull(adjoint, adjoint.product, t, u, adjoint.factor, 1.0, adjoint.weights)
    integers(adjoint.inputs)[6] = state.stages
    failed += pull(adjoint, adjoint.curvature, t, u, adjoint.mass_work, 1.0, adjoint.weights)
    if adjoint.time != 0:
        failed += pull(adjoint, adjoint.time, t, u, adjoint.mass_work, 1.0, adjoint.weights)
    return Attempt.FINE.value if failed == 0 else Attempt.CALLBACK.value


def adjoint(address):
    """Pull the weights back over the step that was just done again."""
    pulled = adjoint_at(address)
    state = state_at(pulled.state)
    method = esdirk_data_at(slot_at(state, state.active).data)
    padded, stages, h = pulled.padded, method.stages, state.h_old
    a, shift = doubles(method.a), 1.0 / (h * method.gamma)
    clear(padded * stages, pulled.stages)
    copy(padded, pulled.weights, pulled.factor)
    clear(padded, pulled.weights)
    if pulled.interpolated:
        pull_interpolant(pulled, state, method)
        copy(padded, pulled.coefficients, pulled.weights)
    for i in range(stages - 1, 0, -1):
        code = pull_stage(pulled, state, method, i, shift)
        if code != Attempt.FINE:
            return code
        add_scaled(padded, 1.0, pulled.factor, pulled.weights)
        for j in range(i):
            add_scaled(padded, h * a[stages * i + j], pulled.factor, pulled.stages + 8 * padded * j)
        clear(padded, pulled.factor)
    if pulled.mass != 0:
        return pull_first_slope(pulled, state)
    if pull(pulled, pulled.product, state.t_old, state.u_new, pulled.stages, 1.0, pulled.weights) != 0:
        return Attempt.CALLBACK.value
    return Attempt.FINE.value


ENTRIES = {"adjoint": adjoint}
