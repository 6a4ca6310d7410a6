"""One step of an exponential Rosenbrock method.

Source: M. Hochbruck, A. Ostermann, J. Schweitzer, Exponential Rosenbrock-type methods, SIAM Journal on
Numerical Analysis 47 (2009) 786-803, equations (2.4), (2.5) and section 4 for equations that read the time.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.krylov_phi import add_phi, begin_space, grow_until, jacobian_times
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    compiled,
    doubles,
    integers,
    slot_at,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.vectors import advance_compensated, clear, copy
from symde.engine.cpu.families.exponential import (
    DEGREE,
    DIMENSION,
    FUNCTIONS,
    ExponentialContext,
    ExponentialData,
)
from symde.engine.cpu.layout import Attempt, Stage0

SMALLEST_SCALE = 1e-140
"""Added to scales, so that squares of their inverses stay finite where a state and its tolerance are zero."""

data_at = structure_at(ExponentialData)
context_at = structure_at(ExponentialContext)


@compiled
def space_at(state, slot, k):
    """The Krylov space of f (0), f_t (1) or the correction of stage k - 2."""
    return slot.memory + 8 * k * (8 + (DIMENSION + 1) * state.padded + (DIMENSION + 1) * (DIMENSION + 1))


@compiled
def vector_at(state, slot, stages, k):
    """Scratch: weights of the error test (0), time gradient (1), correction (2), J times a difference (3)."""
    return space_at(state, slot, 2 + stages) + 8 * k * state.padded


@compiled
def small_at(state, slot, stages):
    """Scratch for small matrices; before them lie four weights."""
    return vector_at(state, slot, stages, 4) + 8 * FUNCTIONS


@compiled
def linearise(state, slot, stages):
    """f, f_t and the spaces they begin, once a state; the kernel's code."""
    if state.stage0 == Stage0.VALID and not state.restarted:
        return 0
    gradient = vector_at(state, slot, stages, 1)
    outputs = integers(state.outputs)
    integers(state.inputs)[0], outputs[0], outputs[2] = state.u, state.f0, gradient
    state.evaluations += 1
    code = call_kernel(context_at(slot.context).rhs_gradient, state.t, state.inputs, state.outputs)
    weights = vector_at(state, slot, stages, 0)
    w, u, atol = doubles(weights), doubles(state.u), doubles(state.atol)
    for i in range(state.n):
        w[i] = 1.0 / (atol[i] + state.rtol * abs(u[i]) + SMALLEST_SCALE)
    begin_space(state, space_at(state, slot, 0), weights, state.f0)
    begin_space(state, space_at(state, slot, 1), weights, gradient)
    state.stage0 = Stage0.VALID
    state.restarted = 0
    return code


@compiled
def add_linear(state, slot, stages, theta, out):
    """out += theta h phi_1(theta h J) f + (theta h)^2 phi_2(theta h J) f_t."""
    small, h = small_at(state, slot, stages), theta * state.h
    unit = doubles(small - 8 * FUNCTIONS)
    unit[0], unit[1], unit[2], unit[3] = 1.0, 0.0, 0.0, 0.0
    add_phi(state, space_at(state, slot, 0), h, h, small - 8 * FUNCTIONS, 1.0, small, out)
    unit[0], unit[1] = 0.0, 1.0
    add_phi(state, space_at(state, slot, 1), h, h * h, small - 8 * FUNCTIONS, 1.0, small, out)


@compiled
def find_correction(state, slot, method, i):
    """D_i and its space; FINE, DIVERGED, NON_FINITE or CALLBACK."""
    stages, h, c = method.stages, state.h, doubles(method.c)[i]
    small, weights = small_at(state, slot, stages), vector_at(state, slot, stages, 0)
    moved, correction = vector_at(state, slot, stages, 3), vector_at(state, slot, stages, 2)
    clear(state.padded, moved)
    add_linear(state, slot, stages, c, moved)
    for j in range(i):
        row = method.a + 8 * FUNCTIONS * (i * stages + j)
        add_phi(state, space_at(state, slot, 2 + j), c * h, h, row, 1.0, small, moved)
    u, stage, d = doubles(state.u), doubles(state.stage), doubles(moved)
    for k in range(state.padded):
        stage[k] = u[k] + d[k]
    if evaluate(state, state.t + c * h, state.stage, correction) != 0:
        return Attempt.CALLBACK.value
    if jacobian_times(state, moved, state.increment) != 0:
        return Attempt.CALLBACK.value
    f, linear, x = doubles(state.f0), doubles(state.increment), doubles(correction)
    gradient = doubles(vector_at(state, slot, stages, 1))
    for k in range(state.padded):
        x[k] = x[k] - f[k] - linear[k] - c * h * gradient[k]
    space = space_at(state, slot, 2 + i)
    begin_space(state, space, weights, correction)
    return grow_until(state, space, weights, h, small)


def attempt(address):
    """Try a step of size h from (t, u): fills u_new, increment, error and the Krylov spaces."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method = data_at(slot.data)
    stages, h, padded = method.stages, state.h, state.padded
    if linearise(state, slot, stages) != 0:
        return Attempt.CALLBACK
    small, weights = small_at(state, slot, stages), vector_at(state, slot, stages, 0)
    for k in range(2):
        code = grow_until(state, space_at(state, slot, k), weights, h, small)
        if code != Attempt.FINE:
            return code
    for i in range(stages):
        code = find_correction(state, slot, method, i)
        if code != Attempt.FINE:
            return code
    clear(padded, state.increment)
    clear(padded, state.error)
    add_linear(state, slot, stages, 1.0, state.increment)
    for j in range(stages):
        space, row = space_at(state, slot, 2 + j), 8 * FUNCTIONS * j
        add_phi(state, space, h, h, method.b + row, 1.0, small, state.increment)
        add_phi(state, space, h, h, method.error + row, 1.0, small, state.error)
    advance_compensated(state)
    return Attempt.FINE


@compiled
def sample(state, slot, method, theta, out):
    """out = u(theta) - u over the last accepted step, of length state.h."""
    stages, h = method.stages, state.h
    small = small_at(state, slot, stages)
    clear(state.padded, out)
    add_linear(state, slot, stages, theta, out)
    for j in range(stages):
        row = method.b + 8 * FUNCTIONS * j
        add_phi(state, space_at(state, slot, 2 + j), theta * h, h, row, theta, small, out)


def interpolate(address):
    """The polynomial of degree 4 through the continuous solution at the quarters of the step."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method = data_at(slot.data)
    padded = state.padded
    size = 8 * padded
    for k in range(1, DEGREE):
        sample(state, slot, method, 0.25 * k, state.coefficients + size * k)
    copy(padded, state.u_new, state.coefficients)
    old, new = doubles(state.u_new), doubles(state.u)
    a, b = doubles(state.coefficients + size), doubles(state.coefficients + 2 * size)
    c, d = doubles(state.coefficients + 3 * size), doubles(state.coefficients + 4 * size)
    for i in range(padded):
        # Newton's divided differences at 0, 1/4, 1/2, 3/4, 1 as powers of theta
        p, q, r, s = a[i], b[i], c[i], new[i] - old[i]
        a[i] = 16.0 * p - 12.0 * q + 16.0 / 3.0 * r - s
        b[i] = (-208.0 * p + 228.0 * q - 112.0 * r + 22.0 * s) / 3.0
        c[i] = (288.0 * p - 384.0 * q + 224.0 * r - 48.0 * s) / 3.0
        d[i] = (-128.0 * p + 192.0 * q - 128.0 * r + 32.0 * s) / 3.0
    return Attempt.FINE


ENTRIES = {"attempt": attempt, "interpolate": interpolate}
