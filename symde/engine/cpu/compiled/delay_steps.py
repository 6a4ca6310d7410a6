"""The attempt of delay equations, round the family's own."""

from __future__ import annotations

from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.compiled.control import error_norm
from symde.engine.cpu.compiled.delay_crossings import meet_discontinuity, times_at
from symde.engine.cpu.compiled.delay_defect import add_defect
from symde.engine.cpu.compiled.delay_repeats import shorten, try_step
from symde.engine.cpu.compiled.delays import delay_data_at, lies_ahead
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, slot_at, state_at
from symde.engine.cpu.layout import Attempt


@compiled
def estimates(state, data):
    """Whether the step has an error estimate that the defect may join, and would be accepted without."""
    slot = slot_at(state, state.active)
    known = integers(data.iterates)[state.active] != 0 and not slot.fixed
    return known and error_norm(state, state.error) <= 1.0


def attempt(address):
    """Try a step from (t, u) with the family's own attempt."""
    state = state_at(address)
    data = delay_data_at(integers(state.inputs)[CONTEXT])
    data.met = 0
    shorten(state, data)
    code = try_step(state, data, address)
    if code == Attempt.FINE and not data.all_constant:
        code = meet_discontinuity(state, data, address)
    if code == Attempt.FINE and data.n_derived and estimates(state, data):
        code = add_defect(state, data, address)
    if code == Attempt.FINE and data.ahead:
        times_at(state, data, state.t_new, state.u_new)
        if lies_ahead(state, doubles(data.s)[data.ahead - 1], state.t_new):
            return Attempt.DIVERGED
        data.ahead = 0
    return code


ENTRIES = {"attempt": attempt}
