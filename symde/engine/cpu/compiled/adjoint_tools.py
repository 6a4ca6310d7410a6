"""What the adjoints of all families share: products with the model's derivatives, summed up."""

from __future__ import annotations

from symde.engine.cpu.adjoint import Adjoint
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, structure_at

adjoint_at = structure_at(Adjoint)


@compiled
def pull(adjoint, kernel, t, u, vector, scale, target):
    """target += scale * (derivative by the states), gradient += scale * (that by the parameters), of what a
    kernel differentiates with this vector in the place of `adjoint`; its code."""
    inputs = integers(adjoint.inputs)
    inputs[0], inputs[7] = u, vector
    code = call_kernel(kernel, t, adjoint.inputs, adjoint.outputs)
    by_states, out = doubles(adjoint.by_states), doubles(target)
    for i in range(adjoint.n):
        out[i] += scale * by_states[i]
    by_parameters, gradient = doubles(adjoint.by_parameters), doubles(adjoint.gradient)
    for j in range(adjoint.m):
        gradient[j] += scale * by_parameters[j]
    return code


@compiled
def add_scaled(length, scale, source, target):
    """target += scale * source."""
    s, t = doubles(source), doubles(target)
    for i in range(length):
        t[i] += scale * s[i]
