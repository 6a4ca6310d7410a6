"""Values of root functions, at a state and within the last step."""

from __future__ import annotations

from symde.engine.cpu.compiled.output import evaluate_interpolant
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, structure_at
from symde.engine.cpu.roots import Roots

roots_at = structure_at(Roots)

EPSILON = 2.0**-52


@compiled
def evaluate_roots(state, roots, t, u, g, slope):
    """Values and total time derivatives at (t, u)."""
    integers(state.inputs)[0] = u
    outputs = integers(roots.outputs)
    outputs[0], outputs[1] = g, slope
    return call_kernel(roots.kernel, t, state.inputs, roots.outputs)


@compiled
def evaluate_within(state, roots, theta, g, slope):
    """The same at a place within the last step."""
    evaluate_interpolant(state, theta, roots.u_at)
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
