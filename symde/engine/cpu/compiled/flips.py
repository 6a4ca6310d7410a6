"""Functions go to their other sides at a root: branches change, and what follows from that.

Functions that read a branch may jump with it, algebraic variables follow it, and a solution that both sides
lead back slides from there on.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.consistent import settle
from symde.engine.cpu.compiled.loop import start
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, slot_at
from symde.engine.cpu.compiled.released import (
    count_flip,
    find_doubts,
    release,
    release_stuck,
    release_undefined,
    watch_resting,
)
from symde.engine.cpu.compiled.root_values import along_solution, copy_values, evaluate_roots
from symde.engine.cpu.compiled.settled_modes import settle_modes
from symde.engine.cpu.compiled.sides import update_side
from symde.engine.cpu.compiled.sliding import begin_sliding, leave_by, release_riders, still_slide
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.layout import Attempt, Stage0, Status
from symde.engine.cpu.roots import (
    BRANCH,
    CLEAR,
    EVENT,
    EXIT,
    FLOOR,
    FLOOR_HIGH,
    HANDLED,
    INNER,
    INTEGERS,
    POLE,
    SETTLED,
    SWITCH,
)

JUMP = 1e-9
"""Part of its values by which a function changes that jumps."""


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
            if jumped and not crossed[i] and integers(roots.rides)[i] == 0:
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
def note_crossed(state, roots, i):
    """What is known of function i, which is at its root."""
    noise, g, at_zero = doubles(roots.noise), doubles(roots.g), integers(roots.at_zero)
    noise[i] = 2.0 * abs(g[i])
    if state.mass != 0:
        noise[i] = max(noise[i], doubles(roots.doubt)[i], 2.0 * abs(doubles(roots.g_at)[i]))
    if at_zero[i] != SETTLED:
        at_zero[i] = HANDLED
    if i == roots.found and roots.pole:
        at_zero[i], noise[i], doubles(roots.clear)[i] = POLE, 0.0, g[i]
        roots.pole = 0
    doubles(roots.before)[i] = doubles(roots.slope)[i]


@compiled
def cross_over(roots, i):
    """Function i goes to its other side; whether a branch of the right-hand side changes with it."""
    side, purpose = doubles(roots.side), integers(roots.purposes)[i]
    if purpose & EXIT:
        leave_by(roots, i)
        return True
    if purpose & FLOOR:
        place = INTEGERS + integers(roots.integers)[i]
        side[place] += 1.0 if purpose & FLOOR_HIGH else -1.0
    else:
        side[i] = -side[i]
    if purpose & SWITCH or purpose & FLOOR and not purpose & INNER:
        count_flip(roots, i)
        return True
    return False


@compiled
def go_on(state, roots, address):
    """How the solution goes on by the branches that have changed; the status."""
    status = begin_sliding(state, roots, address)
    if status != Status.DONE:
        return status
    if release_stuck(roots):
        return Status.UNDECIDED
    if release_undefined(state, roots) != Status.DONE:
        return Status.CALLBACK
    return renew(state, address)


@compiled
def flip(state, roots, address):
    """The functions at the root just found go to their other side; the status."""
    crossed, noise, purposes = integers(roots.crossed), doubles(roots.noise), integers(roots.purposes)
    roots.at_rest = 1
    switched, inner, doubtful = False, False, roots.switches != 0 or state.mass != 0
    if doubtful and roots.doubts != 0 and find_doubts(state, roots) != 0:
        return Status.CALLBACK
    if state.mass != 0 and evaluate_settled(state, roots, address) != 0:
        return Status.CALLBACK
    for i in range(roots.count):
        noise[i] = 0.0
        if crossed[i]:
            note_crossed(state, roots, i)
            switched = cross_over(roots, i) or switched
            inner = inner or purposes[i] & INNER != 0
    if roots.riders:
        release_riders(roots)
    if switched or inner:
        watch_resting(roots)
        code = follow_flips(state, roots, address)
        if code == Attempt.CALLBACK:
            return Status.CALLBACK
        if code != Attempt.FINE:
            state.outcome = code
            return Status.INCONSISTENT
    if inner:
        turn_back(state, roots)
    return go_on(state, roots, address) if switched else Status.DONE
