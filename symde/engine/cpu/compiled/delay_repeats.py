"""Steps of delay equations: cut where a discontinuity comes back, repeated where longer than a delay.

A step whose delayed values lie in itself is implicit, whatever the method: it is repeated with its own
interpolant, first the last step's beyond its end, until that changes no more. Where the smallest delay is
not much shorter than the step would be, the step is cut to it instead.

Source: A. Bellen, M. Zennaro, Numerical Methods for Delay Differential Equations (2003), sections 4.1 and
6.4; E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.17.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.control import error_norm
from symde.engine.cpu.compiled.delay_kernels import whole_attempt
from symde.engine.cpu.compiled.delays import derivative_in_row
from symde.engine.cpu.compiled.pointers import call_step, compiled, doubles, integers, slot_at
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.delays import WINDOW
from symde.engine.cpu.layout import SAFETY, TINY, Attempt

LONGEST = 4.0
"""Delays in a step above which it is repeated and not cut: it takes three or four passes."""

PASSES = 12
"""Repetitions after which a step counts as not converging."""

NEUTRAL_PASSES = 60
"""The same where derivatives are read, or what equations without one determine: a shorter step brings these
no closer together."""

SETTLED = 1e-4
"""Mean square of the last change, in the tolerance, with which a repeated step is accepted."""

ULPS = 1e-14
"""Relative distance within which two times count as the same."""

SHORTEST = 1e-6
"""Part of the span: where a delay is shorter, a method whose steps are no longer than delays gives up."""


@compiled
def set_passed(data, k, count):
    """How many discontinuities time k has passed; the row it looked up last may belong to another piece."""
    integers(data.passed)[k], data.end = count, math.nan
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
        if constant[k] == 1 and passed[k] < data.n_breaks:
            found = min(found, breaks[passed[k]] + lags[k])
    return found


@compiled
def shorten(state, data):
    """End the step at the next discontinuity; keep it no longer than the smallest delay where that pays."""
    size, limit, data.cut_to_lag = abs(state.h), next_discontinuity(data), 0
    remaining = (limit - state.t) - state.t_low
    # it does already where it ends at a stop that is the same time but for rounding
    there = state.reaches and abs(limit - state.t_new) <= ULPS * max(abs(limit), abs(state.t_new))
    # as `choose_step` does: a step stretched by one per cent spares a last tiny one
    if not there and (remaining <= size or (not state.reaches and remaining <= 1.01 * size)):
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
def change_of_slopes(state, data):
    """Square of the largest change, by the last repetition, of derivatives that are read: times h, in the
    tolerance. They are those in the middle of the step."""
    kept, read = doubles(data.kept_slopes), integers(data.derived)
    atol, u, inverse = doubles(state.atol), doubles(state.u), 1.0 / state.h
    degree, middle, worst = slot_at(state, state.active).degree, state.t + 0.5 * state.h, 0.0
    for q in range(data.n_slopes):
        i = read[q]
        slope = derivative_in_row(data.own, inverse, state.n, degree, i, 1, middle)
        ratio = state.h * (slope - kept[q]) / (atol[i] + state.rtol * abs(u[i]) + TINY)
        worst, kept[q] = max(worst, ratio * ratio), slope
    return worst


@compiled
def attempt_once(state, data, address):
    """An attempt with the delayed values as they are known."""
    if integers(data.fused_kernel)[state.active] != 0:
        return whole_attempt(state, data, integers(data.fused_stages)[state.active])
    return call_step(integers(data.attempts)[state.active], address)


@compiled
def try_step(state, data, address):
    """An attempt, repeated with its own interpolant where delayed values lie in it."""
    data.own_valid, data.overlap, data.ahead, data.stuck, data.strayed = 0, 0, 0, 0, 0
    code = attempt_once(state, data, address)
    if not data.overlap:
        return code
    if not integers(data.iterates)[state.active]:
        data.stuck, data.fault_at = 1, state.t
        hopeless = abs(state.h) < SHORTEST * abs(state.t_end - data.t0)
        return Attempt.CALLBACK.value if hopeless else Attempt.DIVERGED.value
    # steps that are to be differentiated are repeated until nothing is left, or rounding alone
    settled, before = SETTLED * state.tightness * state.tightness, math.inf
    passes = NEUTRAL_PASSES if data.n_derived or data.algebraic else PASSES
    if state.tightness < 1.0:
        passes *= 3
    for _ in range(passes):
        if code != Attempt.FINE:
            return code
        copy(state.n, state.u_new, data.trial)
        if interpolate_attempt(state, data, address, data.own) != 0:
            return Attempt.CALLBACK.value
        data.own_valid, data.ahead = 1, 0
        steady = data.n_derived == 0 or change_of_slopes(state, data) <= SETTLED
        code = attempt_once(state, data, address)
        if code == Attempt.FINE:
            change = change_of_trial(state, data)
            if steady and (change <= settled or (change <= SETTLED and not change < before)):
                return code
            before = change
    return Attempt.DIVERGED.value if code == Attempt.FINE else code
