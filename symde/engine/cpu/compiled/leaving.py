"""To which side a function goes that is zero at the start of a step, where its derivative does not tell.

At a start, and where a function has been handled, its value is rounding, and so may its derivative be: a
solution that begins on a line with no slope leaves it by a higher power of time. The step shows where to.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.output import prepare_interpolant
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.released import release
from symde.engine.cpu.compiled.root_values import evaluate_within
from symde.engine.cpu.roots import BEGUN, BRANCH, HANDLED, OPEN, RESTING, SETTLED, SWITCH

POLE_RATIO = 10.0
"""Times its value and change at the start that a function is at a pole."""

SAME_POWER = 0.25
"""Difference of the powers in the middle of a step and at its end by which a function leaves zero as one."""

SHORT = 1e-4
"""Part of what is left of the span below which the end of a step alone tells how a function leaves zero."""

STAYED, LEFT, CUT, RELEASED = 0, 1, 2, 3
"""What has become of functions that rested where a step began: nothing crossed, some did, not known yet, some
stay at zero, where neither of their sides holds."""

HALVINGS, HIGHEST_POWER = 40, 20.0
"""Parts of a step that are looked at, and the highest power of time by which a function leaves zero."""


@compiled
def side_it_leaves_to(state, roots, i):
    """The side to which function i goes from zero in the last step, 0 where the step does not tell; the time
    from which on it is clear of rounding is left in `clear`.

    What leaves as c t^k has t g'/g = k: the sign counts at the smallest place where values say so."""
    g, slope = doubles(roots.g_at), doubles(roots.slope_at)
    found, theta = 0.0, 1.0
    for _ in range(HALVINGS):
        if evaluate_within(state, roots, theta, roots.g_at, roots.slope_at) != 0:
            return 0.0
        power = theta * state.h_old * slope[i] / g[i] if g[i] != 0.0 else 0.0
        if 0.5 < power < HIGHEST_POWER:
            found = 1.0 if g[i] > 0.0 else -1.0
            doubles(roots.clear)[i] = state.t_old + theta * state.h_old
        elif found != 0.0:
            break
        theta *= 0.5
    return found


@compiled
def slope_is_noise(roots, length):
    """Whether the function found is within its rounding of zero, and its slope does not take it out of that
    in this time."""
    i = roots.found
    noise = doubles(roots.noise)[i]
    handled = integers(roots.at_zero)[i] == HANDLED and abs(doubles(roots.g)[i]) <= noise
    return handled and abs(doubles(roots.slope)[i] * length) <= noise


@compiled
def settle(state, roots, address, i):
    """Learn to which side function i goes, which was zero when the last step began and seems to have left it
    to the other side; the side, 0 where that is known already or not to be told."""
    at_zero = integers(roots.at_zero)
    # what an event has thrown off its line comes back by itself, however soon
    known = (
        at_zero[i] == 0 or at_zero[i] >= SETTLED or (at_zero[i] == HANDLED and doubles(roots.slope)[i] != 0.0)
    )
    if known or prepare_interpolant(state, address) != 0:
        return 0.0
    side = side_it_leaves_to(state, roots, i)
    if side != 0.0:
        at_zero[i], roots.at_rest = SETTLED, 1
    return side


@compiled
def power_at(state, roots, i, theta):
    """The power of time by which function i has left zero at a place of the last step, negative where it is
    below zero; 0 where it is none."""
    g, slope = doubles(roots.g_at)[i], doubles(roots.slope_at)[i]
    if theta == 1.0:
        g, slope = doubles(roots.g_new)[i], doubles(roots.slope_new)[i]
    power = theta * state.h_old * slope / g if g != 0.0 else 0.0
    if not 0.5 < power < HIGHEST_POWER:
        return 0.0
    return power if g > 0.0 else -power


@compiled
def rests(roots, i, length):
    """Whether function i was at zero, and had no slope to leave it by, when the last step began."""
    noise = doubles(roots.noise)[i] if integers(roots.at_zero)[i] == HANDLED else 0.0
    known = integers(roots.at_zero)[i] >= SETTLED or doubles(roots.side)[i] == 0.0
    return not known and abs(doubles(roots.g)[i]) <= noise and abs(doubles(roots.slope)[i] * length) <= noise


@compiled
def stays_at_zero(roots, i):
    """Whether function i, a switch of which neither side holds at zero, was there in the whole last step."""
    g, slope = doubles(roots.g)[i], doubles(roots.slope)[i]
    g_new, slope_new = doubles(roots.g_new)[i], doubles(roots.slope_new)[i]
    zero = g == 0.0 and slope == 0.0 and g_new == 0.0 and slope_new == 0.0
    switch = integers(roots.purposes)[i] & SWITCH and doubles(roots.ties)[i] == OPEN
    return zero and switch and doubles(roots.side)[i] != 0.0


@compiled
def leave_rest(state, roots, address):
    """What rests where the last step began, and has left by its end: functions that are on their other side
    then crossed it at the start, those of a start alone are there without having crossed. `LEFT`, `CUT` where
    a shorter step must show it, `RELEASED` where some stay, else `STAYED`.

    The end of a step knows better than its interpolant to which side a high power of time goes."""
    crossed, at_zero, outcome = integers(roots.crossed), integers(roots.at_zero), STAYED
    for i in range(roots.count):
        if stays_at_zero(roots, i):
            release(roots, i)
            integers(roots.flips)[i], outcome = RESTING, RELEASED
    if outcome == RELEASED:
        return RELEASED
    long_step = abs(state.h_old) > SHORT * abs(state.t_end - roots.t)
    for i in range(roots.count):
        crossed[i] = 0
        end = power_at(state, roots, i, 1.0)
        if not rests(roots, i, state.h_old) or end == 0.0:
            continue
        if outcome == STAYED and prepare_interpolant(state, address) != 0:
            return STAYED
        evaluate_within(state, roots, 0.5, roots.g_at, roots.slope_at)
        if abs(power_at(state, roots, i, 0.5) - end) > SAME_POWER and long_step:
            return CUT
        side = 1.0 if end > 0.0 else -1.0
        branch = integers(roots.purposes)[i] & BRANCH
        if side != doubles(roots.side)[i] and (at_zero[i] != BEGUN or branch):
            crossed[i], roots.found, outcome = 1, i, LEFT
            continue
        if side != doubles(roots.side)[i]:
            doubles(roots.side)[i] = side
            roots.settled = 1
        at_zero[i], roots.at_rest = SETTLED, 1
        doubles(roots.clear)[i] = state.t
    return outcome


@compiled
def is_leaving(state, roots, i, theta):
    """Whether function i is only just leaving zero at this place of the last step."""
    if integers(roots.at_zero)[i] != SETTLED:
        return False
    t = state.t_old + theta * state.h_old
    return (t - doubles(roots.clear)[i]) * state.direction <= 0.0


@compiled
def place_clear(state, roots, i):
    """The place of the last step from which on function i, which is settled, is clear of zero."""
    return (doubles(roots.clear)[i] - state.t_old) / state.h_old


@compiled
def leaves_to(state, roots, address):
    """Whether the function found is zero where it began, or was handled, and leaves without a root: the
    side to which it goes is its side from now on, unless that changes the equations."""
    i = roots.found
    side = settle(state, roots, address, i)
    if side == 0.0 or (side != doubles(roots.side)[i] and integers(roots.purposes)[i] & BRANCH):
        return False
    if side != doubles(roots.side)[i]:
        doubles(roots.side)[i] = side
        roots.settled = 1
    return True


@compiled
def through_infinity(state, roots):
    """Whether the function found is farther from zero at the end of the step than it ever was: a pole."""
    i = roots.found
    reach = abs(doubles(roots.g)[i]) + abs(doubles(roots.slope)[i] * state.h_old)
    return 1 if abs(doubles(roots.g_new)[i]) > POLE_RATIO * reach else 0
