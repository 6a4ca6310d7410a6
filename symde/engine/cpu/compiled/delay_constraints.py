"""Equations without a derivative that read the past: values at the start that fit its end.

Delayed values are known numbers to these equations as to all others. At the start the history must be ready
before they are solved; where it is itself made of what they determine (a variable without a history had its
initial value all the time) they are solved again until both agree.

Source: U. M. Ascher, L. R. Petzold, The numerical solution of delay-differential-algebraic equations of
retarded and neutral type, SIAM Journal on Numerical Analysis 32 (1995) 1635-1657.
"""

from __future__ import annotations

from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.compiled.delay_start import start_past
from symde.engine.cpu.compiled.delays import delay_data_at
from symde.engine.cpu.compiled.pointers import call_step, compiled, doubles, integers, state_at
from symde.engine.cpu.layout import Attempt, Phase, Status

MOST_ROUNDS = 100
"""Solutions in search of values that fit a history made of them."""

SETTLED = 1e-14
"""Relative change of these that is none."""


@compiled
def fits_history(state, data):
    """Whether the values are those that the history was made of."""
    u, initial = doubles(state.u), doubles(data.initial)
    for i in range(state.n):
        if not abs(u[i] - initial[i]) <= SETTLED * max(abs(u[i]), abs(initial[i])):
            return False
    return True


def make_consistent(address):
    """As `symde.engine.cpu.compiled.consistent.make_consistent`."""
    state = state_at(address)
    data = delay_data_at(integers(state.inputs)[CONTEXT])
    if state.phase != Phase.START:
        return call_step(data.consistent, address)
    for _ in range(MOST_ROUNDS):
        if start_past(state, data):
            return Status.DONE.value  # the loop will say it
        status = call_step(data.consistent, address)
        if status != Status.DONE or fits_history(state, data):
            return status
    state.outcome = Attempt.DIVERGED
    return Status.INCONSISTENT.value


ENTRIES = {"make_consistent": make_consistent}
