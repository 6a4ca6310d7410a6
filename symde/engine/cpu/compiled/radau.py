"""One step of a Radau IIA collocation method, and its control of step and order.

With Z = T W the stage equations fall apart into one real and several complex systems of the model's own size:

    (gamma/h M - J) dW_1 = (T^-1 F)_1 - gamma/h M W_1
    ((alpha + i beta)/h M - J) (dW_2 + i dW_3)
        = (T^-1 F)_2 + i (T^-1 F)_3 - (alpha + i beta)/h M (W_2 + i W_3)

with F_i = f(t + c_i h, u + Z_i). Their factorisations are counted as one together, and so are their solves.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8: (8.4) to (8.5) the
transformation, (8.10) to (8.14) the iteration and its start, (8.17) to (8.21) error and step. E. Hairer,
G. Wanner, Stiff differential equations solved by Radau methods, J. Comput. Appl. Math. 111 (1999), section 3,
for the choice of the order.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import (
    call_solve,
    compiled,
    slot_at,
    state_at,
)
from symde.engine.cpu.compiled.radau_error import (
    estimate_error,
)
from symde.engine.cpu.compiled.radau_memory import (
    block,
    context_at,
    data_at,
    memory_at,
    system_at,
    table_at,
)
from symde.engine.cpu.compiled.radau_newton import (
    newton,
    pivoted,
    predict,
    ready,
    transform,
)
from symde.engine.cpu.compiled.radau_order import (
    after_acceptance,
    choose_formula,
    cut,
)
from symde.engine.cpu.compiled.vectors import advance_compensated, clear, copy
from symde.engine.cpu.families.radau import (
    SYSTEM_BYTES,
)
from symde.engine.cpu.layout import KEEP_STARTS, Attempt


@compiled
def try_step(state, address, slot, data, memory, table):
    """Matrices, guess, iteration."""
    code = ready(state, address, slot, memory, table)
    if code != Attempt.FINE:
        return code
    predict(state, slot, data, memory, table)
    return newton(state, address, slot, data, memory, table)


@compiled
def factors_are_bad(state, address, slot, data, table):
    """Whether generated factors, which nothing has tested so far, had to give way to partial pivoting."""
    context, padded = context_at(slot.context), state.padded
    if slot.step == 0 or state.pivoted or pivoted(context, table):
        return False
    rhs, x = block(slot, data, padded, 3), block(slot, data, padded, 4)
    copy(padded, state.f0, rhs)
    copy(padded, state.f0, rhs + 8 * padded)
    call_solve(state.solve, address, rhs, x)
    for k in range(table.pairs):
        system = context.systems + k * SYSTEM_BYTES
        if system_at(system).untested:
            call_solve(context.solve, system, rhs, x)
            state.pivotings += system_at(system).pivotings
            system_at(system).pivotings = 0
    return state.pivoted or pivoted(context, table)


@compiled
def keep_stages(memory):
    """The attempt's stages become those of the last accepted step."""
    memory.last_table, memory.known, memory.parity = memory.table, 1, 1 - memory.parity
    memory.ratio = 0.0


def attempt(address):
    """Try a step of size h from (t, u)."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    data, memory = data_at(slot.data), memory_at(slot.memory)
    if state.repeating:
        memory.table = state.formula
    state.formula = memory.table
    if state.keep_record == KEEP_STARTS:
        memory.reach, memory.rate = 1.0, 1.0
    if state.restarted:
        memory.known = 0
        if not state.jacobian_fresh:
            memory.previous_h, memory.reach, memory.rate = 0.0, 1.0, 1.0
    table = table_at(data, memory.table)
    code = try_step(state, address, slot, data, memory, table)
    if code == Attempt.DIVERGED and not state.jacobian_fresh:
        memory.rate, memory.reach = 1.0, 1.0
        code = try_step(state, address, slot, data, memory, table)
    spoiled = code == Attempt.DIVERGED or code == Attempt.NON_FINITE
    if spoiled and factors_are_bad(state, address, slot, data, table):
        memory.rate, memory.reach = 1.0, 1.0
        code = try_step(state, address, slot, data, memory, table)
    memory.failed = code != Attempt.FINE
    if code != Attempt.FINE:
        return code
    last = block(slot, data, state.padded, 1 - memory.parity) + 8 * state.padded * (table.stages - 1)
    copy(state.padded, last, state.increment)
    advance_compensated(state)
    if state.repeating:
        keep_stages(memory)
        return Attempt.FINE
    return estimate_error(state, address, slot, data, memory, table)


@compiled
def collocation_polynomial(state, slot, data, table, z):
    """Coefficients of the polynomial through the stages z of a step from u_new."""
    padded = state.padded
    copy(padded, state.u_new, state.coefficients)
    transform(padded, table.stages, table.interpolant, z, state.coefficients + 8 * padded)
    unused = data.most_stages - table.stages
    clear(padded * unused, state.coefficients + 8 * padded * (1 + table.stages))


def interpolate(address):
    """Coefficients of the collocation polynomial of the last accepted step."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    data, memory = data_at(slot.data), memory_at(slot.memory)
    z = block(slot, data, state.padded, memory.parity)
    collocation_polynomial(state, slot, data, table_at(data, memory.last_table), z)
    return Attempt.FINE


def interpolate_attempt(address):
    """Coefficients of the collocation polynomial of the step that was tried, which is not accepted yet. The
    stages of a step that is done again are kept as soon as it has been tried."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    data, memory = data_at(slot.data), memory_at(slot.memory)
    tried = memory.parity if state.repeating else 1 - memory.parity
    z = block(slot, data, state.padded, tried)
    collocation_polynomial(state, slot, data, table_at(data, memory.table), z)
    return Attempt.FINE


def control(address):
    """The size and the formula of the next attempt."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    data, memory = data_at(slot.data), memory_at(slot.memory)
    table = table_at(data, memory.table)
    accepted = state.mean_square <= 1.0
    if accepted:
        after_acceptance(state, memory, table)
        keep_stages(memory)
    else:
        state.h_next = abs(state.h) * cut(state, memory, table)
    if data.count > 1:
        choose_formula(data, memory, state.h_next / abs(state.h), accepted)
    return 0


ENTRIES = {
    "attempt": attempt,
    "interpolate": interpolate,
    "interpolate_attempt": interpolate_attempt,
    "control": control,
}
