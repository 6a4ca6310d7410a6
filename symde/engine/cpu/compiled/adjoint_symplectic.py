"""The adjoint of one step of a splitting method: its flows in reverse.

A flow u_new = u + d h r(t, u), with the rates r of one half of the model, pulls w back to w + d h J_r' w.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.adjoint_hermite import all_nodes, pull_hermite
from symde.engine.cpu.compiled.adjoint_tools import add_scaled, adjoint_at, masked, pull
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    compiled,
    doubles,
    integers,
    slot_at,
    state_at,
)
from symde.engine.cpu.compiled.symplectic import halves_at, splitting_data_at
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.layout import Attempt


@compiled
def move(state, kernel, t, duration, u, target):
    """target = u + duration * rates of one half; the kernel's code."""
    integers(state.inputs)[0], integers(state.outputs)[0] = u, state.stage
    code = call_kernel(kernel, t, state.inputs, state.outputs)
    x, rates, moved = doubles(u), doubles(state.stage), doubles(target)
    for i in range(state.padded):
        moved[i] = x[i] + duration * rates[i]
    return code


@compiled
def states_between(state, method, halves, trail):
    """The states before every flow of the step, two vectors for each stage; the kernels' code."""
    kicks, drifts = doubles(method.kicks), doubles(method.drifts)
    kick_times, drift_times = doubles(method.kick_times), doubles(method.drift_times)
    t, h, size = state.t_old, state.h_old, 8 * state.padded
    copy(state.padded, state.u_new, trail)
    code = 0
    for i in range(method.stages):
        place = trail + 2 * size * i
        code += move(state, halves.momenta, t + kick_times[i] * h, kicks[i] * h, place, place + size)
        place += size
        code += move(state, halves.positions, t + drift_times[i] * h, drifts[i] * h, place, place + size)
    return code


@compiled
def pull_flow(adjoint, t, duration, u, mask):
    """Pull the weights back over one flow; the kernel's code."""
    masked(adjoint.padded, mask, adjoint.weights, adjoint.solution)
    return pull(adjoint, adjoint.product, t, u, adjoint.solution, duration, adjoint.weights)


def adjoint(address):
    """Pull the weights back over the step that was just done again."""
    pulled = adjoint_at(address)
    state = state_at(pulled.state)
    slot = slot_at(state, state.active)
    method, halves = splitting_data_at(slot.data), halves_at(slot.context)
    padded, size, t, h = pulled.padded, 8 * pulled.padded, state.t_old, state.h_old
    positions = integers(pulled.contexts)[state.active]
    momenta = positions + size
    clear(padded, pulled.start)
    trail = pulled.scratch
    if pulled.interpolated:
        vectors = state.stages + 2 * size
        code = pull_hermite(pulled, state, method.interpolant, vectors, slot.memory, trail)
        if code != Attempt.FINE:
            return code
    trail += size * all_nodes(method.interpolant)
    if states_between(state, method, halves, trail) != 0:
        return Attempt.CALLBACK.value
    kicks, drifts = doubles(method.kicks), doubles(method.drifts)
    kick_times, drift_times = doubles(method.kick_times), doubles(method.drift_times)
    code = 0
    for i in range(method.stages - 1, -1, -1):
        place = trail + 2 * size * i
        if drifts[i] != 0.0:
            code += pull_flow(pulled, t + drift_times[i] * h, drifts[i] * h, place + size, positions)
        if kicks[i] != 0.0:
            code += pull_flow(pulled, t + kick_times[i] * h, kicks[i] * h, place, momenta)
    add_scaled(padded, 1.0, pulled.start, pulled.weights)
    return Attempt.FINE.value if code == 0 else Attempt.CALLBACK.value


ENTRIES = {"adjoint": adjoint}
