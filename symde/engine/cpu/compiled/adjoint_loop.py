"""Goes back over the recorded steps of a solve: each is done again, then turned round.

Where not every step's start is kept, the steps of a stretch between two kept ones are first done again
forwards, their starts kept in `segment`.

Source: A. Griewank, A. Walther, Evaluating Derivatives (2008), chapter 12, on checkpoints; two levels suffice
here, since a stretch is as short as the memory allows.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.adjoint_tools import adjoint_at
from symde.engine.cpu.compiled.output import write_output
from symde.engine.cpu.compiled.pointers import call_step, compiled, doubles, integers, slot_at, state_at
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.layout import FORMULA, Attempt, Stage0, Status


@compiled
def load_step(adjoint, state, k, start):
    """Ready the state for doing step k again from a start of 2n doubles: u and its compensation."""
    copy(adjoint.n, start, state.u)
    copy(adjoint.n, start + 8 * adjoint.n, state.u_low)
    state.stage0 = Stage0.STALE
    set_step(adjoint, state, k)


@compiled
def set_step(adjoint, state, k):
    """Ready the state for doing step k from where it stands."""
    t = doubles(adjoint.record_t)
    state.t, state.t_low, state.t_new, state.t_new_low = t[2 * k], 0.0, t[2 * k + 1], 0.0
    state.h = doubles(adjoint.record_h)[k]
    slot = integers(adjoint.record_slot)[k]
    state.active, state.formula, state.repeating = slot % FORMULA, slot // FORMULA, 1
    state.jacobian_fresh, state.interpolant_ready = 0, 0
    state.restarted, state.jacobian_known = 1, 0


@compiled
def redo(adjoint, state, k, start):
    """Do step k again; afterwards the state is as after the step was accepted."""
    load_step(adjoint, state, k, start)
    return take(adjoint, state)


@compiled
def take(adjoint, state):
    """The step that was set, accepted."""
    code = call_step(slot_at(state, state.active).attempt, adjoint.state)
    state.t_old, state.h_old, state.t = state.t, state.h, state.t_new
    state.u, state.u_new = state.u_new, state.u
    state.u_low, state.u_new_low = state.u_new_low, state.u_low
    return code


@compiled
def fill_segment(adjoint, state, first, last):
    """Starts of the steps first..last-1 into `segment`, from the recorded start of the first."""
    n = adjoint.n
    copy(2 * n, adjoint.record_u + 16 * n * (first // adjoint.stride), adjoint.segment)
    for k in range(first, last - 1):
        place = adjoint.segment + 16 * n * (k - first)
        code = redo(adjoint, state, k, place)
        if code != Attempt.FINE:
            return code
        copy(n, state.u, place + 16 * n)
        copy(n, state.u_low, place + 24 * n)
    return Attempt.FINE.value


@compiled
def gather_saved(adjoint, state):
    """The weights of the times saved within the step: of its end, and of its interpolant's coefficients."""
    n, padded = adjoint.n, adjoint.padded
    saves, w = doubles(adjoint.save_t), doubles(adjoint.weights)
    degree = slot_at(state, state.active).degree
    adjoint.interpolated = 0
    while adjoint.next_save >= 0:
        t = saves[adjoint.next_save]
        if (t - state.t_old) * state.direction <= 0.0:
            break
        given = doubles(adjoint.save_weights + 8 * n * adjoint.next_save)
        adjoint.next_save -= 1
        if t == state.t:
            for i in range(n):
                w[i] += given[i]
            continue
        if not adjoint.interpolated:
            clear(padded * (degree + 1), adjoint.coefficients)
            adjoint.interpolated = 1
        theta, power = (t - state.t_old) / state.h_old, 1.0
        for q in range(degree + 1):
            target = doubles(adjoint.coefficients + 8 * padded * q)
            for i in range(n):
                target[i] += power * given[i]
            power *= theta


@compiled
def pull_step(adjoint, state, address, k, start):
    """Pull the weights back over step k; the code of what failed."""
    code = redo(adjoint, state, k, start)
    if code != Attempt.FINE:
        return code
    gather_saved(adjoint, state)
    if adjoint.interpolated and call_step(slot_at(state, state.active).interpolate, adjoint.state) != 0:
        return Attempt.CALLBACK.value
    return call_step(integers(adjoint.adjoints)[state.active], address)


def pull_back(address):
    """Pull the weights of all saved points back to the start; FINE, or the code of what failed."""
    adjoint = adjoint_at(address)
    state = state_at(adjoint.state)
    last = adjoint.steps
    while last > 0:
        first = (last - 1) // adjoint.stride * adjoint.stride
        places = adjoint.segment
        if adjoint.stride == 1:
            places = adjoint.record_u + 16 * adjoint.n * first
        else:
            code = fill_segment(adjoint, state, first, last)
            if code != Attempt.FINE:
                return code
        for k in range(last - 1, first - 1, -1):
            code = pull_step(adjoint, state, address, k, places + 16 * adjoint.n * (k - first))
            if code != Attempt.FINE:
                return code
        last = first
    w = doubles(adjoint.weights)
    while adjoint.next_save >= 0:  # what was saved at the start itself
        given = doubles(adjoint.save_weights + 8 * adjoint.n * adjoint.next_save)
        for i in range(adjoint.n):
            w[i] += given[i]
        adjoint.next_save -= 1
    return Attempt.FINE.value


def follow(address):
    """Do all recorded steps one after another from the state as it is, save what is to be saved and record
    where every `stride`-th begins; FINE, or the code of what failed."""
    adjoint = adjoint_at(address)
    state = state_at(adjoint.state)
    n = adjoint.n
    state.record_saved = 1
    for k in range(adjoint.steps):
        if k % adjoint.stride == 0:
            place = adjoint.record_u + 16 * n * (k // adjoint.stride)
            copy(n, state.u, place)
            copy(n, state.u_low, place + 8 * n)
        before = state.active
        set_step(adjoint, state, k)
        known = k > 0 and before == state.active and slot_at(state, state.active).fsal != 0
        state.stage0 = Stage0.LAST if known else Stage0.STALE
        code = take(adjoint, state)
        if code != Attempt.FINE:
            return code
        state.accepted += 1
        state.step_saved = 0
        if write_output(state, adjoint.state) != Status.DONE:
            return Attempt.CALLBACK.value
    return Attempt.FINE.value


ENTRIES = {"follow": follow, "pull_back": pull_back}
