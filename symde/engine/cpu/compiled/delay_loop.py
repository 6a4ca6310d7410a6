"""The loop of delay equations: that of every solve, with discontinuities noted as they come back.

The state, or a derivative of it, jumps at t0. Where a time s_k passes a discontinuity of order r (the r-th
derivative jumps) the solution has one of order r + 1, or again of order r where the equation is neutral. What
equations without a derivative determine has one of order r: it jumps where the past does, and is found anew
there. Where such a variable is read at another time, orders do not rise.

Source: D. R. Wille, C. T. H. Baker, DELSOL: a numerical code for the solution of systems of
delay-differential equations, Applied Numerical Mathematics 9 (1992), on tracking.
"""

from __future__ import annotations

from symde.engine.cpu.columns import CONTEXT, DIRECTION
from symde.engine.cpu.compiled.delay_crossings import times_at
from symde.engine.cpu.compiled.delay_defect import time_of
from symde.engine.cpu.compiled.delay_repeats import lengthen, set_passed
from symde.engine.cpu.compiled.delay_start import same, slope_at_start, start_past
from symde.engine.cpu.compiled.delays import MISSED, delay_data_at, evaluate_within
from symde.engine.cpu.compiled.jumps import forget_slope
from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.pointers import call_kernel, call_step, compiled, doubles, integers, state_at
from symde.engine.cpu.delays import ALONG, BREAKS, MOVING
from symde.engine.cpu.layout import Phase, Status

NEVER = 1000
"""Order of what is no discontinuity."""

LEFT_ALONE = 3
"""Order from which discontinuities may be too many to end steps at."""

FELT = 1e-2
"""Part of the tolerance below which a jump of a derivative counts as one of order `LEFT_ALONE`. Else two
delays in a neutral equation bring discontinuities without end."""

CROWDED = 0.1
"""Part of a step, for each time: where such a discontinuity follows another one closer, it is left to the
control of the error. Else three delays that depend on the state bring thousands."""


GLIDING = 1e-4
"""Part of a step by which a time may move that keeps to a discontinuity, beside the tolerance."""


@compiled
def order_after(data, order):
    """The order of the discontinuity that one of this order brings."""
    if data.algebraic:
        return order
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
    if order == 0:
        data.past_jumps = 1
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
def slopes_jump(state, data):
    """Whether derivatives that are read jump, at the end of the step, by anything that the tolerance sees:
    where the equation is neutral the jump itself comes back again and again, mostly a part of it."""
    kept, passed, read = integers(data.kept_passed), integers(data.passed), integers(data.derived)
    before, after, u, atol = doubles(data.defect), doubles(data.trial), doubles(state.u), doubles(state.atol)
    for k in range(data.times):
        now = passed[k]
        set_passed(data, k, kept[k])
        kept[k] = now
    code = evaluate(state, state.t, state.u, data.defect)
    for k in range(data.times):
        set_passed(data, k, kept[k])
    code += evaluate(state, state.t, state.u, data.trial)
    for q in range(data.n_derived):
        i = read[q]
        size = abs(after[i] - before[i]) * time_of(data, q, abs(state.h_old))
        if code != 0 or not size <= FELT * (atol[i] + state.rtol * abs(u[i])):
            return True
    return False


@compiled
def break_near(data, k, tolerance):
    """The last discontinuity that time k has passed, or the next, where it lies so near; -1: it does not."""
    breaks, j, s = doubles(data.breaks), integers(data.passed)[k], doubles(data.s)[k]
    if j < data.n_breaks and abs(s - breaks[j]) <= tolerance:
        return j
    return j - 1 if j > 0 and abs(s - breaks[j - 1]) <= tolerance else -1


@compiled
def note_gliding(state, data):
    """Note whether a time has kept to a discontinuity all through the step just accepted."""
    tolerance, breaks, s = GLIDING * abs(state.h_old) + state.rtol, doubles(data.breaks), doubles(data.s)
    glides = False
    for k in range(data.times):
        j = -1 if integers(data.constant)[k] else break_near(data, k, tolerance)
        if j >= 0:
            times_at(state, data, state.t_old, state.u_new)
            glides = glides or abs(s[k] - breaks[j]) <= tolerance
            times_at(state, data, state.t, state.u)
    data.glide = data.glide + abs(state.h_old) if glides else 0.0
    data.longest_glide = max(data.longest_glide, data.glide)


@compiled
def after_step(state, data, address):
    """Note the discontinuities that the step just accepted has reached, and what its error says of the
    next; find what jumps there with the past. A status."""
    data.past_jumps = 0
    if data.passed_record:
        record_passed(state, data)
    if data.cut_to_lag:
        lengthen(state, data)
    if data.all_constant == 0:
        times_at(state, data, state.t, state.u)
        note_gliding(state, data)
    order, moved, kept = NEVER, False, integers(data.kept_passed)
    for k in range(data.times):
        kept[k] = integers(data.passed)[k]
        order = min(order, crossings_of(state, data, k))
        moved = moved or kept[k] != integers(data.passed)[k]
    if moved and order < LEFT_ALONE and data.n_derived and not data.width and not slopes_jump(state, data):
        order = LEFT_ALONE
    if order <= data.highest_order:
        note_discontinuity(state, data, order)
    # of second order is also where delayed derivatives jump, which columns and derivatives by t read
    if moved and order <= max(data.highest_order, 2):
        forget_slope(state)
    if data.past_jumps and state.mass != 0 and state.constraints != 0:
        return call_step(data.consistent, address)
    return Status.DONE.value


def advance(address):
    """Advance until the end or until the host is needed; the status."""
    state = state_at(address)
    data = delay_data_at(integers(state.inputs)[CONTEXT])
    if state.phase == Phase.START:
        data.stuck, data.fault_at = 0, state.t
        data.fault = start_past(state, data)
        if data.fault or (data.n_derived and slope_at_start(state, data) != 0):
            return Status.CALLBACK
    wished = state.single_step
    state.single_step = 1
    while True:
        status = call_step(data.advance, address)
        stepped = status == Status.STEPPED or status == Status.STOPPED or status == Status.ROOT
        if stepped:
            after = after_step(state, data, address)
            if after != Status.DONE:
                status = after
                break
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
