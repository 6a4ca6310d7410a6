"""The right-hand side of adjoint equations along a forward solution, and what implicit methods need of it.

The state is lambda (n values), then q (m values, or none):

    lambda' = -J' lambda,    q' = -P' lambda
"""

from __future__ import annotations

from symde.engine.cpu.backward import BackwardData
from symde.engine.cpu.columns import CONTEXT, DIRECTION
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, structure_at
from symde.engine.cpu.compiled.trajectory import slope_at_time, state_at_time, trajectory_at
from symde.engine.cpu.compiled.vectors import clear, copy

backward_at = structure_at(BackwardData)

ADJOINT = 7
"""Place of the row vector in the input table of the model's kernels."""


@compiled
def negate(length, vector):
    """vector = -vector."""
    v = doubles(vector)
    for i in range(length):
        v[i] = -v[i]


@compiled
def look_up(data, t):
    """Ready the inputs of the model's kernels for the forward state at t."""
    path = trajectory_at(data.trajectory)
    state_at_time(path, t)
    integers(data.inputs)[0] = path.at


@compiled
def multiply(data, kernel, t, vector, by_states, by_parameters):
    """Products of a row vector by a kernel at the point that is looked up; its code."""
    integers(data.inputs)[ADJOINT] = vector
    outputs = integers(data.outputs)
    outputs[0], outputs[1] = by_states, by_parameters
    return call_kernel(kernel, t, data.inputs, data.outputs)


@compiled
def slopes(data, t, y, out):
    """out = the slopes of lambda and q at the point that is looked up."""
    code = multiply(data, data.product, t, y, out, out + 8 * data.n)
    negate(data.n + data.integrals, out)
    return code


def rhs(t, inputs, outputs):
    """Kernel: the slopes of lambda and q."""
    data = backward_at(integers(inputs)[CONTEXT])
    look_up(data, t)
    return slopes(data, t, integers(inputs)[0], integers(outputs)[0])


@compiled
def slopes_by_time(data, t, y, gradient):
    """gradient = the partial derivative of the slopes by t, which moves the forward state along."""
    path = trajectory_at(data.trajectory)
    slope_at_time(path, t)
    integers(data.inputs)[DIRECTION] = path.slope
    scratch = data.scratch
    n, length = data.n, data.n + data.integrals
    # products of parameters that no integral takes go where nobody looks
    code = multiply(data, data.curvature, t, y, scratch, scratch + 8 * n)
    copy(length, scratch, gradient)
    if data.time != 0 and code == 0:
        code = multiply(data, data.time, t, y, scratch, scratch + 8 * n)
        g, s = doubles(gradient), doubles(scratch)
        for i in range(length):
            g[i] += s[i]
    negate(length, gradient)
    return code


def rhs_jacobian(t, inputs, outputs):
    """Kernel: the slopes, the values of -J', and the partial derivative of the slopes by t. The point is
    kept: the integrals' rows of linear systems are products there."""
    data = backward_at(integers(inputs)[CONTEXT])
    y, out, jacobian, gradient = (
        integers(inputs)[0],
        integers(outputs)[0],
        integers(outputs)[1],
        integers(outputs)[2],
    )
    look_up(data, t)
    code = slopes(data, t, y, out)
    if code == 0:
        code = multiply(data, data.transposed, t, y, jacobian, 0)
        negate(data.entries, jacobian)
    if code == 0:
        code = slopes_by_time(data, t, y, gradient)
    data.t_linear = t
    copy(data.n, integers(data.inputs)[0], data.linear)
    return code


def jacobian_vector(t, inputs, outputs):
    """Kernel: -J' times the direction, for the eigenvalues: the integrals add none."""
    data = backward_at(integers(inputs)[CONTEXT])
    look_up(data, t)
    out = integers(outputs)[0]
    code = slopes(data, t, integers(inputs)[DIRECTION], out)
    clear(data.integrals, out + 8 * data.n)
    return code


ENTRIES = {"rhs": rhs, "rhs_jacobian": rhs_jacobian, "jacobian_vector": jacobian_vector}
