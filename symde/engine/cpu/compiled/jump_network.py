"""What every method for jump processes does with a network: propensities, firing, output."""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import call_kernel, call_step, compiled, doubles, integers
from symde.engine.cpu.jump_layout import LARGEST_COUNT, LARGEST_TOTAL, JumpStatus


@compiled
def short_product(rate, u, first, second, less):
    """The propensity of order 0, 1 or 2."""
    return rate * u[first] * (u[second] - less)


@compiled
def propensity(state, j):
    """The propensity of reaction j at the present populations; NaN where a kernel fails."""
    kind = integers(state.general)[j]
    if kind == 0:
        first, second = integers(state.first)[j], integers(state.second)[j]
        return short_product(doubles(state.rates)[j], doubles(state.u), first, second, doubles(state.less)[j])
    if kind == 1:
        return long_product(state, j)
    if call_kernel(integers(state.kernels)[j], state.t, state.inputs, state.outputs) != 0:
        return math.nan
    return doubles(integers(state.outputs)[0])[0]


@compiled
def long_product(state, j):
    """The rate times A*(A - 1)*...*(A - n + 1) of each reactant; the rate has 1/n! in it."""
    u, value = doubles(state.u), doubles(state.rates)[j]
    starts = integers(state.reactant_starts)
    for k in range(starts[j], starts[j + 1]):
        population = u[integers(state.reactants)[k]]
        for taken in range(integers(state.orders)[k]):
            value *= population - taken
    return value


@compiled
def checked(state, j):
    """Evaluate and store the propensity of reaction j; whether it is one."""
    value = propensity(state, j)
    state.evaluations += 1
    doubles(state.propensities)[j] = value
    if value >= 0.0 and value < math.inf:
        return True
    state.failed = j
    return False


@compiled
def evaluate_all(state):
    """All propensities and their sum; not DONE where one is none."""
    total = 0.0
    for j in range(state.m):
        if not checked(state, j):
            return JumpStatus.PROPENSITY
        total += doubles(state.propensities)[j]
    state.total = state.highest = total
    state.since = 0
    return JumpStatus.DONE if total < LARGEST_TOTAL else JumpStatus.TOTAL


@compiled
def fire(state, j):
    """Change the populations by reaction j; not DONE where one would become negative or too large."""
    if state.effects != 0:
        state.failed = j
        code = call_step(state.set_states, state.own)
        if code == JumpStatus.DONE:
            return JumpStatus.DONE
        if code != JumpStatus.WHOLE:
            return JumpStatus.NEGATIVE if code == JumpStatus.NEGATIVE else JumpStatus.MARK
    starts, changed = integers(state.change_starts), integers(state.changed)
    u, changes = doubles(state.u), doubles(state.changes)
    if integers(state.general)[j] == 2:
        for k in range(starts[j], starts[j + 1]):
            if u[changed[k]] + changes[k] < 0.0 and integers(state.counted)[changed[k]] != 0:
                state.failed = j
                return JumpStatus.NEGATIVE
    largest = 0.0
    for k in range(starts[j], starts[j + 1]):
        u[changed[k]] += changes[k]
        largest = max(largest, abs(u[changed[k]]))
    return JumpStatus.DONE if largest < LARGEST_COUNT else JumpStatus.COUNT


@compiled
def save(state, t):
    """The present populations at time t into the output; False where there is no room."""
    if state.out_count == state.out_capacity:
        return False
    doubles(state.out_t)[state.out_count] = t
    row, u = doubles(state.out_u + 8 * state.n * state.out_count), doubles(state.u)
    for i in range(state.n):
        row[i] = u[i]
    state.out_count += 1
    return True


@compiled
def save_before(state, limit):
    """The times to save that lie before `limit`, at the present populations: paths are continuous from the
    right."""
    while state.next_save < state.n_saveat and doubles(state.saveat)[state.next_save] < limit:
        if not save(state, doubles(state.saveat)[state.next_save]):
            return False
        state.next_save += 1
    return True
