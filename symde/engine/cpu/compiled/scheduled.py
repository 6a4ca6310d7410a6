"""Events at known times, carried out in the loop: new values, what they make of columns, and a new start.

Where an event changes a condition that others wait for, all that was done at this time is undone and left to
the host. Columns are mapped as `symde.sensitivity.saltation` says, with the derivative dt of the time.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    call_step,
    compiled,
    doubles,
    integers,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.layout import Phase, Stage0, Status
from symde.engine.cpu.schedule import NUMBERS_OF_EVENT, Schedule

schedule_at = structure_at(Schedule)


@compiled
def end_of_time(state, schedule):
    """One past the last entry of this time; 0 where one of them is the host's."""
    times, by_loop = doubles(schedule.times), integers(schedule.by_loop)
    k = schedule.next
    while k < schedule.count and times[k] == state.t:
        if by_loop[k] == 0:
            return 0
        k += 1
    return k if k > schedule.next else 0


@compiled
def read_conditions(state, schedule, truths):
    """Which conditions hold by the present sides; the kernel's code."""
    integers(state.inputs)[0] = state.u
    integers(schedule.outputs)[0] = truths
    return call_kernel(schedule.conditions, state.t, state.inputs, schedule.outputs)


@compiled
def move_columns(state, schedule, entry, factor):
    """S += factor u' dt, which makes columns at a fixed time those of a state that moves with the event, or
    back; the kernel's code."""
    n, width, slope = schedule.states, schedule.width, doubles(schedule.slope)
    if evaluate(state, state.t, state.u, schedule.slope) != 0:
        return 1
    S, dt = doubles(state.u + 8 * n), doubles(schedule.dt + 8 * width * entry)
    for i in range(n):
        for c in range(width):
            S[i * width + c] += factor * slope[i] * dt[c]
    return 0


@compiled
def map_columns(state, schedule, entry, event, count):
    """The new columns of the states that an event sets, from the entries behind its values."""
    n, width = schedule.states, schedule.width
    table = integers(schedule.entries + 8 * NUMBERS_OF_EVENT * event)
    values, S, rows = doubles(schedule.values), doubles(state.u + 8 * n), doubles(schedule.rows)
    clear(count * width, schedule.rows)
    at = 2 * count
    of_row, of_column = integers(table[1]), integers(table[2])
    for e in range(table[0]):
        row, column, value = of_row[e] * width, of_column[e] * width, values[at + e]
        for c in range(width):
            rows[row + c] += value * S[column + c]
    at += table[0]
    of_row, of_column = integers(table[4]), integers(table[5])
    for e in range(table[3]):
        rows[of_row[e] * width + of_column[e]] += values[at + e]
    if schedule.moves:
        dt = doubles(schedule.dt + 8 * width * entry)
        for k in range(count):
            for c in range(width):
                rows[k * width + c] += values[count + k] * dt[c]


@compiled
def set_states(state, schedule, entry, event):
    """Let an event set what it does; the kernel's code."""
    kernel = integers(schedule.effects)[event]
    if kernel == 0:
        return 0
    integers(state.inputs)[0] = state.u
    integers(schedule.outputs)[0] = schedule.values
    if call_kernel(kernel, state.t, state.inputs, schedule.outputs) != 0:
        return 1
    first = integers(schedule.starts)[event]
    count = integers(schedule.starts)[event + 1] - first
    targets, u, values = integers(schedule.targets + 8 * first), doubles(state.u), doubles(schedule.values)
    if schedule.width:
        map_columns(state, schedule, entry, event, count)
        for k in range(count):
            size = 8 * schedule.width
            copy(schedule.width, schedule.rows + k * size, state.u + 8 * schedule.states + targets[k] * size)
    for k in range(count):
        u[targets[k]] = values[k]
    return 0


@compiled
def changes_truths(schedule):
    """Whether a condition has changed by the event."""
    before, after = doubles(schedule.truths), doubles(schedule.truths_after)
    for k in range(schedule.n_conditions):
        if before[k] != after[k]:
            return True
    return False


@compiled
def has_room(state):
    """Whether the jump can be saved without the host, which keeps the limit after the end of the span."""
    if state.save_steps and state.out_count == state.out_capacity:
        return False
    return not (state.keep_dense and state.t == state.t_end)


@compiled
def save_jump(state):
    """Save the state after the jump: among all steps beside the one before, at requested times in its
    place."""
    if state.save_steps:
        doubles(state.out_t)[state.out_count] = state.t
        copy(state.n, state.u, state.out_u + 8 * state.n * state.out_count)
        state.out_count += 1
        return
    row, t = state.out_count - 1, doubles(state.out_t)
    while row >= 0 and t[row] == state.t:
        copy(state.n, state.u, state.out_u + 8 * state.n * row)
        row -= 1


@compiled
def begin_anew(state, schedule):
    """Nothing of the past holds. One-step methods keep the size of their steps, as the error test corrects
    it; multistep ones begin at order 1, for which it would be far too large."""
    state.stage0, state.jacobian_fresh, state.restarted = Stage0.STALE, 0, 1
    clear(state.n, state.u_low)
    state.log_error_old = 0.0
    if integers(schedule.multistep)[state.active] and state.phase != Phase.START:
        state.phase, state.h_next = Phase.START, 0.0


@compiled
def carry_out(state, schedule, address, last):
    """All entries up to `last`; DONE, or STOPPED where one changes a condition."""
    events, size = integers(schedule.events), 8 * schedule.states
    for k in range(schedule.next, last):
        row = schedule.log + 2 * size * k
        copy(schedule.states, state.u, row)
        if set_states(state, schedule, k, events[k]) != 0:
            return Status.CALLBACK
        copy(schedule.states, state.u, row + size)
        if schedule.find_sides:
            if call_step(schedule.find_sides, address) != 0:
                return Status.CALLBACK
            if schedule.conditions:
                if read_conditions(state, schedule, schedule.truths_after) != 0:
                    return Status.CALLBACK
                if changes_truths(schedule):
                    return Status.STOPPED
    return Status.DONE


def take(address):
    """Carry out what is due at the time just reached; STOPPED: the host has to."""
    state = state_at(address)
    schedule = schedule_at(state.schedule)
    last = end_of_time(state, schedule)
    if last == 0 or not has_room(state):
        return Status.STOPPED
    if schedule.conditions:
        copy(state.n, state.u, schedule.before)
        copy(schedule.n_sides, schedule.side, schedule.side_before)
        if read_conditions(state, schedule, schedule.truths) != 0:
            return Status.CALLBACK
    if schedule.moves and move_columns(state, schedule, schedule.next, 1.0) != 0:
        return Status.CALLBACK
    status = carry_out(state, schedule, address, last)
    if status == Status.STOPPED:
        copy(state.n, schedule.before, state.u)
        copy(schedule.n_sides, schedule.side_before, schedule.side)
        if schedule.find_sides and call_step(schedule.find_sides, address) != 0:
            return Status.CALLBACK
    if status != Status.DONE:
        return status
    if schedule.moves and move_columns(state, schedule, schedule.next, -1.0) != 0:
        return Status.CALLBACK
    stops = doubles(state.stops)
    while state.next_stop < state.n_stops and stops[state.next_stop] == state.t:
        state.next_stop += 1
    schedule.next = last
    begin_anew(state, schedule)
    save_jump(state)
    return Status.DONE


ENTRIES = {"take": take}
