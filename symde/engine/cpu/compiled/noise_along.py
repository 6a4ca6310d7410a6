"""Derivatives of a path along directions, beside the path.

Steps are sums of states, drifts and noise with factors that read none of them. So the same step of the
equation and its derivatives, written one after another in every vector, gives the derivatives of what it
gives.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import call_kernel, compiled, integers


@compiled
def along(state, kernel, t, u, first):
    """Derivatives of what was read of the equation, behind that; `first` is its first output."""
    inputs, outputs = integers(state.along_inputs), integers(state.along_outputs)
    values = integers(state.outputs)
    inputs[1], inputs[2] = integers(state.inputs)[1], u
    changes = state.changes + 8 * state.path * state.changes_stride
    for direction in range(1, state.directions + 1):
        inputs[3] = u + 8 * direction * state.own
        inputs[4] = changes + 8 * (direction - 1) * state.parameters
        outputs[0] = values[0] + 8 * direction * state.own
        outputs[1] = values[1] + 8 * direction * state.own_entries
        outputs[2] = values[2] + 8 * direction * state.own_products
        call_kernel(kernel, t, state.along_inputs, state.along_outputs + 8 * first)
