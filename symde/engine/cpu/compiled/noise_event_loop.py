"""Paths with noise and events.

Where all times are known steps of a grid end at them (`noise_event_grid`). Where states or the time decide,
and where steps follow the error, the Brownian motion is that of the virtual Brownian tree, and a step ends at
the tick at which the first condition holds (`noise_event_search`).
"""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_adaptive import save_here
from symde.engine.cpu.compiled.noise_event_grid import step_on_grid
from symde.engine.cpu.compiled.noise_event_search import NONE, first_trigger
from symde.engine.cpu.compiled.noise_event_times import begin_times, events_at
from symde.engine.cpu.compiled.noise_events import arm, happen, look, trigger
from symde.engine.cpu.compiled.noise_jumps import (
    end_of_step,
    save_step,
    start_on_tree,
    stop_of,
    take_over,
    try_step,
)
from symde.engine.cpu.compiled.noise_loop import begin, finish, save_until
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.vectors import copy
from symde.engine.cpu.layout import Status
from symde.engine.cpu.noise_events import ROOM
from symde.engine.cpu.noise_layout import LEVELS

# -- steps on a Brownian tree, which end at conditions too
# ----------------------------------------------------------------------------------------------------


@compiled
def tick_at(state, t):
    """The tick of a time; one beyond the last of what is later."""
    last = 1 << LEVELS
    ticks = (t - state.t0) / state.tick
    return int(ticks + 0.5) if ticks < last + 0.5 else last + 1


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
    copy(state.n, state.u, state.old)  # a foretold error is measured by both
    end = end_of_step(state, min(stop_of(state, events), due), t)
    if end < 0:
        return Status.NON_FINITE
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
        save_step(state, events, t, end, happening)
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
    if on_tree(state, events):
        start_on_tree(state)
    else:
        begin(state)
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
def steps_of(state, events):
    """How many steps a path has taken, with those that end at events."""
    return state.step if on_tree(state, events) else events.grid + events.cuts


@compiled
def end_path(state, events, status):
    """Note how a path ended, and the steps it took."""
    t = state.t0 + state.at * state.tick if on_tree(state, events) else events.t
    state.step = steps_of(state, events)
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
            elif steps_of(state, events) >= events.limit:
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
