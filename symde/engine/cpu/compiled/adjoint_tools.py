"""What the adjoints of all families share: products with the model's derivatives, summed up."""

from __future__ import annotations

from symde.engine.cpu.adjoint import Adjoint
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    call_step,
    compiled,
    doubles,
    integers,
    state_at,
    structure_at,
)
from symde.engine.cpu.layout import Attempt

adjoint_at = structure_at(Adjoint)


@compiled
def pull(adjoint, kernel, t, u, vector, scale, target):
    """target += scale * (derivative by the states), gradient += scale * (that by the parameters), of what a
    kernel differentiates with this vector in the place of `adjoint`; its code."""
    inputs = integers(adjoint.inputs)
    inputs[0], inputs[7], adjoint.scale = u, vector, scale
    code = call_kernel(kernel, t, adjoint.inputs, adjoint.outputs)
    by_states, out = doubles(adjoint.by_states), doubles(target)
    for i in range(adjoint.n):
        out[i] += scale * by_states[i]
    by_parameters, gradient = doubles(adjoint.by_parameters), doubles(adjoint.gradient)
    for j in range(adjoint.m):
        gradient[j] += scale * by_parameters[j]
    return code


@compiled
def pull_to(adjoint, kernel, t, u, vector, target):
    """target = derivative by the states, gradient += that by the parameters, of what a kernel differentiates
    with this vector in the place of `adjoint`; its code."""
    inputs, outputs = integers(adjoint.inputs), integers(adjoint.outputs)
    inputs[0], inputs[7], outputs[0], adjoint.scale = u, vector, target, 1.0
    code = call_kernel(kernel, t, adjoint.inputs, adjoint.outputs)
    outputs[0] = adjoint.by_states
    by_parameters, gradient = doubles(adjoint.by_parameters), doubles(adjoint.gradient)
    for j in range(adjoint.m):
        gradient[j] += by_parameters[j]
    return code


@compiled
def add_scaled(length, scale, source, target):
    """target += scale * source."""
    s, t = doubles(source), doubles(target)
    for i in range(length):
        t[i] += scale * s[i]


@compiled
def transposed_values(adjoint, t, u, target):
    """The values of the transposed Jacobian at (t, u); the kernel's code."""
    integers(adjoint.inputs)[0] = u
    integers(adjoint.outputs)[2] = target
    return call_kernel(adjoint.transposed, t, adjoint.inputs, adjoint.outputs + 16)


@compiled
def factorise_values(adjoint, state, u, shift):
    """Factorise shift*M' - J' for the values in the linear solver's state; the solver's code."""
    system = state_at(adjoint.system)
    system.shift, system.u, system.atol, system.rtol = shift, u, state.atol, state.rtol
    return call_step(system.factor, adjoint.system)


@compiled
def factorise_transposed(adjoint, state, t, u, shift):
    """Factorise shift*M' - J' at (t, u); the solver's code."""
    if transposed_values(adjoint, t, u, state_at(adjoint.system).jacobian) != 0:
        return Attempt.CALLBACK.value
    return factorise_values(adjoint, state, u, shift)


@compiled
def mass_transposed(adjoint, vector):
    """M' times a vector, at the address that is returned: the vector's own where M is the identity."""
    if adjoint.mass == 0:
        return vector
    system = state_at(adjoint.system)
    starts, columns, mass = integers(system.row_pointers), integers(system.columns), doubles(adjoint.mass)
    v, out = doubles(vector), doubles(adjoint.mass_work)
    for i in range(adjoint.n):
        total = 0.0
        for k in range(starts[i], starts[i + 1]):
            total += mass[k] * v[columns[k]]
        out[i] = total
    return adjoint.mass_work


@compiled
def masked(padded, mask, source, target):
    """target = mask * source, entry by entry."""
    m, s, t = doubles(mask), doubles(source), doubles(target)
    for i in range(padded):
        t[i] = m[i] * s[i]
