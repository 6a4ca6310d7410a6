"""The sides of zero on which root functions are, among them those that decide branches: the modes.

A side follows from the value at a start and after a change of the state; of what is zero there, from where it
goes. Between, it changes at roots alone.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.consistent import settle
from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.loop import start
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, slot_at
from symde.engine.cpu.compiled.root_values import along_solution, copy_values, evaluate_roots, resolution
from symde.engine.cpu.compiled.settled_modes import settle_modes
from symde.engine.cpu.compiled.sliding import begin_sliding, leave_by, slides, still_slide
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.layout import Attempt, Stage0, Status
from symde.engine.cpu.roots import (
    ALL,
    BEGUN,
    CLEAR,
    EVENT,
    EXIT,
    FLOOR_HIGH,
    FLOOR_LOW,
    HANDLED,
    INNER,
    INTEGERS,
    MOST_FLIPS,
    POLE,
    SETTLED,
    SIDES,
    SWITCH,
    WEIGHTS,
)

JUMP = 1e-9
"""Part of its values by which a function changes that jumps."""

FLOOR = FLOOR_LOW | FLOOR_HIGH
BRANCH = SWITCH | FLOOR


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
    now = side_of(value, slope, near, noise, state.direction, doubles(roots.ties)[i], side[i])
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
def settle_crossed(state, roots, address):
    """Algebraic variables follow branches that have changed, and u' does; where no state fits these, they
    are taken as they stand. A code of `Attempt`."""
    code = settle_modes(state, roots, address)
    if code != Attempt.FINE and code != Attempt.CALLBACK:
        crossed = integers(roots.crossed)
        for i in range(roots.count):
            if crossed[i] and integers(roots.purposes)[i] & BRANCH and doubles(roots.side)[i] != 0.0:
                release(roots, i)
        code = settle_modes(state, roots, address)
    if code == Attempt.FINE and along_solution(state, roots, address):
        return Attempt.CALLBACK.value
    return code


@compiled
def stay_behind(state, roots):
    """Release switches that have been crossed, and whose functions the new branch has put back clearly to
    where they came from: neither side holds. Whether there are any."""
    side, g, noise = doubles(roots.side), doubles(roots.g), doubles(roots.noise)
    crossed, purposes, found = integers(roots.crossed), integers(roots.purposes), False
    for i in range(roots.count):
        if crossed[i] and purposes[i] & SWITCH and side[i] * g[i] < -CLEAR * noise[i]:
            release(roots, i)
            found = True
    return found


@compiled
def follow_jumps(state, roots, address):
    """Values after some functions went to their other sides: those that read them may have jumped to theirs,
    and so on. A code of `Attempt`."""
    g, before, crossed = doubles(roots.g), doubles(roots.g_low), integers(roots.crossed)
    for _ in range(roots.count + 1):
        copy_values(roots.count, roots.g, roots.slope, roots.g_low, roots.slope_low)
        if roots.settles:
            code = settle_crossed(state, roots, address)
            if code != Attempt.FINE:
                return code
        if evaluate_roots(state, roots, state.t, state.u, roots.g, roots.slope) != 0:
            return Attempt.CALLBACK.value
        changed = False
        for i in range(roots.count):
            jumped = abs(g[i] - before[i]) > JUMP * (abs(g[i]) + abs(before[i]))
            if jumped and not crossed[i]:
                changed = update_side(state, roots, i) or changed
        if roots.settles:
            changed = stay_behind(state, roots) or changed
        if not changed:
            break
    return Attempt.FINE.value


@compiled
def follow_flips(state, roots, address):
    """The same where solutions slide: what another branch now leads away from where it slid has left. A code
    of `Attempt`."""
    code = follow_jumps(state, roots, address)
    while code == Attempt.FINE and roots.sliding != 0 and not still_slide(roots):
        code = follow_jumps(state, roots, address)
    return code


@compiled
def settle_found(state, roots, address):
    """Algebraic variables and u' by the branches just found; where no state fits these they stay as they are,
    for other branches may be found yet. Whether a kernel failed."""
    return settle_modes(state, roots, address) == Attempt.CALLBACK or along_solution(state, roots, address)


@compiled
def find_sides(state, roots, address):
    """The sides at (t, u); the kernel's code. Values may depend on branches that are found here: again until
    none changes."""
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


@compiled
def renew(state, address):
    """The right-hand side goes on by other branches: what was evaluated holds no more. The step size does,
    but for methods whose steps rest on earlier ones; their start's status."""
    state.stage0 = Stage0.STALE
    state.jacobian_fresh, state.jacobian_known, state.restarted = 0, 0, 1
    state.log_error_old = 0.0
    if slot_at(state, state.active).multistep == 0:
        return Status.DONE
    state.h_next = 0.0
    return start(state, address)


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
def count_flip(roots, i):
    """Note that a branch changed: one that goes to and fro within the tolerances slides along its kink or
    jump, and is released."""
    flips, peak = integers(roots.flips), doubles(roots.peak)
    flips[i] = flips[i] + 1 if peak[i] <= doubles(roots.doubt)[i] else 1
    peak[i] = 0.0
    if flips[i] >= MOST_FLIPS and (integers(roots.exits)[i] == 0 or roots.sliding != 0):
        release(roots, i)


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
def evaluate_settled(state, roots, address):
    """Values at the present state made consistent, as it will be after an event: at a root, what a step has
    left of the equations without a derivative counts for its noise. The kernel's code."""
    copy(state.n, state.u, roots.u_at)
    code = settle(state, address)
    if code == Attempt.FINE:
        code = evaluate_roots(state, roots, state.t, state.u, roots.g_at, roots.slope_at)
        failed = code != 0
    else:  # an event may still leave values that are consistent
        clear(roots.count, roots.g_at)
        failed = code == Attempt.CALLBACK
    copy(state.n, roots.u_at, state.u)
    return failed


@compiled
def turn_back(state, roots):
    """A function that has turned at zero, by a kink inside it, has not crossed it."""
    side, slope = doubles(roots.side), doubles(roots.slope)
    crossed, purposes = integers(roots.crossed), integers(roots.purposes)
    for i in range(roots.count):
        if crossed[i] and purposes[i] == EVENT and side[i] * slope[i] * state.direction < 0.0:
            side[i], crossed[i] = -side[i], 0


@compiled
def flip(state, roots, address):
    """The functions at the root just found go to their other side; the status."""
    side, noise, g = doubles(roots.side), doubles(roots.noise), doubles(roots.g)
    crossed, purposes, doubt = integers(roots.crossed), integers(roots.purposes), doubles(roots.doubt)
    at_zero, consistent = integers(roots.at_zero), doubles(roots.g_at)
    roots.at_rest = 1
    switched, inner, doubtful = False, False, roots.switches != 0 or state.mass != 0
    if doubtful and roots.doubts != 0 and find_doubts(state, roots) != 0:
        return Status.CALLBACK
    if state.mass != 0 and evaluate_settled(state, roots, address) != 0:
        return Status.CALLBACK
    for i in range(roots.count):
        noise[i] = 0.0
        if crossed[i] == 0:
            continue
        noise[i] = 2.0 * abs(g[i])
        if state.mass != 0:
            noise[i] = max(noise[i], doubt[i], 2.0 * abs(consistent[i]))
        if at_zero[i] != SETTLED:
            at_zero[i] = HANDLED
        if i == roots.found and roots.pole:
            at_zero[i], noise[i], doubles(roots.clear)[i] = POLE, 0.0, g[i]
            roots.pole = 0
        doubles(roots.before)[i] = doubles(roots.slope)[i]
        if purposes[i] & FLOOR:
            place = INTEGERS + integers(roots.integers)[i]
            side[place] += 1.0 if purposes[i] & FLOOR_HIGH else -1.0
        elif purposes[i] & EXIT:
            leave_by(roots, i)
            switched = True
        else:
            side[i] = -side[i]
        inner = inner or purposes[i] & INNER != 0
        if purposes[i] & SWITCH or purposes[i] & FLOOR and not purposes[i] & INNER:
            switched = True
            count_flip(roots, i)
    if switched or inner:
        code = follow_flips(state, roots, address)
        if code == Attempt.CALLBACK:
            return Status.CALLBACK
        if code != Attempt.FINE:
            state.outcome = code
            return Status.INCONSISTENT
    if inner:
        turn_back(state, roots)
    if not switched:
        return Status.DONE
    status = begin_sliding(state, roots)
    if status != Status.DONE:
        return status
    if release_undefined(state, roots) != Status.DONE:
        return Status.CALLBACK
    return renew(state, address)


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
            state.stage0 = Stage0.STALE
            state.jacobian_fresh, state.jacobian_known = 0, 0


@compiled
def is_released(roots, i):
    """Whether function i decides a branch that is evaluated as it stands."""
    watched = doubles(roots.side)[i] != 0.0 or slides(roots, i)
    return not watched and integers(roots.purposes)[i] & (FLOOR | EXIT) == 0


@compiled
def lock_again(state, roots):
    """Released branches that are clear of zero are modes again; the kernel's code."""
    side, g = doubles(roots.side), doubles(roots.g)
    released = False
    for i in range(roots.count):
        released = released or is_released(roots, i)
    if not released:
        return 0
    if find_doubts(state, roots) != 0:
        return 1
    doubt, flips = doubles(roots.doubt), integers(roots.flips)
    for i in range(roots.count):
        if is_released(roots, i) and abs(g[i]) > CLEAR * doubt[i]:
            side[i] = 1.0 if g[i] > 0.0 else -1.0
            flips[i] = 0
    return 0
