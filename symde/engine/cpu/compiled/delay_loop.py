"""The loop of delay equations: that of every solve, with discontinuities noted as they come back.

The state, or a derivative of it, jumps at t0. Where a time s_k passes a discontinuity of order r (the r-th
derivative jumps) the solution has one of order r + 1, or again of order r where the equation is neutral.

Source: D. R. Wille, C. T. H. Baker, DELSOL: a numerical code for the solution of systems of
delay-differential equations, Applied Numerical Mathematics 9 (1992), on tracking.
"""

from __future__ import annotations

from symde.engine.cpu.columns import CONTEXT, DIRECTION
from symde.engine.cpu.compiled.delay_crossings import times_at
from symde.engine.cpu.compiled.delay_repeats import ULPS, lengthen, set_passed
from symde.engine.cpu.compiled.delays import (
    ALONG,
    MISSED,
    delay_data_at,
    evaluate_times,
    evaluate_within,
    fill_delayed,
)
from symde.engine.cpu.compiled.jumps import forget_slope
from symde.engine.cpu.compiled.pointers import call_kernel, call_step, compiled, doubles, integers, state_at
from symde.engine.cpu.compiled.vectors import copy
from symde.engine.cpu.delays import BREAKS, MOVING
from symde.engine.cpu.layout import Phase, Status

NEVER = 1000
"""Order of what is no discontinuity."""

LEFT_ALONE = 3
"""Order from which discontinuities may be too many to end steps at."""

CROWDED = 0.1
"""Part of a step, for each time: where such a discontinuity follows another one closer, it is left to the
control of the error. Else three delays that depend on the state bring thousands."""


@compiled
def same(a, b):
    """Whether two times are the same but for rounding."""
    return abs(a - b) <= ULPS * max(abs(a), abs(b))


@compiled
def learn_lags(state, data):
    """The constant delays and the smallest of them; 1 + one that is not positive, 0 where all are."""
    s, lags, constant = doubles(data.s), doubles(data.lags), integers(data.constant)
    integers(state.inputs)[0] = state.u
    integers(data.outputs)[0] = data.s
    call_kernel(data.delay_times, 0.0, state.inputs, data.outputs)
    data.least_lag = 1e300
    for k in range(data.times):
        if constant[k] == ALONG:
            lags[k] = s[k]
        elif constant[k]:
            lags[k] = -s[k]
            if not lags[k] > 0.0:
                return k + 1
            data.least_lag = min(data.least_lag, lags[k])
    return 0


@compiled
def jumps_at_start(data):
    """Whether the state, or a column, does not begin where its history ends; the former is noted."""
    integers(data.outputs)[0] = data.history
    call_kernel(data.histories, data.t0, data.history_inputs, data.outputs)
    history, initial = doubles(data.history), doubles(data.initial)
    states, orders, value = integers(data.pair_state), integers(data.order), integers(data.value)
    jump, data.jump = False, 0
    for q in range(integers(data.pair_first)[data.times]):
        if orders[q] == 0 and states[q] < data.n:
            before, after = history[value[q]], initial[states[q]]
            if not abs(before - after) <= ULPS * max(abs(before), abs(after)):
                jump = True
                if states[q] < data.base_n:
                    data.jump = 1
    return jump


@compiled
def start_past(state, data):
    """Ready the past for a run; 1 + a time that is none of the past, 0 where all are."""
    data.t0, data.n_breaks, data.fault, data.forgotten = state.t, 1, 0, 0
    data.own_valid, data.ahead, data.overlap = 0, 0, 0
    copy(state.n, state.u, data.initial)
    hints = integers(data.hints)
    for k in range(data.times):
        hints[k] = 0
        set_passed(data, k, 0)
    for c in range(data.width):
        doubles(data.break_columns)[c] = 0.0
    doubles(data.breaks)[0] = state.t
    integers(data.break_orders)[0] = 0 if jumps_at_start(data) else 1
    fault = learn_lags(state, data)
    if fault or data.all_constant:
        return fault
    for _ in range(data.levels):
        fill_delayed(data, state.t, state.inputs, 0)
    evaluate_times(data, state.t, state.inputs)
    s, constant, near = doubles(data.s), integers(data.constant), ULPS * abs(state.t)
    for k in range(data.times):
        if not constant[k]:
            if s[k] > state.t + near:
                return k + 1
            set_passed(data, k, 1 if s[k] >= state.t - near else 0)
    data.ahead = 0
    return 0


@compiled
def order_after(data, order):
    """The order of the discontinuity that one of this order brings."""
    return max(order, 1) if data.neutral else order + 1


@compiled
def jump_of_columns(state, data, k, j, to):
    """Time k leaves break j behind (or comes back before it), so that f may jump: the columns' jump with
    it."""
    n, width = data.base_n, data.width
    inputs = integers(state.inputs)
    outputs, kept = integers(state.outputs), inputs[DIRECTION]
    inputs[0], outputs[0] = state.u, data.before
    evaluate_within(data, state.t, state.inputs, state.outputs)
    inputs[DIRECTION] = data.before
    call_kernel(data.crossings, state.t, state.inputs, data.rate_outputs)
    inputs[DIRECTION] = kept
    set_passed(data, k, to)
    outputs[0] = data.after
    evaluate_within(data, state.t, state.inputs, state.outputs)
    before, after, u = doubles(data.before), doubles(data.after), doubles(state.u)
    rate, columns = doubles(data.rates)[k], doubles(data.rate_columns + 8 * width * k)
    moved, new = doubles(data.break_columns), doubles(data.trial_columns)
    for c in range(width):
        new[c] = (moved[j * width + c] - columns[c]) / rate
    for i in range(n):
        jump = before[i] - after[i]
        for c in range(width):
            u[n + i * width + c] += jump * new[c]


@compiled
def move_over(state, data, k, j, to):
    """Time k moves over break j; the order of the discontinuity that this brings."""
    order = integers(data.break_orders)[j]
    found = order_after(data, order)
    jumps = data.neutral or order == MOVING or (data.jump and doubles(data.breaks)[j] == data.t0)
    if data.width and jumps:
        jump_of_columns(state, data, k, j, to)
        found = 0  # the columns themselves jump
    set_passed(data, k, to)
    return found


@compiled
def crossings_of(state, data, k):
    """Move time k over the discontinuities that it has reached; the least order that this brings."""
    breaks, passed = doubles(data.breaks), integers(data.passed)
    found, known = NEVER, data.n_breaks
    if integers(data.constant)[k] == ALONG:
        return found
    if integers(data.constant)[k]:
        lag = doubles(data.lags)[k]
        while passed[k] < known:
            back = breaks[passed[k]] + lag
            if not (back <= state.t or same(back, state.t)):
                break
            found = min(found, move_over(state, data, k, passed[k], passed[k] + 1))
        return found
    s, tolerance, before = doubles(data.s)[k], MISSED * abs(state.h_old), passed[k]
    if data.met == k + 1 and data.met_back:
        return move_over(state, data, k, before - 1, before - 1)
    while passed[k] < known and s >= breaks[passed[k]] - tolerance and breaks[passed[k]] < state.t:
        found = min(found, move_over(state, data, k, passed[k], passed[k] + 1))
    if before == passed[k] and before > 0 and s < breaks[before - 1] - tolerance:
        found = move_over(state, data, k, before - 1, before - 1)
    return found


@compiled
def note_discontinuity(state, data, order):
    """Remember that a derivative of this order jumps at t. Where there is no room the oldest ones that every
    time has passed are forgotten; a new one for which there is still none is left to the error's control."""
    breaks, orders, passed = doubles(data.breaks), integers(data.break_orders), integers(data.passed)
    last, width = data.n_breaks - 1, data.width
    moved, new = doubles(data.break_columns), doubles(data.trial_columns)
    if same(breaks[last], state.t):
        orders[last] = min(orders[last], order)
        return
    if order >= LEFT_ALONE and state.t - breaks[last] < CROWDED * data.times * state.h_next:
        return
    if data.n_breaks == BREAKS:
        # t0 stays: before it lies the history, and a time may come back to there
        behind = data.n_breaks
        for k in range(data.times):
            if integers(data.constant)[k] != ALONG:
                behind = min(behind, passed[k] - 2)
        data.forgotten += 1
        if behind <= 0:
            return
        for j in range(1 + behind, data.n_breaks):
            breaks[j - behind], orders[j - behind] = breaks[j], orders[j]
            for c in range(width):
                moved[(j - behind) * width + c] = moved[j * width + c]
        for k in range(data.times):
            passed[k] -= behind
        data.n_breaks -= behind
    breaks[data.n_breaks], orders[data.n_breaks] = state.t, order
    for c in range(width):
        moved[data.n_breaks * width + c] = new[c]
    data.n_breaks += 1


@compiled
def record_passed(state, data):
    """Record of the step just accepted what each time had passed, and whether it read its own interpolant."""
    row = data.passed_record + 8 * (data.times + 1) * (state.record_count - 1)
    passed, record = integers(data.passed), integers(row)
    for k in range(data.times):
        record[k] = passed[k]
    record[data.times] = data.own_valid


@compiled
def after_step(state, data):
    """Note the discontinuities that the step just accepted has reached, and what its error says of the
    next."""
    if data.passed_record:
        record_passed(state, data)
    if data.cut_to_lag:
        lengthen(state, data)
    if data.all_constant == 0:
        times_at(state, data, state.t, state.u)
    order, moved = NEVER, False
    for k in range(data.times):
        before = integers(data.passed)[k]
        order = min(order, crossings_of(state, data, k))
        moved = moved or before != integers(data.passed)[k]
    if order <= data.highest_order:
        note_discontinuity(state, data, order)
    # of second order is also where delayed derivatives jump, which columns and derivatives by t read
    if moved and order <= max(data.highest_order, 2):
        forget_slope(state)


def advance(address):
    """Advance until the end or until the host is needed; the status."""
    state = state_at(address)
    data = delay_data_at(integers(state.inputs)[CONTEXT])
    if state.phase == Phase.START:
        data.stuck, data.fault_at = 0, state.t
        data.fault = start_past(state, data)
        if data.fault:
            return Status.CALLBACK
    wished = state.single_step
    state.single_step = 1
    while True:
        status = call_step(data.advance, address)
        stepped = status == Status.STEPPED or status == Status.STOPPED or status == Status.ROOT
        if stepped:
            after_step(state, data)
        if status == Status.STOPPED and data.kept_count:
            forget_slope(state)  # what is read of the kept solution may jump there
        if status != Status.STEPPED or wished:
            break
    state.single_step = wished
    if status == Status.STEP_TOO_SMALL and (data.ahead or data.stuck):
        data.fault, data.fault_at = data.ahead, state.t
        return Status.CALLBACK
    return status


ENTRIES = {"advance": advance}
