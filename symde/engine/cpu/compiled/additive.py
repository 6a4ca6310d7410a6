"""One step of an additive Runge-Kutta pair: the stiff part of an equation implicitly, the rest explicitly.

    shift * (y_i - base_i) = f_stiff(t_i, y_i)
    base_i = u + h sum_{j<i} (a_ij k_j + explicit_a_ij g_j),   shift = 1/(h gamma)
    k_i = shift * (y_i - base_i),   g_i = f_nonstiff(t_i, y_i),   u_new = u + h sum_j b_j (k_j + g_j)

The vectors k_1, g_1, k_2, g_2, ... lie in turn, so that one sum takes both. u_new is not the last y, so the
first stage is evaluated at every step, with a Jacobian or without.

Source: C. A. Kennedy, M. H. Carpenter, Additive Runge-Kutta schemes for convection-diffusion-reaction
equations, Applied Numerical Mathematics 44 (2003), equations (3) and (4).
"""

from __future__ import annotations

from symde.engine.cpu.compiled.implicit_stages import SLOW, begin_stage, solve_stages, stage_derivative
from symde.engine.cpu.compiled.kernels import evaluate_part
from symde.engine.cpu.compiled.linearise import linearise
from symde.engine.cpu.compiled.pointers import compiled, doubles, slot_at, state_at, structure_at
from symde.engine.cpu.compiled.vectors import advance_compensated, copy, weighted_sum, weighted_sums
from symde.engine.cpu.families.additive import AdditiveContext, AdditiveData
from symde.engine.cpu.layout import Attempt, Stage0

additive_data_at = structure_at(AdditiveData)
context_at = structure_at(AdditiveContext)


@compiled
def first_stage(state, context):
    """Both parts at (t, u), with the stiff part's Jacobian where the last iterations were slow."""
    if state.stage0 == Stage0.VALID and (state.jacobian_fresh or not state.restarted):
        return 0
    first, second = state.stages, state.stages + 8 * state.padded
    if state.restarted or not state.jacobian_known or state.measured_rate > SLOW:
        if linearise(state, state.rhs_jacobian) != 0:
            return 1
        copy(state.padded, state.f0, first)
    elif evaluate_part(state, context.stiff, state.t, state.u, first) != 0:
        return 1
    state.stage0 = Stage0.VALID
    return evaluate_part(state, context.nonstiff, state.t, state.u, second)


@compiled
def stage(state, address, method, context, i, shift):
    """Solve for y_i in u_new, set k_i and g_i."""
    t, place = state.t + doubles(method.c)[i] * state.h, state.stages + 16 * state.padded * i
    begin_stage(state, method, 16 * method.stages * i, 2 * i)
    code = stage_derivative(state, address, context.stiff, t, shift, place)
    if code != Attempt.FINE:
        return code
    if evaluate_part(state, context.nonstiff, t, state.u_new, place + 8 * state.padded) != 0:
        return Attempt.CALLBACK.value
    return Attempt.FINE.value


def attempt(address):
    """Try a step of size h from (t, u): fills u_new, increment, error and the stages."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method, context = additive_data_at(slot.data), context_at(slot.context)
    if first_stage(state, context) != 0:
        return Attempt.CALLBACK
    code = solve_stages(state, address, method, stage, context)
    if code != Attempt.FINE:
        return code
    count = 2 * method.stages
    weighted_sum(state.padded, state.h, method.b, count, state.stages, state.increment)
    weighted_sum(state.padded, state.h, method.error, count, state.stages, state.error)
    advance_compensated(state)
    return Attempt.FINE


def interpolate(address):
    """Coefficients of theta**0..degree over the last accepted step, from its stages."""
    state = state_at(address)
    method = additive_data_at(slot_at(state, state.active).data)
    padded, h, first = state.padded, state.h_old, state.coefficients + 8 * state.padded
    copy(padded, state.u_new, state.coefficients)
    weighted_sums(padded, h, method.interpolant, method.degree, 2 * method.stages, state.stages, first)
    return Attempt.FINE


ENTRIES = {"attempt": attempt, "interpolate": interpolate}
