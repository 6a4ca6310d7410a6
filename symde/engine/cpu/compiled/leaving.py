"""To which side a function goes that is zero at the start of a step, where its derivative does not tell.

At a start, and where a function has been handled, its value is rounding, and so may its derivative be: a
solution that begins on a line with no slope leaves it by a higher power of time. The step shows where to.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.output import prepare_interpolant
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.root_values import evaluate_within
from symde.engine.cpu.roots import BRANCH, HANDLED, SETTLED

POLE_RATIO = 10.0
"""Times its value and change at the start that a function is at a pole."""

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
