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
def expect_layer(state, data):
    """Begin after a jump with the step that would have done after the one before, and see which is."""
    if data.after_jump > 0.0:
        state.h_next = min(state.h_next, data.after_jump)
    state.single_step = 1


@compiled
def note_step(state, data):
    """The first step after a jump was accepted: keep the size that its error would have allowed.

    Jumps of a stiff problem's adjoint are followed by the same layer again and again. With 100 jumps and
    Rodas5P at rtol 1e-4 HIRES takes 12 rejected steps and 7656 solves of linear systems so, and 275 and 9576
    with twice the step that was accepted; where the step before the jump is tried first, POLLU takes twice
    as many solves.
    """
    if state.single_step:
        data.after_jump = state.h_next
        state.single_step = 0


@compiled
def at_stop(state, data, address):
    """Add what is added at the stop just reached; DONE, STOPPED where the host is wanted there, or what the
    equations without a derivative say, if there are some: their multipliers follow from the others."""
    note_step(state, data)
    k = state.next_stop - 1
    row = integers(data.stop_rows)[k]
    if row >= 0:
        add_row(data, row, state.u)
        forget_slope(state)
        expect_layer(state, data)
        if state.mass != 0:
            status = call_step(state.make_consistent, address)
            if status != Status.DONE:
                return status
    return Status.STOPPED.value if integers(data.stop_pauses)[k] != 0 else Status.DONE.value


@compiled
def advance_over_jumps(state, data, address):
    """Advance with jumps; the status, STOPPED where the host is wanted."""
    while True:
        status = call_step(data.advance, address)
        if status == Status.STEPPED:
            note_step(state, data)
        elif status != Status.STOPPED:
            return status
        else:
            status = at_stop(state, data, address)
            if status != Status.DONE:
                return status


def advance(address):
    """Advance until the end or until the host is needed; the status."""
    state = state_at(address)
    data = backward_at(integers(state.inputs)[CONTEXT])
    return advance_over_jumps(state, data, address)


ENTRIES = {"advance": advance}
