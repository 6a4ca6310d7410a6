"""Whole steps of models with constant delays: what stages read of the past first, then the model's kernel.

The rows of `delayed` follow the one of single evaluations, in the order of the kernel's nodes.
"""

from __future__ import annotations

import math

from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.compiled.delays import delay_data_at, fill_time, find_row
from symde.engine.cpu.compiled.kernels import first_stage
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, state_at
from symde.engine.cpu.delays import DELAYED, TABLE, WINDOW
from symde.engine.cpu.layout import Attempt
from symde.engine.cpu.roots import MODES

LOW = 10
"""Place of what compensated sums carry in the input table of a fused step."""


@compiled
def fill_rows(data, state, t, h, end, nodes, count, slopes, before):
    """Rows of delayed values, behind so many others, at parts of a step from t that ends at `end`; the row of
    the end, 0 where it has none."""
    lags, passed, shares, found = doubles(data.lags), integers(data.passed), doubles(nodes), 0
    for i in range(count):
        if shares[i] == 1.0:
            found = before + i + 1
    for k in range(data.times):
        if passed[k] != 0 and one_value(data, k) and not slopes:
            fill_column(data, state, k, t, h, end, nodes, count, before)
            continue
        row = data.delayed + 8 * data.row_length * before
        for i in range(count):
            at = end if shares[i] == 1.0 else t + shares[i] * h
            row += 8 * data.row_length
            fill_time(data, state, k, at - lags[k], slopes, row)
    return found


@compiled
def one_value(data, k):
    """Whether a single value, no derivative, is read at time k."""
    first = integers(data.pair_first)
    return first[k + 1] - first[k] == 1 and integers(data.order)[first[k]] == 0


@compiled
def fill_column(data, state, k, t, h, end, nodes, count, before):
    """As `fill_rows` for a time since t0 at which one value is read: what most models have. With nothing
    between the rows but polynomials a look-up takes 3 ns in place of 7."""
    q = integers(data.pair_first)[k]
    place, i, n, degree = integers(data.place)[q], integers(data.pair_state)[q], data.n, data.degree
    shares, lag = doubles(nodes), doubles(data.lags)[k]
    window, row = doubles(data.windows + 8 * WINDOW * k), integers(data.rows)[k]
    low, high, inverse = window[0], window[1], window[2]
    out = doubles(data.delayed + 16 * place)
    length = data.row_length
    at = length * before
    for j in range(count):
        at += length
        s = (end if shares[j] == 1.0 else t + shares[j] * h) - lag
        if not (low <= s and s < high):
            row = find_row(data, state, k, s)
            if row == 0:
                out[at] = doubles(data.initial)[i]
                continue
            low, high = window[0], window[1]
            inverse = window[2] if low < high else 1.0 / doubles(row)[1]
        r = doubles(row)
        theta = (s - r[0]) * inverse
        place = 2 + degree * n + i
        total = r[place]
        for _ in range(degree):
            place -= n
            total = total * theta + r[place]
        out[at] = total


@compiled
def whole_attempt(state, data, stages):
    """Try a step of size h from (t, u) by the fused step of an explicit method; FINE or CALLBACK."""
    i = state.active
    if first_stage(state, stages) != 0:
        return Attempt.CALLBACK.value
    nodes, count = integers(data.fused_nodes)[i], integers(data.fused_count)[i]
    slopes = integers(data.fused_slopes)[i]
    row = fill_rows(data, state, state.t, state.h, state.t_new, nodes, count, slopes, 0)
    data.end_row, data.end = row, state.t_new if row > 0 and slopes >= data.slopes else math.nan
    inputs, outputs = data.fused_inputs + 8 * TABLE * i, data.fused_outputs + 8 * TABLE * i
    ins, outs, step = integers(inputs), integers(outputs), doubles(state.step_size)
    ins[0], ins[DELAYED], ins[LOW] = state.u, data.delayed, state.u_low
    ins[MODES] = integers(state.inputs)[MODES]
    outs[0], outs[1] = state.u_new, state.u_new_low
    step[0], step[1] = state.h, state.t_new
    state.evaluations += stages - 1
    code = call_kernel(integers(data.fused_kernel)[i], state.t, inputs, outputs)
    return Attempt.FINE.value if code == 0 else Attempt.CALLBACK.value


def whole_step(t, inputs, outputs):
    """Kernel: a whole step of the slot at work."""
    data = delay_data_at(integers(inputs)[CONTEXT])
    state = state_at(data.state)
    i = state.active
    nodes, count = integers(data.step_nodes)[i], integers(data.step_count)[i]
    slopes = integers(data.step_slopes)[i]
    row = fill_rows(data, state, t, state.h, state.t_new, nodes, count, slopes, 0)
    data.end_row, data.end = row, state.t_new if row > 0 and slopes >= data.slopes else math.nan
    return call_kernel(integers(data.step_kernel)[i], t, inputs, outputs)


def whole_interpolant(t, inputs, outputs):
    """Kernel: the interpolant of the last step of the slot at work."""
    data = delay_data_at(integers(inputs)[CONTEXT])
    state = state_at(data.state)
    i = state.active
    nodes, count = integers(data.interpolant_nodes)[i], integers(data.interpolant_count)[i]
    slopes = integers(data.interpolant_slopes)[i]
    fill_rows(data, state, t, state.h_old, state.t, nodes, count, slopes, data.interpolant_row)
    table = integers(inputs)
    table[DELAYED] = data.delayed + 8 * data.row_length * data.interpolant_row
    code = call_kernel(
        integers(data.interpolant_kernel)[i], t, inputs, data.interpolant_outputs + 8 * TABLE * i
    )
    table[DELAYED] = data.delayed
    return code


ENTRIES = {"whole_step": whole_step, "whole_interpolant": whole_interpolant}
