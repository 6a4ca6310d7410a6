"""Goes back over the recorded steps of a solve with delays: each is done again, then turned round.

With R_k the interpolant of step k and w_k, r_k the derivatives of a number by the state u_k and by R_k,

    (u_k+1, R_k) = step(u_k, R_0 .. R_k-1, p)

takes w_k+1 and r_k to w_k, and adds to r_0 .. r_k-1 and to the gradient what the step reads of the past. All
that reads R_k has gone before. A step longer than a delay reads its own interpolant too; the series

    r_k + A' r_k + A'A' r_k + ...,      A the derivative of R_k by itself,

is that of its repetitions, turned round. Where f jumps as a time s passes a discontinuity at xi, the columns
of forward sensitivities jump by (f- - f+) dxi (`symde.engine.cpu.compiled.delay_loop`); the gradient takes w'
of that, and dxi is that of the solution's own s(xi, u, p) = xi_before.

Source: W. W. Hager, Runge-Kutta methods in optimal control and the transformed adjoint system, Numer. Math.
87 (2000), for a step; C. T. H. Baker, C. A. H. Paul, Pitfalls in parameter estimation for delay differential
equations, SIAM J. Sci. Comput. 18 (1997) 305-314, for the jumps.
"""

from __future__ import annotations

from symde.engine.cpu.columns import DIRECTION
from symde.engine.cpu.compiled.adjoint_loop import gather_saved, load_step, set_step
from symde.engine.cpu.compiled.adjoint_tools import adjoint_at
from symde.engine.cpu.compiled.delay_products import call_product, pulled_at
from symde.engine.cpu.compiled.delay_repeats import attempt_once, set_passed, try_step
from symde.engine.cpu.compiled.delay_start import slope_at_start, start_past
from symde.engine.cpu.compiled.delays import delay_data_at, evaluate_within, fill_delayed
from symde.engine.cpu.compiled.output import write_output
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    call_step,
    compiled,
    doubles,
    integers,
    slot_at,
    state_at,
)
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.delay_adjoint import PULLED
from symde.engine.cpu.delays import MOVING
from symde.engine.cpu.layout import Attempt, Stage0, Status

MOST_TURNS = 2000
"""Terms of the series after which a step is given up."""

LEFT = 1e-16
"""Part of all that a step has given to its own interpolant below which the series ends."""


@compiled
def load_past(own, state, data, k):
    """The past as step k saw it."""
    record = integers(own.passed + 8 * (data.times + 1) * k)
    for i in range(data.times):
        set_passed(data, i, record[i])
    state.dense_count, data.own_valid = k, record[data.times]
    data.own = own.rows + 8 * state.dense_width * k


@compiled
def accept_step(state):
    """What was tried becomes the state."""
    state.t_old, state.h_old, state.t = state.t, state.h, state.t_new
    state.u, state.u_new = state.u_new, state.u
    state.u_low, state.u_new_low = state.u_new_low, state.u_low


@compiled
def redo(own, adjoint, state, data, k):
    """Do step k again; afterwards the state is as after the step was accepted."""
    load_past(own, state, data, k)
    load_step(adjoint, state, k, adjoint.record_u + 16 * adjoint.n * k)
    code = attempt_once(state, data, adjoint.state)
    accept_step(state)
    return code


@compiled
def gather_read(own, adjoint, state, k):
    """Move the weights of step k's interpolant to those of its coefficients; the sum of their sizes."""
    if integers(own.touched)[k] == 0:
        return 0.0
    n, padded, width = adjoint.n, adjoint.padded, 8 * state.dense_width
    degree, total = slot_at(state, state.active).degree, 0.0
    if not adjoint.interpolated:
        clear(padded * (degree + 1), adjoint.coefficients)
        adjoint.interpolated = 1
    given = doubles(own.weights + width * k)
    for m in range(degree + 1):
        target = doubles(adjoint.coefficients + 8 * padded * m)
        for i in range(n):
            target[i] += given[2 + m * n + i]
            total += abs(given[2 + m * n + i])
    clear(state.dense_width, own.weights + width * k)
    integers(own.touched)[k] = 0
    return total


@compiled
def pull_repeats(own, adjoint, state, address, k):
    """Go on with what step k has given to its own interpolant, until that is nothing."""
    n, weights, total = adjoint.n, doubles(adjoint.weights), doubles(own.total)
    copy(n, adjoint.weights, own.total)
    most = 0.0
    for _ in range(MOST_TURNS):
        clear(adjoint.padded, adjoint.weights)
        adjoint.interpolated = 0
        size = gather_read(own, adjoint, state, k)
        most = max(most, size)
        if not size > LEFT * most:
            copy(n, own.total, adjoint.weights)
            return Attempt.FINE.value
        code = call_step(integers(adjoint.adjoints)[state.active], address)
        if code != Attempt.FINE:
            return code
        for i in range(n):
            total[i] += weights[i]
    return Attempt.DIVERGED.value


@compiled
def pull_step(own, adjoint, state, data, address, k):
    """Pull the weights back over step k; the code of what failed."""
    code = redo(own, adjoint, state, data, k)
    if code != Attempt.FINE:
        return code
    gather_saved(adjoint, state)
    gather_read(own, adjoint, state, k)
    if adjoint.interpolated or data.own_valid:
        if call_step(slot_at(state, state.active).interpolate, adjoint.state) != 0:
            return Attempt.CALLBACK.value
    code = call_step(integers(adjoint.adjoints)[state.active], address)
    if code == Attempt.FINE and data.own_valid:
        code = pull_repeats(own, adjoint, state, address, k)
    return code


@compiled
def break_at(data, t):
    """The discontinuity noted at a time, -1 where there is none."""
    breaks = doubles(data.breaks)
    low, high = 0, data.n_breaks
    while low < high:
        middle = (low + high) // 2
        if breaks[middle] < t:
            low = middle + 1
        else:
            high = middle
    return low if low < data.n_breaks and breaks[low] == t else -1


@compiled
def pull_move(own, adjoint, state, data, k, j, before, after, new):
    """What time k does to the gradient as it passes break j; `new` is the break that it brings, -1 where it
    was known by then."""
    inputs, outputs = integers(state.inputs), integers(state.outputs)
    kept = inputs[DIRECTION]
    inputs[0] = state.u
    set_passed(data, k, after)
    outputs[0] = own.after
    code = evaluate_within(data, state.t, state.inputs, state.outputs)
    set_passed(data, k, before)
    outputs[0] = own.before
    code += evaluate_within(data, state.t, state.inputs, state.outputs)
    fill_delayed(data, state.t, state.inputs, 1)
    inputs[DIRECTION] = own.before
    code += call_kernel(own.rates, state.t, state.inputs, own.rate_outputs)
    inputs[DIRECTION] = kept
    w, f, g, of_breaks = (
        doubles(adjoint.weights),
        doubles(own.before),
        doubles(own.after),
        doubles(own.of_breaks),
    )
    weight = 0.0
    if new >= 0:
        weight, of_breaks[new] = of_breaks[new], 0.0
    for i in range(adjoint.n):
        weight += w[i] * (f[i] - g[i])
    weight /= doubles(own.rate)[k]
    of_breaks[j] += weight
    of_times = doubles(own.of_times)
    for i in range(data.times):
        of_times[i] = 0.0
    of_times[k] = -weight
    table = integers(adjoint.inputs)
    table[0], table[7], adjoint.scale = state.u, own.of_times, 1.0
    code += call_product(own, own.times, state.t, adjoint.inputs, adjoint.outputs)
    by_states, by_parameters = doubles(adjoint.by_states), doubles(adjoint.by_parameters)
    gradient = doubles(adjoint.gradient)
    for i in range(adjoint.n):
        w[i] += by_states[i]
    for i in range(adjoint.m):
        gradient[i] += by_parameters[i]
    return code


@compiled
def pull_moves(own, adjoint, state, data, k, end):
    """What times that passed discontinuities at the end of step k, in the state `end`, do to the gradient;
    the kernels' code."""
    width = 8 * (data.times + 1)
    before, after = integers(own.passed + width * k), integers(own.passed + width * (k + 1))
    moved = 0
    for i in range(data.times):
        moved += before[i] != after[i]
    if not moved:
        return 0
    load_past(own, state, data, k + 1)
    data.own_valid = 0
    copy(adjoint.n, end, state.u)
    state.t, state.h = doubles(adjoint.record_t)[2 * k + 1], doubles(adjoint.record_h)[k]
    orders, code = integers(data.break_orders), 0
    new = break_at(data, state.t)
    for i in range(data.times - 1, -1, -1):
        to = after[i]
        while to != before[i]:
            back = to < before[i]
            since = to + 1 if back else to - 1
            j = to if back else to - 1
            if data.neutral or orders[j] == 0:  # the state itself jumps there
                code += pull_move(own, adjoint, state, data, i, j, since, to, new)
                new = -1
            set_passed(data, i, since)
            to = since
    return code


def pull_back(address):
    """Pull the weights of all points saved in a stretch of steps back to its start; FINE, or the code of
    what failed."""
    adjoint = adjoint_at(address)
    own = pulled_at(integers(adjoint.inputs)[PULLED])
    data, state = delay_data_at(own.data), state_at(adjoint.state)
    for k in range(own.last - 1, own.first - 1, -1):
        if k + 1 < adjoint.steps:
            end = adjoint.record_u + 16 * adjoint.n * (k + 1)
            if k + 1 == own.last:
                end = own.end
            if pull_moves(own, adjoint, state, data, k, end) != 0:
                return Attempt.CALLBACK.value
        code = pull_step(own, adjoint, state, data, address, k)
        if code != Attempt.FINE:
            return code
    w = doubles(adjoint.weights)
    while own.first == 0 and adjoint.next_save >= 0:  # what was saved at the start itself
        given = doubles(adjoint.save_weights + 8 * adjoint.n * adjoint.next_save)
        for i in range(adjoint.n):
            w[i] += given[i]
        adjoint.next_save -= 1
    return Attempt.FINE.value


@compiled
def take_breaks(own, data):
    """The discontinuities of the steps that are followed. Of those with columns more are known, and where
    the columns alone jump the order is 0 there."""
    breaks, orders = doubles(data.breaks), integers(data.break_orders)
    given, given_orders = doubles(own.breaks), integers(own.orders)
    for j in range(1, own.n_breaks):
        breaks[j] = given[j]
        orders[j] = 0 if given_orders[j] == MOVING else max(given_orders[j], 1)
    data.n_breaks = own.n_breaks


@compiled
def ready_step(own, adjoint, state, data, k):
    """Ready the state for step k, from where it stands, and note where it begins."""
    place = adjoint.record_u + 16 * adjoint.n * k
    copy(adjoint.n, state.u, place)
    copy(adjoint.n, state.u_low, place + 8 * adjoint.n)
    before = state.active
    set_step(adjoint, state, k)
    known = k > own.first and before == state.active and slot_at(state, state.active).fsal != 0
    record = integers(own.passed + 8 * (data.times + 1) * k)
    for i in range(data.times):
        known = known and integers(data.passed)[i] == record[i]
        set_passed(data, i, record[i])
    state.stage0 = Stage0.LAST if known else Stage0.STALE


def follow(address):
    """Do a stretch of recorded steps one after another from the state as it is, save what is to be saved and
    keep their interpolants and starts; FINE, or the code of what failed."""
    adjoint = adjoint_at(address)
    own = pulled_at(integers(adjoint.inputs)[PULLED])
    data, state = delay_data_at(own.data), state_at(adjoint.state)
    state.record_saved = 1
    if own.first == 0:
        if start_past(state, data) != 0 or (data.n_derived and slope_at_start(state, data) != 0):
            return Attempt.CALLBACK.value
        take_breaks(own, data)
    for k in range(own.first, own.last):
        ready_step(own, adjoint, state, data, k)
        code = try_step(state, data, adjoint.state)
        if code != Attempt.FINE:
            return code
        integers(own.passed + 8 * (data.times + 1) * k)[data.times] = data.own_valid
        accept_step(state)
        state.accepted += 1
        state.step_saved, state.dense_saved = 0, 0
        if write_output(state, adjoint.state) != Status.DONE:
            return Attempt.CALLBACK.value
    return Attempt.FINE.value


ENTRIES = {"follow": follow, "pull_back": pull_back}
