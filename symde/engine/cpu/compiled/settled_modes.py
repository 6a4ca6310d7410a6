"""Algebraic variables where branches change: they follow the branches, and may jump with them.

Where a branch goes to its other side the equations without a derivative are others. They are solved again
before anything is evaluated: what has a derivative, M u, stays, and algebraic variables may have two limits.

Source: T. Park, P. I. Barton, State event location in differential-algebraic models, ACM Transactions on
Modeling and Computer Simulation 6 (1996) 137-165.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.consistent import settle
from symde.engine.cpu.compiled.pointers import compiled, doubles
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.layout import Attempt


@compiled
def note_jump(state, roots, before):
    """Note whether the state has moved from `before` by more than its tolerance."""
    u, old, atol = doubles(state.u), doubles(before), doubles(state.atol)
    for i in range(state.n):
        if not abs(u[i] - old[i]) <= atol[i] + state.rtol * max(abs(u[i]), abs(old[i])):
            roots.jumped = 1


@compiled
def settle_modes(state, roots, address):
    """Make the state consistent with the branches as they are; a code of `Attempt`. Where there is no such
    state it stays what it was."""
    copy(state.n, state.u, roots.u_at)
    code = settle(state, address)
    if code == Attempt.FINE:
        clear(state.padded, state.u_low)
        note_jump(state, roots, roots.u_at)
    else:
        copy(state.n, roots.u_at, state.u)
    return code
