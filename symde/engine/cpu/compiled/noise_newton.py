"""The stages of implicit steps with noise, by Newton's method with the model's own Jacobian.

Systems are solved by the engine's linear solvers, in a `State` that holds no more than such a system. Paths
have no tolerance of their own: stages are solved until what is left is rounding beside the states.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8, for when to stop.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.noise_along import along_one
from symde.engine.cpu.compiled.noise_loop import drift_alone, within
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    call_solve,
    call_step,
    compiled,
    doubles,
    integers,
    state_at,
)

ITERATIONS = 20
LEFT = 1e-10
"""Of a state, or 1e-6 of it beside the largest one where it is small."""

SLOW = 0.1
"""A rate of convergence above which the Jacobian is evaluated anew."""


@compiled
def linearise_in(state, address, outputs, t, y, gamma):
    """Drift and Jacobian at a state, and W = 1/(gamma h) - J factorised, in a system whose entries are the
    second of the outputs."""
    system = state_at(address)
    within(state, y, state.inside)
    call_kernel(state.linearised, t, state.inputs, outputs)
    if state.bounded != 0:
        one, inside = doubles(y), doubles(state.inside)
        entries, columns = doubles(system.jacobian), integers(system.columns)
        for k in range(system.entries):  # beyond its domain a state is read at the end of it
            if one[columns[k]] != inside[columns[k]]:
                entries[k] = 0.0
    system.shift = 1.0 / (gamma * state.h)
    call_step(system.factor, address)


@compiled
def linearise(state, t, y, drift, gamma):
    """The same in the system of the iteration; the drift goes to a place of its own."""
    integers(state.linearised_outputs)[0] = drift
    linearise_in(state, state.system, state.linearised_outputs, t, y, gamma)


@compiled
def solve_along(state, t, y, base, drift, gamma):
    """Derivatives of what was solved, by its own matrix: W y' = base'/(gamma h) + f_p p' for each direction.
    The matrix of the iteration stays, as errors are estimated with it."""
    linearise_in(state, state.second, state.second_outputs, t, y, gamma)
    system, factor, n = state_at(state.second), 1.0 / (gamma * state.h), state.own
    rhs, change, still = doubles(state.rhs), doubles(state.correction), doubles(state.still)
    for i in range(n):
        still[i] = 0.0
    integers(state.outputs)[0] = drift
    for number in range(1, state.directions + 1):
        along_one(state, state.along_drift, t, y, number, state.still, 0)
        one, moved = doubles(y + 8 * number * n), doubles(base + 8 * number * n)
        f = doubles(drift + 8 * number * n)
        for i in range(n):
            rhs[i] = moved[i] * factor + f[i]
        call_solve(system.solve, state.second, state.rhs, state.correction)
        for i in range(n):
            one[i] = change[i]
            f[i] = (change[i] - moved[i]) * factor


@compiled
def size_of(state, y, base):
    """The largest of the states, of those at the start, and of what moves them."""
    one, u, moved, largest = doubles(y), doubles(state.old), doubles(base), 0.0
    for i in range(state.own):
        largest = max(largest, abs(one[i]) + abs(u[i]) + abs(moved[i] - u[i]))
    return largest


@compiled
def improve(state, y, base, drift, gamma):
    """A step of Newton's iteration: the largest change beside the size of its state."""
    system = state_at(state.system)
    one, moved, f, u = doubles(y), doubles(base), doubles(drift), doubles(state.old)
    rhs, change = doubles(state.rhs), doubles(state.correction)
    factor, floor, worst = 1.0 / (gamma * state.h), 1e-6 * size_of(state, y, base), 0.0
    for i in range(state.own):
        rhs[i] = (moved[i] - one[i]) * factor + f[i]
    call_solve(system.solve, state.system, state.rhs, state.correction)
    for i in range(state.own):
        one[i] += change[i]
        size = abs(one[i]) + abs(u[i]) + abs(moved[i] - u[i]) + floor
        if change[i] != 0.0:
            ratio = abs(change[i]) / size
            if not ratio <= 1e30:
                return 1e30
            worst = max(worst, ratio)
    return worst


@compiled
def solve_stage(state, t, y, base, drift, gamma):
    """y - gamma h f(t, y) = base from a first guess in y; `drift` becomes f(t, y). Marks the step where it
    does not converge."""
    fresh, before = True, 0.0
    for _ in range(ITERATIONS):
        if fresh:
            linearise(state, t, y, drift, gamma)
        else:
            drift_alone(state, t, y, drift)
        change = improve(state, y, base, drift, gamma)
        rate = change / before if before > 0.0 else 1.0
        if change <= LEFT or (rate < 1.0 and rate / (1.0 - rate) * change <= LEFT):
            one, moved, f = doubles(y), doubles(base), doubles(drift)
            if state.directions != 0:
                solve_along(state, t, y, base, drift, gamma)
            for i in range(state.own):
                f[i] = (one[i] - moved[i]) / (gamma * state.h)
            return
        if not change < 1e30:
            if before == 0.0:  # it begins with what is no number
                doubles(y)[0] = math.nan
                return
            break
        fresh, before = rate > SLOW, change
    state.diverged = 1
