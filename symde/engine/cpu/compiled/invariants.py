"""Projection onto what solutions keep: c(u, t) = target.

    u + D^-2 G' (G D^-2 G')^-1 (target - c),    G = dc/du,   D = diag(1/(atol + rtol*|u|))

is the nearest point in the norm of the error test, to first order; G and the factors are kept for a second
and a third time. Rows of G that depend on others (redundant constraints) are left out by the factorisation.

Sources: E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), IV.4, algorithm 4.2;
E. Eich, Convergence results for a coordinate projection method applied to mechanical systems with algebraic
constraints, SIAM J. Numer. Anal. 30 (1993) 1467-1482.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    compiled,
    doubles,
    integers,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.vectors import clear
from symde.engine.cpu.invariants import InvariantsData
from symde.engine.cpu.layout import TINY, Attempt

invariants_at = structure_at(InvariantsData)

FRACTION = 1e-4
"""Steps that miss by less than this part of the tolerance are left as they are."""

MOST_ITERATIONS, MOST_OF_GUESSES = 4, 40

SMALL = 1e-2
"""Part of the tolerance that may be left where no iteration makes it smaller."""

DEPENDENT = 1e-12
"""A row of G whose pivot falls to this part of its length depends on those before."""


@compiled
def evaluate_invariants(state, data, t, u):
    """c and G at (t, u); the kernel's code."""
    integers(state.inputs)[0] = u
    return call_kernel(data.kernel, t, state.inputs, data.outputs)


@compiled
def squared_scale(state, data, guesses, u, j):
    """(atol + rtol*|u|)^2 of a state; 0 where only guesses may move and it is none."""
    if guesses and integers(data.guesses)[j] == 0:
        return 0.0
    scale = doubles(state.atol)[j] + state.rtol * abs(doubles(u)[j]) + TINY
    return scale * scale


@compiled
def normal_matrix(state, data, flags, guesses, u):
    """G D^-2 G' of the rows that are flagged, ones on the diagonal of the others."""
    starts, columns, entries = integers(data.row_pointers), integers(data.columns), doubles(data.entries)
    active, matrix, row = integers(flags), doubles(data.matrix), doubles(data.row)
    m = data.count
    for a in range(m):
        for b in range(m):
            matrix[a * m + b] = 1.0 if a == b else 0.0
        if active[a] == 0:
            continue
        clear(data.states, data.row)
        for k in range(starts[a], starts[a + 1]):
            row[columns[k]] = entries[k] * squared_scale(state, data, guesses, u, columns[k])
        for b in range(a + 1):
            if active[b] != 0:
                total = 0.0
                for k in range(starts[b], starts[b + 1]):
                    total += entries[k] * row[columns[k]]
                matrix[a * m + b] = total


@compiled
def factorise(data):
    """Cholesky's factor in place of the lower half; zero pivots stand for rows that are left out."""
    m, matrix = data.count, doubles(data.matrix)
    for a in range(m):
        length = matrix[a * m + a]
        for b in range(a + 1):
            total = matrix[a * m + b]
            for k in range(b):
                total -= matrix[a * m + k] * matrix[b * m + k]
            if a == b:
                matrix[a * m + a] = math.sqrt(total) if total > DEPENDENT * length else 0.0
            else:
                pivot = matrix[b * m + b]
                matrix[a * m + b] = total / pivot if pivot != 0.0 else 0.0


@compiled
def find_multipliers(state, data, flags):
    """multipliers = (G D^-2 G')^-1 (target - c), and the scaled root mean square of the move they make."""
    m, matrix, x = data.count, doubles(data.matrix), doubles(data.multipliers)
    values, targets, active = doubles(data.values), doubles(data.targets), integers(flags)
    square = 0.0
    for a in range(m):
        total = targets[a] - values[a] if active[a] != 0 else 0.0
        for k in range(a):
            total -= matrix[a * m + k] * x[k]
        pivot = matrix[a * m + a]
        x[a] = total / pivot if pivot != 0.0 else 0.0 * total
        square += x[a] * x[a]
    for a in range(m - 1, -1, -1):
        total = x[a]
        for k in range(a + 1, m):
            total -= matrix[k * m + a] * x[k]
        pivot = matrix[a * m + a]
        x[a] = total / pivot if pivot != 0.0 else 0.0
    return math.sqrt(square / data.states)


@compiled
def move(state, data, guesses, u, reference, out):
    """u and `out` with the move of the multipliers; the scale is that of `reference`, which may be u."""
    starts, columns, entries = integers(data.row_pointers), integers(data.columns), doubles(data.entries)
    x, y, o, row = doubles(data.multipliers), doubles(u), doubles(out), doubles(data.row)
    clear(data.states, data.row)
    for a in range(data.count):
        for k in range(starts[a], starts[a + 1]):
            row[columns[k]] += entries[k] * x[a]
    for j in range(data.states):
        step = squared_scale(state, data, guesses, reference, j) * row[j]
        y[j] += step
        o[j] += step


@compiled
def bring_back(state, data, flags, guesses, t, u, reference, fraction):
    """Move u until what is left is below a part of the tolerance; FINE, INACCURATE where it does not come
    there, NON_FINITE or CALLBACK. `moved` is what was added; its size counts in `state.moved`."""
    clear(state.padded, data.moved)
    state.moved = 0
    previous = math.inf
    for k in range(MOST_OF_GUESSES if guesses else MOST_ITERATIONS):
        if evaluate_invariants(state, data, t, u) != 0:
            return Attempt.CALLBACK.value
        if k == 0 or guesses:  # which may be far off
            normal_matrix(state, data, flags, guesses, reference)
            factorise(data)
        size = find_multipliers(state, data, flags)
        if not size < math.inf:
            return Attempt.NON_FINITE.value
        # no smaller than half of before, and small: what is left is rounding
        if size <= fraction or (size <= SMALL and size >= 0.5 * previous):
            return Attempt.FINE.value
        move(state, data, guesses, u, reference, data.moved)
        state.moved = 1
        previous = size
    return Attempt.FINE.value if previous <= SMALL else Attempt.INACCURATE.value


def project(address):
    """Bring the new state of an accepted step back; a code of `Attempt`."""
    state = state_at(address)
    data = invariants_at(state.invariants)
    before = state.moved
    code = bring_back(state, data, data.projected, False, state.t_new, state.u_new, state.u, FRACTION)
    if code == Attempt.FINE and state.moved:
        moved, increment, total = doubles(data.moved), doubles(state.increment), doubles(state.displacement)
        for i in range(data.states):
            increment[i] += moved[i]
            total[i] += moved[i]
        state.linearised = 0
    state.moved = max(state.moved, before)
    return Attempt.DIVERGED.value if code == Attempt.INACCURATE else code


@compiled
def solve_guesses(state, data):
    """Solve the invariants that are kept at zero for the states whose values are guesses; whether they are
    solved, the test of all states tells."""
    targets, zero = doubles(data.targets), integers(data.at_zero)
    for a in range(data.count):
        if zero[a] != 0:
            targets[a] = 0.0
    if data.guessed == 0:
        return Attempt.FINE.value
    code = bring_back(state, data, data.at_zero, True, state.t, state.u, state.u, 0.01 * FRACTION)
    state.moved = 0
    return Attempt.FINE.value if code == Attempt.INACCURATE else code


@compiled
def fulfil_constraints(state, data):
    """Bring the present state onto the invariants that are kept at zero if it misses them by less than the
    tolerance, INACCURATE if by more; `state.moved` tells whether it was moved."""
    if evaluate_invariants(state, data, state.t, state.u) != 0:
        return Attempt.CALLBACK.value
    normal_matrix(state, data, data.at_zero, False, state.u)
    factorise(data)
    if not find_multipliers(state, data, data.at_zero) <= 1.0:
        return Attempt.INACCURATE.value
    return bring_back(state, data, data.at_zero, False, state.t, state.u, state.u, 0.01 * FRACTION)


@compiled
def take_targets(state, data):
    """Other invariants are kept at what they are at the present state; the kernel's code."""
    code = evaluate_invariants(state, data, state.t, state.u)
    targets, values, zero = doubles(data.targets), doubles(data.values), integers(data.at_zero)
    for a in range(data.count):
        if zero[a] == 0:
            targets[a] = values[a]
    return code


ENTRIES = {"project": project}
