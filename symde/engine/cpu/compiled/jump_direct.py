"""The direct method, with a dependency graph, its reactions in the order of the text or sorted as they fire.

Sources: D. T. Gillespie, Exact stochastic simulation of coupled chemical reactions, J. Phys. Chem. 81 (1977),
2340-2361; J. M. McCollum, G. D. Peterson, C. D. Cox, M. L. Simpson, N. F. Samatova, The sorting direct method
for stochastic simulation of biochemical systems with varying reaction execution behavior, Comput. Biol. Chem.
30 (2006), 39-49.

Memory: `integers` holds the order in which reactions are searched.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.jump_loop import advance, exponential_time
from symde.engine.cpu.compiled.jump_network import checked, short_product
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.random import jumps_at, uniform
from symde.engine.cpu.jump_layout import LARGEST_TOTAL, REFRESH, SHRUNK, JumpStatus


@compiled
def begin(state):
    """Nothing has fired yet: the order of the text."""
    for j in range(state.m):
        integers(state.integers)[j] = j


@compiled
def draw(state):
    """The time of the next event."""
    state.t_next = exponential_time(state)


@compiled
def place_of_next(state):
    """The place in the order of the reaction that fires: the first whose partial sum exceeds a fraction of
    the total. Where rounding lets none do so, the last that can fire."""
    order, values = integers(state.integers), doubles(state.propensities)
    target, last = uniform(state) * state.total, 0
    for k in range(state.m):
        value = values[order[k]]
        if value > 0.0:
            target -= value
            last = k
            if target < 0.0:
                return k
    return last


@compiled
def choose(state):
    """The reaction that fires."""
    return integers(state.integers)[place_of_next(state)]


@compiled
def choose_and_sort(state):
    """The same, and it moves up by one place."""
    order, k = integers(state.integers), place_of_next(state)
    j = order[k]
    if k > 0:
        order[k], order[k - 1] = order[k - 1], j
    return j


@compiled
def update(state, j):
    """The propensities that reaction j changes, and their sum."""
    dependents, general = integers(state.dependents), integers(state.general)
    first, second = integers(state.first), integers(state.second)
    rates, less, u = doubles(state.rates), doubles(state.less), doubles(state.u)
    values, total = doubles(state.propensities), state.total
    begin, end = integers(state.dependent_starts)[j], integers(state.dependent_starts)[j + 1]
    for k in range(begin, end):
        i = dependents[k]
        old = values[i]
        if general[i] == 0:  # all that most networks have: not less than 0, and as finite as their sum
            values[i] = short_product(rates[i], u, first[i], second[i], less[i])
            state.evaluations += 1
        elif not checked(state, i):
            return JumpStatus.PROPENSITY
        total += values[i] - old
    return settle(state, total)


@compiled
def settle(state, total):
    """Take over the new sum, or form it anew where its roundings may have grown."""
    state.since += 1
    if total > state.highest:
        state.highest = total
    state.total = total
    if state.since >= REFRESH or total < SHRUNK * state.highest:
        total = 0.0
        for i in range(state.m):
            total += doubles(state.propensities)[i]
        state.total = state.highest = total
        state.since = 0
    return JumpStatus.DONE if total < LARGEST_TOTAL else JumpStatus.TOTAL


def direct(address):
    """`int32 direct(JumpState *)`"""
    return advance(jumps_at(address), begin, draw, choose, update)


def sorting(address):
    """`int32 sorting(JumpState *)`"""
    return advance(jumps_at(address), begin, draw, choose_and_sort, update)


ENTRIES = {"direct": direct, "sorting": sorting}
