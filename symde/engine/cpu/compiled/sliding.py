"""Sliding along switches: where it begins and how it ends.

While a solution slides along a switch this has no side, and its two exits are watched like any root function.
Switches of one group decide together which way a solution goes where their lines meet (`intersections`).
"""

from __future__ import annotations

from symde.engine.cpu.compiled.intersections import settle_group
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.root_values import evaluate_changed
from symde.engine.cpu.layout import Status
from symde.engine.cpu.roots import BEGUN, CLEAR, HANDLED, SWITCH, TO_AND_FRO, TO_POSITIVE

PUSH = 1e-9
"""Part of its derivative before by which a function is led back where solutions slide along it."""


@compiled
def slides(roots, i):
    """Whether the solution slides along function i."""
    exit_ = integers(roots.exits)[i]
    return exit_ != 0 and doubles(roots.side)[exit_] != 0.0


@compiled
def end_sliding(roots, i, side_then):
    """The solution leaves switch i, along which it slides, to a side."""
    side, exit_ = doubles(roots.side), integers(roots.exits)[i]
    side[i], side[exit_], side[exit_ + 1] = side_then, 0.0, 0.0
    integers(roots.at_zero)[i], roots.at_rest = HANDLED, 1
    doubles(roots.noise)[i] = 2.0 * abs(doubles(roots.g)[i])
    roots.sliding -= 1
    for k in range(roots.count if roots.riders else 0):
        if abs(integers(roots.rides)[k]) == exit_:
            integers(roots.at_zero)[k], doubles(roots.noise)[k] = HANDLED, doubles(roots.noise)[i]


@compiled
def leave_by(roots, exit_):
    """The solution leaves by the exit at its root."""
    i = integers(roots.integers)[exit_]
    end_sliding(roots, i, 1.0 if integers(roots.purposes)[exit_] & TO_POSITIVE else -1.0)


@compiled
def rest_riders(roots, i):
    """Functions of events that are that of switch i, along which the solution slides from now on: a condition
    counts as it does at zero, a crossing has happened, but of what has rested there from the start."""
    side, ties, exit_ = doubles(roots.side), doubles(roots.ties), integers(roots.exits)[i]
    for k in range(roots.count if roots.riders else 0):
        if abs(integers(roots.rides)[k]) == exit_:
            if ties[k] != 0.0:
                side[k] = ties[k]
            elif integers(roots.at_zero)[k] == BEGUN:
                side[k] = 0.0


@compiled
def release_riders(roots):
    """Functions of events that are that of a switch which the solution has just left go with it: those that
    were on another side have crossed their line."""
    side, crossed, rides = doubles(roots.side), integers(roots.crossed), integers(roots.rides)
    for k in range(roots.count):
        exit_ = abs(rides[k])
        if exit_ != 0 and (crossed[exit_] or crossed[exit_ + 1]):
            now = side[integers(roots.integers)[exit_]]
            now = now if rides[k] > 0 else -now
            crossed[k] = side[k] != now
            side[k] = now
            integers(roots.at_zero)[k] = HANDLED
            doubles(roots.noise)[k] = doubles(roots.noise)[integers(roots.integers)[exit_]]


@compiled
def led_back(state, roots, i):
    """Whether function i, which has been crossed, is led back by the side behind."""
    onward = doubles(roots.side)[i] * state.direction
    slope, before = doubles(roots.slope)[i], doubles(roots.before)[i]
    # where it came with no speed the sign of that is rounding
    came = onward * before > 0.0 or abs(before) <= PUSH * abs(slope)
    return came and onward * slope < -PUSH * abs(before)


@compiled
def slide_along(state, roots, address, i):
    """Slide along function i, which is alone, if both sides lead to it; else it is on that which does not. A
    code of `Status`."""
    g, side, exit_ = doubles(roots.g), doubles(roots.side), integers(roots.exits)[i]
    # a side that does not lead anywhere yet is told apart by the exit's root
    neutral = -PUSH * max(abs(doubles(roots.before)[i]), abs(doubles(roots.slope)[i]))
    if g[exit_] >= neutral and g[exit_ + 1] >= neutral:
        roots.sliding += 1
        side[i], side[exit_], side[exit_ + 1] = 0.0, 1.0, 1.0
    else:
        side[i] = -1.0 if g[exit_] > 0.0 else 1.0
    return evaluate_changed(state, roots, address)


@compiled
def spirals(roots, i):
    """Whether function i, which has been crossed, and another switch have been so again and again within the
    tolerance: the solution winds around where their lines meet."""
    flips, purposes = integers(roots.flips), integers(roots.purposes)
    if flips[i] < TO_AND_FRO:
        return False
    for k in range(roots.count):
        near = flips[k] >= TO_AND_FRO and abs(doubles(roots.g)[k]) <= doubles(roots.doubt)[k]
        if k != i and purposes[k] & SWITCH and near:
            return True
    return False


@compiled
def unknown_switch(roots, i):
    """Function i, or where kernels know how solutions slide along it another one around which they wind; -1:
    they know all."""
    exits = integers(roots.exits)
    if exits[i] == 0:
        return i
    for k in range(roots.count):
        if integers(roots.purposes)[k] == SWITCH and integers(roots.flips)[k] >= TO_AND_FRO and exits[k] == 0:
            return k
    return -1


@compiled
def may_stay(state, roots, i):
    """Whether the solution may stay at function i, a switch that has been crossed."""
    at_hand = integers(roots.crossed)[i] != 0 and integers(roots.purposes)[i] == SWITCH
    return at_hand and (led_back(state, roots, i) or spirals(roots, i))


@compiled
def begin_sliding(state, roots, address):
    """See whether the solution slides along what has just been crossed; SLIDING where the host wants to know,
    since kernels do not know how."""
    groups = integers(roots.groups)
    for i in range(roots.count if roots.asking else 0):
        unknown = unknown_switch(roots, i) if may_stay(state, roots, i) else -1
        if unknown >= 0:
            roots.found = unknown
            return Status.SLIDING
    for i in range(roots.count):
        if integers(roots.exits)[i] == 0 or not may_stay(state, roots, i):
            continue
        roots.found = i
        alone = groups[i] == 0
        status = slide_along(state, roots, address, i) if alone else settle_group(state, roots, address, i)
        if status != Status.DONE:
            return status
        for k in range(roots.count):
            if slides(roots, k):
                integers(roots.flips)[k] = 0
                rest_riders(roots, k)
    return Status.DONE


@compiled
def still_slide(roots):
    """After a change of the state: a solution that is no more where it slid, or is led away, has left;
    whether it slides along all that it did."""
    g, before = doubles(roots.g), roots.sliding
    for i in range(roots.count):
        if slides(roots, i):
            exit_ = integers(roots.exits)[i]
            if abs(g[i]) > CLEAR * doubles(roots.doubt)[i]:
                end_sliding(roots, i, 1.0 if g[i] > 0.0 else -1.0)
                doubles(roots.noise)[i] = 0.0  # an event has thrown it off: its value is no rounding
            elif not g[exit_] > 0.0:
                end_sliding(roots, i, 1.0)
            elif not g[exit_ + 1] > 0.0:
                end_sliding(roots, i, -1.0)
    return roots.sliding == before
