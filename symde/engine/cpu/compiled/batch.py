"""The loop over members: each begins as a run of its own does, and ends in its own rows of the result."""

from __future__ import annotations

import math

from symde.engine.cpu.batch_layout import Batch
from symde.engine.cpu.compiled.pointers import call_step, compiled, doubles, integers, state_at, structure_at
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.layout import COUNTERS, State, Status

batch_at = structure_at(Batch)

COUNTS = len(COUNTERS)
COUNTERS_AT = State.accepted.offset


@compiled
def present(batch):
    """The member whose turn it is."""
    return integers(batch.ids)[batch.position]


@compiled
def begin_member(batch, state):
    """The state as a run begins, with the member's own numbers: what `Session.begin` does."""
    member, budget = present(batch), state.budget
    image, words = integers(batch.image), integers(batch.state)
    for i in range(batch.image_words):
        words[i] = image[i]
    state.budget = budget
    clear(batch.carried_length, batch.carried)
    if state.jacobian_vector != 0:
        copy(state.n, batch.direction, state.direction_vector)
    copy(state.n, batch.u0_rows + member * batch.u0_stride, state.u)
    copy(batch.m, batch.p_rows + member * batch.p_stride, batch.p)
    if batch.atol_rows != 0:
        copy(state.n, batch.atol_rows + member * batch.atol_stride, state.atol)
    span = doubles(batch.spans + member * batch.span_stride)
    state.t, state.t_old, state.t_end = span[0], span[0], span[1]
    state.direction = 1.0 if span[1] >= span[0] else -1.0
    state.h_max = batch.dtmax if batch.dtmax > 0.0 else abs(span[1] - span[0])
    state.saveat, state.n_saveat = batch.times + member * batch.times_stride, batch.n_times
    state.out_u = batch.out + 8 * member * batch.n_times * state.n
    state.out_capacity = batch.n_times
    save_start(state)


@compiled
def save_start(state):
    """Save the times that are the start."""
    saveat, row = doubles(state.saveat), 0
    while row < state.n_saveat and saveat[row] == state.t:
        copy(state.n, state.u, state.out_u + 8 * state.n * row)
        row += 1
    state.out_count, state.next_save = row, row


@compiled
def end_member(batch, state, status):
    """How the member ended; what it did not reach is NaN."""
    member = present(batch)
    integers(batch.codes)[member] = status
    doubles(batch.ends)[member] = state.t
    copy_counts(batch.state + COUNTERS_AT, batch.counters + 8 * COUNTS * member)
    out = doubles(state.out_u)
    for i in range(state.out_count * state.n, batch.n_times * state.n):
        out[i] = math.nan
    batch.running = 0
    batch.position += 1


@compiled
def copy_counts(source, target):
    """The counters."""
    s, t = integers(source), integers(target)
    for i in range(COUNTS):
        t[i] = s[i]


@compiled
def run_member(batch, state):
    """Run the present member to its end, or until the host is needed; the status."""
    if batch.running == 0:
        begin_member(batch, state)
        batch.running = 1
    status = call_step(batch.advance, batch.state)
    if status != Status.BUDGET:
        end_member(batch, state, status)
    return status


def run(address):
    """Run members until the last, or until one fails, or the host's allowance is used up; the status."""
    batch = batch_at(address)
    state = state_at(batch.state)
    while batch.position < batch.last:
        status = run_member(batch, state)
        if status != Status.DONE:
            return status
    return Status.DONE


ENTRIES = {"run": run}
