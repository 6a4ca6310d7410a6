"""Derivatives of a path along directions, beside the path.

Steps are sums of states, drifts and noise with factors that read none of them. So the same step of the
equation and its derivatives, written one after another in every vector, gives the derivatives of what it
gives.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import call_kernel, compiled, integers


@compiled
def give_direction(state, u, number, direction):
    """Let a kernel of derivatives read the state, and the direction of it and of the parameters."""
    inputs = integers(state.along_inputs)
    changes = state.changes + 8 * state.path * state.changes_stride
    inputs[1], inputs[2], inputs[3] = integers(state.inputs)[1], u, direction
    inputs[4] = changes + 8 * (number - 1) * state.parameters


@compiled
def along_one(state, kernel, t, u, number, direction, first):
    """The derivative along one direction, with that of the state at an address, of what was read of the
    equation, behind that; `first` is its first output."""
    outputs, values = integers(state.along_outputs), integers(state.outputs)
    give_direction(state, u, number, direction)
    outputs[0] = values[0] + 8 * number * state.own
    outputs[1] = values[1] + 8 * number * state.own_entries
    outputs[2] = values[2] + 8 * number * state.own_products
    call_kernel(kernel, t, state.along_inputs, state.along_outputs + 8 * first)


@compiled
def along(state, kernel, t, u, first):
    """The same along all directions, whose derivatives of the state stand behind it."""
    for number in range(1, state.directions + 1):
        along_one(state, kernel, t, u, number, u + 8 * number * state.own, first)
