"""The start of a run of delay equations: the delays, what jumps where the history ends, and u' there."""

from __future__ import annotations

from symde.engine.cpu.compiled.delay_repeats import ULPS, set_passed
from symde.engine.cpu.compiled.delays import evaluate_times, fill_delayed
from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.delays import ALONG, NO_SLOPE

REPETITIONS = 10000
"""Evaluations in search of u' at t0 where it depends on itself."""

CLOSE = 1e-10
"""Relative change of u' at t0 from which on it counts as found, where rounding brings it no closer."""


@compiled
def same(a, b):
    """Whether two times are the same but for rounding."""
    return abs(a - b) <= ULPS * max(abs(a), abs(b))


@compiled
def learn_lags(state, data):
    """The constant delays and the smallest of them; 1 + one that is not positive, 0 where all are."""
    s, lags, constant = doubles(data.s), doubles(data.lags), integers(data.constant)
    integers(state.inputs)[0] = state.u
    integers(data.outputs)[0] = data.s
    call_kernel(data.delay_times, 0.0, state.inputs, data.outputs)
    data.least_lag = 1e300
    for k in range(data.times):
        if constant[k] == ALONG:
            lags[k] = s[k]
        elif constant[k]:
            lags[k] = -s[k]
            if not lags[k] > 0.0:
                return k + 1
            data.least_lag = min(data.least_lag, lags[k])
    return 0


@compiled
def jumps_at_start(data):
    """Whether the state, or a column, does not begin where its history ends; the former is noted."""
    integers(data.outputs)[0] = data.history
    call_kernel(data.histories, data.t0, data.history_inputs, data.outputs)
    history, initial = doubles(data.history), doubles(data.initial)
    states, orders, value = integers(data.pair_state), integers(data.order), integers(data.value)
    jump, data.jump = False, 0
    for q in range(integers(data.pair_first)[data.times]):
        if orders[q] == 0 and states[q] < data.n:
            before, after = history[value[q]], initial[states[q]]
            if not abs(before - after) <= ULPS * max(abs(before), abs(after)):
                jump = True
                if states[q] < data.base_n:
                    data.jump = 1
    return jump


@compiled
def start_past(state, data):
    """Ready the past for a run; 1 + a time that is none of the past, 0 where all are."""
    data.t0, data.n_breaks, data.fault, data.forgotten = state.t, 1, 0, 0
    data.own_valid, data.ahead, data.overlap = 0, 0, 0
    data.glide, data.longest_glide = 0.0, 0.0
    copy(state.n, state.u, data.initial)
    hints = integers(data.hints)
    for k in range(data.times):
        hints[k] = 0
        set_passed(data, k, 0)
    for c in range(data.width):
        doubles(data.break_columns)[c] = 0.0
    doubles(data.breaks)[0] = state.t
    integers(data.break_orders)[0] = 0 if jumps_at_start(data) else 1
    fault = learn_lags(state, data)
    if fault or data.all_constant:
        return fault
    for _ in range(data.levels):
        fill_delayed(data, state.t, state.inputs, 0)
    evaluate_times(data, state.t, state.inputs)
    s, constant, near = doubles(data.s), integers(data.constant), ULPS * abs(state.t)
    for k in range(data.times):
        if not constant[k]:
            if s[k] > state.t + near:
                return k + 1
            set_passed(data, k, 1 if s[k] >= state.t - near else 0)
    data.ahead = 0
    return 0


@compiled
def change_of_slope(data, first):
    """The largest change, by its last evaluation, of a derivative that is read, relative to the largest that
    it began with; NaN where one is not finite."""
    slope, found, scale = doubles(data.start_slope), doubles(data.defect), doubles(data.kept_slopes)
    read, worst, total = integers(data.derived), 0.0, 0.0
    for q in range(data.n_slopes):
        i = read[q]
        size = abs(found[i])
        if first:
            scale[q] = abs(slope[i])
        scale[q] = max(scale[q], size)
        total += 0.0 * size
        worst = max(worst, abs(found[i] - slope[i]) / (scale[q] + 1e-300))
    return worst + total


@compiled
def slope_at_start(state, data):
    """u' at t0 where it is read there, as a delay vanishes: from that of the history on by repeated
    evaluation. A kernel's code, or that it leads nowhere, which is noted."""
    slope, found, read = doubles(data.start_slope), doubles(data.defect), integers(data.derived)
    values, history = integers(data.derived_values), doubles(data.history)
    integers(data.outputs)[0] = data.history
    call_kernel(data.histories, data.t0, data.history_inputs, data.outputs)
    clear(data.n, data.start_slope)
    for q in range(data.n_slopes):
        slope[read[q]] = history[values[q]]
    least = 1e300
    for k in range(REPETITIONS):
        if evaluate(state, state.t, state.u, data.defect) != 0:
            return 1
        change = change_of_slope(data, k == 0)
        if k == 0 and change != change:
            return 0  # steps tell what is not finite
        if change != change or (least <= CLOSE and change >= least):
            break
        least = min(least, change)
        for q in range(data.n_slopes):
            slope[read[q]] = found[read[q]]
        if change <= ULPS:
            break
    clear(data.n_slopes, data.kept_slopes)
    if least <= CLOSE:
        return 0
    data.fault = NO_SLOPE
    return 1
