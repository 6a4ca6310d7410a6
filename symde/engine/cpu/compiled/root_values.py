"""Values of root functions, at a state and within the last step.

Their total time derivatives are those along u'. Where M in M u' = f is the identity the kernel knows it, else
it is given what it is along: the derivative of the step's interpolant, and at a state that no step has led to
u' as the equations make it.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.consistent import find_slope
from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.output import evaluate_interpolant, prepare_interpolant
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    compiled,
    doubles,
    integers,
    slot_at,
    structure_at,
)
from symde.engine.cpu.compiled.vectors import copy
from symde.engine.cpu.layout import Attempt, Status
from symde.engine.cpu.roots import ALONG, Roots

roots_at = structure_at(Roots)

EPSILON = 2.0**-52


@compiled
def evaluate_roots(state, roots, t, u, g, slope):
    """Values and total time derivatives at (t, u), along what `along` holds where they need it."""
    inputs = integers(state.inputs)
    inputs[0] = u
    outputs = integers(roots.outputs)
    outputs[0], outputs[1] = g, slope
    if roots.along == 0:
        return call_kernel(roots.kernel, t, state.inputs, roots.outputs)
    before, inputs[ALONG] = inputs[ALONG], roots.along
    code = call_kernel(roots.kernel, t, state.inputs, roots.outputs)
    inputs[ALONG] = before
    return code


@compiled
def along_interpolant(state, roots, theta):
    """along = the derivative by t of the last step's interpolant, which is prepared."""
    n, padded, o = state.n, state.padded, doubles(roots.along)
    c = doubles(state.coefficients)
    degree = slot_at(state, state.active).degree
    for i in range(n):
        value = 0.0
        for m in range(degree, 0, -1):
            value = value * theta + m * c[m * padded + i]
        o[i] = value / state.h_old


@compiled
def along_solution(state, roots, address):
    """along = u' as the equations make it at (t, u), not a number where they do not determine it; whether a
    kernel failed."""
    if state.mass == 0:
        return evaluate(state, state.t, state.u, roots.along) != 0
    code = find_slope(state, address)
    if code == Attempt.FINE:
        copy(state.n, state.slope, roots.along)
    else:
        o = doubles(roots.along)
        for i in range(state.n):
            o[i] = math.nan
    return code == Attempt.CALLBACK


@compiled
def evaluate_changed(state, roots, address):
    """Values at the present state where branches have changed, and u' with them; a code of `Status`."""
    if roots.along != 0 and along_solution(state, roots, address):
        return Status.CALLBACK
    if evaluate_roots(state, roots, state.t, state.u, roots.g, roots.slope) != 0:
        return Status.CALLBACK
    return Status.DONE


@compiled
def evaluate_ends(state, roots, address):
    """Values at the end of the last step; where they are along its interpolant those at its start as well,
    so that they fit each other. The kernel's code."""
    if roots.along != 0:
        if prepare_interpolant(state, address) != 0:
            return 1
        along_interpolant(state, roots, 0.0)
        if evaluate_roots(state, roots, state.t_old, state.u_new, roots.g, roots.slope) != 0:
            return 1
        along_interpolant(state, roots, 1.0)
    return evaluate_roots(state, roots, state.t, state.u, roots.g_new, roots.slope_new)


@compiled
def evaluate_within(state, roots, theta, g, slope):
    """The same at a place within the last step."""
    evaluate_interpolant(state, theta, roots.u_at)
    if roots.along != 0:
        along_interpolant(state, roots, theta)
    return evaluate_roots(state, roots, state.t_old + theta * state.h_old, roots.u_at, g, slope)


@compiled
def resolution(state, t, h):
    """Times nearer to each other than this are the same."""
    return 4.0 * EPSILON * abs(t) + 1e-13 * abs(h)


@compiled
def copy_values(count, g, slope, to_g, to_slope):
    """Values and derivatives to another place."""
    a, da, b, db = doubles(g), doubles(slope), doubles(to_g), doubles(to_slope)
    for i in range(count):
        b[i], db[i] = a[i], da[i]
