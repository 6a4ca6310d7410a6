"""The right-hand side of a reverse solve, and its loop: that of every solve with jumps and comparisons.

The state is u (n values), lambda (n), then q (m values, or none).
"""

from __future__ import annotations

import math

from symde.engine.cpu.backsolve import BacksolveData
from symde.engine.cpu.columns import CONTEXT, DIRECTION
from symde.engine.cpu.compiled.backward import ADJOINT, negate
from symde.engine.cpu.compiled.jumps import forget_slope
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    call_step,
    compiled,
    doubles,
    integers,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.layout import TINY, Status

backsolve_at = structure_at(BacksolveData)


@compiled
def call_model(data, kernel, t, out, second):
    """Call a kernel of the model for two outputs; its code."""
    outputs = integers(data.outputs)
    outputs[0], outputs[1] = out, second
    return call_kernel(kernel, t, data.inputs, data.outputs)


def rhs(t, inputs, outputs):
    """Kernel: the slopes of u, lambda and q."""
    data = backsolve_at(integers(inputs)[CONTEXT])
    y, out, n = integers(inputs)[0], integers(outputs)[0], data.n
    table = integers(data.inputs)
    table[0], table[ADJOINT] = y, y + 8 * n
    code = call_model(data, data.rhs, t, out, 0)
    if code == 0:
        code = call_model(data, data.product, t, out + 8 * n, out + 16 * n)
    negate(n + data.integrals, out + 8 * n)
    return code


def jacobian_vector(t, inputs, outputs):
    """Kernel: J times the direction of u, -J' times that of lambda, for the eigenvalues."""
    data = backsolve_at(integers(inputs)[CONTEXT])
    direction, out, n = integers(inputs)[DIRECTION], integers(outputs)[0], data.n
    table = integers(data.inputs)
    table[0], table[DIRECTION], table[ADJOINT] = integers(inputs)[0], direction, direction + 8 * n
    code = call_model(data, data.jacobian_vector, t, out, 0)
    if code == 0:
        code = call_model(data, data.by_states, t, out + 8 * n, 0)
    negate(n, out + 8 * n)
    clear(data.integrals, out + 16 * n)
    return code


@compiled
def distance_from(data, present, kept):
    """Root mean square of what two states differ by, in units of the tolerance."""
    u, c, atol = doubles(present), doubles(kept), doubles(data.atol)
    total = 0.0
    for i in range(data.n):
        ratio = (u[i] - c[i]) / (atol[i] + data.rtol * abs(c[i]) + TINY)
        total += ratio * ratio
    return math.sqrt(total / data.n)


@compiled
def compare(state, data, row):
    """Compare u with a checkpoint and set it right; whether it was near enough."""
    kept = data.checkpoints + 8 * data.stride * row
    data.distance = distance_from(data, state.u, kept)
    if not data.distance <= data.limit:  # NaN is not
        return False
    data.largest = max(data.largest, data.distance)
    copy(data.n, kept, state.u)
    clear(data.n, state.u_low)
    return True


@compiled
def add_jump(state, data, row):
    """lambda += a row of the jumps."""
    adjoint, jump = doubles(state.u + 8 * data.n), doubles(data.jumps + 8 * data.n * row)
    for i in range(data.n):
        adjoint[i] += jump[i]


def advance(address):
    """Advance until the end, or STOPPED where u is too far from a checkpoint; the status."""
    state = state_at(address)
    data = backsolve_at(integers(state.inputs)[CONTEXT])
    while True:
        status = call_step(data.advance, address)
        if status != Status.STOPPED:
            return status
        k = state.next_stop - 1
        check, row = integers(data.stop_checks)[k], integers(data.stop_rows)[k]
        if check >= 0 and not compare(state, data, check):
            return status
        if row >= 0:
            add_jump(state, data, row)
        forget_slope(state)


ENTRIES = {"rhs": rhs, "jacobian_vector": jacobian_vector, "advance": advance}
