"""The adjoint of one step of a Runge-Kutta-Nystrom method, exact for the step as it was taken.

With r = q'(t, u) and F_i the accelerations at y_i = u + c_i h r + h^2 sum_j a_ij F_j, backwards:

    wy_i = A(t_i, y_i)' wF_i,   wr += c_i h wy_i,   wF_j += h^2 a_ij wy_i,   w_old += wy_i

A the derivative of the accelerations; and in the end w_old += R(t, u)' wr, R that of the rates.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.adjoint_hermite import all_nodes
from symde.engine.cpu.compiled.adjoint_tools import add_scaled, adjoint_at, masked, pull
from symde.engine.cpu.compiled.kernels import evaluate_part
from symde.engine.cpu.compiled.nystrom import (
    build_interpolant,
    nystrom_data_at,
    second_order_at,
    stage_position,
)
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, slot_at, state_at
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.families.nystrom import OWN
from symde.engine.cpu.layout import Attempt

CHANGE, BEGUN, ENDED = 0, 1, 2
"""Weights before those of the interpolant's changes: of (u_1 - u_0)/h and of the rates at both ends."""


@compiled
def stage_states(adjoint, state, method, model, rates, first, states):
    """The states of all stages; their accelerations anew, since an interpolant may have taken their place."""
    stages, padded, h, size = method.stages, adjoint.padded, state.h_old, 8 * adjoint.padded
    c, code = doubles(method.c), 0
    copy(padded, state.u_new, states)
    for i in range(1, stages):
        place, t = states + size * i, state.t_old + c[i] * h
        stage_position(
            padded, state.u_new, c[i] * h, rates, h * h, method.a + 8 * stages * i, i, first, place
        )
        code += evaluate_part(state, model.accelerations, t, place, first + size * i)
    return code


@compiled
def pull_momenta(adjoint, state, method, model, degree, count, own, changes):
    """From the coefficients of the momenta to what they are made of."""
    padded, size, h = adjoint.padded, 8 * adjoint.padded, state.h_old
    w = adjoint.solution
    for k in range(degree):
        row = doubles(method.momenta + 8 * (count - 1) * k)
        masked(padded, model.momenta, adjoint.coefficients + size * (k + 1), w)
        add_scaled(padded, h * row[0], w, own + size * CHANGE)
        add_scaled(padded, h * ((1.0 if k == 0 else 0.0) - row[0]), w, adjoint.stages)
        for j in range(count - 2):
            add_scaled(padded, h * row[1 + j], w, changes + size * (2 + j))
    for k in range(degree):
        place = adjoint.coefficients + size * (k + 1)
        masked(padded, model.positions, place, place)


@compiled
def pull_pass(adjoint, state, weights, degree, taken, own, changes):
    """From the coefficients of one pass to the changes, the rate and the acceleration at the start."""
    padded, size, h = adjoint.padded, 8 * adjoint.padded, state.h_old
    w, coefficients = doubles(weights), adjoint.coefficients
    add_scaled(padded, 1.0, coefficients, adjoint.start)
    add_scaled(padded, h, coefficients + size, own + size * BEGUN)
    add_scaled(padded, 0.5 * h * h, coefficients + 2 * size, adjoint.stages)
    for k in range(degree):
        for j in range(taken):
            add_scaled(padded, h * h * w[taken * k + j], coefficients + size * (k + 1), changes + size * j)
    clear(padded * (degree + 1), coefficients)


@compiled
def pull_nodes(adjoint, state, first, count, nodes, trail, changes, before):
    """From the changes at the nodes of a pass to the polynomial before it; the kernel's code."""
    padded, size, theta_at = adjoint.padded, 8 * adjoint.padded, doubles(nodes)
    code = 0
    for j in range(count):
        theta, power = theta_at[first + j], 1.0
        w, t = changes + size * j, state.t_old + theta * state.h_old
        add_scaled(padded, -1.0, w, adjoint.stages)
        clear(padded, adjoint.factor)
        code += pull(adjoint, adjoint.accelerations, t, trail + size * (first + j), w, 1.0, adjoint.factor)
        clear(padded, w)
        for k in range(before + 1):
            add_scaled(padded, power, adjoint.factor, adjoint.coefficients + size * k)
            power *= theta
    return code


@compiled
def pull_passes(adjoint, state, slot, method, model, own, changes, trail):
    """From the interpolant's coefficients to changes, rates and accelerations; the kernels' code."""
    hermite, size = method.interpolant, 8 * adjoint.padded
    counts, nodes, last = integers(hermite.counts), all_nodes(hermite), hermite.passes - 1
    lowest, weights, code = slot.degree - counts[last], hermite.weights, 0
    for one in range(hermite.passes):
        weights += 8 * (lowest + counts[one]) * (method.base + counts[one] + 1)
    taken = method.base + counts[last] + 1
    pull_momenta(adjoint, state, method, model, slot.degree, taken, own, changes)
    for one in range(last, -1, -1):
        degree, taken = lowest + counts[one], method.base + counts[one] + 1
        weights -= 8 * degree * taken
        nodes -= counts[one]
        pull_pass(adjoint, state, weights, degree, taken, own, changes)
        before = lowest + counts[one - 1] if one > 0 else 0
        node_changes = changes + size * (method.base + 1)
        code += pull_nodes(adjoint, state, nodes, counts[one], hermite.nodes, trail, node_changes, before)
    return code


@compiled
def pull_ends(adjoint, state, method, model, own, changes):
    """From the changes to the accelerations of the stages and to both ends; the kernels' code."""
    padded, size, h = adjoint.padded, 8 * adjoint.padded, state.h_old
    code = 0
    for j in range(1, method.base):
        w = changes + size * (j + 1)
        add_scaled(padded, -1.0, w, adjoint.stages)
        if not method.built:
            add_scaled(padded, 1.0, w, adjoint.stages + size * j)
        elif method.fsal:
            add_scaled(padded, 1.0, w, adjoint.stages + size * (method.stages - 1))
        else:
            code += pull(adjoint, adjoint.accelerations, state.t, state.u, w, 1.0, adjoint.weights)
    begun, change = own + size * BEGUN, own + size * CHANGE
    add_scaled(padded, 1.0 / h, changes, change)
    add_scaled(padded, -1.0 / h, changes, begun)
    add_scaled(padded, -0.5, changes, adjoint.stages)
    add_scaled(padded, 1.0 / h, changes + size, own + size * ENDED)
    add_scaled(padded, -1.0 / h, changes + size, begun)
    add_scaled(padded, -1.0, changes + size, adjoint.stages)
    add_scaled(padded, 1.0 / h, change, adjoint.weights)
    add_scaled(padded, -1.0 / h, change, adjoint.start)
    masked(padded, model.positions, own + size * ENDED, adjoint.solution)
    return code + pull(adjoint, adjoint.product, state.t, state.u, adjoint.solution, 1.0, adjoint.weights)


@compiled
def pull_end(adjoint, state, method, model, own):
    """From the end of the step to the accelerations of the stages and the rate."""
    padded, size, h = adjoint.padded, 8 * adjoint.padded, state.h_old
    b, b_velocity = doubles(method.b), doubles(method.b_velocity)
    position, momentum = adjoint.factor, adjoint.solution
    masked(padded, model.positions, adjoint.weights, position)
    masked(padded, model.momenta, adjoint.weights, momentum)
    add_scaled(padded, h, position, own + size * BEGUN)
    for j in range(method.stages):
        add_scaled(padded, h * h * b[j], position, adjoint.stages + size * j)
        add_scaled(padded, h * b_velocity[j], momentum, adjoint.stages + size * j)


def adjoint(address):
    """Pull the weights back over the step that was just done again."""
    pulled = adjoint_at(address)
    state = state_at(pulled.state)
    slot = slot_at(state, state.active)
    method, model = nystrom_data_at(slot.data), second_order_at(slot.context)
    padded, size, h, stages = pulled.padded, 8 * pulled.padded, state.h_old, method.stages
    states, own = pulled.scratch, pulled.scratch + size * stages
    changes = own + 3 * size
    trail = changes + size * (1 + method.base + all_nodes(method.interpolant))
    rates, first = state.stages + size, state.stages + size * OWN
    code = stage_states(pulled, state, method, model, rates, first, states)
    clear(padded * stages, pulled.stages)
    clear(padded * (4 + method.base + all_nodes(method.interpolant)), own)
    clear(padded, pulled.start)
    if pulled.interpolated:
        code += build_interpolant(state, slot, method, model, trail)
        code += pull_passes(pulled, state, slot, method, model, own, changes, trail)
        code += pull_ends(pulled, state, method, model, own, changes)
    pull_end(pulled, state, method, model, own)
    a, c, rate = doubles(method.a), doubles(method.c), own + size * BEGUN
    for i in range(stages - 1, -1, -1):
        clear(padded, pulled.factor)
        w, t = pulled.stages + size * i, state.t_old + c[i] * h
        code += pull(pulled, pulled.accelerations, t, states + size * i, w, 1.0, pulled.factor)
        add_scaled(padded, 1.0, pulled.factor, pulled.weights)
        add_scaled(padded, c[i] * h, pulled.factor, rate)
        for j in range(i):
            add_scaled(padded, h * h * a[stages * i + j], pulled.factor, pulled.stages + size * j)
    masked(padded, model.positions, rate, pulled.solution)
    code += pull(pulled, pulled.product, state.t_old, state.u_new, pulled.solution, 1.0, pulled.weights)
    add_scaled(padded, 1.0, pulled.start, pulled.weights)
    return Attempt.FINE.value if code == 0 else Attempt.CALLBACK.value


ENTRIES = {"adjoint": adjoint}
