"""f, its Jacobian and its time derivative at the present state, evaluated together, once a state."""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import call_kernel, compiled, integers
from symde.engine.cpu.layout import Stage0


@compiled
def linearise(state, kernel):
    """f0, jacobian and time_gradient at (t, u); kept when only the step size has changed since."""
    if state.stage0 == Stage0.VALID and state.jacobian_fresh:
        return 0
    integers(state.inputs)[0] = state.u
    outputs = integers(state.outputs)
    outputs[0], outputs[1], outputs[2] = state.f0, state.jacobian, state.time_gradient
    state.evaluations += 1
    state.jacobians += 1
    state.jacobian_fresh = 1
    state.stage0 = Stage0.VALID
    return call_kernel(kernel, state.t, state.inputs, state.outputs)
