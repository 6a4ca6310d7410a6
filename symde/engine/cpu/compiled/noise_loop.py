"""The loop over the steps of paths, whatever method takes them.

A method gives `step(state, t)`, which moves `u` on by h with the increments and integrals of the Brownian
motions that are in `increments` and `areas`. It is compiled into the loop. Random numbers are those of
(seed; step, path): a path is the same wherever and beside whatever it is computed.

States with a domain are read inside of it by drift and diffusion (full truncation: R. Lord, R. Koekkoek,
D. van Dijk, A comparison of biased simulation schemes for stochastic volatility models, Quant. Finance 10
(2010), 177-194) and saved inside of it; the path itself may go beyond.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.noise_along import along
from symde.engine.cpu.compiled.normal import draw_normals
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, structure_at
from symde.engine.cpu.layout import Status
from symde.engine.cpu.noise_layout import NoiseState

noise_at = structure_at(NoiseState)


@compiled
def within(state, source, target):
    """A state inside of its domains, and its derivatives, which are 0 of what was beyond."""
    from_, to = doubles(source), doubles(target)
    if state.bounded == 0:
        for i in range(state.n):
            to[i] = from_[i]
        return
    low, high = doubles(state.low), doubles(state.high)
    for direction in range(state.directions, 0, -1):
        for i in range(state.own):
            place = direction * state.own + i
            to[place] = 0.0 if from_[i] < low[i] or from_[i] > high[i] else from_[place]
    for i in range(state.own):
        value = from_[i]
        value = low[i] if value < low[i] else value  # NaN stays NaN
        to[i] = high[i] if value > high[i] else value


@compiled
def milstein_at(state, t, u):
    """Drift, diffusion and the products of Milstein's method at a state."""
    within(state, u, state.inside)
    integers(state.outputs)[0], integers(state.outputs)[1] = state.drift_values, state.diffusion_values
    call_kernel(state.milstein, t, state.inputs, state.outputs)
    if state.directions != 0:
        along(state, state.along_milstein, t, u, 0)


@compiled
def drift_alone(state, t, u, values):
    """The drift at a state, into a place of its own, without derivatives."""
    within(state, u, state.inside)
    integers(state.outputs)[0] = values
    call_kernel(state.drift, t, state.inputs, state.outputs)


@compiled
def drift_to(state, t, u, values):
    """The drift at a state, into a place of its own."""
    drift_alone(state, t, u, values)
    if state.directions != 0:
        along(state, state.along_drift, t, u, 0)


@compiled
def diffusion_to(state, t, u, values):
    """The diffusion at a state, into a place of its own."""
    within(state, u, state.inside)
    integers(state.outputs)[1] = values
    call_kernel(state.diffusion, t, state.inputs, state.outputs + 8)
    if state.directions != 0:
        along(state, state.along_diffusion, t, u, 1)


@compiled
def both_alone(state, t, u, drift, diffusion):
    """Drift and diffusion at a state, into places of their own, without derivatives."""
    within(state, u, state.inside)
    integers(state.outputs)[0], integers(state.outputs)[1] = drift, diffusion
    call_kernel(state.both, t, state.inputs, state.outputs)


@compiled
def both_to(state, t, u, drift, diffusion):
    """Drift and diffusion at a state, into places of their own."""
    both_alone(state, t, u, drift, diffusion)
    if state.directions != 0:
        along(state, state.along_both, t, u, 0)


@compiled
def counters(state):
    """Counters of a block of steps, which begins with one of its own."""
    return (state.block * state.numbers + 1) >> 1


@compiled
def stratonovich_to(state, t, u, drift, diffusion):
    """Stratonovich's drift and the diffusion at a state, into places of their own."""
    within(state, u, state.inside)
    integers(state.outputs)[0], integers(state.outputs)[1] = drift, diffusion
    call_kernel(state.stratonovich, t, state.inputs, state.outputs)
    if state.directions != 0:
        along(state, state.along_stratonovich, t, u, 0)


@compiled
def normal(state, place):
    """The normal number in a place of this step: numbers 2*k and 2*k + 1 of a path are those of a counter."""
    number = (state.step - state.block_start) * state.numbers + place
    return doubles(state.normals)[(number >> 1) + (number & 1) * counters(state)]


@compiled
def read_motions(state):
    """The increments of the Brownian motions over this step and, of methods that draw two numbers for each,
    the integrals of W - W(t): h/2 (I_1 + sqrt(h/3) Z)."""
    root, other = math.sqrt(state.h), math.sqrt(state.h / 3.0)
    increments, areas = doubles(state.increments), doubles(state.areas)
    for motion in range(state.motions):
        place = motion * state.per_motion
        increments[motion] = root * normal(state, place)
        if state.per_motion == 2:
            areas[motion] = 0.5 * state.h * (increments[motion] + other * normal(state, place + 1))


@compiled
def draw(state):
    """The random numbers of this step, found with those after it in its block."""
    start = state.step - state.step % state.block
    if start != state.block_start:
        state.block_start = start
        path = state.first_path + state.path
        first = (start * state.numbers) >> 1
        draw_normals(state.seed, path, first, counters(state), state.words, state.normals)
    read_motions(state)


@compiled
def begin(state):
    """Ready for the next path."""
    u, start = doubles(state.u), doubles(state.u0 + 8 * state.path * state.u0_stride)
    for i in range(state.n):
        u[i] = start[i]
    integers(state.inputs)[1] = state.p + 8 * state.path * state.p_stride
    state.step = state.next_save = 0
    state.block_start = -1
    state.diverged = 0
    state.begun = 1


@compiled
def save_until(state, start, end):
    """The times to save up to the end of a step; between its ends the path is a straight line."""
    times, size = doubles(state.saveat), 8 * state.n
    old, u, new = doubles(state.old), doubles(state.u), doubles(state.inside)
    while state.next_save < state.n_saveat and times[state.next_save] <= end:
        theta = (times[state.next_save] - start) / (end - start) if end > start else 1.0
        if theta >= 1.0:
            within(state, state.u, state.inside)
        else:
            for i in range(state.n):
                new[i] = old[i] + theta * (u[i] - old[i])
            within(state, state.inside, state.inside)
        row = doubles(state.out + size * (state.path * state.n_saveat + state.next_save))
        for i in range(state.n):
            row[i] = new[i]
        state.next_save += 1


@compiled
def finish(state, status, t):
    """Note how the path ended; what it did not reach is no number."""
    out = doubles(state.out + 8 * state.n * state.path * state.n_saveat)
    for i in range(state.n * state.next_save, state.n * state.n_saveat):
        out[i] = math.nan
    integers(state.codes)[state.path] = status
    doubles(state.ends)[state.path] = t
    integers(state.taken)[state.path] = state.step
    state.path += 1
    state.begun = 0


@compiled
def is_finite(state):
    """Whether all states are numbers; of derivatives the caller asks."""
    total, u = 0.0, doubles(state.u)
    for i in range(state.own):
        total += u[i] - u[i]
    return total == 0.0


@compiled
def advance(state, step):
    """Go on with the paths until all are done, or the allowance of steps is used up."""
    old, u = doubles(state.old), doubles(state.u)
    while state.path < state.paths:
        if state.begun == 0:
            begin(state)
            save_until(state, state.t0, state.t0)
        while state.begun != 0:
            if state.step >= state.steps:
                finish(state, Status.DONE, state.t0 + state.steps * state.h)
                break
            if state.budget <= 0:
                return Status.BUDGET
            state.budget -= 1
            draw(state)
            t = state.t0 + state.step * state.h
            for i in range(state.n):
                old[i] = u[i]
            step(state, t)
            if state.diverged != 0:
                finish(state, Status.DIVERGED, t)
                break
            if not is_finite(state):
                finish(state, Status.NON_FINITE, t)
                break
            state.step += 1
            end = state.t0 + state.step * state.h
            last = state.step == state.steps and state.next_save < state.n_saveat
            save_until(state, t, max(end, doubles(state.saveat)[state.n_saveat - 1]) if last else end)
    return Status.DONE
