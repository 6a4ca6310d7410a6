"""One step of a Rosenbrock method, read from its coefficients.

The form without products of J and stages:

    (M/(h gamma) - J) U_i = f(t + alpha_i h, u + sum_j a_ij U_j) + M sum_j (c_ij / h) U_j + h d_i f_t
    u_new = u + sum_j m_j U_j

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.7, equation (7.25), and
VI.4, (4.1) to (4.4), for M.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.kernels import evaluate, whole_step
from symde.engine.cpu.compiled.linearise import linearise
from symde.engine.cpu.compiled.mass import multiply_by_mass
from symde.engine.cpu.compiled.pointers import (
    call_solve,
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
    two_weighted_sums,
    weighted_sum,
    weighted_sums,
)
from symde.engine.cpu.families.rosenbrock import RosenbrockData
from symde.engine.cpu.layout import Attempt

rosenbrock_data_at = structure_at(RosenbrockData)


@compiled
def stage_argument(state):
    """stage = u + stage."""
    u, stage = doubles(state.u), doubles(state.stage)
    for i in range(state.padded):
        stage[i] = u[i] + stage[i]


@compiled
def add_right_hand_side(state, f, weight, inverse_h, m):
    """system_rhs = f + system_rhs / h + weight * f_t, and m times that on top of combined_rhs."""
    x, f_t, rhs = doubles(f), doubles(state.time_gradient), doubles(state.system_rhs)
    combined = doubles(state.combined_rhs)
    for i in range(state.padded):
        value = x[i] + inverse_h * rhs[i] + weight * f_t[i]
        rhs[i] = value
        combined[i] += m * value


@compiled
def stage_system(state, method, i):
    """The argument and the right side of the linear system of stage i; returns the kernel's code."""
    padded, stages, h = state.padded, method.stages, state.h
    row = 8 * stages * i
    # the sums of a and of c share one pass over the earlier stages
    two_weighted_sums(padded, method.a + row, method.c + row, i, state.stages, state.stage, state.system_rhs)
    if state.mass != 0:
        multiply_by_mass(state, state.system_rhs)
    f, code = state.f0, 0
    if i > 0:
        stage_argument(state)
        f = state.stage_f
        code = evaluate(state, state.t + doubles(method.alpha)[i] * h, state.stage, f)
    add_right_hand_side(state, f, h * doubles(method.d)[i], 1.0 / h, doubles(method.m)[i])
    return code


@compiled
def solve_stages(state, method, address):
    """All stages and their weighted sum, the increment; INACCURATE where one of the linear solves was."""
    stages, padded = method.stages, state.padded
    clear(padded, state.combined_rhs)
    for i in range(stages):
        if stage_system(state, method, i) != 0:
            return Attempt.CALLBACK.value
        checked = i == 0 or state.careful
        solver = state.solve if checked else state.substitute
        code = call_solve(solver, address, state.system_rhs, state.stages + 8 * padded * i)
        if code != Attempt.FINE:
            return code
    weighted_sum(padded, 1.0, method.m, stages, state.stages, state.increment)
    if state.careful:
        return Attempt.FINE.value
    return call_solve(state.accept, address, state.combined_rhs, state.increment)


@compiled
def generated_step(state, kernel, stages):
    """The whole step by the model's own kernel; not 0 where its linear solves fail their test."""
    state.evaluations += stages
    state.jacobians += 1
    state.factorisations += 1
    state.solves += stages
    return whole_step(state, kernel, state.stages)


def attempt(address):
    """Try a step of size h from (t, u): fills u_new, increment, error and the stages."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method = rosenbrock_data_at(slot.data)
    stages, padded = method.stages, state.padded
    if slot.step != 0 and generated_step(state, slot.step, stages) == 0:
        advance_compensated(state)
        return Attempt.FINE
    if linearise(state, state.rhs_jacobian) != 0:
        return Attempt.CALLBACK
    state.shift = 1.0 / (state.h * method.gamma)
    code = call_step(state.factor, address)
    if code != Attempt.FINE:
        return code
    state.careful = 0
    code = solve_stages(state, method, address)
    if code == Attempt.INACCURATE:
        state.careful = 1
        code = solve_stages(state, method, address)
    if code != Attempt.FINE:
        return code
    advance_compensated(state)
    weighted_sum(padded, 1.0, method.error, stages, state.stages, state.error)
    return Attempt.FINE


def interpolate(address):
    """Coefficients of theta**0..degree over the last accepted step, from its stages."""
    state = state_at(address)
    method = rosenbrock_data_at(slot_at(state, state.active).data)
    padded, first = state.padded, state.coefficients + 8 * state.padded
    copy(padded, state.u_new, state.coefficients)
    weighted_sums(padded, 1.0, method.interpolant, method.degree, method.stages, state.stages, first)
    return Attempt.FINE


ENTRIES = {"attempt": attempt, "interpolate": interpolate}
