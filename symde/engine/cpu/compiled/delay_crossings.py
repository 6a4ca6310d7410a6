"""Steps of delay equations that end where a time which is no constant delay meets a discontinuity.

Source: A. Bellen, M. Zennaro, Numerical Methods for Delay Differential Equations (2003), section 2.3, on the
discontinuities of delays that depend on the state.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.control import error_norm
from symde.engine.cpu.compiled.delay_repeats import cut, interpolate_attempt, set_passed, try_step
from symde.engine.cpu.compiled.delays import MISSED, evaluate_times, fill_delayed, value_in_row
from symde.engine.cpu.compiled.jumps import forget_slope
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, slot_at
from symde.engine.cpu.layout import RESOLUTION, Attempt

CLOSE = 1e-10
"""Part of the step by which a time may miss a discontinuity that the step is to end at."""

SAMPLES = 8
"""Parts of a step in which a time that left its piece of the past is looked for: it may have come back."""

HALVINGS = 10
"""Halves of the first of them in which it is looked for."""


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
def times_within(state, data, theta):
    """s_k at a part of the step, by the row `own` or, where there is none, by the line between its ends."""
    n, t, trial = state.n, state.t + theta * state.h, doubles(data.trial)
    if integers(data.iterates)[state.active]:
        degree, inverse = (state.dense_width - 2) // n - 1, 1.0 / state.h
        for i in range(n):
            trial[i] = value_in_row(data.own, inverse, n, degree, i, t)
    else:
        old, new = doubles(state.u), doubles(state.u_new)
        for i in range(n):
            trial[i] = old[i] + theta * (new[i] - old[i])
    times_at(state, data, t, data.trial)


@compiled
def distance_within(state, data, k, target, theta):
    """How far time k lies beyond a discontinuity at a part of the step."""
    times_within(state, data, theta)
    return distance(data, k, target)


@compiled
def crossing_within(state, data, k, target, a, b):
    """The part of the step, from a to b, at which time k meets a discontinuity.

    Source: the Illinois rule, M. Dowell, P. Jarratt, BIT 11 (1971) 168-174.
    """
    low, high = distance_within(state, data, k, target, a), distance_within(state, data, k, target, b)
    if low * high >= 0.0:
        return a if abs(low) < abs(high) else b
    side, c = 0, b
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
def passed_within(state, data, k, theta):
    """The discontinuity that time k has passed at a part of the step, NaN where it has none."""
    times_within(state, data, theta)
    return target_of(data, k, MISSED * abs(state.h))


@compiled
def last_inside(state, data, k, theta):
    """A part of the step before theta where time k lies in its piece, 0 where there is none: near the
    beginning it may have gone in and out again, and a discontinuity just met there tells nothing."""
    for _ in range(HALVINGS):
        theta *= 0.5
        goal = passed_within(state, data, k, theta)
        if goal != goal:
            return theta
    return 0.0


@compiled
def first_outside(state, data, k):
    """The first of a few parts of the step where time k lies outside of its piece, one before where it does
    not, and the discontinuity that it has passed; 2 in place of the first where there is none."""
    for i in range(1, SAMPLES + 1):
        theta = i / SAMPLES
        goal = passed_within(state, data, k, theta)
        if goal == goal:
            inside = (i - 1) / SAMPLES if i > 1 else last_inside(state, data, k, theta)
            return theta, inside, goal
    return 2.0, 0.0, 0.0


@compiled
def first_crossing(state, data, address):
    """Where in the step the first discontinuity is met, by which time, and which; beyond 1 where none is."""
    first, which, target = 2.0, 0, 0.0
    known = integers(data.iterates)[state.active] != 0
    if known and not data.strayed:
        return first, which, target
    if known and interpolate_attempt(state, data, address, data.own) != 0:
        return first, which, target
    for k in range(data.times):
        if integers(data.constant)[k]:
            continue
        outside, inside, goal = first_outside(state, data, k)
        if outside <= 1.0:
            theta = crossing_within(state, data, k, goal, inside, outside)
            if theta < first:
                first, which, target = theta, k, goal
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
        data.met = k + 1 if abs(value) <= MISSED * size else 0
        if abs(value) <= CLOSE * size:
            return code
        slope = (value - before_value) / (size - before) if attempt > 0 else 0.0
        before, before_value = size, value
        if attempt == 0 or slope == 0.0:
            # the distance at the beginning of the step gives a first slope
            times_at(state, data, state.t, state.u)
            slope = (value - distance(data, k, target)) / size
        if slope == 0.0:
            return code
        # no farther than the step that was tried: it ended at a stop, or where its error allows
        size = min(max(size - value / slope, 0.5 * size), 2.0 * size, whole)
        if size == before:
            return code
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
    j = integers(data.passed)[k]
    if theta * abs(state.h) <= 4.0 * RESOLUTION * abs(state.t):  # it is met already
        ahead = j < data.n_breaks and target == doubles(data.breaks)[j]
        set_passed(data, k, j + 1 if ahead else j - 1)
        forget_slope(state)
        return try_step(state, data, address)
    data.met_back = j > 0 and target == doubles(data.breaks)[j - 1]
    return end_at(state, data, address, theta, k, target)
