"""The adjoint of one step of Gauss' collocation methods."""

from __future__ import annotations

from symde.engine.cpu.compiled.adjoint_collocation import collocation_at, pull_stages
from symde.engine.cpu.compiled.adjoint_hermite import all_nodes, pull_hermite
from symde.engine.cpu.compiled.adjoint_tools import add_scaled, adjoint_at
from symde.engine.cpu.compiled.gauss import gauss_data_at
from symde.engine.cpu.compiled.pointers import doubles, integers, slot_at, state_at
from symde.engine.cpu.compiled.vectors import clear, combine, copy
from symde.engine.cpu.layout import Attempt


def adjoint(address):
    """Pull the weights back over the step that was just done again."""
    pulled = adjoint_at(address)
    state = state_at(pulled.state)
    slot = slot_at(state, state.active)
    method, formula = gauss_data_at(slot.data), collocation_at(integers(pulled.contexts)[state.active])
    padded, size, h, stages = pulled.padded, 8 * pulled.padded, state.h_old, method.stages
    b, kept = doubles(method.b), pulled.scratch
    y = kept + size * (1 + all_nodes(method.interpolant))
    for i in range(stages):
        combine(padded, state.u_new, h, method.a + 8 * stages * i, stages, state.stages, y + size * i)
    clear(padded, pulled.start)
    if pulled.interpolated:
        vectors = state.stages + 2 * size * stages
        code = pull_hermite(pulled, state, method.interpolant, vectors, slot.memory, kept + size)
        if code != Attempt.FINE:
            return code
    copy(padded, pulled.start, kept)
    clear(padded * stages, pulled.stages)
    for i in range(stages):
        add_scaled(padded, h * b[i], pulled.weights, pulled.stages + size * i)
    code = pull_stages(pulled, state, formula, y)
    add_scaled(padded, 1.0, kept, pulled.weights)
    return code


ENTRIES = {"adjoint": adjoint}
