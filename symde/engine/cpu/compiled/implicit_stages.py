"""Stages of a singly diagonally implicit step, solved one after another with one matrix.

    shift * (y_i - base_i) = f(t + c_i h, y_i),   shift = 1/(h gamma),   k_i = shift * (y_i - base_i)

k_i is taken from y_i and not from f: where the equation is stiff, f would multiply what the iteration has
left of the error by the largest eigenvalue.

Source: M. E. Hosea, L. F. Shampine, Analysis and implementation of TR-BDF2, Applied Numerical Mathematics 20
(1996), section 4, for k_i from y_i.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.kernels import begins_anew
from symde.engine.cpu.compiled.newton import factorise, renew_matrix, solve_stage, solves_well
from symde.engine.cpu.compiled.pointers import compiled, doubles
from symde.engine.cpu.compiled.vectors import combine
from symde.engine.cpu.layout import Attempt

TOLERANCE = 0.1
"""What an iteration may leave, in units of the tolerance. A tenth of this costs 15 to 20 in a hundred more
iterations at equal error; three times this fails on E5 at loose tolerances."""

SLOW = 0.01
"""Rate of convergence beyond which a new step begins with a new Jacobian. At 0 (a new one every step) as at
0.03 the work on seven stiff problems is the same within 3 in a hundred, and Jacobians by differences are
dear."""


@compiled
def begin_stage(state, method, row, count):
    """The base of a stage in `stage` and the guess at its state in u_new, from the `count` vectors before;
    `row` is where the weights of both begin."""
    padded, h = state.padded, state.h
    combine(padded, state.u, h, method.a + row, count, state.stages, state.stage)
    combine(padded, state.u, h, method.guess + row, count, state.stages, state.u_new)


@compiled
def stage_derivative(state, address, rhs, t, shift, out):
    """Solve for y_i from the guess in u_new, out = k_i; FINE, DIVERGED, NON_FINITE or CALLBACK."""
    code = solve_stage(state, address, rhs, t, state.stage, shift, state.u_new, TOLERANCE * state.tightness)
    y, base, k = doubles(state.u_new), doubles(state.stage), doubles(out)
    for j in range(state.padded):
        k[j] = shift * (y[j] - base[j])
    return code


@compiled
def solve_stages(state, address, method, stage, others):
    """All stages but the first, by stage(state, address, method, others, i, shift)."""
    shift = 1.0 / (state.h * method.gamma)
    state.careful = 0
    code = begin_matrix(state, address, shift)
    i = 1
    while code == Attempt.FINE and i < method.stages:
        code = stage(state, address, method, others, i, shift)
        if code == Attempt.FINE:
            i += 1
        else:
            code = better_matrix(state, address, shift, code)
    return code


@compiled
def begin_matrix(state, address, shift):
    """W for this very shift, as all stages share it; with a new J where the last iterations were slow."""
    known = state.jacobian_known and not begins_anew(state)
    if known and (state.jacobian_fresh or state.measured_rate <= SLOW):
        return Attempt.FINE.value if shift == state.factored_shift else factorise(state, address, shift)
    contraction = state.contraction
    code = renew_matrix(state, address, state.rhs_jacobian, shift)
    if 0.0 < contraction < 1.0 and not begins_anew(state):
        # a new J is expected to do no worse than the last did
        state.contraction = contraction
    return code


@compiled
def better_matrix(state, address, shift, code):
    """After an iteration that failed: FINE where there is a better matrix to try, else the failure."""
    if code == Attempt.CALLBACK:
        return code
    if not state.jacobian_fresh:
        return renew_matrix(state, address, state.rhs_jacobian, shift)
    if not (state.careful or solves_well(state, address)):
        state.careful = 1
        return Attempt.FINE.value
    return code
