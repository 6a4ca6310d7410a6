"""The loop of solves with jumps beside differential equations: that of every solve, and what happens where
the hazard comes to zero.

The hazard is the last state. A step ends where it is zero, as at the root of any event; there a channel is
chosen by the rates, its effect is carried out, the hazard gets a new exponential number, and the solve goes
on with the size of step it had. Where other events need the host, it calls `fire` for that.
"""

from __future__ import annotations

import math

from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.compiled.flips import flip
from symde.engine.cpu.compiled.jump_effects import effects_at, set_states, time_of
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    call_step,
    compiled,
    doubles,
    integers,
    slot_at,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.root_values import roots_at
from symde.engine.cpu.compiled.sides import find_sides
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.hazard import HazardState
from symde.engine.cpu.jump_layout import JumpStatus
from symde.engine.cpu.layout import Phase, Stage0, Status

hazard_at = structure_at(HazardState)

ROUNDING = 1e-15
"""Part of a time by which it may be off."""

MISSED = 10.0
"""Tolerances of the hazard below zero that are no error of a step."""


@compiled
def data_of(state):
    """What is known of the jumps."""
    return hazard_at(integers(state.inputs)[CONTEXT])


@compiled
def evaluate_rates(state, data, t):
    """The rates at the present state and a time; the kernel's code."""
    effects = effects_at(data.effects)
    integers(effects.inputs)[0] = state.u
    return call_kernel(data.rates, t, effects.inputs, data.outputs)


@compiled
def check_rates(state, data, allowed):
    """Whether the rates, which are known, are such: none is below zero by more than is allowed."""
    rates = doubles(data.values)
    for j in range(data.channels):
        if not (rates[j] >= -allowed and rates[j] < math.inf):
            data.failed, data.why = j, JumpStatus.PROPENSITY
            return False
    return True


@compiled
def renew(state, data):
    """A new hazard, for the next jump."""
    effects = effects_at(data.effects)
    hazard, choice = time_of(effects.seed, effects.path, data.count)
    doubles(state.u)[state.n - 1] = hazard
    data.choice = choice


@compiled
def chosen(data):
    """The channel that jumps: the first whose partial sum of rates exceeds its part of the total, of those
    that can; -1 where none can."""
    rates, total = doubles(data.values), 0.0
    for j in range(data.channels):
        total += max(rates[j], 0.0)
    target, last = data.choice * total, -1
    for j in range(data.channels):
        if rates[j] > 0.0:
            target -= rates[j]
            last = j
            if target < 0.0:
                return j
    return last


@compiled
def carry_out(state, data):
    """Choose a channel and let it jump; the channel, or -1 where no channel can."""
    if evaluate_rates(state, data, state.t) != 0 or not check_rates(state, data, math.inf):
        data.why = JumpStatus.PROPENSITY
        return -1
    j = chosen(data)
    if j < 0:  # at the very time at which a condition lets rates begin: those just after it
        later = state.t + ROUNDING * max(abs(state.t), abs(state.h_old))
        if evaluate_rates(state, data, later) == 0 and check_rates(state, data, math.inf):
            j = chosen(data)
    if j >= 0:
        status = set_states(effects_at(data.effects), j, data.count, state.t, state.u)
        data.failed = j
        if status != JumpStatus.DONE:
            data.why = status
            return -1
    data.count += 1
    renew(state, data)
    return j


@compiled
def forget(state):
    """Nothing of what was known at the present state holds; multistep methods begin anew at order 1."""
    state.stage0, state.jacobian_fresh, state.restarted = Stage0.STALE, 0, 1
    clear(state.n, state.u_low)
    state.log_error_old = 0.0
    if slot_at(state, state.active).multistep != 0:
        state.phase, state.h_next = Phase.START, 0.0


@compiled
def save_jump(state):
    """Save the state after a jump: among all steps beside the one before, at times to save in its place."""
    if state.save_steps != 0:
        doubles(state.out_t)[state.out_count] = state.t
        copy(state.n, state.u, state.out_u + 8 * state.n * state.out_count)
        state.out_count += 1
        return
    row = state.out_count - 1
    while row >= 0 and doubles(state.out_t)[row] == state.t:
        copy(state.n, state.u, state.out_u + 8 * state.n * row)
        row -= 1


@compiled
def keep_limit(state):
    """Keep the state after a jump at the end, of which no step begins."""
    row = state.dense_rows + 8 * state.dense_width * state.dense_count
    doubles(row)[0], doubles(row)[1] = state.t, state.direction
    copy(state.n, state.u, row + 16)
    clear(state.dense_width - 2 - state.n, row + 16 + 8 * state.n)
    state.dense_count += 1


@compiled
def no_room(state, data):
    """The status that asks for memory before a jump is carried out; DONE: there is enough."""
    if data.keep_log != 0 and data.log_count == data.log_capacity:
        return Status.LOG_FULL
    if state.save_steps != 0 and state.out_count == state.out_capacity:
        return Status.OUTPUT_FULL
    if state.keep_dense != 0 and state.dense_count == state.dense_capacity:
        return Status.DENSE_FULL
    return Status.DONE


@compiled
def jump(state, data, address):
    """Carry out the jump that is due; DONE, or why the host is needed first."""
    status = no_room(state, data)
    if status != Status.DONE:
        return status
    roots = roots_at(state.roots)
    status = flip(state, roots, address)
    if status != Status.DONE:
        return status
    row = data.log_states + 16 * state.n * data.log_count
    if data.keep_log != 0:
        copy(state.n, state.u, row)
    j = carry_out(state, data)
    if data.why != JumpStatus.DONE:
        return Status.BAD_RATE
    if j >= 0 and data.keep_log != 0:
        doubles(data.log_t)[data.log_count] = state.t
        integers(data.log_channels)[data.log_count] = j
        copy(state.n, state.u, row + 8 * state.n)
        data.log_count += 1
    if find_sides(state, roots, address) != 0:
        return Status.CALLBACK
    forget(state)
    save_jump(state)
    if state.t == state.t_end and state.keep_dense != 0:
        keep_limit(state)
    data.pending = 0
    return Status.DONE


@compiled
def allowed_below(state):
    """What a rate may be below zero at the end of a step: what its part of the hazard may be off by."""
    hazard = state.n - 1
    error = doubles(state.atol)[hazard] + state.rtol * abs(doubles(state.u)[hazard])
    return error / abs(state.h_old) if state.h_old != 0.0 else 0.0


@compiled
def has_missed(state, data):
    """Whether the hazard went through zero and no root was found: it did so within the rounding of the time,
    where a step began."""
    hazard = state.n - 1
    if doubles(state.u)[hazard] >= -MISSED * (doubles(state.atol)[hazard] + state.rtol):
        return False
    data.why = JumpStatus.CLOCK
    return True


def advance(address):
    """Advance until t_end or until the host is needed; the status."""
    state = state_at(address)
    data = data_of(state)
    asked = state.single_step
    while True:
        if data.pending != 0:
            status = jump(state, data, address)
            if status != Status.DONE:
                return status
            if asked:
                return Status.STEPPED
        state.single_step = 1
        status = call_step(data.advance, address)
        state.single_step = asked
        if status == Status.ROOT and data.alone != 0:
            data.pending = 1
        elif status == Status.STEPPED:
            if evaluate_rates(state, data, state.t) != 0:
                return Status.CALLBACK
            if not check_rates(state, data, allowed_below(state)) or has_missed(state, data):
                return Status.BAD_RATE
            if asked:
                return Status.STEPPED
        else:
            return status


def begin(address):
    """The hazard of a path at its start; not 0 where a rate is negative there."""
    state = state_at(address)
    data = data_of(state)
    renew(state, data)
    if evaluate_rates(state, data, state.t) != 0 or not check_rates(state, data, 0.0):
        return 1
    return 0


def fire(address):
    """Carry out the jump that is due, for the host; not 0 where it cannot be."""
    state = state_at(address)
    data = data_of(state)
    carry_out(state, data)
    return 1 if data.why != JumpStatus.DONE else 0


ENTRIES = {"advance": advance, "begin": begin, "fire": fire}
