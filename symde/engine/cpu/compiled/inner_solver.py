"""A solver that has another at work inside: what the two share.

The outer one's data has `inner`, the address of a State that the inner solver reads.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import call_step, compiled, state_at


@compiled
def ready_inner(state, data):
    """What the inner solver reads of the present solve."""
    inner = state_at(data.inner)
    inner.shift, inner.rtol = state.shift, state.rtol
    inner.u, inner.atol = state.u, state.atol
    return inner


@compiled
def factor_inner(state, data):
    """Factorise the inner solver's matrix, which is this one's factorisation."""
    inner = ready_inner(state, data)
    state.factorisations += 1
    return call_step(inner.factor, data.inner)


@compiled
def count_work(state, inner):
    """The inner solver's counts as this one's: a solve of all is one."""
    state.solves += 1
    state.refinements += inner.refinements
    state.pivotings += inner.pivotings
    inner.refinements, inner.pivotings = 0, 0
