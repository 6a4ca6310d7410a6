"""The loop of adjoint equations: that of every solve, with what is added to lambda at the stops."""

from __future__ import annotations

from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.compiled.backward import backward_at
from symde.engine.cpu.compiled.pointers import call_step, compiled, doubles, integers, slot_at, state_at
from symde.engine.cpu.layout import Stage0, Status


@compiled
def forget_slope(state):
    """The state has jumped: what was evaluated at it no longer holds, and no past that a method keeps. The
    step size and the compensation of the sums do."""
    state.stage0 = Stage0.STALE
    state.jacobian_fresh = 0
    if slot_at(state, state.active).memory != 0:
        state.restarted = 1


@compiled
def add_row(data, row, target):
    """target += a row of the jumps."""
    u, jump = doubles(target), doubles(data.jumps + 8 * data.n * row)
    for i in range(data.n):
        u[i] += jump[i]


@compiled
def at_stop(state, data):
    """Add what is added at the stop just reached; whether the host is wanted there."""
    k = state.next_stop - 1
    row = integers(data.stop_rows)[k]
    if row >= 0:
        add_row(data, row, state.u)
        forget_slope(state)
    return integers(data.stop_pauses)[k] != 0


def advance(address):
    """Advance until the end or until the host is needed; the status."""
    state = state_at(address)
    data = backward_at(integers(state.inputs)[CONTEXT])
    while True:
        status = call_step(data.advance, address)
        if status != Status.STOPPED or at_stop(state, data):
            return status


ENTRIES = {"advance": advance}
