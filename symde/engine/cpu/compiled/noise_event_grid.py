"""Steps of a grid that end at known times.

The Brownian motion is that of the whole steps, and a step in which something happens is taken in pieces of
it: given the increment W of a step of length h and the integral A of W - W(start), both are normal after a
part of it, with the mean and the covariance that `cut_off` has. So a seed has one Brownian motion, whenever
something happens.
"""

from __future__ import annotations

import math

import numpy as np

from symde.engine.cpu.compiled.brownian_tree import TREE
from symde.engine.cpu.compiled.noise_events import happen
from symde.engine.cpu.compiled.noise_jumps import before
from symde.engine.cpu.compiled.noise_loop import draw, is_finite, normal, save_until
from symde.engine.cpu.compiled.normal import draw_normals
from symde.engine.cpu.compiled.pointers import compiled, doubles
from symde.engine.cpu.compiled.vectors import copy
from symde.engine.cpu.layout import Status

CLOSE = 1e-9
"""Part of a step of a grid by which a known time may miss its end: they are the same."""


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
def draw_whole(state, events):
    """Draw the random numbers of a whole step of the grid."""
    state.step, state.h = events.grid, events.h
    draw(state)


@compiled
def keep_whole(state, events):
    """A step just drawn is taken in pieces."""
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
    copy(state.n, state.u, state.old)
    if events.rest == 0.0:
        draw_whole(state, events)
        if cut:
            keep_whole(state, events)
    if cut:
        end = due
        step_piece(state, events, step, due - t)
    else:
        if events.rest > 0.0:
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
