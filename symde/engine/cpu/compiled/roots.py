"""Steps that end at roots: changes of sign of functions g(t, u) are found and stepped to.

At the end of each accepted step g and its total time derivative are evaluated, and where these say so the
step is searched. It is then undone and done again exactly to the root, which Newton's method corrects by the
values at the new ends: the time of a root is as good as the method, not as its interpolant.

On which side of zero a function is, is no sign of its value but what has been handled: at a root the sign is
rounding. A function that has not left zero yet, since it was handled there, has no root.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.bounds import keep_bounds, rest_on_bounds
from symde.engine.cpu.compiled.flips import flip, renew
from symde.engine.cpu.compiled.leaving import (
    CUT,
    LEFT,
    RELEASED,
    leave_rest,
    leaves_to,
    slope_is_noise,
    through_infinity,
)
from symde.engine.cpu.compiled.loop import attempt
from symde.engine.cpu.compiled.loop import step as plain_step
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, slot_at, state_at
from symde.engine.cpu.compiled.released import lock_again, note_peaks, release_reachable
from symde.engine.cpu.compiled.root_search import FAILED, NONE, TOO_LONG, any_suspicious, search
from symde.engine.cpu.compiled.root_values import evaluate_ends, evaluate_roots, resolution, roots_at
from symde.engine.cpu.compiled.sides import find_sides, learn_sides
from symde.engine.cpu.compiled.undo import remember, undo
from symde.engine.cpu.layout import Phase, Status
from symde.engine.cpu.roots import ALL, EVENT, MOST_CORRECTED, NOTHING, RESTEPS, SHORTEST


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
def hand_over(state, roots):
    """Who goes on from the root at the end of the step: the host where an event may happen, else the next
    step with other branches."""
    crossed, purposes = integers(roots.crossed), integers(roots.purposes)
    events = False
    for i in range(roots.count):
        events = (
            events
            or crossed[i] != 0
            and (purposes[i] & EVENT != 0 or roots.reporting != 0 or roots.telling != 0)
        )
    if events:
        state.at_root = 1
    else:
        roots.switching = 1


@compiled
def note_arrivals(state, roots):
    """A function that would be at zero before times can be told apart is there at the end of the step: what
    happens at a known time happens with it."""
    side, g, slope = doubles(roots.side), doubles(roots.g_new), doubles(roots.slope_new)
    tolerance = resolution(state, state.t, state.h_old)
    for i in range(roots.count):
        change = side[i] * slope[i] * state.direction
        if change < 0.0 and side[i] * g[i] <= -change * tolerance and left_zero(roots, i):
            roots.found = i
            mark_crossed(state, roots, tolerance)
            hand_over(state, roots)
            return


@compiled
def cut_in_half(state, roots):
    """Undo a step, and try half of it."""
    size = 0.5 * abs(state.h_old)
    undo(state, roots)
    state.h_next, state.rejected_last, state.at_root = size, 1, 0
    roots.switching = 0


@compiled
def at_once(state, roots, address):
    """A function left zero to the other side at once: the step is undone, and nothing else has happened."""
    leaves = leaves_to(state, roots, address)
    undo(state, roots)
    if leaves:
        return Status.DONE
    crossed = integers(roots.crossed)
    for i in range(roots.count):
        crossed[i] = 0
    crossed[roots.found] = 1
    return hand_over_start(state, roots)


@compiled
def hand_over_start(state, roots):
    """The same as `hand_over` at the start of the step, which has been undone; the status."""
    hand_over(state, roots)
    if state.at_root:
        state.at_root = 0
        return Status.ROOT
    return Status.DONE


@compiled
def begin_at_root(state, roots, address, start, end):
    """A root at the very start of a step: where it is long and its interpolant may be wrong, a shorter one
    must show it too."""
    if slot_at(state, state.active).searched and abs(end - start) > SHORTEST * abs(state.t_end - start):
        cut_in_half(state, roots)
        return Status.DONE
    return at_once(state, roots, address)


@compiled
def step_to_root(state, roots, address, theta):
    """End the last step at the root found in it."""
    start, end, change = roots.t, state.t, 0.0
    t = state.t_old + theta * state.h_old
    if slope_is_noise(roots, t - start) and leaves_to(state, roots, address):
        undo(state, roots)
        return Status.DONE
    previous = math.inf
    tolerance = resolution(state, end, state.h_old)
    state.at_root, roots.switching, searched = 0, 0, slot_at(state, state.active).searched
    for _ in range(RESTEPS):
        if abs(t - start) <= 0.25 * tolerance:
            return begin_at_root(state, roots, address, start, end)
        if abs(t - state.t) > 0.25 * tolerance:
            status = step_to(state, roots, address, t)
            if status != Status.DONE or state.phase != Phase.SAVE:
                return status
            if evaluate_ends(state, roots, address) != 0:
                return Status.CALLBACK
        change = correction(state, roots)
        if searched and abs(change) > MOST_CORRECTED * abs(state.t - start):
            cut_in_half(state, roots)
            return Status.DONE
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
        roots.pole = through_infinity(state, roots)
        hand_over(state, roots)
    # else the function has turned before zero: the interpolant was off
    return Status.DONE


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
    if evaluate_ends(state, roots, address) != 0:
        return Status.CALLBACK
    if any_suspicious(state, roots):
        left = leave_rest(state, roots, address)
        if left == CUT:
            cut_in_half(state, roots)
            return Status.DONE
        if left == RELEASED:
            undo(state, roots)
            return renew(state, address)
        if left == LEFT:
            undo(state, roots)
            return hand_over_start(state, roots)
        status = end_at_first(state, roots, address)
        if status != Status.DONE or state.phase != Phase.SAVE or state.at_root or roots.switching:
            return status
    if roots.near:
        note_arrivals(state, roots)
    return Status.DONE


@compiled
def finish_step(state, roots):
    """Keep the bounds; the values at the end become those at the start of the next step. The status."""
    if roots.bounds and not keep_bounds(state, roots):
        cut_in_half(state, roots)
        return Status.DONE
    roots.g, roots.g_new = roots.g_new, roots.g
    roots.slope, roots.slope_new = roots.slope_new, roots.slope
    if roots.at_rest:
        roots.at_rest = 0
        at_zero = integers(roots.at_zero)
        for i in range(roots.count):
            at_zero[i] = 0
    if roots.switches:
        note_peaks(roots)
        if lock_again(state, roots) != 0:
            return Status.CALLBACK
    return Status.DONE


@compiled
def know_roots(state, roots, address):
    """Values, and at a start the sides; the kernel's code."""
    if roots.known == NOTHING:
        return learn_sides(state, roots, address)
    roots.known = ALL
    return evaluate_roots(state, roots, state.t, state.u, roots.g, roots.slope)


def cross(address):
    """Let the functions at the root just found go to their other sides, for the host, unless they have; the
    status."""
    state = state_at(address)
    roots = roots_at(state.roots)
    if roots.jumped:
        return Status.DONE
    return flip(state, roots, address)


def sides(address):
    """Sides and values at the present state, for the host."""
    state = state_at(address)
    roots = roots_at(state.roots)
    if roots.known == NOTHING:
        return learn_sides(state, roots, address)
    return find_sides(state, roots, address)


def step(address):
    """One attempt; where it is accepted, it ends at the first root in it and stays within the bounds."""
    state = state_at(address)
    roots = roots_at(state.roots)
    if roots.switching:
        roots.switching = 0
        status = flip(state, roots, address)
        if status != Status.DONE:
            return status
        if roots.jumped:  # both limits of the state are kept
            return Status.ROOT
    if roots.kernel != 0 and roots.known != ALL and know_roots(state, roots, address) != 0:
        return Status.CALLBACK
    remember(state, roots)
    status = plain_step(state, address)
    if status == Status.DONE and state.phase == Phase.SAVE and roots.kernel != 0:
        status = watch_roots(state, roots, address)
    if status == Status.DONE and state.phase == Phase.SAVE:
        return finish_step(state, roots)
    if status == Status.DONE and state.non_finite:
        rest_on_bounds(state, roots)
        if roots.switches:
            release_reachable(state, roots)
    return status


ENTRIES = {"step": step, "sides": sides, "cross": cross}
