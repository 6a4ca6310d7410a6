"""Composition and rejection: reactions in groups whose propensities differ by less than a factor of 2.

A group is drawn by its share of the total, a reaction of the group by throwing until one is hit, at least one
time in two on average; both take the same time however many reactions there are.

Source: A. Slepoy, A. P. Thompson, S. J. Plimpton, A constant-time kinetic Monte Carlo algorithm for
simulation of large biochemical reaction networks, J. Chem. Phys. 128 (2008), 205101.

Group g holds propensities from 2^(top - g - 1) to 2^(top - g); the last group also all that are smaller,
whose rejections are frequent and as rare to be needed as 2^-63. Where a propensity grows beyond 2^top, or all
have shrunk far below, the groups are made anew.

Memory: `integers`: the top; the number of members of each group; the place of each reaction in its group; the
group of each, -1 where it cannot fire; the members of each group. `doubles`: the sum of each group, and the
bound of each, 2^(top - g).
"""

from __future__ import annotations

from symde.engine.cpu.compiled.jump_loop import advance, exponential_time
from symde.engine.cpu.compiled.jump_network import checked
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.random import jumps_at, uniform
from symde.engine.cpu.jump_layout import GROUPS, LARGEST_TOTAL, JumpStatus

HEADROOM = 4
"""Powers of 2 above the largest propensity that are left for it to grow when groups are made."""

SMALLEST_TOP = -900
"""The first group is not below, so that every bound is a normal number."""

FAR_BELOW = 32
"""Groups by which the largest may be away from the first before they are made anew."""

REFRESH = 65_536
"""Events after which sums are formed anew: a group's members are of one size, so that roundings are small."""


@compiled
def counts_of(state):
    return integers(state.integers + 8)


@compiled
def places_of(state):
    return integers(state.integers + 8 * (1 + GROUPS))


@compiled
def groups_of(state):
    return integers(state.integers + 8 * (1 + GROUPS + state.m))


@compiled
def members_of(state, group):
    return integers(state.integers + 8 * (1 + GROUPS + 2 * state.m + group * state.m))


@compiled
def exponent_of(state, j):
    """The e of a propensity between 2^(e - 1) and 2^e, from its bits; -1022 for 0 and what is nearly so."""
    return ((integers(state.propensities)[j] >> 52) & 0x7FF) - 1022


@compiled
def group_for(state, j):
    """The group of reaction j; -1 where it cannot fire, -2 where its propensity is above all groups."""
    if not doubles(state.propensities)[j] > 0.0:
        return -1
    group = integers(state.integers)[0] - exponent_of(state, j)
    if group < 0:
        return -2
    return min(group, GROUPS - 1)


@compiled
def add(state, j, group):
    """Reaction j into a group."""
    if group >= 0:
        place = counts_of(state)[group]
        members_of(state, group)[place] = j
        places_of(state)[j] = place
        counts_of(state)[group] = place + 1
        doubles(state.doubles)[group] += doubles(state.propensities)[j]
    groups_of(state)[j] = group


@compiled
def remove(state, j, value):
    """Reaction j, of propensity `value` so far, out of its group: the last member takes its place."""
    group, place = groups_of(state)[j], places_of(state)[j]
    if group >= 0:
        left = counts_of(state)[group] - 1
        other = members_of(state, group)[left]
        members_of(state, group)[place] = other
        places_of(state)[other] = place
        counts_of(state)[group] = left
        doubles(state.doubles)[group] = doubles(state.doubles)[group] - value if left > 0 else 0.0


@compiled
def begin(state):
    """All groups, from the propensities."""
    largest = SMALLEST_TOP - HEADROOM
    for j in range(state.m):
        largest = max(largest, exponent_of(state, j))
    top = largest + HEADROOM
    integers(state.integers)[0] = top
    for group in range(GROUPS):
        counts_of(state)[group] = 0
        doubles(state.doubles)[group] = 0.0
        integers(state.doubles)[GROUPS + group] = (top - group + 1023) << 52  # 2^(top - group)
    for j in range(state.m):
        add(state, j, group_for(state, j))
    state.since = 0
    sum_groups(state)


@compiled
def sum_groups(state):
    """The total, as the sum over the groups; the first group that has members."""
    total, first = 0.0, GROUPS
    counts, sums = counts_of(state), doubles(state.doubles)
    for group in range(GROUPS):
        if counts[group] > 0:
            total += sums[group]
            first = min(first, group)
    state.total = total
    return first


@compiled
def draw(state):
    """The time of the next event."""
    state.t_next = exponential_time(state)


@compiled
def choose(state):
    """The reaction that fires."""
    target, group = uniform(state) * state.total, -1
    for one in range(GROUPS):
        if counts_of(state)[one] > 0:
            group = one
            target -= doubles(state.doubles)[one]
            if target < 0.0:
                break
    count, members = counts_of(state)[group], members_of(state, group)
    bound = doubles(state.doubles)[GROUPS + group]
    while True:
        j = members[int(uniform(state) * count)]
        if uniform(state) * bound < doubles(state.propensities)[j]:
            return j
        state.rejections += 1


@compiled
def update(state, j):
    """Groups of the reactions whose propensity reaction j changes, and the sums."""
    starts, dependents = integers(state.dependent_starts), integers(state.dependents)
    values, outgrown = doubles(state.propensities), False
    for k in range(starts[j], starts[j + 1]):
        i = dependents[k]
        old = values[i]
        if not checked(state, i):
            return JumpStatus.PROPENSITY
        group = group_for(state, i)
        if group == -2:
            outgrown = True
        if group >= 0 and group == groups_of(state)[i]:
            doubles(state.doubles)[group] += values[i] - old
        else:
            remove(state, i, old)
            add(state, i, group)
    state.since += 1
    first = sum_groups(state)
    if outgrown or state.since >= REFRESH or FAR_BELOW < first < GROUPS:
        begin(state)
    return JumpStatus.DONE if state.total < LARGEST_TOTAL else JumpStatus.TOTAL


def composition(address):
    """`int32 composition(JumpState *)`"""
    return advance(jumps_at(address), begin, draw, choose, update)


ENTRIES = {"composition": composition}
