"""The search of a step for changes of sign: where one is suspected, and where the first one is.

Values and derivatives at both ends tell where to look; the step's interpolant is searched piece by piece.

Source: L. F. Shampine, I. Gladwell, R. W. Brankin, Reliable solution of special event location problems for
ODEs, ACM Transactions on Mathematical Software 17 (1991) 11-25, for the search by derivatives.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.leaving import is_leaving, place_clear
from symde.engine.cpu.compiled.output import prepare_interpolant
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, slot_at
from symde.engine.cpu.compiled.root_values import (
    EPSILON,
    copy_values,
    evaluate_roots,
    evaluate_within,
    resolution,
)
from symde.engine.cpu.compiled.suspicion import loses_value, suspicious, unresolved
from symde.engine.cpu.roots import HANDLED, LEAST_PIECES, MOST_PIECES, SAMPLES, TRUST

NONE, FAILED, TOO_LONG, TOO_FEW = 2.0, -1.0, -2.0, -3.0
"""Places outside of the step: there is no root, a kernel failed, the step has to be shorter, its pieces."""


@compiled
def timed_between(state, roots, length, g_high, slope_high):
    """Whether a function of time alone is on its other side at the end of a part of the last step, or waves
    in it; its start is in `g_low`."""
    side, timed = doubles(roots.side), integers(roots.timed)
    g, slope, g_end, slope_end = (
        doubles(roots.g_low),
        doubles(roots.slope_low),
        doubles(g_high),
        doubles(slope_high),
    )
    for i in range(roots.count):
        s = side[i]
        if timed[i] and s != 0.0:
            a, b = s * g[i], s * g_end[i]
            if b < 0.0 or unresolved(a, b, s * slope[i] * length, s * slope_end[i] * length):
                return True
    return False


@compiled
def timed_suspicious(state, roots):
    """Whether a function of time alone may have gone to its other side within the last step."""
    copy_values(roots.count, roots.g, roots.slope, roots.g_low, roots.slope_low)
    before = 0.0
    for place in SAMPLES:
        t = state.t_old + place * state.h_old
        if evaluate_roots(state, roots, t, state.u, roots.g_at, roots.slope_at) != 0:
            return True
        if timed_between(state, roots, (place - before) * state.h_old, roots.g_at, roots.slope_at):
            return True
        roots.g_low, roots.g_at = roots.g_at, roots.g_low
        roots.slope_low, roots.slope_at = roots.slope_at, roots.slope_low
        before = place
    return timed_between(state, roots, (1.0 - before) * state.h_old, roots.g_new, roots.slope_new)


@compiled
def any_suspicious(state, roots):
    """Whether the last step must be searched."""
    h, slot = state.h_old, slot_at(state, state.active)
    if slot.searched:
        roots.near = 1
        return True
    side = doubles(roots.side)
    g, slope, g_new, slope_new = (
        doubles(roots.g),
        doubles(roots.slope),
        doubles(roots.g_new),
        doubles(roots.slope_new),
    )
    near, length = resolution(state, state.t, h), abs(h)
    roots.near = 0
    for i in range(roots.count):
        s = side[i]
        if s == 0.0:
            continue
        a, b, da, db = s * g[i], s * g_new[i], s * slope[i] * h, s * slope_new[i] * h
        if b * length <= near * abs(db):  # at zero as far as times can be told apart
            roots.near = 1
        if suspicious(a, b, da, db) or unresolved(a, b, da, db) or loses_value(a, b):
            roots.near = 1
            return True
    return roots.any_timed != 0 and timed_suspicious(state, roots)


@compiled
def locate(state, roots, i, low, high, value):
    """A root of function i between `low`, where it is on its side, and `high`, where it is not, at most a few
    roundings behind it; `value` is that at `high`. Newton's method, halving where it leaves the bracket."""
    s, h = doubles(roots.side)[i], state.h_old
    g_at, slope_at = doubles(roots.g_at), doubles(roots.slope_at)
    near = max(0.25 * resolution(state, state.t_old, h) / abs(h), EPSILON * high)
    theta = high
    evaluate_within(state, roots, theta, roots.g_at, roots.slope_at)
    previous = high - low
    for _ in range(100):
        if g_at[i] == 0.0:
            return theta
        slope = s * slope_at[i] * h
        change = s * g_at[i] / slope if slope != 0.0 else math.inf
        target = theta - change
        if not (low < target < high and abs(change) <= 0.5 * previous):
            target = 0.5 * (low + high)
        previous = abs(target - theta)
        theta = target
        if evaluate_within(state, roots, theta, roots.g_at, roots.slope_at) != 0:
            return high
        if s * g_at[i] > 0.0:
            low = theta
        else:
            high = theta
        if high - low <= near or previous <= 0.25 * near:
            break
    return min(theta, high)


@compiled
def left_of_touch(state, roots, i, low, high):
    """Whether function i, on its side at both ends and turning between them, gets to the other side: a place
    where it is there, or `NONE`. Its minimum is bracketed by the derivative; where the tangents of both ends
    meet on its side, so does all between."""
    s, h = doubles(roots.side)[i], state.h_old
    a, da = s * doubles(roots.g_low)[i], s * doubles(roots.slope_low)[i] * h
    b, db = s * doubles(roots.g_high)[i], s * doubles(roots.slope_high)[i] * h
    g_at, slope_at = doubles(roots.g_at), doubles(roots.slope_at)
    near = resolution(state, state.t_old, h) / abs(h)
    for _ in range(60):
        width = high - low
        meeting = (b - a - db * width) / (da - db)
        if a + da * meeting > 0.0 or width <= near:
            return NONE
        fraction = -da / (db - da)
        if not 0.1 <= fraction <= 0.9:
            fraction = 0.5
        middle = low + fraction * width
        if evaluate_within(state, roots, middle, roots.g_at, roots.slope_at) != 0:
            return NONE
        value, slope = s * g_at[i], s * slope_at[i] * h
        if value <= 0.0:
            return middle
        if slope < 0.0:
            low, a, da = middle, value, slope
        else:
            high, b, db = middle, value, slope
    return NONE


@compiled
def last_with_value(state, roots, i, low, high):
    """The last place before `high` where function i, which has a value at `low`, has one; left in `g_at`."""
    g_at = doubles(roots.g_at)
    near = 0.25 * resolution(state, state.t_old, state.h_old) / abs(state.h_old)
    while high - low > near:
        middle = 0.5 * (low + high)
        if evaluate_within(state, roots, middle, roots.g_at, roots.slope_at) != 0:
            break
        if g_at[i] == g_at[i]:
            low = middle
        else:
            high = middle
    evaluate_within(state, roots, low, roots.g_at, roots.slope_at)
    return low


@compiled
def on_side_at_first(state, roots, i, low, high):
    """A place behind `low` where function i, which begins at zero and leaves it, is on its side; `low` where
    there is none as far as times can be told apart."""
    s, h = doubles(roots.side)[i], state.h_old
    g_at = doubles(roots.g_at)
    width = high - low
    near = 0.25 * resolution(state, state.t_old, h) / abs(h)
    while width > near:
        width *= 0.5
        if evaluate_within(state, roots, low + width, roots.g_at, roots.slope_at) != 0:
            return low
        if s * g_at[i] > 0.0:
            return low + width
    return low


@compiled
def on_its_way(roots, i, a, b, da, db):
    """Whether function i, which is at zero at both ends of a piece, rests or goes back to its side: also if
    it leaves with no slope, like that of a solution that has just stopped sliding, and the piece is too
    short to get it out of its rounding."""
    if da > 0.0 and db > 0.0:
        return True
    noise = doubles(roots.noise)[i] if integers(roots.at_zero)[i] == HANDLED else 0.0
    return da >= -noise and db >= -noise and b >= a - noise


@compiled
def root_in_piece(state, roots, i, low, high):
    """The first root of function i in a piece of the last step, `NONE` where there is none."""
    s, length = doubles(roots.side)[i], state.h_old * (high - low)
    a, b = s * doubles(roots.g_low)[i], s * doubles(roots.g_high)[i]
    da, db = s * doubles(roots.slope_low)[i] * length, s * doubles(roots.slope_high)[i] * length
    if s == 0.0:
        return NONE
    if is_leaving(state, roots, i, high):
        return NONE
    if loses_value(a, b):
        high = last_with_value(state, roots, i, low, high)
        b = s * doubles(roots.g_at)[i]
        return locate(state, roots, i, low, high, b) if b <= 0.0 < a else NONE
    if is_leaving(state, roots, i, low):
        return locate(state, roots, i, place_clear(state, roots, i), high, b) if b <= 0.0 else NONE
    if b <= 0.0:
        # it rests where it was handled, or is on its way from there
        if a <= 0.0 and on_its_way(roots, i, a, b, da, db):
            return NONE
        # where it first moves away from zero, it may begin in the rounding of zero
        start = on_side_at_first(state, roots, i, low, high) if da > 0.0 else low
        if start > low or a > 0.0:
            return locate(state, roots, i, start, high, b)
        return low
    if a > 0.0 and da < 0.0 < db and suspicious(a, b, da, db):
        there = left_of_touch(state, roots, i, low, high)
        if there < NONE:
            return locate(state, roots, i, low, there, 0.0)
    return NONE


@compiled
def trusted(state, roots, length):
    """Whether the values in a piece of a step change as their derivatives say: where steps are much longer
    than what the interpolant can follow, they do not."""
    g, slope = doubles(roots.g_low), doubles(roots.slope_low)
    g_high, slope_high = doubles(roots.g_high), doubles(roots.slope_high)
    for i in range(roots.count):
        change, expected = g_high[i] - g[i], 0.5 * length * (slope[i] + slope_high[i])
        allowed = TRUST * abs(length) * (abs(slope[i]) + abs(slope_high[i]))
        if abs(change - expected) > allowed + 1e-6 * (abs(g[i]) + abs(g_high[i])):
            return False
    return True


@compiled
def resolved(roots, length, from_g, from_slope, to_g, to_slope):
    """Whether a piece of a step is short enough for what its functions do in it."""
    side = doubles(roots.side)
    g, slope, g_high, slope_high = doubles(from_g), doubles(from_slope), doubles(to_g), doubles(to_slope)
    for i in range(roots.count):
        s = side[i]
        if unresolved(s * g[i], s * g_high[i], s * slope[i] * length, s * slope_high[i] * length):
            return False
    return True


@compiled
def halves_resolved(state, roots, low, high):
    """The same of both halves of a piece: waves shorter than it agree with its ends by chance."""
    if evaluate_within(state, roots, 0.5 * (low + high), roots.g_at, roots.slope_at) != 0:
        return True
    half = 0.5 * (high - low) * state.h_old
    first = resolved(roots, half, roots.g_low, roots.slope_low, roots.g_at, roots.slope_at)
    return first and resolved(roots, half, roots.g_at, roots.slope_at, roots.g_high, roots.slope_high)


@compiled
def search(state, roots, address):
    """The place of the first root in the last step: `NONE` where there is none, `FAILED` where a kernel
    failed, `TOO_LONG` where the step has to be shorter. Its function is left in `found`."""
    if prepare_interpolant(state, address) != 0:
        return FAILED
    pieces = max(LEAST_PIECES, slot_at(state, state.active).degree // 3)
    while True:
        theta = search_pieces(state, roots, pieces)
        if theta != TOO_FEW:
            return theta
        pieces *= 2


@compiled
def search_pieces(state, roots, pieces):
    """The same in so many pieces; `TOO_FEW` where these are too long."""
    searched = slot_at(state, state.active).searched
    copy_values(roots.count, roots.g, roots.slope, roots.g_low, roots.slope_low)
    low = 0.0
    for piece in range(1, pieces + 1):
        high = piece / pieces
        if piece == pieces:
            copy_values(roots.count, roots.g_new, roots.slope_new, roots.g_high, roots.slope_high)
        elif evaluate_within(state, roots, high, roots.g_high, roots.slope_high) != 0:
            return FAILED
        length = (high - low) * state.h_old
        if searched and not trusted(state, roots, length):
            return TOO_LONG
        fewer = pieces < MOST_PIECES
        if fewer and not resolved(
            roots, length, roots.g_low, roots.slope_low, roots.g_high, roots.slope_high
        ):
            return TOO_FEW
        first = NONE
        for i in range(roots.count):
            theta = root_in_piece(state, roots, i, low, high)
            if theta < first:
                first, roots.found = theta, i
        if first < NONE:
            return first if not fewer or halves_resolved(state, roots, low, high) else TOO_FEW
        roots.g_low, roots.g_high = roots.g_high, roots.g_low
        roots.slope_low, roots.slope_high = roots.slope_high, roots.slope_low
        low = high
    return NONE
