"""The adjoint of one step of a Radau IIA method.

Its end u + Z_s and its interpolant are sums of Z_i = h sum_j a_ij k_j, so wk_j = h sum_i a_ij wZ_i.
"""

from __future__ import annotations

from symde.engine.cpu.adjoints import COLLOCATION_BYTES
from symde.engine.cpu.compiled.adjoint_collocation import collocation_at, pull_stages
from symde.engine.cpu.compiled.adjoint_tools import add_scaled, adjoint_at
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, slot_at, state_at
from symde.engine.cpu.compiled.radau_memory import block, data_at, memory_at, table_at
from symde.engine.cpu.compiled.vectors import clear, copy


@compiled
def derivatives_by_slopes(adjoint, state, formula, table):
    """wk_i in `stages`, from the weights of the end and of the interpolant's coefficients."""
    padded, size, stages = adjoint.padded, 8 * adjoint.padded, formula.stages
    a, interpolant = doubles(formula.a), doubles(table.interpolant)
    clear(padded * stages, adjoint.stages)
    for i in range(stages):
        clear(padded, adjoint.factor)
        if i == stages - 1:
            copy(padded, adjoint.weights, adjoint.factor)
        if adjoint.interpolated:
            for m in range(stages):
                source = adjoint.coefficients + size * (m + 1)
                add_scaled(padded, interpolant[stages * m + i], source, adjoint.factor)
        for j in range(stages):
            add_scaled(padded, state.h_old * a[stages * i + j], adjoint.factor, adjoint.stages + size * j)


def adjoint(address):
    """Pull the weights back over the step that was just done again."""
    pulled = adjoint_at(address)
    state = state_at(pulled.state)
    slot = slot_at(state, state.active)
    data, memory = data_at(slot.data), memory_at(slot.memory)
    table = table_at(data, memory.last_table)
    formula = collocation_at(integers(pulled.contexts)[state.active] + COLLOCATION_BYTES * memory.last_table)
    padded, size = pulled.padded, 8 * pulled.padded
    z = block(slot, data, padded, memory.parity)
    for i in range(formula.stages):
        place = pulled.scratch + size * i
        copy(padded, state.u_new, place)
        add_scaled(padded, 1.0, z + size * i, place)
    derivatives_by_slopes(pulled, state, formula, table)
    if pulled.interpolated:
        add_scaled(padded, 1.0, pulled.coefficients, pulled.weights)
    return pull_stages(pulled, state, formula, pulled.scratch)


ENTRIES = {"adjoint": adjoint}
