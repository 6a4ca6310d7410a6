"""One step of a stabilised explicit method, of as many stages as the step size asks for.

Source: A. Abdulle, A. Medovikov, Numerische Mathematik 90 (2001) 1-18, section 4 (the recurrence and its
finish) and 5.2 (the spectral radius by a power iteration); B. P. Sommeijer, L. F. Shampine, J. G. Verwer,
RKC: an explicit solver for parabolic PDEs, Journal of Computational and Applied Mathematics 88 (1998)
315-326, section 3.4, for the continuous solution.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.kernels import evaluate, first_stage
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, slot_at, state_at, structure_at
from symde.engine.cpu.compiled.stiffness import improve_spectral_radius
from symde.engine.cpu.compiled.vectors import advance_compensated, clear, copy, weighted_sum
from symde.engine.cpu.families.stabilised import StabilisedData
from symde.engine.cpu.layout import Attempt

data_at = structure_at(StabilisedData)

RESERVE = 1.2
"""The spectral radius is estimated from below, and grows within a step: so much is added."""

MOST_ITERATIONS, SETTLED = 100, 0.01
"""At a start the power iteration goes on until its relative change is small."""


@compiled
def follow_spectral_radius(state):
    """One step of the power iteration, at a start as many as it needs; the kernel's code."""
    before = 0.0 if state.restarted else state.spectral_radius
    for k in range(MOST_ITERATIONS):
        if improve_spectral_radius(state) != 0:
            return 1
        change = abs(state.spectral_radius - before)
        before = state.spectral_radius
        if not state.restarted or (k > 2 and change <= SETTLED * before):
            return 0
    return 0


@compiled
def choose_degree(state, method):
    """The row with the fewest stages that are stable for this step; -1 where none is."""
    reach = RESERVE * abs(state.h) * state.spectral_radius
    lengths = doubles(method.lengths)
    for k in range(method.count):
        if reach <= lengths[k]:
            return k
    return -1


@compiled
def recur(state, mu, kappa, c, steps, older, old):
    """K - u after the recurrence, in the vector whose address is given back; 0 where the kernel failed."""
    h, padded = state.h, state.padded
    m, k, times, u = doubles(mu), doubles(kappa), doubles(c), doubles(state.u)
    clear(padded, older)
    clear(padded, old)
    for j in range(steps):
        x, y, f, stage = doubles(older), doubles(old), doubles(state.stages), doubles(state.stage)
        if j > 0:
            for i in range(padded):
                stage[i] = u[i] + y[i]
            if evaluate(state, state.t + times[j] * h, state.stage, state.error) != 0:
                return 0
            f = doubles(state.error)
        first, second, third = m[j] * h, 1.0 + k[j], k[j]
        for i in range(padded):
            x[i] = first * f[i] + second * y[i] - third * x[i]
        older, old = old, older
    return old


@compiled
def finish_step(state, reached, time, finish, a, b):
    """The stages behind the recurrence and the increment; the kernel's code."""
    h, padded = state.h, state.padded
    first = state.stages + 8 * padded
    u, d, stage, row = doubles(state.u), doubles(reached), doubles(state.stage), doubles(a)
    for i in range(finish):
        weighted_sum(padded, h, a + 8 * finish * i, i, first, state.stage)
        later = time
        for j in range(i):
            later += row[finish * i + j]
        for k in range(padded):
            stage[k] = u[k] + (d[k] + stage[k])
        if evaluate(state, state.t + later * h, state.stage, first + 8 * padded * i) != 0:
            return 1
    weighted_sum(padded, h, b, finish, first, state.increment)
    increment = doubles(state.increment)
    for k in range(padded):
        increment[k] += d[k]
    return 0


def attempt(address):
    """Try a step of size h from (t, u): fills u_new, increment, error and the slopes at both ends."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method = data_at(slot.data)
    finish, padded = method.finish, state.padded
    if first_stage(state, finish + 2) != 0:
        return Attempt.CALLBACK
    if not state.rejected_last and follow_spectral_radius(state) != 0:
        return Attempt.CALLBACK
    if not state.spectral_radius < math.inf:
        return Attempt.DIVERGED
    k = choose_degree(state, method)
    if k < 0:
        return Attempt.DIVERGED
    steps = integers(method.degrees)[k] - finish
    mu = method.numbers + 8 * integers(method.places)[k]
    kappa, c = mu + 8 * steps, mu + 16 * steps
    a = c + 8 * (steps + 1)
    b = a + 8 * finish * finish
    reached = recur(state, mu, kappa, c, steps, slot.memory, slot.memory + 8 * padded)
    if reached == 0 or finish_step(state, reached, doubles(c)[steps], finish, a, b) != 0:
        return Attempt.CALLBACK
    advance_compensated(state)
    end = state.stages + 8 * padded * (finish + 1)
    if evaluate(state, state.t_new, state.u_new, end) != 0:
        return Attempt.CALLBACK
    weighted_sum(padded, state.h, b + 8 * finish, finish + 1, state.stages + 8 * padded, state.error)
    return Attempt.FINE


def interpolate(address):
    """The cubic through both ends and their slopes."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    padded, h = state.padded, state.h_old
    size = 8 * padded
    old, new = doubles(state.u_new), doubles(state.u)
    left = doubles(state.stages)
    right = doubles(state.stages + size * (data_at(slot.data).finish + 1))
    copy(padded, state.u_new, state.coefficients)
    first, second = doubles(state.coefficients + size), doubles(state.coefficients + 2 * size)
    third = doubles(state.coefficients + 3 * size)
    for i in range(padded):
        rise, f, g = new[i] - old[i], h * left[i], h * right[i]
        first[i] = f
        second[i] = 3.0 * rise - 2.0 * f - g
        third[i] = f + g - 2.0 * rise
    return Attempt.FINE


ENTRIES = {"attempt": attempt, "interpolate": interpolate}
