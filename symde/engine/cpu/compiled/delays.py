"""The right-hand side of delay equations: delayed values looked up in the past, then the model's own kernel.

Each time s_k(t) is locked to a piece of the past for the length of a step: between two discontinuities, or
before the first. So every step sees smooth functions, and rounding never decides on which side of a jump a
value lies; where s_k passes a discontinuity a step ends (`symde.engine.cpu.compiled.delay_steps`).
"""

from __future__ import annotations

import math

from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    compiled,
    doubles,
    integers,
    state_at,
    structure_at,
)
from symde.engine.cpu.delays import ALONG, DELAYED, WINDOW, DelayData
from symde.engine.cpu.layout import Phase

delay_data_at = structure_at(DelayData)

NEAR = 4
"""Rows that are walked from the one looked up last before the search is by halves."""

ROUNDING = 1e-12
"""Part of the step by which a time may lie beyond its beginning and still count as past."""


NUDGE = 1e-7
"""Part of the way to the middle of the step by which a time moves to tell its side of a discontinuity."""

MISSED = 1e-8
"""Part of the step by which a time may miss a discontinuity and still count as having met it."""

ALLOWANCE = 10.0
"""Relative tolerances by which a time may lie beyond t, where a delay vanishes: it is then taken for t."""


@compiled
def start_of_row(state, i):
    """Where the step of a row begins."""
    return doubles(state.dense_rows + 8 * state.dense_width * i)[0]


@compiled
def locate(state, hint, s):
    """The last row that begins at s or before; the first where all begin later."""
    count = state.dense_count
    i = min(hint, count - 1)
    walked = 0
    while walked < NEAR and i > 0 and start_of_row(state, i) > s:
        i -= 1
        walked += 1
    while walked < NEAR and i < count - 1 and start_of_row(state, i + 1) <= s:
        i += 1
        walked += 1
    if walked < NEAR:
        return i
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        if start_of_row(state, middle) > s:
            high = middle
        else:
            low = middle
    return low


@compiled
def known_until(data, state):
    """Where the rows end."""
    if state.dense_count == 0:
        return data.t0
    row = doubles(state.dense_rows + 8 * state.dense_width * (state.dense_count - 1))
    return row[0] + row[1]


@compiled
def row_of(data, state, k, s):
    """The row of the piece that time k is locked to, for the value s; 0 where there is none yet."""
    breaks, j = doubles(data.breaks), integers(data.passed)[k]
    low, high = breaks[j - 1], math.inf
    if j < data.n_breaks:
        high = breaks[j]
    known, target = known_until(data, state), max(s, low)
    if target >= known and high > known:
        if data.own_valid:
            return data.own
        if s - state.t > ROUNDING * abs(state.h):
            data.overlap = 1
    if state.dense_count == 0:
        return 0
    hints = integers(data.hints)
    i = locate(state, hints[k], target)
    if i > 0 and start_of_row(state, i) >= high:
        i -= 1
    hints[k] = i
    return state.dense_rows + 8 * state.dense_width * i


@compiled
def derivative_in_row(row, inverse, n, degree, i, order, s):
    """The derivative of component i by time in a row at s."""
    r = doubles(row)
    theta = (s - r[0]) * inverse
    total = 0.0
    for m in range(degree, order - 1, -1):
        factor = 1.0
        for d in range(order):
            factor *= (m - d) * inverse
        total = total * theta + factor * r[2 + m * n + i]
    return total


@compiled
def value_in_row(row, inverse, n, degree, i, s):
    """Component i in a row at s, 1/length given."""
    r = doubles(row)
    theta = (s - r[0]) * inverse
    at = 2 + degree * n + i
    total = r[at]
    for _ in range(degree):
        at -= n
        total = total * theta + r[at]
    return total


@compiled
def history_is_finite(data):
    """Whether the values of the history that were evaluated last are numbers."""
    total, history = 0.0, doubles(data.history)
    for k in range(data.history_length):
        total += 0.0 * history[k]
    return total == 0.0


@compiled
def fill_from_history(data, k, s, end, slopes, row):
    """Delayed values of time k before the start `end`. Stages beyond the end of the step see the history go
    on smoothly, or stand still where it is not defined there."""
    integers(data.outputs)[0] = data.history
    call_kernel(data.histories, s, data.history_inputs, data.outputs)
    if s > end and not history_is_finite(data):
        call_kernel(data.histories, end, data.history_inputs, data.outputs)
    first, place, out = integers(data.pair_first), integers(data.place), doubles(row)
    value, slope, history = integers(data.value), integers(data.slope), doubles(data.history)
    for q in range(first[k], first[k + 1]):
        out[2 * place[q]] = history[value[q]]
        if slopes:
            out[2 * place[q] + 1] = history[slope[q]]


@compiled
def find_row(data, state, k, s):
    """The row for the value s of time k, 0 where there is none; one that stays where it is is remembered."""
    row, window = row_of(data, state, k, s), doubles(data.windows + 8 * WINDOW * k)
    window[1] = window[0]
    if row != 0 and row != data.own:
        r = doubles(row)
        window[0], window[1], window[2] = r[0], r[0] + r[1], 1.0 / r[1]
        integers(data.rows)[k] = row
    return row


@compiled
def fill_from_rows(data, state, k, s, slopes, target):
    """Delayed values of time k since t0."""
    window, n = doubles(data.windows + 8 * WINDOW * k), data.n
    if window[0] <= s and s < window[1]:
        row, inverse = integers(data.rows)[k], window[2]
    else:
        row = find_row(data, state, k, s)
        inverse = 1.0 / doubles(row)[1] if row != 0 else 1.0
    first, place, out = integers(data.pair_first), integers(data.place), doubles(target)
    states, orders, degree = integers(data.pair_state), integers(data.order), data.degree
    for q in range(first[k], first[k + 1]):
        i, order, at = states[q], orders[q], 2 * place[q]
        if row == 0:  # the first step has nothing behind it
            out[at] = doubles(data.initial)[i] if order == 0 else doubles(data.start_slope)[i]
            out[at + 1] = doubles(data.start_slope)[i] if order == 0 else 0.0
            continue
        if order == 0:
            out[at] = value_in_row(row, inverse, n, degree, i, s)
        else:
            out[at] = derivative_in_row(row, inverse, n, degree, i, order, s)
        if slopes:
            out[at + 1] = derivative_in_row(row, inverse, n, degree, i, order + 1, s)


@compiled
def kept_row(data, k, s):
    """The row of the kept solution that holds s."""
    hints, width = integers(data.hints), 8 * data.kept_width
    i = min(hints[k], data.kept_count - 1)
    while i > 0 and doubles(data.kept_rows + width * i)[0] > s:
        i -= 1
    while i < data.kept_count - 1 and doubles(data.kept_rows + width * (i + 1))[0] <= s:
        i += 1
    hints[k] = i
    return data.kept_rows + width * i


@compiled
def fill_from_kept(data, state, k, s, slopes):
    """Values of a kept solution at time k, and of its history. On which side of a discontinuity s lies tells
    the middle of the step: steps end where a time meets one."""
    if state.phase == Phase.SAVE:
        middle = state.t_old + 0.5 * state.h_old
    else:
        middle = state.t + 0.5 * state.h
    inside = s + NUDGE * (doubles(data.lags)[k] - middle - s)
    if inside < data.kept_start:
        fill_from_history(data, k, min(s, data.kept_start), data.kept_start, slopes, data.delayed)
        return
    row, n = kept_row(data, k, inside), data.kept_n
    inverse, degree = 1.0 / doubles(row)[1], (data.kept_width - 2) // n - 1
    first, place, out = integers(data.pair_first), integers(data.place), doubles(data.delayed)
    states, orders = integers(data.pair_state), integers(data.order)
    for q in range(first[k], first[k + 1]):
        i, at = states[q] - data.kept_first, 2 * place[q]
        out[at], out[at + 1] = 0.0, 0.0  # what is 1 before the start
        if i < n:
            out[at] = derivative_in_row(row, inverse, n, degree, i, orders[q], s)
            if slopes:
                out[at + 1] = derivative_in_row(row, inverse, n, degree, i, orders[q] + 1, s)


@compiled
def evaluate_times(data, t, inputs):
    """s_k at (t, u) with the delayed values as they stand."""
    if data.all_constant:
        s, lags = doubles(data.s), doubles(data.lags)
        for k in range(data.times):
            s[k] = t - lags[k]
    else:
        integers(data.outputs)[0] = data.s
        call_kernel(data.delay_times, t, inputs, data.outputs)


@compiled
def fill_time(data, state, k, s, slopes, row):
    """Delayed values of time k, in a row of them."""
    if integers(data.passed)[k] == 0:
        fill_from_history(data, k, s, data.t0, slopes, row)
    else:
        fill_from_rows(data, state, k, s, slopes, row)


@compiled
def lies_ahead(state, s, t):
    """Whether a time lies beyond t by more than errors of the state it depends on may account for."""
    return s - t > 1e-9 * abs(state.h) + ALLOWANCE * state.rtol * abs(t)


@compiled
def strays(data, k, s, tolerance):
    """Whether a value of time k lies outside of the piece that it is locked to."""
    breaks, j = doubles(data.breaks), integers(data.passed)[k]
    return (j < data.n_breaks and s > breaks[j] + tolerance) or (j > 0 and s < breaks[j - 1] - tolerance)


@compiled
def fill_moving(data, state, t, inputs, slopes):
    """Delayed values whose times are to be evaluated, which may lie beyond t."""
    s = doubles(data.s)
    for _ in range(data.levels):
        evaluate_times(data, t, inputs)
        for k in range(data.times):
            at = min(s[k], t)
            if lies_ahead(state, s[k], t):
                data.ahead = k + 1
            if strays(data, k, s[k], MISSED * abs(state.h)):
                data.strayed = 1
            fill_time(data, state, k, at, slopes, data.delayed)
            if s[k] != s[k]:
                spoil_time(data, k)


@compiled
def spoil_time(data, k):
    """A time that is not a number gives no values that are."""
    first, place, out = integers(data.pair_first), integers(data.place), doubles(data.delayed)
    for q in range(first[k], first[k + 1]):
        out[2 * place[q]] = out[2 * place[q] + 1] = math.nan


@compiled
def fill_delayed(data, t, inputs, slopes):
    """All delayed values at (t, u)."""
    state = state_at(data.state)
    if data.all_constant:
        lags, constant = doubles(data.lags), integers(data.constant)
        for k in range(data.times):
            if constant[k] == ALONG:
                fill_from_kept(data, state, k, lags[k] - t, slopes)
            else:
                fill_time(data, state, k, t - lags[k], slopes, data.delayed)
    else:
        fill_moving(data, state, t, inputs, slopes)


@compiled
def evaluate_within(data, t, inputs, outputs):
    """The right-hand side with its delayed values; the kernel's code."""
    if t == data.end:  # the last stage of a whole step has read them
        table = integers(inputs)
        table[DELAYED] = data.delayed + 8 * data.row_length * data.end_row
        code = call_kernel(data.rhs, t, inputs, outputs)
        table[DELAYED] = data.delayed
        return code
    fill_delayed(data, t, inputs, data.slopes)
    return call_kernel(data.rhs, t, inputs, outputs)


def rhs(t, inputs, outputs):
    """Kernel: the right-hand side."""
    return evaluate_within(delay_data_at(integers(inputs)[CONTEXT]), t, inputs, outputs)


def rhs_jacobian(t, inputs, outputs):
    """Kernel: the right-hand side, its Jacobian, and its derivative by t, which moves the delayed values."""
    data = delay_data_at(integers(inputs)[CONTEXT])
    fill_delayed(data, t, inputs, data.slopes_of_derivatives)
    return call_kernel(data.rhs_jacobian, t, inputs, outputs)


def jacobian_vector(t, inputs, outputs):
    """Kernel: the Jacobian times the direction."""
    data = delay_data_at(integers(inputs)[CONTEXT])
    fill_delayed(data, t, inputs, data.slopes_of_derivatives)
    return call_kernel(data.jacobian_vector, t, inputs, outputs)


ENTRIES = {"rhs": rhs, "rhs_jacobian": rhs_jacobian, "jacobian_vector": jacobian_vector}
