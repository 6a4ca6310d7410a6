"""An accepted step undone: what is kept before each step, and put back."""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, slot_at
from symde.engine.cpu.layout import Phase, Stage0
from symde.engine.cpu.roots import PIECES


@compiled
def copy_numbers(length, source, target):
    """Copy doubles."""
    a, b = doubles(source), doubles(target)
    for i in range(length):
        b[i] = a[i]


@compiled
def copy_memory(state, roots, back):
    """Copy what a step changes of the active method's memory, or put it back."""
    memory = slot_at(state, state.active).memory
    if memory == 0:
        return
    table = integers(roots.memories)
    at = PIECES * state.active
    kept = table[at]
    for piece in range(2):
        first, length = memory + 8 * table[at + 1 + 2 * piece], table[at + 2 + 2 * piece]
        if back:
            copy_numbers(length, kept, first)
        else:
            copy_numbers(length, first, kept)
        kept += 8 * length


@compiled
def remember(state, roots):
    """Keep what a step changes. Attempts that follow a rejected one belong to the same step: what the family
    has noted in between is of no use after it has been undone, but their size is."""
    roots.h_next = state.h_next
    if state.rejected_last:
        return
    roots.t, roots.t_low = state.t, state.t_low
    roots.t_old, roots.h_old = state.t_old, state.h_old
    roots.log_error, roots.log_error_old = state.log_error, state.log_error_old
    roots.restarted, roots.formula = state.restarted, state.formula
    copy_memory(state, roots, False)


@compiled
def undo(state, roots):
    """Go back to before the step just accepted, which counts as rejected from now on."""
    state.u, state.u_new = state.u_new, state.u
    state.u_low, state.u_new_low = state.u_new_low, state.u_low
    state.t, state.t_low = roots.t, roots.t_low
    state.t_old, state.h_old = roots.t_old, roots.h_old
    state.log_error, state.log_error_old = roots.log_error, roots.log_error_old
    state.restarted, state.formula = roots.restarted, roots.formula
    state.h_next = roots.h_next
    state.rejected_last = 0
    state.stage0 = Stage0.STALE
    state.jacobian_fresh = 0
    state.interpolant_ready = 0
    state.accepted -= 1
    state.rejected += 1
    state.phase = Phase.STEP
    copy_memory(state, roots, True)
