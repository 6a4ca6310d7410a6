"""Rejection by bounds: propensities are known between bounds as long as populations stay in intervals.

A candidate comes at the rate of the sum of upper bounds, is chosen by composition and rejection among these,
and fires with the probability propensity/bound, which the lower bound mostly decides. An event that leaves
populations in their intervals changes no bound, and costs no evaluation. What is no mass action has no bounds
but its value, which is computed again whenever it may have changed.

Sources: V. H. Thanh, C. Priami, R. Zunino, Efficient rejection-based simulation of biochemical reactions with
stochastic noise and delays, J. Chem. Phys. 141 (2014), 134116; V. H. Thanh, R. Zunino, C. Priami, Efficient
constant-time complexity algorithm for stochastic simulation of large reaction networks, IEEE/ACM Trans.
Comput. Biol. Bioinform. 14 (2017), 657-667.

Memory: that of composition and rejection, whose propensities are the upper bounds here; behind it, in
`integers` whether there is anything but mass action, in `doubles` the lower and the upper end of the interval
of each state, with a 1 behind them, and the lower bound of each propensity.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.jump_composition import (
    FAR_BELOW,
    REFRESH,
    add,
    group_for,
    groups_of,
    remove,
    sum_groups,
)
from symde.engine.cpu.compiled.jump_composition import begin as make_groups
from symde.engine.cpu.compiled.jump_composition import choose as choose_candidate
from symde.engine.cpu.compiled.jump_effects import effects_at
from symde.engine.cpu.compiled.jump_loop import advance
from symde.engine.cpu.compiled.jump_network import propensity, short_product
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.random import jumps_at, uniform
from symde.engine.cpu.jump_layout import GROUPS, LARGEST_TOTAL, JumpStatus

WIDTH = 0.1
"""Part of a population by which its interval reaches to both sides."""

FEW, NEAR = 25.0, 4.0
"""Populations below have intervals that reach so far; where nobody is left there is none, so that what can
fire no more has a bound of 0."""

IN_VAIN = 1000
"""Candidates in succession, and those of a network's reactions, after which all intervals are made points."""


@compiled
def others_at(state):
    """Whether there is anything but mass action."""
    return integers(state.integers + 8 * (1 + GROUPS + (2 + GROUPS) * state.m))


@compiled
def low_at(state):
    return state.doubles + 16 * GROUPS


@compiled
def high_at(state):
    return state.doubles + 16 * GROUPS + 8 * (state.n + 1)


@compiled
def lower_bounds(state):
    return doubles(state.doubles + 16 * GROUPS + 16 * (state.n + 1))


@compiled
def at_populations(state, j, populations):
    """The propensity of mass action at some populations."""
    u, rate = doubles(populations), doubles(state.rates)[j]
    if integers(state.general)[j] == 0:
        first, second = integers(state.first)[j], integers(state.second)[j]
        return short_product(rate, u, first, second, doubles(state.less)[j])
    starts = integers(state.reactant_starts)
    for k in range(starts[j], starts[j + 1]):
        population = u[integers(state.reactants)[k]]
        for taken in range(integers(state.orders)[k]):
            rate *= population - taken
    return rate


@compiled
def find_bounds(state, j):
    """The bounds of a propensity; whether it is one."""
    upper, lower = doubles(state.propensities), lower_bounds(state)
    state.evaluations += 1
    if integers(state.general)[j] == 2:
        upper[j] = lower[j] = propensity(state, j)
    else:
        upper[j], lower[j] = at_populations(state, j, high_at(state)), at_populations(state, j, low_at(state))
    if lower[j] >= 0.0 and upper[j] < math.inf:
        return True
    state.failed = j
    return False


@compiled
def find_interval(state, i):
    """The interval round the present population of a state."""
    x = doubles(state.u)[i]
    reach = math.ceil(WIDTH * x) if x >= FEW else NEAR if x > 0.0 else 0.0
    doubles(low_at(state))[i], doubles(high_at(state))[i] = max(x - reach, 0.0), x + reach


@compiled
def begin(state):
    """All intervals, bounds and groups, after the propensities have been found to be such."""
    others_at(state)[0] = 0
    for i in range(state.n):
        find_interval(state, i)
    doubles(low_at(state))[state.n] = doubles(high_at(state))[state.n] = 1.0
    for j in range(state.m):
        find_bounds(state, j)
        if integers(state.general)[j] == 2:
            others_at(state)[0] = 1
    make_groups(state)


@compiled
def tighten(state):
    """Intervals of no width: bounds are the propensities themselves, and no candidate is in vain."""
    u, low, high = doubles(state.u), doubles(low_at(state)), doubles(high_at(state))
    for i in range(state.n):
        low[i] = high[i] = u[i]
    for j in range(state.m):
        find_bounds(state, j)
    make_groups(state)


@compiled
def draw(state):
    """The next event and its time: the first candidate that its propensity lets pass."""
    upper, lower = doubles(state.propensities), lower_bounds(state)
    t, vain = state.t, 0
    while True:
        if vain > IN_VAIN + state.m:
            tighten(state)
            vain = 0
        if not state.total > 0.0:
            state.t_next = math.inf
            return
        t -= math.log(1.0 - uniform(state)) / state.total
        if t > state.t_end:
            break
        j = choose_candidate(state)
        level = uniform(state) * upper[j]
        state.chosen = j
        if level < lower[j]:
            break
        if integers(state.general)[j] != 2:
            state.evaluations += 1
            if level < at_populations(state, j, state.u):
                break
        state.rejections += 1
        vain += 1
    state.t_next = t


@compiled
def choose(state):
    """The event that was drawn."""
    return state.chosen


@compiled
def place_again(state, j):
    """New bounds of a propensity, and its group; 0 where it is none, 2 where it is above all groups."""
    old = doubles(state.propensities)[j]
    if not find_bounds(state, j):
        return 0
    group = group_for(state, j)
    if group >= 0 and group == groups_of(state)[j]:
        doubles(state.doubles)[group] += doubles(state.propensities)[j] - old
    else:
        remove(state, j, old)
        add(state, j, group)
    return 2 if group == -2 else 1


@compiled
def follow(state, i):
    """A state has changed: where it has left its interval, the bounds of mass action that reads it; the worst
    of `place_again`."""
    x = doubles(state.u)[i]
    if doubles(low_at(state))[i] <= x <= doubles(high_at(state))[i]:
        return 1
    find_interval(state, i)
    starts, readers, worst = integers(state.reader_starts), integers(state.readers), 1
    for k in range(starts[i], starts[i + 1]):
        found = place_again(state, readers[k])
        if found == 0:
            return 0
        worst = max(worst, found)
    return worst


@compiled
def follow_all(state, j):
    """What the change by reaction j means for all bounds; the worst of `place_again`."""
    starts, changed, worst = integers(state.change_starts), integers(state.changed), 1
    if state.effects != 0:  # what kernels set
        effects = effects_at(state.effects)
        starts, changed = integers(effects.target_starts), integers(effects.targets)
        if integers(effects.kernels)[j] == 0:
            starts, changed = integers(state.change_starts), integers(state.changed)
    for k in range(starts[j], starts[j + 1]):
        found = follow(state, changed[k])
        if found == 0:
            return 0
        worst = max(worst, found)
    if others_at(state)[0] != 0:
        starts, dependents = integers(state.dependent_starts), integers(state.dependents)
        for k in range(starts[j], starts[j + 1]):
            if integers(state.general)[dependents[k]] == 2:
                found = place_again(state, dependents[k])
                if found == 0:
                    return 0
                worst = max(worst, found)
    return worst


@compiled
def update(state, j):
    """Bounds and groups after reaction j, and the sums."""
    worst = follow_all(state, j)
    if worst == 0:
        return JumpStatus.PROPENSITY
    state.since += 1
    first = sum_groups(state)
    if worst == 2 or state.since >= REFRESH or FAR_BELOW < first < GROUPS:
        make_groups(state)
    return JumpStatus.DONE if state.total < LARGEST_TOTAL else JumpStatus.TOTAL


def rejection(address):
    """`int32 rejection(JumpState *)`"""
    return advance(jumps_at(address), begin, draw, choose, update)


ENTRIES = {"rejection": rejection}
