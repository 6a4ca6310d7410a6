"""Newton's iteration for one stage, with a matrix that is kept from step to step as long as it serves.

The equation is that of every singly diagonally implicit method, Runge-Kutta or multistep:

    shift * M (y - base) = f(t, y),      shift = 1/(h gamma)

with the matrix W = shift*M - J, J evaluated at some earlier state and factorised for some earlier shift. What
is solved for are corrections, so their linear systems need no test of their own: an inaccurate one only slows
the iteration down, and an iteration that is too slow is given up. `solves_well` then tells whether the linear
solver is to blame; with `state.careful` set, every solution is made accurate, by pivoting if need be.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8, (8.10) to (8.13), for
the test of convergence; A. C. Hindmarsh et al., SUNDIALS, ACM TOMS 31 (2005), section 2.1, for the correction
of a matrix with another shift.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.control import largest_norm
from symde.engine.cpu.compiled.kernels import begins_anew, evaluate_part
from symde.engine.cpu.compiled.linearise import linearise
from symde.engine.cpu.compiled.mass import multiply_by_mass
from symde.engine.cpu.compiled.pointers import call_solve, call_step, compiled, doubles
from symde.engine.cpu.layout import TINY, Attempt

MOST_ITERATIONS, MOST_TIGHT_ITERATIONS = 8, 40
"""Iterations after which a stage is given up; the second where it is solved more tightly than the tolerance
asks for."""

ROUNDING = 0.1
"""Fraction of the tolerance below which a second correction ends the iteration at any rate: where the guess
was as good as exact, corrections are rounding, and their ratio says nothing."""

PROMISED = 0.05
"""Largest correction, in relation to the solution, after which a rate of convergence from before is believed.
After a larger one the rate is measured: it may have led to where the equations are others. With a rate of 0,
as linear equations have, nothing else would hold a correction by 1e58 back."""

DRIFT = 0.2
"""Relative change of the shift from which the matrix is factorised again."""


@compiled
def factorise(state, address, shift):
    """Factorise shift*M - J; the solver's code."""
    state.shift = shift
    state.factored_shift = 0.0
    code = call_step(state.factor, address)
    if code == Attempt.FINE:
        state.factored_shift = shift
    return code


@compiled
def has_finite_jacobian(state):
    """Whether all entries of J are finite; true where none are kept. An infinite one makes corrections 0,
    which is what convergence looks like."""
    jacobian, total = doubles(state.jacobian), 0.0
    for i in range(state.entries):
        total += 0.0 * jacobian[i]
    return total == 0.0


@compiled
def renew_matrix(state, address, kernel, shift):
    """J at (t, u) by a kernel that also gives f0 and the time gradient, and W for this shift."""
    if linearise(state, kernel) != 0:
        return Attempt.CALLBACK.value
    if not has_finite_jacobian(state):
        return Attempt.NON_FINITE.value
    state.jacobian_known = 1
    state.contraction = 1.0
    state.measured_rate = 0.0
    return factorise(state, address, shift)


@compiled
def ready_matrix(state, address, kernel, shift):
    """W good enough for this shift: J where none is known, factors where the shift has drifted."""
    if begins_anew(state) or not state.jacobian_known:
        return renew_matrix(state, address, kernel, shift)
    if state.factored_shift == 0.0 or abs(shift / state.factored_shift - 1.0) > DRIFT:
        return factorise(state, address, shift)
    return Attempt.FINE.value


@compiled
def correct(state, address, rhs, t, base, shift, y):
    """One correction of y; its norm in units of the tolerance, -1 where a kernel failed, infinity where W was
    not solved."""
    if evaluate_part(state, rhs, t, y, state.stage_f) != 0:
        return -1.0
    f, b, x, residual = doubles(state.stage_f), doubles(base), doubles(y), doubles(state.system_rhs)
    if state.mass != 0:
        for i in range(state.padded):
            residual[i] = shift * (x[i] - b[i])
        multiply_by_mass(state, state.system_rhs)
        for i in range(state.padded):
            residual[i] = f[i] - residual[i]
    else:
        for i in range(state.padded):
            residual[i] = f[i] - shift * (x[i] - b[i])
    solver = state.solve if state.careful else state.substitute
    code = call_solve(solver, address, state.system_rhs, state.correction)
    if code != Attempt.FINE:
        return -1.0 if code == Attempt.CALLBACK else math.inf
    state.iterations += 1
    # exact for J = 0, harmless where J dominates, best in between
    return add_correction(state, 2.0 / (1.0 + shift / state.factored_shift), y)


@compiled
def add_correction(state, scale, y):
    """y += scale * correction; the root mean square of what was added over atol + rtol*max(|u|, |y|), of the
    block where it is largest: many columns that have converged hide none that has not."""
    u, x, atol, correction = doubles(state.u), doubles(y), doubles(state.atol), doubles(state.correction)
    total = 0.0
    for i in range(state.n):
        change = scale * correction[i]
        x[i] += change
        before, after = abs(u[i]), abs(x[i])
        ratio = change / (atol[i] + state.rtol * (before if before > after else after) + TINY)
        total += ratio * ratio
    if state.n_blocks > 1:
        return abs(scale) * math.sqrt(largest_norm(state, state.correction, y))
    return math.sqrt(total / state.n)


@compiled
def solves_well(state, address):
    """Whether the unchecked solver is accurate for the last right side of an iteration that failed."""
    call_solve(state.substitute, address, state.system_rhs, state.stage_f)
    return call_solve(state.accept, address, state.system_rhs, state.stage_f) == Attempt.FINE


@compiled
def solve_stage(state, address, rhs, t, base, shift, y, tolerance):
    """Solve shift*M(y - base) = f(t, y) from the guess in y until the scaled norm of what is left of the
    error is below `tolerance`; FINE, DIVERGED, NON_FINITE or CALLBACK. `state.contraction` and
    `state.measured_rate` keep the last rate."""
    previous = 0.0
    most = MOST_ITERATIONS if state.tightness == 1.0 else MOST_TIGHT_ITERATIONS
    for k in range(most):
        size = correct(state, address, rhs, t, base, shift, y)
        if size < 0.0:
            return Attempt.CALLBACK.value
        if size == math.inf:
            return Attempt.DIVERGED.value
        if not size < math.inf:
            return Attempt.NON_FINITE.value
        if k == 0:
            # the last rate that was measured, aged each time it is believed: it may not promise for ever
            state.contraction = max(state.contraction, 1e-16) ** 0.8
            rate = state.contraction
        else:
            rate = size / previous
            state.contraction = rate
            state.measured_rate = rate
        believed = rate < 1.0 and (k > 0 or size * state.rtol <= PROMISED)
        if size == 0.0 or (believed and rate / (1.0 - rate) * size <= tolerance):
            return Attempt.FINE.value
        if k > 0:
            if size <= ROUNDING * tolerance:
                return Attempt.FINE.value
            left = most - 1 - k
            if rate >= 1.0 or rate**left / (1.0 - rate) * size > tolerance:
                return Attempt.DIVERGED.value
        previous = size
    return Attempt.DIVERGED.value
