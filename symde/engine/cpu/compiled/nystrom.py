"""One step of a Runge-Kutta-Nystrom method for q' = M p + c, p' = f(t, q).

All vectors are of all states: the kernel of the accelerations gives q'' where a state is a position and p'
where it is a momentum. Momenta of the stages mean nothing, since no force reads them.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.14.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.hermite import difference, polynomial_at
from symde.engine.cpu.compiled.kernels import begins_anew, evaluate_part, whole_step
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    compiled,
    doubles,
    integers,
    slot_at,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.vectors import (
    advance_compensated,
    copy,
    two_weighted_sums,
    weighted_sum,
    weighted_sums,
)
from symde.engine.cpu.families.nystrom import OWN, NystromData, SecondOrderContext
from symde.engine.cpu.layout import Attempt, Stage0

nystrom_data_at = structure_at(NystromData)
second_order_at = structure_at(SecondOrderContext)


@compiled
def rates_at(state, model, t, u, out):
    """out = q', zero for momenta; not counted: it costs next to nothing."""
    integers(state.inputs)[0] = u
    integers(state.outputs)[0] = out
    return call_kernel(model.rates, t, state.inputs, state.outputs)


@compiled
def begin_step(state, slot, method, model, rates, first):
    """q' and the first stage at (t, u), evaluated only where they are not known already."""
    memory, padded = doubles(slot.memory), state.padded
    known = state.stage0 == Stage0.VALID and memory[0] == 1.0
    if known:
        return 0
    if state.stage0 == Stage0.LAST and not begins_anew(state):
        copy(padded, first + 8 * padded * (method.stages - 1), first)
    elif evaluate_part(state, model.accelerations, state.t, state.u, first) != 0:
        return 1
    state.stage0 = Stage0.VALID
    memory[0] = 1.0
    return rates_at(state, model, state.t, state.u, rates)


@compiled
def stage_position(padded, u, reach, rates, square, weights, count, vectors, out):
    """out = u + reach * rates + square * sum_j weights[j] * vectors[j]."""
    b, r, w, v, o = doubles(u), doubles(rates), doubles(weights), doubles(vectors), doubles(out)
    for i in range(0, padded, 4):
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        at = i
        for j in range(count):
            weight = w[j]
            s0 += weight * v[at]
            s1 += weight * v[at + 1]
            s2 += weight * v[at + 2]
            s3 += weight * v[at + 3]
            at += padded
        o[i] = b[i] + (reach * r[i] + square * s0)
        o[i + 1] = b[i + 1] + (reach * r[i + 1] + square * s1)
        o[i + 2] = b[i + 2] + (reach * r[i + 2] + square * s2)
        o[i + 3] = b[i + 3] + (reach * r[i + 3] + square * s3)


@compiled
def join(state, model, h, reach, rates, position, momentum, out):
    """out = reach * rates + h^2 * position for positions, h * momentum for momenta."""
    is_position, is_momentum = doubles(model.positions), doubles(model.momenta)
    r, q, p, o = doubles(rates), doubles(position), doubles(momentum), doubles(out)
    for i in range(state.padded):
        o[i] = is_position[i] * (reach * r[i] + h * h * q[i]) + is_momentum[i] * (h * p[i])


@compiled
def generated_step(state, kernel, method, first):
    """The whole step by the model's own kernel."""
    copy(state.padded, first, state.f0)
    state.evaluations += method.stages - 1
    return whole_step(state, kernel, first)


@compiled
def general_step(state, slot, method, model, rates, first):
    """The same stage by stage."""
    stages, padded, h, size = method.stages, state.padded, state.h, 8 * state.padded
    c = doubles(method.c)
    for i in range(1, stages):
        row = method.a + 8 * stages * i
        stage_position(padded, state.u, c[i] * h, rates, h * h, row, i, first, state.stage)
        if evaluate_part(state, model.accelerations, state.t + c[i] * h, state.stage, first + size * i) != 0:
            return 1
    two_weighted_sums(padded, method.b, method.b_velocity, stages, first, state.increment, state.stage)
    join(state, model, h, h, rates, state.increment, state.stage, state.increment)
    if not slot.fixed:
        two_weighted_sums(
            padded, method.error, method.error_velocity, stages, first, state.error, state.stage
        )
        join(state, model, h, 0.0, rates, state.error, state.stage, state.error)
    return 0


def attempt(address):
    """Try a step of size h from (t, u): fills u_new, increment, error and the stages."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method, model = nystrom_data_at(slot.data), second_order_at(slot.context)
    rates = state.stages + 8 * state.padded
    first = state.stages + 8 * state.padded * OWN
    if begin_step(state, slot, method, model, rates, first) != 0:
        return Attempt.CALLBACK
    if slot.step != 0:
        code = generated_step(state, slot.step, method, first)
    else:
        code = general_step(state, slot, method, model, rates, first)
    if code != 0:
        return Attempt.CALLBACK
    advance_compensated(state)
    return Attempt.FINE


@compiled
def both_ends(state, method, model, first):
    """q' at the end of the last accepted step, and the second of the evaluations the interpolant takes."""
    size = 8 * state.padded
    if rates_at(state, model, state.t, state.u, state.stages + 2 * size) != 0:
        return 1
    if not method.built:
        return 0
    if method.fsal:
        copy(state.padded, first + size * (method.stages - 1), first + size)
        return 0
    return evaluate_part(state, model.accelerations, state.t, state.u, first + size)


@compiled
def subtract(padded, vector, other, out):
    """out = vector - other."""
    x, y, o = doubles(vector), doubles(other), doubles(out)
    for i in range(padded):
        o[i] = x[i] - y[i]


@compiled
def changes_of_ends(state, first, changes):
    """What the ends say beyond a constant acceleration, in units of h^2: of the position and of q'.

    Weights of the last pass reach 5e4. With what is left when the acceleration at the start is taken away
    they meet small numbers: the dense output of DPRKN12 carries 3e-13 of rounding instead of 1.5e-12.
    """
    padded, size, h = state.padded, 8 * state.padded, state.h_old
    change, begun, ended = (
        doubles(state.stages),
        doubles(state.stages + size),
        doubles(state.stages + 2 * size),
    )
    f, position, rate = doubles(first), doubles(changes), doubles(changes + size)
    for i in range(padded):
        position[i] = (change[i] - begun[i]) / h - 0.5 * f[i]
        rate[i] = (ended[i] - begun[i]) / h - f[i]


@compiled
def position_coefficients(state, weights, degree, count, first, changes):
    """Coefficients of theta, theta^2, ... from `count` changes in units of h^2."""
    padded, size, h = state.padded, 8 * state.padded, state.h_old
    weighted_sums(padded, h * h, weights, degree, count, changes, state.coefficients + size)
    begun, f = doubles(state.stages + size), doubles(first)
    linear, quadratic = doubles(state.coefficients + size), doubles(state.coefficients + 2 * size)
    for i in range(padded):
        linear[i] += h * begun[i]
        quadratic[i] += 0.5 * h * h * f[i]


@compiled
def momentum_coefficients(state, model, weights, degree, count, first, changes):
    """The same for momenta, in their places, from the change of the momentum and `count` - 2 of its rate."""
    padded, size, h = state.padded, 8 * state.padded, state.h_old
    is_position, is_momentum = doubles(model.positions), doubles(model.momenta)
    change, f = doubles(state.stages), doubles(first)
    for k in range(degree):
        row = weights + 8 * (count - 1) * k
        weighted_sum(padded, h, row + 8, count - 2, changes + 2 * size, state.stage)
        c, more, share = doubles(state.coefficients + size * (k + 1)), doubles(state.stage), doubles(row)[0]
        for i in range(padded):
            p = h * share * (change[i] - f[i]) + more[i]
            if k == 0:
                p += h * f[i]
            c[i] = is_position[i] * c[i] + is_momentum[i] * p


@compiled
def build_interpolant(state, slot, method, model, trail):
    """Coefficients of theta^0..degree over the last accepted step; the states at the nodes of all passes are
    left in `trail` where it is not 0. FINE or CALLBACK."""
    hermite, padded, size = method.interpolant, state.padded, 8 * state.padded
    first = state.stages + OWN * size
    changes = first + size * method.room
    if both_ends(state, method, model, first) != 0:
        return Attempt.CALLBACK.value
    difference(state, state.stages)
    changes_of_ends(state, first, changes)
    for j in range(1, method.base):
        subtract(padded, first + size * j, first, changes + size * (j + 1))
    copy(padded, state.u_new, state.coefficients)
    counts, nodes, weights = integers(hermite.counts), doubles(hermite.nodes), hermite.weights
    degree, at, taken = 0, 0, method.base
    for one in range(hermite.passes):
        for j in range(counts[one]):
            theta, out = nodes[at + j], first + size * (method.base + j)
            t = state.t_old + theta * state.h_old
            polynomial_at(state, degree, theta, state.stage)
            if trail != 0:
                copy(padded, state.stage, trail + size * (at + j))
            if evaluate_part(state, model.accelerations, t, state.stage, out) != 0:
                return Attempt.CALLBACK.value
            subtract(padded, out, first, changes + size * (method.base + j + 1))
        at += counts[one]
        taken = method.base + counts[one] + 1
        degree = slot.degree - counts[hermite.passes - 1] + counts[one]
        position_coefficients(state, weights, degree, taken, first, changes)
        weights += 8 * degree * taken
    momentum_coefficients(state, model, method.momenta, degree, taken, first, changes)
    return Attempt.FINE.value


def interpolate(address):
    """Coefficients of theta^0..degree over the last accepted step."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    return build_interpolant(state, slot, nystrom_data_at(slot.data), second_order_at(slot.context), 0)


ENTRIES = {"attempt": attempt, "interpolate": interpolate}
