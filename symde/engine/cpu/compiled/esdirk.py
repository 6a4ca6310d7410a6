"""One step of a singly diagonally implicit Runge-Kutta method with an explicit first stage.

    M k_1 = f(t, u), the last k of the step before
    shift * M (y_i - base_i) = f(t + c_i h, y_i),   base_i = u + h sum_{j<i} a_ij k_j,   shift = 1/(h gamma)
    k_i = shift * (y_i - base_i),   u_new = y_s

The iteration of a stage begins where the stages before lead to (`EsdirkTableau.predictor`), that of the
second stage, which has but one before it, by the slope of k in the last step. At error 1e-6 of seven stiff
problems, predictors of one order less cost up to 15 in a hundred more iterations, no slope 2 to 7.

The estimate of the error is not filtered by W^-1. It was measured with a filter: HIRES at error 1e-6 then
takes KenCarp4 561 steps instead of 178, and van der Pol's equation 1679 instead of 597, since what is
filtered out is an error that the solution has. With a mass matrix that is singular the estimate of algebraic
variables is what the constraints make of that of the others.

Source: C. A. Kennedy, M. H. Carpenter, Additive Runge-Kutta schemes for convection-diffusion-reaction
equations, Applied Numerical Mathematics 44 (2003), section 3.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.implicit_stages import begin_stage, solve_stages, stage_derivative
from symde.engine.cpu.compiled.kernels import begins_anew
from symde.engine.cpu.compiled.linearise import linearise
from symde.engine.cpu.compiled.mass import keep_to_constraints
from symde.engine.cpu.compiled.pointers import (
    call_step,
    compiled,
    doubles,
    slot_at,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.vectors import (
    advance_compensated,
    clear,
    copy,
    weighted_sum,
    weighted_sums,
)
from symde.engine.cpu.families.esdirk import EsdirkData
from symde.engine.cpu.layout import Attempt, Stage0

esdirk_data_at = structure_at(EsdirkData)


@compiled
def first_slope(state, address):
    """k_1 where M does not give it alone; what it was made with is no W."""
    code = call_step(state.slope_of_start, address)
    copy(state.padded, state.slope, state.stages)
    state.stage0 = Stage0.VALID
    return code


@compiled
def first_stage(state, address, method, memory):
    """k_1 and the slope of k as the step before left them; evaluated, and unknown, after a restart."""
    padded, last = state.padded, state.stages + 8 * state.padded * (method.stages - 1)
    if state.stage0 == Stage0.STALE or begins_anew(state):
        clear(padded, memory)
        if state.mass != 0:
            return first_slope(state, address)
        code = linearise(state, state.rhs_jacobian)
        copy(padded, state.f0, state.stages)
        return code
    if state.stage0 == Stage0.LAST:
        weighted_sum(padded, 1.0 / state.h_old, method.slope, method.stages, state.stages, memory)
        copy(padded, last, state.stages)
    state.stage0 = Stage0.VALID
    return 0


@compiled
def stage(state, address, method, memory, i, shift):
    """Solve for y_i in u_new and set k_i."""
    padded, h = state.padded, state.h
    c = doubles(method.c)[i]
    begin_stage(state, method, 8 * method.stages * i, i)
    if i == 1:
        y, slope, weight = doubles(state.u_new), doubles(memory), c * h / shift
        for j in range(padded):
            y[j] += weight * slope[j]
    return stage_derivative(state, address, state.rhs, state.t + c * h, shift, state.stages + 8 * padded * i)


@compiled
def finish(state):
    """The last stage is the step."""
    u, y, increment = doubles(state.u), doubles(state.u_new), doubles(state.increment)
    for j in range(state.padded):
        increment[j] = y[j] - u[j]
    advance_compensated(state)


def attempt(address):
    """Try a step of size h from (t, u): fills u_new, increment, error and the stages."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method = esdirk_data_at(slot.data)
    code = first_stage(state, address, method, slot.memory)
    if code != Attempt.FINE:
        return code
    code = solve_stages(state, address, method, stage, slot.memory)
    if code != Attempt.FINE:
        return code
    finish(state)
    weighted_sum(state.padded, state.h, method.error, method.stages, state.stages, state.error)
    if state.mass != 0 and state.constraints != 0:
        return keep_to_constraints(state, address, state.error)
    return Attempt.FINE


@compiled
def interpolant_of(state, method):
    """The weights of the interpolant: where there are algebraic variables those that suit them, for all, so
    that linear constraints hold between steps as at their ends."""
    algebraic = state.mass != 0 and state.constraints != 0
    return method.algebraic if algebraic else method.interpolant


def interpolate(address):
    """Coefficients of theta**0..degree over the last accepted step, from its stages."""
    state = state_at(address)
    method = esdirk_data_at(slot_at(state, state.active).data)
    padded, h, first = state.padded, state.h_old, state.coefficients + 8 * state.padded
    copy(padded, state.u_new, state.coefficients)
    weights = interpolant_of(state, method)
    weighted_sums(padded, h, weights, method.degree, method.stages, state.stages, first)
    return Attempt.FINE


ENTRIES = {"attempt": attempt, "interpolate": interpolate}
