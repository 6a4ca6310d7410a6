"""Paths with noise and events.

Where all times are known steps end at them. The Brownian motion is that of the whole steps of the grid, and a
step in which something happens is taken in pieces of it: given the increment W of a step of length h and the
integral A of W - W(start), both are normal after a part of it, with the mean and the covariance that
`cut_off` has. So a seed has one Brownian motion, whenever something happens.

Where states or the time decide, and where steps follow the error, the Brownian motion is that of the virtual
Brownian tree, and a step ends at the tick at which the first condition holds (`noise_event_search`).
"""

from __future__ import annotations

import math

import numpy as np

from symde.engine.cpu.compiled.brownian_tree import TREE, plant
from symde.engine.cpu.compiled.noise_adaptive import save_here
from symde.engine.cpu.compiled.noise_event_search import NONE, first_trigger
from symde.engine.cpu.compiled.noise_event_times import begin_times, events_at
from symde.engine.cpu.compiled.noise_events import arm, happen, look, trigger
from symde.engine.cpu.compiled.noise_jumps import before, take_over, tick_of, try_step
from symde.engine.cpu.compiled.noise_loop import begin, draw, finish, is_finite, normal, save_until
from symde.engine.cpu.compiled.normal import draw_normals
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.layout import Status
from symde.engine.cpu.noise_events import ROOM
from symde.engine.cpu.noise_layout import LEVELS

CLOSE = 1e-9
"""Part of a step of a grid by which a known time may miss its end: they are the same."""


@compiled
def keep_old(state):
    """The state before the step."""
    old, u = doubles(state.old), doubles(state.u)
    for i in range(state.n):
        old[i] = u[i]


# -- steps of a grid that end at known times
# ----------------------------------------------------------------------------------------------------


@compiled
def cut_off(state, events, h):
    """The increments and integrals of the first part, of length h, of what is left of a step, by the normal
    numbers that are drawn; then of what is left behind it."""
    increments, areas = doubles(state.increments), doubles(state.areas)
    rest_w, rest_a, whole = doubles(events.rest_w), doubles(events.rest_a), events.rest
    x = h / whole
    y = 1.0 - x
    for motion in range(state.motions):
        place = motion * state.per_motion
        W, z = rest_w[motion], normal(state, place)
        if state.per_motion == 1:
            w = x * W + math.sqrt(x * y * whole) * z
        else:
            A = rest_a[motion]
            deviation = math.sqrt(whole * x * y * (1.0 - 3.0 * x * y))
            covariance = 0.5 * (whole * x * y) ** 2 * (1.0 - 2.0 * x)
            variance = (whole * x * y) ** 3 / 3.0
            slope = covariance / deviation
            w = x * (3.0 * x - 2.0) * W + 6.0 * x * y * A / whole + deviation * z
            mean = -whole * x * x * y * W + x * x * (3.0 - 2.0 * x) * A
            a = mean + slope * z + math.sqrt(max(variance - slope * slope, 0.0)) * normal(state, place + 1)
            areas[motion] = a
            rest_a[motion] = A - a - (whole - h) * w
        increments[motion] = w
        rest_w[motion] = W - w
    events.rest = whole - h


@compiled
def read_rest(state, events):
    """Increments and integrals of what is left of a step."""
    increments, areas = doubles(state.increments), doubles(state.areas)
    for motion in range(state.motions):
        increments[motion], areas[motion] = doubles(events.rest_w)[motion], doubles(events.rest_a)[motion]


@compiled
def keep_whole(state, events):
    """Draw the random numbers of a whole step of the grid."""
    state.step, state.h = events.grid, events.h
    draw(state)
    for motion in range(state.motions):
        doubles(events.rest_w)[motion] = doubles(state.increments)[motion]
        doubles(events.rest_a)[motion] = doubles(state.areas)[motion]
    events.rest = events.h


@compiled
def step_piece(state, events, step, h):
    """A step over a part of one of the grid, with normal numbers of its own."""
    normals, block, start = state.normals, state.block, state.block_start
    count = state.per_step
    first = TREE + np.uint64(events.cuts * count)
    path = state.first_path + state.path
    draw_normals(state.seed, path, first, count, events.cut_words, events.cut_normals)
    state.normals, state.block, state.block_start = events.cut_normals, 1, state.step
    cut_off(state, events, h)
    state.h = h
    step(state, events.t)
    state.normals, state.block, state.block_start = normals, block, start
    events.cuts += 1


@compiled
def step_on_grid(state, events, step):
    """One step, up to the next known time at most; DONE where the path goes on, or how it ends."""
    t, end = events.t, state.t0 + (events.grid + 1) * events.h
    close, due = CLOSE * events.h, events.next
    if due <= t:
        return happen(state, events, due)
    cut, happening = due < end - close, due <= end + close
    keep_old(state)
    if events.rest == 0.0:
        keep_whole(state, events)
    if cut:
        end = due
        step_piece(state, events, step, due - t)
    else:
        state.h = events.rest
        read_rest(state, events)
        step(state, t)
        events.grid += 1
        events.rest = 0.0
    if state.diverged != 0:
        return Status.DIVERGED
    if not is_finite(state):
        return Status.NON_FINITE
    events.t = end
    save_until(state, t, before(min(end, due)) if happening else last_time(state, events, end))
    return happen_and_save(state, events, due) if happening else Status.DONE


@compiled
def last_time(state, events, end):
    """The end of a step, or of the last one the last time to save, which rounding may put behind it."""
    if events.grid < state.steps or state.n_saveat == 0:
        return end
    return max(end, doubles(state.saveat)[state.n_saveat - 1])


@compiled
def happen_and_save(state, events, due):
    """What happens at a known time, and where the path ends with it the times to save there."""
    status = happen(state, events, due)
    if status == Status.TERMINATED or (status == Status.DONE and events.grid == state.steps):
        top = last_time(state, events, events.t)
        save_until(state, top, top)
    return status


# -- steps on a Brownian tree, which end at conditions too
# ----------------------------------------------------------------------------------------------------


@compiled
def tick_at(state, t):
    """The tick of a time; one beyond the last of what is later."""
    last = 1 << LEVELS
    ticks = (t - state.t0) / state.tick
    return int(ticks + 0.5) if ticks < last + 0.5 else last + 1


@compiled
def stop_of(state, events):
    """The tick that the next step may not pass: the next point of the grid, or time to save."""
    if state.adaptive != 0:
        if state.next_save < state.n_saveat:
            return integers(state.save_ticks)[state.next_save]
        return 1 << LEVELS
    while tick_of(state, events.grid + 1) <= state.at:
        events.grid += 1
    return tick_of(state, events.grid + 1)


@compiled
def save_step(state, t, end, limit, happening):
    """The times to save of a step of a grid."""
    if happening:
        limit = before(limit)
    elif end == 1 << LEVELS and state.n_saveat > 0:
        limit = max(limit, doubles(state.saveat)[state.n_saveat - 1])
    save_until(state, t, limit)


@compiled
def save_end(state, events, end):
    """The times to save where a path ends with what happens."""
    if state.adaptive != 0:
        save_here(state)
        return
    top = events.t
    if end == 1 << LEVELS and state.n_saveat > 0:
        top = max(top, doubles(state.saveat)[state.n_saveat - 1])
    save_until(state, top, top)


@compiled
def happen_on_tree(state, events, end, at_end):
    """What happens at the end of a step; the status that ends the path, or DONE."""
    status = happen(state, events, events.t)
    look(state, events, events.t, events.row)
    arm(events, events.row, at_end)
    if status == Status.TERMINATED or (status == Status.DONE and end == 1 << LEVELS):
        save_end(state, events, end)
    return status


@compiled
def step_on_tree(state, events, step):
    """One step, up to the first event at most; DONE where the path goes on, or how it ends."""
    t, due = state.t0 + state.at * state.tick, tick_at(state, events.next)
    if due <= state.at:
        events.t = events.next
        return happen_on_tree(state, events, state.at, True)
    stop = min(stop_of(state, events), due)
    end = min(state.at + state.wanted, stop) if state.adaptive != 0 else stop
    keep_old(state)
    status = try_step(state, end, step, t)
    if status != Status.DONE:
        return Status.DONE if status == Status.BUDGET else status
    found = first_trigger(state, events, end, step, t) if events.conditional != 0 else NONE
    if state.diverged != 0:
        return Status.DIVERGED
    if found != NONE:
        end = found
        trigger(events, events.row)
    happening = found != NONE or end == due
    events.t = events.next if end == due else state.t0 + end * state.tick
    if state.adaptive == 0:
        save_step(state, t, end, events.t, happening)
    if not happening:
        arm(events, events.row, True)
        take_over(state, end)
        return Status.DONE
    status = happen_on_tree(state, events, end, found == NONE)
    take_over(state, end)
    return status


# -- paths
# ----------------------------------------------------------------------------------------------------


@compiled
def start_path(state, events):
    """Ready for the next path, with what happens at its start; the status that ends it, or DONE."""
    begin(state)
    if on_tree(state, events):
        plant(state)
        state.at, state.wanted = 0, state.first_ticks
        for motion in range(state.motions):
            doubles(state.w_start)[motion] = doubles(state.a_start)[motion] = 0.0
    events.t, events.rest = state.t0, 0.0
    events.grid = events.cuts = events.counted = events.broken = events.pending_count = 0
    events.at_once = events.short = events.shrinking = events.burst = 0
    begin_times(state, events)
    for event in range(events.events):
        integers(events.armed)[event] = 0
    look(state, events, state.t0, events.row)
    arm(events, events.row, True)
    status = Status.DONE
    if events.next <= state.t0:
        status = happen(state, events, state.t0)
        look(state, events, state.t0, events.row)
    if state.adaptive != 0:
        save_here(state)
    else:
        save_until(state, state.t0, state.t0)
    return status


@compiled
def on_tree(state, events):
    """Whether the Brownian motion is that of a tree."""
    return events.conditional != 0 or state.adaptive != 0


@compiled
def has_room(events):
    """Whether log and queue have room for all that may happen at one time."""
    if events.queue_capacity - events.queue_count < ROOM:
        return False
    return events.keep_log == 0 or events.log_capacity - events.log_count >= ROOM


@compiled
def is_over(state, events):
    """Whether a path has come to its end, and all that happens there has."""
    if on_tree(state, events):
        return state.at == 1 << LEVELS and tick_at(state, events.next) > state.at
    return events.grid >= state.steps and not events.next <= events.t


@compiled
def end_path(state, events, status):
    """Note how a path ended, and the steps it took."""
    t = state.t0 + state.at * state.tick if on_tree(state, events) else events.t
    if not on_tree(state, events):
        state.step = events.grid + events.cuts
    if status == Status.DONE or status == Status.TERMINATED:
        t = events.t
    finish(state, status, t)


@compiled
def follow_events(state, step):
    """Go on with paths that have events, until all are done or the allowance of steps is used up."""
    events = events_at(state.events)
    while state.path < state.paths:
        if not has_room(events):
            return Status.LOG_FULL
        if state.begun == 0:
            status = start_path(state, events)
            if status != Status.DONE:
                end_path(state, events, status)
        while state.begun != 0:
            if is_over(state, events):
                end_path(state, events, Status.DONE)
            elif state.adaptive != 0 and state.step >= state.steps:
                end_path(state, events, Status.MAX_STEPS)
            elif state.budget <= 0:
                return Status.BUDGET
            elif not has_room(events):
                return Status.LOG_FULL
            else:
                state.budget -= 1
                if on_tree(state, events):
                    status = step_on_tree(state, events, step)
                else:
                    status = step_on_grid(state, events, step)
                if status != Status.DONE:
                    end_path(state, events, status)
    return Status.DONE
