"""One step of a collocation method, its stages solved to rounding by the blended iteration.

What is solved for are the derivatives k_i at the stages. With the residuals eta and theta = (I - h gamma
J)^-1, one matrix for all stages,

    change = theta (zeta + theta (eta - zeta)),   zeta = gamma a^-1 eta

which is Newton's correction both where hJ is small and where it is large, and converges linearly with a
factor below 0.3 in between.

Source: L. Brugnano, C. Magherini, Blended implementation of block implicit methods for ODEs, Applied
Numerical Mathematics 42 (2002) 29-45; E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration
(2006), VIII.6, for starting values and for iterating until rounding stops it.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.control import larger
from symde.engine.cpu.compiled.hermite import first_order_interpolant
from symde.engine.cpu.compiled.kernels import begins_anew, evaluate
from symde.engine.cpu.compiled.newton import ready_matrix
from symde.engine.cpu.compiled.pointers import (
    call_solve,
    compiled,
    doubles,
    integers,
    slot_at,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.vectors import advance_compensated, copy, weighted_sum, weighted_sums
from symde.engine.cpu.families.gauss import GaussData
from symde.engine.cpu.layout import TINY, Attempt

gauss_data_at = structure_at(GaussData)

MOST_ITERATIONS = 50
"""Iterations after which a step is given up."""

ENOUGH = 1e-16
"""Relative change of the state by all further iterations below which they cannot be seen."""

FLOOR = 1e-9
"""Relative change below which an iteration that no longer contracts has met rounding."""

SMALL = 1e-3
"""Share of the largest state below which another is solved relative to that."""

SLOW = 0.1
"""Contraction beyond which the next step begins with a new Jacobian."""


@compiled
def starting_values(state, method, derivatives, others):
    """Derivatives at the stages by the last step's polynomial; f(t, u) where there is none."""
    stages, padded = method.stages, state.padded
    if not begins_anew(state):
        weighted_sums(padded, 1.0, method.extrapolation, stages, stages, derivatives, others)
        copy(padded * stages, others, derivatives)
        return
    for i in range(stages):
        copy(padded, state.f0, derivatives + 8 * padded * i)


@compiled
def residuals(state, method, derivatives, out):
    """out_i = f(t + c_i h, u + h sum_j a_ij k_j) - k_i; the kernel's code."""
    stages, padded, size, h = method.stages, state.padded, 8 * state.padded, state.h
    c, u, low, stage = doubles(method.c), doubles(state.u), doubles(state.u_low), doubles(state.stage)
    for i in range(stages):
        weighted_sum(padded, h, method.a + 8 * stages * i, stages, derivatives, state.stage)
        for j in range(padded):
            stage[j] = u[j] + (low[j] + stage[j])
        if evaluate(state, state.t + c[i] * h, state.stage, out + size * i) != 0:
            return 1
        eta, k = doubles(out + size * i), doubles(derivatives + size * i)
        for j in range(padded):
            eta[j] -= k[j]
    return 0


@compiled
def smoothed(state, address, solver, rhs, out):
    """out = (I - h gamma J)^-1 rhs, by the shift that was factorised; the solver's code."""
    code = call_solve(solver, address, rhs, out)
    x = doubles(out)
    for i in range(state.padded):
        x[i] *= state.factored_shift
    return code


@compiled
def correct_stage(state, address, solver, row, i, stages, derivatives, eta):
    """Correct k_i; the solver's code."""
    padded, size = state.padded, 8 * state.padded
    weighted_sum(padded, 1.0, row, stages, eta, state.combined_rhs)
    zeta, own = doubles(state.combined_rhs), doubles(eta + size * i)
    rhs, change = doubles(state.system_rhs), doubles(state.stage_f)
    code = Attempt.FINE.value
    if stages > 1:
        for j in range(padded):
            rhs[j] = own[j] - zeta[j]
        code = smoothed(state, address, solver, state.system_rhs, state.stage_f)
        if code != Attempt.FINE:
            return code
        for j in range(padded):
            zeta[j] += change[j]
    code = smoothed(state, address, solver, state.combined_rhs, state.stage_f)
    k = doubles(derivatives + size * i)
    for j in range(padded):
        k[j] += change[j]
    return code


@compiled
def relative_square(state, derivatives, i, start, length, stride):
    """Sum of squares of h change over |u| + |h k|, and a little of the largest of these, over one block or
    one column of it: a state that is zero but for rounding does not count. No tolerance of the caller's: the
    step is solved to rounding."""
    change, k = doubles(state.stage_f), doubles(derivatives + 8 * state.padded * i)
    u, h, total, largest = doubles(state.u), state.h, 0.0, TINY
    for j in range(start, start + length * stride, stride):
        largest = max(largest, abs(u[j]) + abs(h * k[j]))
    for j in range(start, start + length * stride, stride):
        ratio = h * change[j] / (abs(u[j]) + abs(h * k[j]) + SMALL * largest)
        total += ratio * ratio
    return total


@compiled
def relative_size(state, derivatives, i):
    """The sum of squares of the relative change of a stage; with columns beside the states that of the worst,
    as if all were like it."""
    blocks, worst = integers(state.blocks), 0.0
    for b in range(state.n_blocks):
        start, rows, columns = blocks[3 * b], blocks[3 * b + 1], blocks[3 * b + 2]
        for c in range(columns):
            total = relative_square(state, derivatives, i, start + c, rows, columns)
            worst = larger(worst, total if rows == state.n else total / rows * state.n)
    return worst


@compiled
def iterate(state, address, method, first, derivatives, eta):
    """One blended correction of all stages; its relative size, -1 where a kernel failed, NaN where the
    matrix is singular or the residuals are not finite."""
    stages = method.stages
    if residuals(state, method, derivatives, eta) != 0:
        return -1.0
    state.iterations += 1
    total = 0.0
    for i in range(stages):
        row = method.blend + 8 * stages * i
        # the first solution of a step is checked, and pivots where it must
        solver = state.solve if first and i == 0 else state.substitute
        if correct_stage(state, address, solver, row, i, stages, derivatives, eta) != Attempt.FINE:
            return math.nan
        total += relative_size(state, derivatives, i)
    return math.sqrt(total / (stages * state.n))


@compiled
def solve_stages(state, address, method, derivatives, eta):
    """Iterate until what is left cannot be seen; FINE, DIVERGED or CALLBACK."""
    previous, worst = 0.0, 0.0
    for k in range(MOST_ITERATIONS):
        size = iterate(state, address, method, k == 0, derivatives, eta)
        if size == -1.0:
            return Attempt.CALLBACK.value
        if not size < math.inf:
            # not finite: the step is taken with what there is, and ends the solve
            return Attempt.FINE.value
        if size <= ENOUGH:
            return Attempt.FINE.value
        if k > 0:
            rate = size / previous
            if size <= FLOOR and rate > 0.5:
                return Attempt.FINE.value
            worst = max(worst, rate)
            state.contraction = worst
            if rate < 1.0 and size * rate <= ENOUGH * (1.0 - rate):
                return Attempt.FINE.value
        previous = size
    return Attempt.DIVERGED.value


def attempt(address):
    """A step of size h from (t, u): fills u_new and increment."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method, padded = gauss_data_at(slot.data), state.padded
    derivatives, eta = state.stages, state.stages + 8 * padded * method.stages
    if begins_anew(state):
        doubles(slot.memory)[0] = 0.0
    if state.contraction > SLOW:
        state.jacobian_known = 0
    code = ready_matrix(state, address, state.rhs_jacobian, 1.0 / (state.h * method.gamma))
    if code != Attempt.FINE:
        return code
    starting_values(state, method, derivatives, eta)
    state.contraction = 0.0
    code = solve_stages(state, address, method, derivatives, eta)
    if code != Attempt.FINE:
        return code
    weighted_sum(padded, state.h, method.b, method.stages, derivatives, state.increment)
    advance_compensated(state)
    return Attempt.FINE


def interpolate(address):
    """Coefficients of theta^0..degree over the last accepted step."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method = gauss_data_at(slot.data)
    vectors = state.stages + 16 * state.padded * method.stages
    return first_order_interpolant(state, method.interpolant, vectors, slot.memory, 0)


ENTRIES = {"attempt": attempt, "interpolate": interpolate}
