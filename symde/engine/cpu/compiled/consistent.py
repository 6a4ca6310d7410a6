"""The start of M u' = f: values that solve the equations without a derivative, u', and the first step's size.

All three solve with one matrix A, whose rows are M's where M has entries and -J's where it has none. It is
W = shift*M - J with shift 1 once J is cleared in the former rows, so the solver of every step solves it:

    A d = (M (u_given - u), f)    a Newton correction of u that leaves M u as given
    A u' = (f, f_t)               the slope: constraints are kept, J u' + f_t = 0

A is regular just where the equations are of index 1.

Sources: P. N. Brown, A. C. Hindmarsh, L. R. Petzold, Consistent initial condition calculation for
differential-algebraic systems, SIAM J. Sci. Comput. 19 (1998) 1495-1512; P. Deuflhard, Newton Methods for
Nonlinear Problems (2004), 3.3, for the damping by the natural monotonicity test; E. Hairer, S. P. Norsett,
G. Wanner, Solving Ordinary Differential Equations I (1993), II.4, (4.14), for the first step.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.control import block_norm, scaled_norm
from symde.engine.cpu.compiled.invariants import (
    fulfil_constraints,
    invariants_at,
    solve_guesses,
    take_targets,
)
from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.linearise import linearise
from symde.engine.cpu.compiled.mass import is_algebraic, mass_times
from symde.engine.cpu.compiled.pointers import (
    call_solve,
    call_step,
    compiled,
    doubles,
    integers,
    slot_at,
    state_at,
)
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.layout import RESOLUTION, Attempt, Stage0, Status

MOST_ITERATIONS = 300
"""An exponential is left by 1 in its exponent in each."""

ROUNDING = 1e-2
"""The iteration ends where a correction is below this in units of the tolerance, and no smaller than half the
one before: what is left is rounding."""

LEAST_DAMPING = 1e-8

NEAR = 1e-8
"""Part of the correction before that is left where only rounding can be."""


@compiled
def factorise(state, address):
    """J, f and f_t at (t, u), and the factors of A; a code of `Attempt`."""
    state.jacobian_fresh = 0
    if linearise(state, state.rhs_jacobian) != 0:
        return Attempt.CALLBACK.value
    # what follows is no W: nothing of it may be taken for one
    state.jacobian_fresh, state.jacobian_known, state.factored_shift = 0, 0, 0.0
    state.stage0 = Stage0.STALE
    starts, jacobian = integers(state.row_pointers), doubles(state.jacobian)
    total = 0.0
    for i in range(state.mass_rows):
        algebraic = is_algebraic(state, i)
        for k in range(starts[i], starts[i + 1]):
            if algebraic:
                total += 0.0 * jacobian[k]
            else:
                jacobian[k] = 0.0
    if total != 0.0:
        return Attempt.NON_FINITE.value
    state.shift = 1.0
    return call_step(state.factor, address)


@compiled
def choose_rows(state, differential, algebraic, out):
    """out = the first where M has entries, the second where it has none; of all columns too."""
    a, b, o, n, width = (
        doubles(differential),
        doubles(algebraic),
        doubles(out),
        state.mass_rows,
        state.mass_columns,
    )
    for i in range(n):
        constraint = is_algebraic(state, i)
        o[i] = b[i] if constraint else a[i]
        for c in range(n + i * width, n + (i + 1) * width):
            o[c] = b[c] if constraint else a[c]
    for c in range(n * (1 + width), state.n):
        o[c] = a[c]


@compiled
def take_residual(state, given, u, f, out):
    """out = (M (given - u), f)."""
    x, g, work = doubles(u), doubles(given), doubles(state.combined_rhs)
    for i in range(state.n):
        work[i] = g[i] - x[i]
    mass_times(state, state.combined_rhs, state.mass_work)
    choose_rows(state, state.mass_work, f, out)


@compiled
def states_norm(state, vector):
    """The scaled norm of the states' part: columns follow from the states, and are solved after them."""
    if state.mass_columns == 0:
        return scaled_norm(state, vector)
    return math.sqrt(block_norm(state, vector, state.u, 0, state.mass_rows))


@compiled
def is_rounding(state, vector):
    """Whether every state's correction is lost in the rounding of the state."""
    d, u = doubles(vector), doubles(state.u)
    for i in range(state.mass_rows):
        if not abs(d[i]) <= RESOLUTION * abs(u[i]):
            return False
    return True


@compiled
def solve_columns(state, address):
    """The columns that fit the states: J S + P = 0 where M has no entries, M S as given elsewhere. Where the
    states' own right side is zero the solver adds nothing to that of the columns."""
    code = factorise(state, address)
    if code != Attempt.FINE:
        return code
    take_residual(state, state.u, state.u, state.f0, state.system_rhs)
    clear(state.mass_rows, state.system_rhs)
    code = call_solve(state.solve, address, state.system_rhs, state.correction)
    u, d = doubles(state.u), doubles(state.correction)
    for i in range(state.mass_rows, state.n):
        u[i] += d[i]
    return code


@compiled
def damped(state, address, given, size, least):
    """u + lambda d in `stage` with the longest lambda, not below `least`, whose next simplified correction is
    smaller than d, a norm of `size`; FINE, DIVERGED or what a solver or kernel says."""
    u, d, trial = doubles(state.u), doubles(state.correction), doubles(state.stage)
    copy(state.n, state.u, state.stage)
    factor = 1.0
    while factor >= least:
        for i in range(state.mass_rows):
            trial[i] = u[i] + factor * d[i]
        if evaluate(state, state.t, state.stage, state.stage_f) != 0:
            return Attempt.CALLBACK.value
        take_residual(state, given, state.stage, state.stage_f, state.system_rhs)
        code = call_solve(state.solve, address, state.system_rhs, state.error)
        if code == Attempt.CALLBACK:
            return code
        # a value that is not finite fails the comparison
        if code == Attempt.FINE and states_norm(state, state.error) <= (1.0 - 0.25 * factor) * size:
            return Attempt.FINE.value
        factor *= 0.5
    return Attempt.DIVERGED.value


@compiled
def correct(state, address, given):
    """Newton's iteration for u; FINE, or why there is none. `system_rhs` keeps the last residual."""
    previous = math.inf
    for _ in range(MOST_ITERATIONS):
        code = factorise(state, address)
        if code != Attempt.FINE:
            return code
        take_residual(state, given, state.u, state.f0, state.system_rhs)
        code = call_solve(state.solve, address, state.system_rhs, state.correction)
        if code != Attempt.FINE:
            return code
        size = states_norm(state, state.correction)
        if not size < math.inf:
            return Attempt.NON_FINITE.value
        settled = size >= 0.5 * previous or is_rounding(state, state.correction)
        if size == 0.0 or (size <= ROUNDING and settled):
            u, d = doubles(state.u), doubles(state.correction)
            for i in range(state.mass_rows):
                u[i] += d[i]
            return Attempt.FINE.value
        # from as near as this no shorter step gets further: the equations are all but linear
        least = 1.0 if size <= NEAR * previous and size <= ROUNDING else LEAST_DAMPING
        code = damped(state, address, given, size, least)
        if code != Attempt.FINE:
            if size <= ROUNDING:  # what is left is rounding
                return Attempt.FINE.value
            return code
        copy(state.mass_rows, state.stage, state.u)
        previous = size
    return Attempt.DIVERGED.value


@compiled
def solve_constraints(state, address):
    """Solve the equations without a derivative for the present u, which is their guess, and leave M u as it
    is."""
    if state.mass == 0 or state.constraints == 0:
        return Attempt.FINE.value
    copy(state.n, state.u, state.increment)
    code = correct(state, address, state.increment)
    if code == Attempt.FINE and state.mass_columns != 0:
        return solve_columns(state, address)
    return code


@compiled
def settle(state, address):
    """The equations without a derivative and the constraints they hide, from values that are near."""
    code = solve_constraints(state, address)
    if code != Attempt.FINE or state.invariants == 0:
        return code
    code = fulfil_constraints(state, invariants_at(state.invariants))
    if code == Attempt.FINE and state.moved:
        code = solve_constraints(state, address)
    state.moved = 0
    return code


@compiled
def fulfil_all(state, address):
    """The same at a start, some of whose values are guesses, and where other invariants are given values."""
    if state.invariants == 0:
        return settle(state, address)
    data = invariants_at(state.invariants)
    code = solve_guesses(state, data)
    if code == Attempt.FINE:
        code = settle(state, address)
    if code == Attempt.FINE and take_targets(state, data) != 0:
        return Attempt.CALLBACK.value
    return code


def make_consistent(address):
    """Change the present u so that it fulfils all constraints; a `Status`: DONE, or INCONSISTENT with the
    reason in `outcome` (INACCURATE: what is given contradicts a constraint). To be called after everything
    that sets u: at the start, and after events. What was known of the past holds no more."""
    state = state_at(address)
    code = fulfil_all(state, address)
    state.restarted, state.outcome = 1, code
    if code == Attempt.CALLBACK:
        return Status.CALLBACK.value
    return Status.DONE.value if code == Attempt.FINE else Status.INCONSISTENT.value


@compiled
def find_slope(state, address):
    """slope = u' at (t, u); a code of `Attempt`."""
    code = factorise(state, address)
    if code != Attempt.FINE:
        return code
    copy(state.n, state.f0, state.stage_f)
    choose_rows(state, state.stage_f, state.time_gradient, state.system_rhs)
    code = call_solve(state.solve, address, state.system_rhs, state.slope)
    if code != Attempt.FINE:
        return code
    # columns: the solver adds to every row of theirs what the states' slope changes, which rows of M must not
    # have; once more for what these lack, where the states' own is nothing
    slope, d, rhs = doubles(state.slope), doubles(state.correction), doubles(state.system_rhs)
    mass_times(state, state.slope, state.mass_work)
    product, zeros = doubles(state.mass_work), doubles(state.combined_rhs)
    for i in range(state.n):
        product[i] = rhs[i] - product[i]
        zeros[i] = 0.0
    choose_rows(state, state.mass_work, state.combined_rhs, state.system_rhs)
    code = call_solve(state.solve, address, state.system_rhs, state.correction)
    for i in range(state.n):
        slope[i] += d[i]
    return code


def slope_of_start(address):
    """slope = u' at (t, u); a code of `Attempt`."""
    return find_slope(state_at(address), address)


@compiled
def first_size(state, order, slope, curvature, size):
    """The step's size from the scaled norms of u, u' and u''."""
    span = abs(state.t_end - state.t)
    least = min(4.0 * RESOLUTION * abs(state.t), span, state.h_max)
    steepest = max(slope, curvature)
    if not steepest < math.inf:
        return max(1e-3 * size, least)
    estimate = max(1e-6, 1e-3 * size) if steepest <= 1e-15 else (0.01 / steepest) ** (1.0 / (order + 1.0))
    return max(min(100.0 * size, estimate, span, state.h_max), least)


def size_of_start(address):
    """h_next from u' and a difference along it; a `Status`. The difference is that of f where M has entries,
    and what brings u + h u' back to the constraints, of order h^2, where it has none."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    code = find_slope(state, address)
    if code == Attempt.CALLBACK:
        return Status.CALLBACK.value
    total, slopes = 0.0, doubles(state.slope)
    for i in range(state.n):
        total += 0.0 * slopes[i]
    if code == Attempt.FINE and total != 0.0:
        return Status.NON_FINITE.value
    if code != Attempt.FINE:
        return Status.SINGULAR.value
    value, slope = scaled_norm(state, state.u), scaled_norm(state, state.slope)
    size = 0.01 * value / slope if value >= 1e-5 and 1e-5 <= slope < math.inf else 1e-6
    size = min(size, abs(state.t_end - state.t), state.h_max)
    h = size * state.direction
    u, trial, f0, f1 = doubles(state.u), doubles(state.stage), doubles(state.f0), doubles(state.stage_f)
    for i in range(state.n):
        trial[i] = u[i] + h * slopes[i]
    if evaluate(state, state.t + h, state.stage, state.stage_f) != 0:
        return Status.CALLBACK.value
    change, bend = doubles(state.combined_rhs), doubles(state.error)
    for i in range(state.n):
        change[i], bend[i] = (f1[i] - f0[i]) / h, 2.0 * f1[i] / (h * h)
    choose_rows(state, state.combined_rhs, state.error, state.system_rhs)
    code = call_solve(state.solve, address, state.system_rhs, state.error)
    curvature = scaled_norm(state, state.error) if code == Attempt.FINE else math.inf
    state.h_next = first_size(state, slot.order, slope, curvature, size)
    return Status.DONE.value


ENTRIES = {
    "make_consistent": make_consistent,
    "slope_of_start": slope_of_start,
    "size_of_start": size_of_start,
}
