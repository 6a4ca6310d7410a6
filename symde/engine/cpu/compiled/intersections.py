"""Which way a solution goes where the lines of several switches meet.

Each switch there has one of three: the solution slides along it, or leaves to one of its sides. A combination
can be where the equations with it agree: what is slid along leads back from both sides, what is left is led
away. A solution that comes over one line goes on behind it, if it can; else it leaves by the only way there
is, and where none leads away it stays on all lines. Where several ways lead away nothing tells which one it
takes.

Source: L. Dieci, C. Elia, L. Lopez, A Filippov sliding vector field on an attracting co-dimension 2
discontinuity surface, and a previously unresolved case, Journal of Differential Equations 254 (2013)
1800-1832, for what leads away from an intersection.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.root_values import evaluate_changed
from symde.engine.cpu.layout import Status
from symde.engine.cpu.roots import HANDLED, SWITCH, TO_AND_FRO

RESTING = 1e-3
"""Part of its doubt within which a function is at zero."""

MOST_MEMBERS = 6
"""Switches that decide together at most."""

NEUTRAL = 1e-9
"""Part of its speeds before and behind a line up to which a function has none."""


@compiled
def slides_along(roots, i):
    """Whether the solution slides along function i."""
    return doubles(roots.side)[integers(roots.exits)[i]] != 0.0


@compiled
def is_member(roots, i, group):
    """Whether function i is at its line, and one of the group."""
    if integers(roots.groups)[i] != group or integers(roots.purposes)[i] != SWITCH:
        return False
    size, doubt = abs(doubles(roots.g)[i]), doubles(roots.doubt)[i]
    winds = integers(roots.flips)[i] >= TO_AND_FRO and size <= doubt
    return integers(roots.crossed)[i] != 0 or slides_along(roots, i) or winds or size <= RESTING * doubt


@compiled
def place_of_now(roots, members, count):
    """The number of the combination that holds."""
    side, number, weight = doubles(roots.side), 0, 1
    for k in range(count):
        i = members[k]
        digit = 0 if slides_along(roots, i) else 1 if side[i] > 0.0 else 2
        number += digit * weight
        weight *= 3
    return number


@compiled
def take_combination(state, roots, address, members, count, number):
    """Let a combination hold; a code of `Status`."""
    side, exits = doubles(roots.side), integers(roots.exits)
    for k in range(count):
        i, digit = members[k], number % 3
        number //= 3
        exit_ = exits[i]
        watched = 1.0 if digit == 0 else 0.0
        roots.sliding += (1 if digit == 0 else 0) - (1 if side[exit_] != 0.0 else 0)
        side[i] = 0.0 if digit == 0 else 1.0 if digit == 1 else -1.0
        side[exit_] = side[exit_ + 1] = watched
    return evaluate_changed(state, roots, address)


@compiled
def agrees(state, roots, members, count):
    """Whether the solution can go on as the combination that holds says. Where a side does not lead anywhere
    yet it slides, and the exit's root tells."""
    side, g, slope, exits = doubles(roots.side), doubles(roots.g), doubles(roots.slope), integers(roots.exits)
    for k in range(count):
        i = members[k]
        exit_ = exits[i]
        if side[exit_] != 0.0:
            if not (g[exit_] >= -NEUTRAL and g[exit_ + 1] >= -NEUTRAL):
                return False
        elif not side[i] * slope[i] * state.direction > NEUTRAL * doubles(roots.slope_low)[i]:
            return False
    return True


@compiled
def settle_members(state, roots, address, members, count):
    """Find the combination that goes on; a code of `Status`."""
    now = place_of_now(roots, members, count)
    total = 3**count
    if agrees(state, roots, members, count):
        return Status.DONE
    chosen, ways = 0, 0
    for number in range(1, total):
        if take_combination(state, roots, address, members, count, number) != Status.DONE:
            return Status.CALLBACK
        if agrees(state, roots, members, count):
            chosen, ways = number, ways + 1
    if ways > 1:
        return Status.UNDECIDED
    if take_combination(state, roots, address, members, count, chosen) != Status.DONE:
        return Status.CALLBACK
    if ways == 0 and not agrees(state, roots, members, count):
        return take_combination(state, roots, address, members, count, now)
    return Status.DONE


@compiled
def settle_group(state, roots, address, i):
    """Decide how the solution goes on at the line of function i, which has been crossed, and at those of its
    group that meet there; a code of `Status`."""
    members, group, count = integers(roots.members), integers(roots.groups)[i], 0
    for k in range(roots.count):
        if count < MOST_MEMBERS and is_member(roots, k, group):
            members[count] = k
            count += 1
            doubles(roots.slope_low)[k] = max(abs(doubles(roots.before)[k]), abs(doubles(roots.slope)[k]))
    roots.meeting = count
    status = settle_members(state, roots, address, members, count)
    for k in range(count):
        j = members[k]
        integers(roots.at_zero)[j], roots.at_rest = HANDLED, 1
        doubles(roots.noise)[j] = max(doubles(roots.noise)[j], 2.0 * abs(doubles(roots.g)[j]))
    return status
