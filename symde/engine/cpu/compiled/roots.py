"""Steps that end at roots: changes of sign of functions g(t, u) are found and stepped to.

At the end of each accepted step g and its total time derivative are evaluated. Where g has changed sign, or
the cubic through values and derivatives at both ends comes near zero between them, the step's interpolant is
searched piece by piece, and the first root in it bracketed. The step is then undone and done again exactly to
the root, which Newton's method corrects by the values at the new ends: the time of a root is as good as the
method, not as its interpolant.

On which side of zero a function is, is no sign of its value but what has been handled: at a root the sign is
rounding. A function that has not left zero yet, since it was handled there, has no root.

Source: L. F. Shampine, I. Gladwell, R. W. Brankin, Reliable solution of special event location problems for
ODEs, ACM Transactions on Mathematical Software 17 (1991) 11-25, for the search by derivatives.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.loop import attempt
from symde.engine.cpu.compiled.loop import step as plain_step
from symde.engine.cpu.compiled.output import evaluate_interpolant, prepare_interpolant
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    compiled,
    doubles,
    integers,
    slot_at,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.undo import remember, undo
from symde.engine.cpu.layout import Phase, Stage0, Status
from symde.engine.cpu.roots import LEAST_PIECES, NEARNESS, RESTEPS, TRUST
from symde.engine.cpu.roots import Roots as RootsStructure

roots_at = structure_at(RootsStructure)

NONE, FAILED, TOO_LONG = 2.0, -1.0, -2.0
"""Places outside of the step: there is no root, a kernel failed, the step has to be shorter."""

EPSILON = 2.0**-52


@compiled
def evaluate_roots(state, roots, t, u, g, slope):
    """Values and total time derivatives at (t, u)."""
    integers(state.inputs)[0] = u
    outputs = integers(roots.outputs)
    outputs[0], outputs[1] = g, slope
    return call_kernel(roots.kernel, t, state.inputs, roots.outputs)


@compiled
def evaluate_within(state, roots, theta, g, slope):
    """The same at a place within the last step."""
    evaluate_interpolant(state, theta, roots.u_at)
    return evaluate_roots(state, roots, state.t_old + theta * state.h_old, roots.u_at, g, slope)


@compiled
def resolution(state, t, h):
    """Times nearer to each other than this are the same."""
    return 4.0 * EPSILON * abs(t) + 1e-13 * abs(h)


@compiled
def least_of_cubic(a, b, da, db):
    """The minimum within (0, 1) of the cubic with these values and derivatives at the ends, infinite where it
    has none there."""
    difference = b - a
    c2 = 3.0 * difference - 2.0 * da - db
    c3 = da + db - 2.0 * difference
    discriminant = c2 * c2 - 3.0 * c3 * da
    if not discriminant > 0.0:
        return math.inf
    root = math.sqrt(discriminant)
    if c2 > 0.0:
        theta = -da / (c2 + root)
    elif c3 != 0.0:
        theta = (root - c2) / (3.0 * c3)
    else:
        return math.inf
    if not 0.0 < theta < 1.0:
        return math.inf
    return a + theta * (da + theta * (c2 + theta * c3))


@compiled
def suspicious(a, b, da, db):
    """Whether a function may change sign: `a` and `b` are its values at both ends as seen from its side, `da`
    and `db` its derivatives times the length. One that is not a number tells nothing."""
    if b <= 0.0:
        return True
    margin = NEARNESS * (abs(da) + abs(db))
    # the cubic is never more than 4/27 of each derivative below the line between its ends
    if not min(a, b) <= 2.0 * margin:
        return False
    return da < 0.0 < db or least_of_cubic(max(a, 0.0), b, da, db) <= margin


@compiled
def any_suspicious(state, roots):
    """Whether the last step must be searched."""
    h = state.h_old
    side = doubles(roots.side)
    g, slope, g_new, slope_new = (
        doubles(roots.g),
        doubles(roots.slope),
        doubles(roots.g_new),
        doubles(roots.slope_new),
    )
    for i in range(roots.count):
        s = side[i]
        if suspicious(s * g[i], s * g_new[i], s * slope[i] * h, s * slope_new[i] * h):
            return True
    return slot_at(state, state.active).searched != 0


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
def root_in_piece(state, roots, i, low, high):
    """The first root of function i in a piece of the last step, `NONE` where there is none."""
    s, length = doubles(roots.side)[i], state.h_old * (high - low)
    a, b = s * doubles(roots.g_low)[i], s * doubles(roots.g_high)[i]
    da, db = s * doubles(roots.slope_low)[i] * length, s * doubles(roots.slope_high)[i] * length
    if b <= 0.0:
        if a <= 0.0:
            # it rests where it was handled, or is on its way from there
            if a == b and da == 0.0 and db == 0.0 or da > 0.0 and db > 0.0:
                return NONE
            if da > 0.0:
                start = on_side_at_first(state, roots, i, low, high)
                if start > low:
                    return locate(state, roots, i, start, high, b)
            return low
        return locate(state, roots, i, low, high, b)
    if a > 0.0 and da < 0.0 < db and suspicious(a, b, da, db):
        there = left_of_touch(state, roots, i, low, high)
        if there < NONE:
            return locate(state, roots, i, low, there, 0.0)
    return NONE


@compiled
def trusted(state, roots, length):
    """Whether the values in a piece of a step change as their derivatives say: where steps are much longer than
    what the interpolant can follow, they do not."""
    g, slope = doubles(roots.g_low), doubles(roots.slope_low)
    g_high, slope_high = doubles(roots.g_high), doubles(roots.slope_high)
    for i in range(roots.count):
        change, expected = g_high[i] - g[i], 0.5 * length * (slope[i] + slope_high[i])
        allowed = TRUST * abs(length) * (abs(slope[i]) + abs(slope_high[i]))
        if abs(change - expected) > allowed + 1e-6 * (abs(g[i]) + abs(g_high[i])):
            return False
    return True


@compiled
def search(state, roots, address):
    """The place of the first root in the last step and its function: `NONE` where there is none, `FAILED` where
    a kernel failed, `TOO_LONG` where the step has to be shorter. The function is left in `found`."""
    if prepare_interpolant(state, address) != 0:
        return FAILED
    slot = slot_at(state, state.active)
    pieces = max(LEAST_PIECES, slot.degree)
    copy_values(roots.count, roots.g, roots.slope, roots.g_low, roots.slope_low)
    low = 0.0
    for piece in range(1, pieces + 1):
        high = piece / pieces
        if piece == pieces:
            copy_values(roots.count, roots.g_new, roots.slope_new, roots.g_high, roots.slope_high)
        elif evaluate_within(state, roots, high, roots.g_high, roots.slope_high) != 0:
            return FAILED
        if slot.searched and not trusted(state, roots, (high - low) * state.h_old):
            return TOO_LONG
        first = NONE
        for i in range(roots.count):
            theta = root_in_piece(state, roots, i, low, high)
            if theta < first:
                first, roots.found = theta, i
        if first < NONE:
            return first
        roots.g_low, roots.g_high = roots.g_high, roots.g_low
        roots.slope_low, roots.slope_high = roots.slope_high, roots.slope_low
        low = high
    return NONE


@compiled
def copy_values(count, g, slope, to_g, to_slope):
    """Values and derivatives to another place."""
    a, da, b, db = doubles(g), doubles(slope), doubles(to_g), doubles(to_slope)
    for i in range(count):
        b[i], db[i] = a[i], da[i]


@compiled
def step_to(state, roots, address, t):
    """Undo the last step and do it again to time t."""
    undo(state, roots)
    state.t_new, state.t_new_low = t, 0.0
    state.h = (t - state.t) - state.t_low
    state.reaches = 1
    return attempt(state, address)


@compiled
def correction(state, roots):
    """How far the first root lies from t, by Newton's method from the values there; its function is left in
    `found`. Of functions on the other side of zero already the one that got there first counts."""
    side, g, slope = doubles(roots.side), doubles(roots.g_new), doubles(roots.slope_new)
    found = roots.found
    change = -g[found] / slope[found] if slope[found] != 0.0 else 0.0
    for i in range(roots.count):
        if side[i] * g[i] <= 0.0 and side[i] * slope[i] * state.direction < 0.0 and left_zero(roots, i):
            other = -g[i] / slope[i]
            if (other - change) * state.direction < 0.0:
                change, roots.found = other, i
    return change


@compiled
def left_zero(roots, i):
    """Whether function i was on its side when the step began."""
    return doubles(roots.side)[i] * doubles(roots.g)[i] > 0.0


@compiled
def mark_crossed(state, roots, tolerance):
    """Which functions are at zero on their way to the other side."""
    crossed, side = integers(roots.crossed), doubles(roots.side)
    g, slope = doubles(roots.g_new), doubles(roots.slope_new)
    for i in range(roots.count):
        value, change = side[i] * g[i], side[i] * slope[i] * state.direction
        crossed[i] = change < 0.0 and value <= -change * tolerance and (value <= 0.0 or left_zero(roots, i))
    crossed[roots.found] = 1


@compiled
def at_once(state, roots):
    """A function left zero to the other side at once: the step is undone, and nothing else has happened."""
    undo(state, roots)
    crossed = integers(roots.crossed)
    for i in range(roots.count):
        crossed[i] = 0
    crossed[roots.found] = 1
    return Status.ROOT


@compiled
def step_to_root(state, roots, address, theta):
    """End the last step at the root found in it."""
    start, end, change = roots.t, state.t, 0.0
    t = state.t_old + theta * state.h_old
    previous = math.inf
    tolerance = resolution(state, end, state.h_old)
    state.at_root = 0
    for _ in range(RESTEPS):
        if abs(t - start) <= 0.25 * tolerance:
            return at_once(state, roots)
        if abs(t - state.t) > 0.25 * tolerance:
            status = step_to(state, roots, address, t)
            if status != Status.DONE or state.phase != Phase.SAVE:
                return status
            if evaluate_roots(state, roots, state.t, state.u, roots.g_new, roots.slope_new) != 0:
                return Status.CALLBACK
        change = correction(state, roots)
        tolerance = resolution(state, state.t, state.t - start)
        # below the noise of its values a root is no better known
        if not (tolerance < abs(change) < 0.5 * previous):
            break
        previous = abs(change)
        t = state.t + change
        if (t - end) * state.direction > 0.0:
            t = end
        elif (t - start) * state.direction <= 0.0:
            break
    found = roots.found
    if abs(change) <= tolerance or doubles(roots.side)[found] * doubles(roots.g_new)[found] <= 0.0:
        mark_crossed(state, roots, tolerance)
        state.at_root = 1
    # else the function has turned before zero: the interpolant was off
    return Status.DONE


@compiled
def keep_bounds(state, roots):
    """Put states that have left their bounds by less than the tolerance back onto them; False where one has
    left them by more."""
    bounded, lower, upper = integers(roots.bounded), doubles(roots.lower), doubles(roots.upper)
    u, atol, low = doubles(state.u), doubles(state.atol), doubles(state.u_low)
    for k in range(roots.bounds):
        i = bounded[k]
        bound = min(max(u[i], lower[k]), upper[k])
        if u[i] != bound and u[i] == u[i]:
            if abs(u[i] - bound) > atol[i] + state.rtol * abs(bound):
                return False
            u[i], low[i] = bound, 0.0
            state.stage0 = Stage0.STALE
            roots.known = 0
    return True


@compiled
def cut_in_half(state, roots):
    """Undo a step, and try half of it."""
    size = 0.5 * abs(state.h_old)
    undo(state, roots)
    state.h_next, state.rejected_last, state.at_root = size, 1, 0


@compiled
def end_at_first(state, roots, address):
    """Search the step just accepted and end it at the first root in it."""
    theta = search(state, roots, address)
    for _ in range(RESTEPS):
        if not 0.0 <= theta < NONE:
            break
        status = step_to_root(state, roots, address, theta)
        if status != Status.DONE or state.phase != Phase.SAVE:
            return status
        if not slot_at(state, state.active).searched:
            break
        # a step that is much shorter knows better what lies in it
        theta = search(state, roots, address)
        if theta >= 1.0 - 1e-9:
            break
    if theta == TOO_LONG:
        cut_in_half(state, roots)
    return Status.CALLBACK if theta == FAILED else Status.DONE


@compiled
def watch_roots(state, roots, address):
    """Look for roots in the step just accepted."""
    if evaluate_roots(state, roots, state.t, state.u, roots.g_new, roots.slope_new) != 0:
        return Status.CALLBACK
    return end_at_first(state, roots, address) if any_suspicious(state, roots) else Status.DONE


@compiled
def finish_step(state, roots):
    """Keep the bounds; the values at the end become those at the start of the next step."""
    roots.known = roots.kernel != 0
    if roots.bounds and not keep_bounds(state, roots):
        roots.known = roots.kernel != 0
        cut_in_half(state, roots)
        return
    roots.g, roots.g_new = roots.g_new, roots.g
    roots.slope, roots.slope_new = roots.slope_new, roots.slope


def step(address):
    """One attempt; where it is accepted, it ends at the first root in it and stays within the bounds."""
    state = state_at(address)
    roots = roots_at(state.roots)
    if roots.kernel != 0 and not roots.known:
        if evaluate_roots(state, roots, state.t, state.u, roots.g, roots.slope) != 0:
            return Status.CALLBACK
        roots.known = 1
    remember(state, roots)
    status = plain_step(state, address)
    if status == Status.DONE and state.phase == Phase.SAVE and roots.kernel != 0:
        status = watch_roots(state, roots, address)
    if status == Status.DONE and state.phase == Phase.SAVE:
        finish_step(state, roots)
    return status


ENTRIES = {"step": step}
