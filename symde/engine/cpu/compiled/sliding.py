"""Sliding along a switch: where it begins and how it ends.

While a solution slides the switch has no side, and its two exits are watched like any root function. Several
at a time where their exits do not depend on each other: else what meets a second one goes on as without.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.root_values import evaluate_roots
from symde.engine.cpu.layout import Status
from symde.engine.cpu.roots import CLEAR, HANDLED, SWITCH, TO_POSITIVE

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


@compiled
def leave_by(roots, exit_):
    """The solution leaves by the exit at its root."""
    i = integers(roots.integers)[exit_]
    end_sliding(roots, i, 1.0 if integers(roots.purposes)[exit_] & TO_POSITIVE else -1.0)


@compiled
def led_back(state, roots, i):
    """Whether function i, which has been crossed, is led back by the side behind."""
    onward = doubles(roots.side)[i] * state.direction
    slope, before = doubles(roots.slope)[i], doubles(roots.before)[i]
    return onward * before > 0.0 and onward * slope < -PUSH * abs(before)


@compiled
def slide_along(state, roots, i):
    """Slide along function i if both sides lead to it; the kernel's code."""
    g, side, exit_ = doubles(roots.g), doubles(roots.side), integers(roots.exits)[i]
    free = roots.sliding == 0 or roots.together != 0
    if free and g[exit_] > 0.0 and g[exit_ + 1] > 0.0:
        roots.sliding += 1
        side[i], side[exit_], side[exit_ + 1] = 0.0, 1.0, 1.0
        integers(roots.flips)[i] = 0
        return evaluate_roots(state, roots, state.t, state.u, roots.g, roots.slope)
    return 0


@compiled
def begin_sliding(state, roots):
    """See whether the solution slides along what has just been crossed; SLIDING where the host wants to know,
    since kernels do not know how."""
    crossed, purposes, exits = integers(roots.crossed), integers(roots.purposes), integers(roots.exits)
    for i in range(roots.count):
        if crossed[i] and purposes[i] == SWITCH and led_back(state, roots, i):
            if exits[i] != 0:
                if slide_along(state, roots, i) != 0:
                    return Status.CALLBACK
            elif roots.asking:
                roots.found = i
                return Status.SLIDING
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
