"""The sides of zero on which root functions are, among them those that decide branches: the modes.

A side follows from the value at a start and after a change of the state; of what is zero there, from where it
goes. Between, it changes at roots alone.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.released import find_doubts, watch_resting
from symde.engine.cpu.compiled.root_values import along_solution, evaluate_roots, resolution
from symde.engine.cpu.compiled.settled_modes import settle_modes
from symde.engine.cpu.compiled.sliding import still_slide
from symde.engine.cpu.layout import Attempt
from symde.engine.cpu.roots import (
    ALL,
    BEGUN,
    EXIT,
    FLOOR,
    FLOOR_HIGH,
    FLOOR_LOW,
    HANDLED,
    INNER,
    INTEGERS,
    OPEN,
    POLE,
    SETTLED,
    SWITCH,
)


@compiled
def side_of(value, slope, near, noise, direction, tie, before):
    """The side of one function."""
    if abs(value) <= abs(slope) * near + noise:
        onward = slope * direction
        if onward != 0.0:
            return 1.0 if onward > 0.0 else -1.0
        return tie if tie != 0.0 else before
    if value > 0.0:
        return 1.0
    return -1.0 if value < 0.0 else before


@compiled
def floor_change(value, slope, near, noise, direction):
    """By how much a floor n is off where x - n is `value`; at an integer it follows from where x goes."""
    change = math.floor(value)
    distance = abs(slope) * near + noise
    if value - change <= distance and slope * direction < 0.0:
        return change - 1.0
    if change + 1.0 - value <= distance and slope * direction > 0.0:
        return change + 1.0
    return change


@compiled
def update_side(state, roots, i):
    """The side of function i from the values at hand; whether a branch has changed that others may read."""
    side, purpose = doubles(roots.side), integers(roots.purposes)[i]
    value, slope, noise = doubles(roots.g)[i], doubles(roots.slope)[i], doubles(roots.noise)[i]
    near = resolution(state, state.t, state.h_old)
    if side[i] == 0.0 or purpose & (FLOOR_HIGH | EXIT):
        return False
    # behind a pole, as long as an event does not change it
    if integers(roots.at_zero)[i] == POLE and value == doubles(roots.clear)[i]:
        return False
    if purpose & FLOOR_LOW:
        change = floor_change(value, slope, near, noise, state.direction)
        side[INTEGERS + integers(roots.integers)[i]] += change
        return change != 0.0
    # what rests on its line counts as it does there, until it leaves
    handled = integers(roots.at_zero)[i] == HANDLED or integers(roots.at_zero)[i] == SETTLED
    tie = doubles(roots.ties)[i]
    tie = 0.0 if handled or tie == OPEN else tie
    now = side_of(value, slope, near, noise, state.direction, tie, side[i])
    changed = now != side[i] and purpose & (SWITCH | INNER) != 0
    side[i] = now
    return changed


@compiled
def update_sides(state, roots):
    """Sides from the values at hand; whether a branch has changed that others may read."""
    changed = False
    for i in range(roots.count):
        changed = update_side(state, roots, i) or changed
    return changed


@compiled
def settle_found(state, roots, address):
    """Algebraic variables and u' by the branches just found; where no state fits these they stay as they are,
    for other branches may be found yet. Whether a kernel failed."""
    return settle_modes(state, roots, address) == Attempt.CALLBACK or along_solution(state, roots, address)


@compiled
def find_sides(state, roots, address):
    """The sides at (t, u); the kernel's code. Values may depend on branches that are found here: again until
    none changes."""
    watch_resting(roots)
    if roots.along != 0 and along_solution(state, roots, address):
        return 1
    if roots.sliding != 0 and find_doubts(state, roots) != 0:
        return 1
    for k in range(2 * roots.count + 2):
        if k > 0 and roots.settles and settle_found(state, roots, address):
            return 1
        if evaluate_roots(state, roots, state.t, state.u, roots.g, roots.slope) != 0:
            return 1
        if roots.sliding != 0 and not still_slide(roots):
            continue
        found = not update_sides(state, roots) or not roots.switches
        if found and (k > 0 or not roots.settles):
            break
    roots.known = ALL
    return 0


@compiled
def learn_sides(state, roots, address):
    """The sides at a start, where nothing has been handled; the kernel's code."""
    side, noise = doubles(roots.side), doubles(roots.noise)
    flips, peak, places = integers(roots.flips), doubles(roots.peak), integers(roots.integers)
    purposes, at_zero = integers(roots.purposes), integers(roots.at_zero)
    for i in range(roots.count):
        side[i], noise[i], flips[i], peak[i] = -1.0, 0.0, 0, 0.0
        at_zero[i] = BEGUN
        if purposes[i] & FLOOR:
            side[i], side[INTEGERS + places[i]] = 1.0, 0.0
        elif purposes[i] & EXIT:
            side[i] = 0.0
    roots.sliding = 0
    roots.switching, roots.at_rest = 0, 1
    return find_sides(state, roots, address)
