"""One step of a backward differentiation formula on the points where the past was computed.

The past is a polynomial p of degree k through the last k + 1 points, kept as modified divided differences

    phi_j = psi_1 ... psi_j y[t_n, ..., t_(n-j)],        psi_i = t_n - t_(n-i),

which are backward differences where steps are equal. A step of size h to t solves, for the correction d,

    h f(t, p(t) + d) = M (h p'(t) + (1 - kappa_k) (1 + 1/2 + ... + 1/k) d)

so the factor of d depends on the order only: the leading coefficient is fixed, and with it the matrix while h
is. d is the next difference, and the error estimate a multiple of it. A change of step costs nothing, since
the differences belong to the points.

What is left of Newton's error goes into all differences, so it is kept far below the tolerance of the step:
at a tenth of the error test, as is usual, twelve stiff problems take two thirds more steps for an error of
1e-6 at the end, and a quarter more evaluations.

Sources: K. R. Jackson, R. Sacks-Davis, An alternative implementation of variable step-size multistep formulas
for stiff ODEs, ACM TOMS 6 (1980) 295-318, for the fixed leading coefficient; K. E. Brenan, S. L. Campbell,
L. R. Petzold, Numerical Solution of Initial-Value Problems in Differential-Algebraic Equations (1996), 5.2,
for the differences and the error; L. F. Shampine, M. W. Reichelt, The MATLAB ODE suite, SIAM J. Sci. Comput.
18 (1997) 1-22, 2.1, for kappa; A. C. Hindmarsh et al., SUNDIALS, ACM TOMS 31 (2005), 2.1, for the correction
of a matrix with another shift.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.bdf_order import after_acceptance, after_rejection
from symde.engine.cpu.compiled.bdf_past import (
    bdf_data_at,
    bdf_memory_at,
    begin_past,
    interpolant_weights,
    measure_mesh,
)
from symde.engine.cpu.compiled.control import largest_norm
from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.mass import multiply_by_mass
from symde.engine.cpu.compiled.newton import factorise, renew_matrix
from symde.engine.cpu.compiled.pointers import call_solve, call_step, compiled, doubles, slot_at, state_at
from symde.engine.cpu.compiled.vectors import advance_compensated, copy, two_weighted_sums, weighted_sums
from symde.engine.cpu.layout import TINY, Attempt

TOLERANCE = 0.012
"""What Newton's iteration may leave of the error of a step, in units of the error test."""

TIGHT_TOLERANCE = 1e-3
"""The same with a mass matrix, where no rate of convergence from before is believed either: what is left in
algebraic variables goes into the differences as noise that no step is short enough for. With the former the
transistor amplifier takes QNDF 9400 steps at rtol 1e-6, with this 4700."""

ROUNDING = 0.3
"""Corrections, in units of the tolerance, that no longer shrink and are taken for rounding of equations that
determine algebraic variables badly. That they are no slow convergence `settled` sees to. A bridge rectifier
whose capacitor carries 10 mA beside conductances of 1e-9 S has 0.3 nV of rounding in its states: with 0.03
QNDF ends below the smallest step at rtol 1e-6, atol 1e-9, and takes 1684 steps at 1e-5 in place of 1147."""

MOST_ITERATIONS = 4
"""Iterations after which a step is given up."""

DRIFT = 0.4
"""Relative change of the shift from which the matrix is factorised again."""

AGED = 0.5
"""What a rate of convergence counts for when the next step shows a better one."""

UNKNOWN_RATE = 0.5
"""Rate of convergence that a matrix is credited with before it has shown one."""


@compiled
def predict(state, memory):
    """p(t) - u and p'(t); the first iterate."""
    step, slope = state.stages, state.stages + 8 * state.padded
    first, second = memory.value + 8, memory.slope + 8
    two_weighted_sums(state.padded, first, second, memory.order, memory.differences, step, slope)
    begin_iteration(state)


@compiled
def begin_iteration(state):
    """The prediction as the first iterate."""
    u, y, step = doubles(state.u), doubles(state.stage), doubles(state.stages)
    d = doubles(state.stages + 16 * state.padded)
    for i in range(state.padded):
        y[i] = u[i] + step[i]
        d[i] = 0.0


@compiled
def take_residual(state, shift):
    """system_rhs = f - M (p' + shift * d)."""
    f, out = doubles(state.stage_f), doubles(state.system_rhs)
    slope, d = doubles(state.stages + 8 * state.padded), doubles(state.stages + 16 * state.padded)
    if state.mass != 0:
        for i in range(state.padded):
            out[i] = slope[i] + shift * d[i]
        multiply_by_mass(state, state.system_rhs)
        for i in range(state.padded):
            out[i] = f[i] - out[i]
        return
    for i in range(state.padded):
        out[i] = f[i] - slope[i] - shift * d[i]


@compiled
def scaled_square(change, u, atol, rtol, i):
    """(change / (atol + rtol*|u|))^2 of one component."""
    ratio = change / (atol[i] + rtol * abs(u[i]) + TINY)
    return ratio * ratio


@compiled
def apply_correction(state, scale):
    """Add a multiple of the correction to d and y; its scaled norm, of the block where it is largest.

    Four lanes, all read before any is written, so that they share registers; padding adds nothing.
    """
    u, y, step, atol = doubles(state.u), doubles(state.stage), doubles(state.stages), doubles(state.atol)
    d, correction = doubles(state.stages + 16 * state.padded), doubles(state.correction)
    rtol = state.rtol
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    for i in range(0, state.padded, 4):
        c0, c1 = scale * correction[i], scale * correction[i + 1]
        c2, c3 = scale * correction[i + 2], scale * correction[i + 3]
        s0 += scaled_square(c0, u, atol, rtol, i)
        s1 += scaled_square(c1, u, atol, rtol, i + 1)
        s2 += scaled_square(c2, u, atol, rtol, i + 2)
        s3 += scaled_square(c3, u, atol, rtol, i + 3)
        d0, d1, d2, d3 = d[i] + c0, d[i + 1] + c1, d[i + 2] + c2, d[i + 3] + c3
        y0, y1 = u[i] + step[i] + d0, u[i + 1] + step[i + 1] + d1
        y2, y3 = u[i + 2] + step[i + 2] + d2, u[i + 3] + step[i + 3] + d3
        d[i], d[i + 1], d[i + 2], d[i + 3] = d0, d1, d2, d3
        y[i], y[i + 1], y[i + 2], y[i + 3] = y0, y1, y2, y3
    if state.n_blocks > 1:
        return abs(scale) * math.sqrt(largest_norm(state, state.correction, state.u))
    return math.sqrt(((s0 + s1) + (s2 + s3)) / state.n)


@compiled
def solve_for_correction(state, memory, address):
    """The linear system, by a checked solution where the factors are new: a bad one is pivoted there."""
    if memory.untested:
        memory.untested = 0
        return call_solve(state.solve, address, state.system_rhs, state.correction)
    return call_solve(state.substitute, address, state.system_rhs, state.correction)


@compiled
def expected_rate(state, previous, size):
    """Rate of convergence: the one just seen, or in the first iteration the one known from before."""
    if previous == 0.0:
        return state.contraction if state.mass == 0 else UNKNOWN_RATE
    rate = size / previous
    state.contraction = max(AGED * state.contraction, rate)
    return rate


@compiled
def iterate(state, memory, address, shift):
    """Newton's iteration for d; FINE, DIVERGED, NON_FINITE or a failure of the kernel or the solver."""
    # too large by as much where J = 0 as it is too small where J dominates
    scale = 2.0 / (1.0 + shift / state.factored_shift)
    tolerance, previous = (TOLERANCE if state.mass == 0 else TIGHT_TOLERANCE) / memory.weight, 0.0
    for left in range(MOST_ITERATIONS - 1, -1, -1):
        if evaluate(state, state.t_new, state.stage, state.stage_f) != 0:
            return Attempt.CALLBACK.value
        take_residual(state, shift)
        code = solve_for_correction(state, memory, address)
        if code != Attempt.FINE:
            return code
        state.iterations += 1
        size = apply_correction(state, scale)
        if not size < math.inf:
            return Attempt.NON_FINITE.value
        rate = expected_rate(state, previous, size)
        if size == 0.0 or rate < 1.0 and rate * size <= tolerance * (1.0 - rate):
            return Attempt.FINE.value
        if previous > 0.0 and (rate >= 0.9 or rate**left * size > tolerance * (1.0 - rate)):
            rounding = state.settle != 0 and size <= ROUNDING
            return Attempt.FINE.value if rounding else Attempt.DIVERGED.value
        previous = size
    return Attempt.DIVERGED.value


@compiled
def renew(state, memory, address, shift):
    """A new Jacobian, and factors for this shift."""
    memory.untested = 1
    code = renew_matrix(state, address, state.rhs_jacobian, shift)
    state.contraction = UNKNOWN_RATE
    return code


@compiled
def ready_matrix(state, memory, address, shift):
    """A matrix good enough for this shift."""
    if not state.jacobian_known:
        return renew(state, memory, address, shift)
    if state.factored_shift == 0.0 or abs(shift / state.factored_shift - 1.0) > DRIFT:
        memory.untested = 1
        state.contraction = max(state.contraction, UNKNOWN_RATE)
        return factorise(state, address, shift)
    return Attempt.FINE.value


@compiled
def solve_step(state, memory, address, shift):
    """d by Newton's iteration; again with a new Jacobian where the old one fails."""
    code = ready_matrix(state, memory, address, shift)
    if code != Attempt.FINE:
        return code
    code = iterate(state, memory, address, shift)
    failed = code == Attempt.DIVERGED or code == Attempt.NON_FINITE
    if not failed or (state.jacobian_fresh and state.factored_shift == shift):
        return code
    code = renew(state, memory, address, shift)
    if code != Attempt.FINE:
        return code
    begin_iteration(state)
    return iterate(state, memory, address, shift)


@compiled
def finish(state, memory):
    """The increment, the error estimate and the new state from the correction."""
    step, d = doubles(state.stages), doubles(state.stages + 16 * state.padded)
    increment, error, weight = doubles(state.increment), doubles(state.error), memory.weight
    for i in range(state.padded):
        increment[i] = step[i] + d[i]
        error[i] = weight * d[i]
    advance_compensated(state)


def attempt(address):
    """Try a step of size h from (t, u): fills u_new, increment and error."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method, memory = bdf_data_at(slot.data), bdf_memory_at(slot.memory)
    if state.restarted:
        if state.mass != 0:
            code = call_step(state.slope_of_start, address)
            if code != Attempt.FINE:
                return code
        code = renew(state, memory, address, doubles(method.leading)[1] / state.h)
        if code != Attempt.FINE:
            return code
        begin_past(state, memory, slot.memory, state.f0 if state.mass == 0 else state.slope)
    measure_mesh(state, memory, method)
    predict(state, memory)
    code = solve_step(state, memory, address, doubles(method.leading)[memory.order] / state.h)
    if code != Attempt.FINE:
        return code
    finish(state, memory)
    return Attempt.FINE


@compiled
def take_move(state):
    """The correction that leads to the state that a projection has moved."""
    step, d = doubles(state.stages), doubles(state.stages + 16 * state.padded)
    increment = doubles(state.increment)
    for i in range(state.padded):
        d[i] = increment[i] - step[i]


def control(address):
    """The next step and order."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method, memory = bdf_data_at(slot.data), bdf_memory_at(slot.memory)
    if state.mean_square <= 1.0:
        if state.moved:  # the new point of the past is the projected one, and so is what goes through it
            take_move(state)
            state.moved = 0
        after_acceptance(state, memory, method)
    else:
        after_rejection(state, memory, method)
    return 0


def interpolate(address):
    """Coefficients of theta**0..max_order over the last accepted step: p through its end and k points
    before."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method, memory = bdf_data_at(slot.data), bdf_memory_at(slot.memory)
    padded, first = state.padded, state.coefficients + 8 * state.padded
    interpolant_weights(memory, state.h_old)
    copy(padded, state.u_new, state.coefficients)
    weighted_sums(padded, 1.0, memory.interpolant, method.max_order, memory.taken, memory.differences, first)
    return Attempt.FINE


ENTRIES = {"attempt": attempt, "interpolate": interpolate, "control": control}
