"""Steps of delay equations: cut where a time passes a discontinuity, repeated where longer than a delay.

A step whose delayed values lie in itself is implicit, whatever the method: it is repeated with its own
interpolant, first the last step's beyond its end, until that changes no more. Where the smallest delay is
not much shorter than the step would be, the step is cut to it instead.

Source: A. Bellen, M. Zennaro, Numerical Methods for Delay Differential Equations (2003), sections 4.1 and
6.4; E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.17.
"""

from __future__ import annotations

import math

from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.compiled.control import error_norm
from symde.engine.cpu.compiled.delays import (
    delay_data_at,
    evaluate_times,
    fill_delayed,
    lies_ahead,
    value_in_row,
)
from symde.engine.cpu.compiled.pointers import (
    call_step,
    compiled,
    doubles,
    integers,
    slot_at,
    state_at,
)
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.delays import WINDOW
from symde.engine.cpu.layout import RESOLUTION, SAFETY, Attempt

LONGEST = 4.0
"""Delays in a step above which it is repeated and not cut: it takes three or four passes."""

PASSES = 12
"""Repetitions after which a step counts as not converging."""

SETTLED = 1e-4
"""Mean square of the last change, in the tolerance, with which a repeated step is accepted."""

CLOSE = 1e-10
"""Part of the step by which a time may miss a discontinuity that the step is to end at."""

MISSED = 1e-8
"""The same for the crossing to count as made."""


SHORTEST = 1e-6
"""Part of the span: where a delay is shorter, a method whose steps are no longer than delays gives up."""


@compiled
def set_passed(data, k, count):
    """How many discontinuities time k has passed; the row it looked up last may belong to another piece."""
    integers(data.passed)[k] = count
    window = doubles(data.windows + 8 * WINDOW * k)
    window[0], window[1] = 0.0, 0.0


@compiled
def cut(state, size):
    """A step of this size in place of the one that was chosen."""
    state.h = size * state.direction
    increment = state.h + state.t_low
    state.t_new = state.t + increment
    state.t_new_low = increment - (state.t_new - state.t)
    state.reaches = 1


@compiled
def next_discontinuity(data):
    """The first time at which a constant delay brings a discontinuity back."""
    breaks, passed = doubles(data.breaks), integers(data.passed)
    constant, lags = integers(data.constant), doubles(data.lags)
    found = 1e300
    for k in range(data.times):
        if constant[k] and passed[k] < data.n_breaks:
            found = min(found, breaks[passed[k]] + lags[k])
    return found


@compiled
def shorten(state, data):
    """End the step at the next discontinuity; keep it no longer than the smallest delay where that pays."""
    size, limit, data.cut_to_lag = abs(state.h), next_discontinuity(data), 0
    remaining = (limit - state.t) - state.t_low
    # as `choose_step` does: a step stretched by one per cent spares a last tiny one
    if remaining <= size or (not state.reaches and remaining <= 1.01 * size):
        state.h, state.t_new, state.t_new_low, state.reaches = remaining, limit, 0.0, 1
        size = remaining
    if data.least_lag < size and (
        size <= LONGEST * data.least_lag or not integers(data.iterates)[state.active]
    ):
        cut(state, data.least_lag)
        data.cut_to_lag = 1


@compiled
def lengthen(state, data):
    """After a step that was cut to the smallest delay: propose the step that its error would have allowed,
    where that is one to be repeated. The usual law grows from the step taken, and would never get there."""
    slot = slot_at(state, state.active)
    if slot.control == 0 and not slot.fixed and integers(data.iterates)[state.active]:
        wanted = SAFETY * abs(state.h_old) * math.exp(-slot.gamma * state.log_error)
        if wanted > LONGEST * data.least_lag:
            state.h_next = max(state.h_next, wanted)


@compiled
def interpolate_attempt(state, data, address, row):
    """The interpolant of the step that was tried, as if it had been accepted, as a row; the family's code."""
    t, t_old, h_old, u, u_new = state.t, state.t_old, state.h_old, state.u, state.u_new
    state.t_old, state.h_old, state.t = t, state.h, state.t_new
    state.u, state.u_new = u_new, u
    code = call_step(integers(data.iterates)[state.active], address)
    state.t, state.t_old, state.h_old, state.u, state.u_new = t, t_old, h_old, u, u_new
    n, powers = state.n, slot_at(state, state.active).degree + 1
    doubles(row)[0], doubles(row)[1] = t, state.h
    for m in range(powers):
        copy(n, state.coefficients + 8 * state.padded * m, row + 16 + 8 * n * m)
    clear(state.dense_width - 2 - n * powers, row + 16 + 8 * n * powers)
    return code


@compiled
def change_of_trial(state, data):
    """Mean square of what the last repetition changed, in the tolerance."""
    u_new, trial = doubles(state.u_new), doubles(data.trial)
    for i in range(state.n):
        trial[i] = u_new[i] - trial[i]
    return error_norm(state, data.trial)


@compiled
def try_step(state, data, address):
    """An attempt, repeated with its own interpolant where delayed values lie in it."""
    original = integers(data.attempts)[state.active]
    data.own_valid, data.overlap, data.ahead, data.stuck = 0, 0, 0, 0
    code = call_step(original, address)
    if not data.overlap:
        return code
    if not integers(data.iterates)[state.active]:
        data.stuck, data.fault_at = 1, state.t
        hopeless = abs(state.h) < SHORTEST * abs(state.t_end - data.t0)
        return Attempt.CALLBACK.value if hopeless else Attempt.DIVERGED.value
    for _ in range(PASSES):
        if code != Attempt.FINE:
            return code
        copy(state.n, state.u_new, data.trial)
        if interpolate_attempt(state, data, address, data.own) != 0:
            return Attempt.CALLBACK.value
        data.own_valid, data.ahead = 1, 0
        code = call_step(original, address)
        if code == Attempt.FINE and change_of_trial(state, data) <= SETTLED:
            return code
    return Attempt.DIVERGED.value if code == Attempt.FINE else code


@compiled
def times_at(state, data, t, u):
    """s_k at (t, u)."""
    inputs = integers(state.inputs)
    inputs[0] = u
    if data.levels > 1:
        fill_delayed(data, t, state.inputs, 0)
    evaluate_times(data, t, state.inputs)


@compiled
def distance(data, k, target):
    """How far time k lies beyond a discontinuity."""
    return doubles(data.s)[k] - target


@compiled
def target_of(data, k, tolerance):
    """The discontinuity that time k has passed in this step, forwards or back; NaN where it has none."""
    breaks, j, s = doubles(data.breaks), integers(data.passed)[k], doubles(data.s)[k]
    if j < data.n_breaks and s > breaks[j] + tolerance:
        return breaks[j]
    if j > 0 and s < breaks[j - 1] - tolerance:
        return breaks[j - 1]
    return 0.0 * (1e300 * 1e300)


@compiled
def state_in_row(state, data, theta):
    """data.trial = the state at a part of the step, by the row `own`; its address."""
    n, t, trial = state.n, state.t + theta * state.h, doubles(data.trial)
    degree = (state.dense_width - 2) // n - 1
    for i in range(n):
        trial[i] = value_in_row(data.own, 1.0 / state.h, n, degree, i, t)
    return data.trial


@compiled
def distance_within(state, data, k, target, theta):
    """The distance at a part of the step."""
    u = state_in_row(state, data, theta)
    times_at(state, data, state.t + theta * state.h, u)
    return distance(data, k, target)


@compiled
def crossing_within(state, data, k, target):
    """The part of the step at which time k meets a discontinuity, by the step's interpolant.

    Source: the Illinois rule, M. Dowell, P. Jarratt, BIT 11 (1971) 168-174.
    """
    a, b = 0.0, 1.0
    low, high = distance_within(state, data, k, target, a), distance_within(state, data, k, target, b)
    if low * high >= 0.0:
        return 0.0 if abs(low) < abs(high) else 1.0
    side = 0
    for _ in range(60):
        c = (a * high - b * low) / (high - low)
        value = distance_within(state, data, k, target, c)
        if abs(value) <= 0.1 * CLOSE * abs(state.h) or b - a < 1e-14:
            return c
        if value * high > 0.0:
            b, high = c, value
            if side == -1:
                low *= 0.5
            side = -1
        else:
            a, low = c, value
            if side == 1:
                high *= 0.5
            side = 1
    return c


@compiled
def crossing_between(state, data, k, target):
    """The same by the line between the ends of the step."""
    high = distance(data, k, target)
    times_at(state, data, state.t, state.u)
    low = distance(data, k, target)
    return low / (low - high) if low * high < 0.0 else 1.0


@compiled
def first_crossing(state, data, address):
    """Where in the step the first discontinuity is met, by which time, and which; beyond 1 where none is."""
    first, which, target = 2.0, 0, 0.0
    known = integers(data.iterates)[state.active] != 0
    times_at(state, data, state.t_new, state.u_new)
    tolerance, found = MISSED * abs(state.h), False
    for k in range(data.times):
        if integers(data.constant)[k]:
            continue
        goal = target_of(data, k, tolerance)
        if goal == goal:
            if known and not found and interpolate_attempt(state, data, address, data.own) != 0:
                return 2.0, 0, 0.0
            found = True
            theta = crossing_within(state, data, k, goal) if known else crossing_between(state, data, k, goal)
            if theta < first:
                first, which, target = theta, k, goal
            times_at(state, data, state.t_new, state.u_new)
    return first, which, target


@compiled
def end_at(state, data, address, theta, k, target):
    """Repeat the step so that it ends where time k meets a discontinuity; the code of the last attempt."""
    whole = abs(state.h)
    size = theta * whole
    before, before_value = whole, 0.0
    code = Attempt.FINE.value
    for attempt in range(6):
        cut(state, size)
        code = try_step(state, data, address)
        if code != Attempt.FINE:
            return code
        times_at(state, data, state.t_new, state.u_new)
        value = distance(data, k, target)
        if abs(value) <= CLOSE * size:
            return code
        slope = (value - before_value) / (size - before) if attempt > 0 else 0.0
        before, before_value = size, value
        if attempt == 0 or slope == 0.0:
            # the distance at the beginning of the step gives a first slope
            times_at(state, data, state.t, state.u)
            slope = (value - distance(data, k, target)) / size
        size = min(max(size - value / slope, 0.5 * size), 2.0 * size)
    return code


@compiled
def meet_discontinuity(state, data, address):
    """Where a time that depends on the state passes a discontinuity, end the step there; its code."""
    slot = slot_at(state, state.active)
    if not slot.fixed and not error_norm(state, state.error) <= 1.0:
        return Attempt.FINE.value  # to be rejected anyway
    theta, k, target = first_crossing(state, data, address)
    if theta > 1.0:
        return Attempt.FINE.value
    if theta * abs(state.h) <= 4.0 * RESOLUTION * abs(state.t):
        j = integers(data.passed)[k]  # it is met already
        set_passed(data, k, j + 1 if target == doubles(data.breaks)[j] else j - 1)
        return try_step(state, data, address)
    return end_at(state, data, address, theta, k, target)


def attempt(address):
    """Try a step from (t, u) with the family's own attempt."""
    state = state_at(address)
    data = delay_data_at(integers(state.inputs)[CONTEXT])
    shorten(state, data)
    code = try_step(state, data, address)
    if code == Attempt.FINE and not data.all_constant:
        code = meet_discontinuity(state, data, address)
    if code == Attempt.FINE and data.ahead:
        times_at(state, data, state.t_new, state.u_new)
        if lies_ahead(state, doubles(data.s)[data.ahead - 1], state.t_new):
            return Attempt.DIVERGED
        data.ahead = 0
    return code


ENTRIES = {"attempt": attempt}
