"""Switches that are released: branches evaluated as they stand, where a side would not do.

A switch goes to and fro within the tolerances, or a branch has no value beside its line. It has no side then,
and gets one again when the solution is clear of the line.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers
from symde.engine.cpu.compiled.sliding import slides
from symde.engine.cpu.layout import RESOLUTION, Stage0, Status
from symde.engine.cpu.roots import (
    CLEAR,
    EXIT,
    FLOOR,
    FLOOR_LOW,
    INTEGERS,
    MOST_FLIPS,
    RESTING,
    SIDES,
    SWITCH,
    WEIGHTS,
)

SMALLEST = 16.0
"""Resolutions of the time below which a step hardly gets any smaller."""


@compiled
def find_doubts(state, roots):
    """How far from zero each function may be for the tolerances of the states; the kernel's code."""
    w, u, atol = doubles(roots.weights), doubles(state.u), doubles(state.atol)
    for i in range(state.n):
        w[i] = atol[i] + state.rtol * abs(u[i])
    inputs = integers(state.inputs)
    before, inputs[WEIGHTS], inputs[0] = inputs[WEIGHTS], roots.weights, state.u
    integers(roots.outputs)[0] = roots.doubt
    code = call_kernel(roots.doubts, state.t, state.inputs, roots.outputs)
    inputs[WEIGHTS] = before
    return code


@compiled
def release(roots, i):
    """Let a switch be evaluated as it stands."""
    side = doubles(roots.side)
    side[i] = 0.0
    roots.releases += 1
    if integers(roots.purposes)[i] & FLOOR:
        side[INTEGERS + integers(roots.integers)[i]] = math.nan
        other = i + 1 if integers(roots.purposes)[i] & FLOOR_LOW else i - 1
        side[other] = 0.0


@compiled
def count_flip(roots, i):
    """Note that a branch changed: one that goes to and fro within the tolerances slides along its kink or
    jump, and is released where kernels do not know how."""
    flips, peak = integers(roots.flips), doubles(roots.peak)
    flips[i] = flips[i] + 1 if peak[i] <= doubles(roots.doubt)[i] else 1
    peak[i] = 0.0
    if flips[i] >= MOST_FLIPS and integers(roots.exits)[i] == 0:
        release(roots, i)


@compiled
def release_stuck(roots):
    """Switches that go to and fro, and along which no solution slides although kernels know how: release one
    that is alone; of a group the place is left in `found`. Whether there is such a group."""
    crossed, flips, exits = integers(roots.crossed), integers(roots.flips), integers(roots.exits)
    for i in range(roots.count):
        if crossed[i] and exits[i] != 0 and flips[i] >= MOST_FLIPS:
            if integers(roots.groups)[i] != 0:
                roots.found = i
                return True
            release(roots, i)
    return False


@compiled
def note_peaks(roots):
    """How far from zero functions get between flips."""
    peak, g = doubles(roots.peak), doubles(roots.g)
    for i in range(roots.count):
        peak[i] = max(peak[i], abs(g[i]))


@compiled
def release_undefined(state, roots):
    """A branch whose expressions have no value on the rounding side of its root is taken as it stands for one
    step."""
    side, slope = doubles(roots.side), doubles(roots.slope)
    crossed, purposes = integers(roots.crossed), integers(roots.purposes)
    if evaluate(state, state.t, state.u, roots.u_at) != 0:
        return Status.CALLBACK
    total, f = 0.0, doubles(roots.u_at)
    for i in range(state.n):
        total += 0.0 * f[i]
    undefined = total != 0.0
    for i in range(roots.count):
        if crossed[i] and purposes[i] == SWITCH and (undefined or not abs(slope[i]) < math.inf):
            side[i] = 0.0
            roots.known = SIDES
            roots.releases += 1
    return Status.DONE


@compiled
def release_reachable(state, roots):
    """A step has met values that are not finite: branches that it may have left are evaluated as they stand
    in the next attempt, for beyond its branch an expression may have no value."""
    side, g, slope = doubles(roots.side), doubles(roots.g), doubles(roots.slope)
    purposes = integers(roots.purposes)
    for i in range(roots.count):
        # what has no value at the very root has been reached as well, as has one that rounding left behind it
        reached = not (side[i] * g[i] > 0.0 and side[i] * (g[i] + slope[i] * state.h) > 0.0)
        if purposes[i] == SWITCH and side[i] != 0.0 and reached:
            side[i] = 0.0
            roots.known = SIDES
            roots.releases += 1
            if state.h_next < SMALLEST * RESOLUTION * abs(state.t):
                state.h_next = abs(state.h)  # the branch was to blame, and nothing smaller can be tried
            state.stage0 = Stage0.STALE
            state.jacobian_fresh, state.jacobian_known = 0, 0


@compiled
def is_released(roots, i):
    """Whether function i decides a branch that is evaluated as it stands."""
    watched = doubles(roots.side)[i] != 0.0 or slides(roots, i)
    return not watched and integers(roots.purposes)[i] & (FLOOR | EXIT) == 0


@compiled
def watch_resting(roots):
    """Switches that are released since they rest at zero are modes again, where branches or states have
    changed: they may leave now."""
    for i in range(roots.count):
        if integers(roots.flips)[i] == RESTING:
            doubles(roots.side)[i], integers(roots.flips)[i] = -1.0, 0


@compiled
def lock_again(state, roots):
    """Released branches that are clear of zero are modes again; the kernel's code."""
    side, g = doubles(roots.side), doubles(roots.g)
    released = False
    for i in range(roots.count):
        if integers(roots.flips)[i] != RESTING:
            released = released or is_released(roots, i)
        elif g[i] != 0.0:
            side[i], integers(roots.flips)[i] = 1.0 if g[i] > 0.0 else -1.0, 0
    if not released:
        return 0
    if find_doubts(state, roots) != 0:
        return 1
    doubt, flips = doubles(roots.doubt), integers(roots.flips)
    for i in range(roots.count):
        rests = flips[i] == RESTING
        if is_released(roots, i) and not rests and abs(g[i]) > CLEAR * doubt[i]:
            side[i] = 1.0 if g[i] > 0.0 else -1.0
            flips[i] = 0
    return 0
