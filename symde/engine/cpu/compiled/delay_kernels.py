"""Whole steps of models with constant delays: what the stages read of the past first, then the model's kernel.

The rows of `delayed` follow the one of single evaluations, in the order of the kernel's nodes.
"""

from __future__ import annotations

import math

from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.compiled.delays import delay_data_at, fill_time
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, state_at


@compiled
def fill_rows(data, state, t, h, end, nodes, count, slopes):
    """Rows of delayed values at parts of a step from t, which ends at `end`; the row of the end, 0 without."""
    lags, found, row = doubles(data.lags), 0, data.delayed
    for i in range(count):
        share = doubles(nodes)[i]
        at = t + share * h
        if share == 1.0:
            at, found = end, i + 1
        row += 8 * data.row_length
        for k in range(data.times):
            fill_time(data, state, k, at - lags[k], slopes, row)
    return found


def whole_step(t, inputs, outputs):
    """Kernel: a whole step of the slot at work."""
    data = delay_data_at(integers(inputs)[CONTEXT])
    state = state_at(data.state)
    i = state.active
    nodes, count = integers(data.step_nodes)[i], integers(data.step_count)[i]
    slopes = integers(data.step_slopes)[i]
    row = fill_rows(data, state, t, state.h, state.t_new, nodes, count, slopes)
    data.end_row, data.end = row, state.t_new if row > 0 and slopes >= data.slopes else math.nan
    return call_kernel(integers(data.step_kernel)[i], t, inputs, outputs)


def whole_interpolant(t, inputs, outputs):
    """Kernel: the interpolant of the last step of the slot at work."""
    data = delay_data_at(integers(inputs)[CONTEXT])
    state = state_at(data.state)
    i = state.active
    nodes, count = integers(data.interpolant_nodes)[i], integers(data.interpolant_count)[i]
    slopes = integers(data.interpolant_slopes)[i]
    fill_rows(data, state, t, state.h_old, state.t, nodes, count, slopes)
    data.end = math.nan
    return call_kernel(integers(data.interpolant_kernel)[i], t, inputs, outputs)


ENTRIES = {"whole_step": whole_step, "whole_interpolant": whole_interpolant}
