"""One step of a singly diagonally implicit Runge-Kutta method with an explicit first stage.

    k_1 = f(t, u), the last k of the step before
    shift * (y_i - base_i) = f(t + c_i h, y_i),   base_i = u + h sum_{j<i} a_ij k_j,   shift = 1/(h gamma)
    k_i = shift * (y_i - base_i),   u_new = y_s

k_i is taken from y_i and not from f: where the equation is stiff, f would multiply what the iteration has
left of the error by the largest eigenvalue.

The iteration of a stage begins where the stages before lead to (`EsdirkTableau.predictor`), that of the
second stage, which has but one before it, by the slope of k in the last step. At error 1e-6 of seven stiff
problems, predictors of one order less cost up to 15 in a hundred more iterations, no slope 2 to 7.

The estimate of the error is not filtered by W^-1. It was measured with a filter: HIRES at error 1e-6 then
takes KenCarp4 561 steps instead of 178, and van der Pol's equation 1679 instead of 597, since what is
filtered out is an error that the solution has.

Source: C. A. Kennedy, M. H. Carpenter, Additive Runge-Kutta schemes for convection-diffusion-reaction
equations, Applied Numerical Mathematics 44 (2003), section 3; M. E. Hosea, L. F. Shampine, Analysis and
implementation of TR-BDF2, Applied Numerical Mathematics 20 (1996), section 4, for k_i from y_i.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.linearise import linearise
from symde.engine.cpu.compiled.newton import factorise, renew_matrix, solve_stage, solves_well
from symde.engine.cpu.compiled.pointers import compiled, doubles, slot_at, state_at, structure_at
from symde.engine.cpu.compiled.vectors import (
    advance_compensated,
    clear,
    combine,
    copy,
    weighted_sum,
)
from symde.engine.cpu.families.esdirk import EsdirkData
from symde.engine.cpu.layout import Attempt, Stage0

esdirk_data_at = structure_at(EsdirkData)

TOLERANCE = 0.1
"""What an iteration may leave, in units of the tolerance. A tenth of this costs 15 to 20 in a hundred more
iterations at equal error; three times this fails on E5 at loose tolerances."""

SLOW = 0.01
"""Rate of convergence beyond which a new step begins with a new Jacobian. At 0 (a new one every step) as at
0.03 the work on seven stiff problems is the same within 3 in a hundred, and Jacobians by differences are
dear."""


@compiled
def first_stage(state, method, memory):
    """k_1 and the slope of k as the step before left them; evaluated, and unknown, after a restart."""
    padded, last = state.padded, state.stages + 8 * state.padded * (method.stages - 1)
    if state.stage0 == Stage0.STALE:
        clear(padded, memory)
        code = linearise(state, state.rhs_jacobian)
        copy(padded, state.f0, state.stages)
        return code
    if state.stage0 == Stage0.LAST:
        weighted_sum(padded, 1.0 / state.h_old, method.slope, method.stages, state.stages, memory)
        copy(padded, last, state.stages)
    state.stage0 = Stage0.VALID
    return 0


@compiled
def begin_matrix(state, address, shift):
    """W for this very shift, as all stages share it; with a new J where the last iterations were slow."""
    known = state.jacobian_known and not state.restarted
    if known and (state.jacobian_fresh or state.measured_rate <= SLOW):
        return Attempt.FINE.value if shift == state.factored_shift else factorise(state, address, shift)
    return renew_and_trust(state, address, shift)


@compiled
def renew_and_trust(state, address, shift):
    """A new J, which is expected to do no worse than the last did."""
    contraction = state.contraction
    code = renew_matrix(state, address, state.rhs_jacobian, shift)
    if 0.0 < contraction < 1.0 and not state.restarted:
        state.contraction = contraction
    return code


@compiled
def stage(state, address, method, memory, i, shift):
    """Solve for y_i in u_new and set k_i."""
    padded, h, row = state.padded, state.h, 8 * method.stages * i
    c = doubles(method.c)[i]
    combine(padded, state.u, h, method.a + row, i, state.stages, state.stage)
    combine(padded, state.u, h, method.guess + row, i, state.stages, state.u_new)
    y, base, k = doubles(state.u_new), doubles(state.stage), doubles(state.stages + 8 * padded * i)
    if i == 1:
        slope, weight = doubles(memory), c * h / shift
        for j in range(padded):
            y[j] += weight * slope[j]
    code = solve_stage(state, address, state.rhs, state.t + c * h, state.stage, shift, state.u_new, TOLERANCE)
    for j in range(padded):
        k[j] = shift * (y[j] - base[j])
    return code


@compiled
def better_matrix(state, address, shift, code):
    """After an iteration that failed: FINE where there is a better matrix to try, else the failure."""
    if code == Attempt.CALLBACK:
        return code
    if not state.jacobian_fresh:
        return renew_matrix(state, address, state.rhs_jacobian, shift)
    if not (state.careful or solves_well(state, address)):
        state.careful = 1
        return Attempt.FINE.value
    return code


@compiled
def solve_stages(state, address, method, memory, shift):
    """All implicit stages, one after another."""
    i = 1
    while i < method.stages:
        code = stage(state, address, method, memory, i, shift)
        if code == Attempt.FINE:
            i += 1
        else:
            code = better_matrix(state, address, shift, code)
            if code != Attempt.FINE:
                return code
    return Attempt.FINE.value


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
    if first_stage(state, method, slot.memory) != 0:
        return Attempt.CALLBACK
    shift = 1.0 / (state.h * method.gamma)
    state.careful = 0
    code = begin_matrix(state, address, shift)
    if code == Attempt.FINE:
        code = solve_stages(state, address, method, slot.memory, shift)
    if code != Attempt.FINE:
        return code
    finish(state)
    weighted_sum(state.padded, state.h, method.error, method.stages, state.stages, state.error)
    return Attempt.FINE


def interpolate(address):
    """Coefficients of theta**0..degree over the last accepted step, from its stages."""
    state = state_at(address)
    method = esdirk_data_at(slot_at(state, state.active).data)
    stages, padded = method.stages, state.padded
    copy(padded, state.u_new, state.coefficients)
    for m in range(method.degree):
        target = state.coefficients + 8 * padded * (m + 1)
        weighted_sum(padded, state.h_old, method.interpolant + 8 * stages * m, stages, state.stages, target)
    return Attempt.FINE


ENTRIES = {"attempt": attempt, "interpolate": interpolate}
