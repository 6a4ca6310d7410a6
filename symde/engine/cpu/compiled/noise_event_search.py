"""The first moment within a step at which a condition holds.

Within a step a path is what steps of the method to each moment make of the Brownian motion, which the
virtual Brownian tree knows at any time: the continuous scheme. A step is halved where a condition holds at
the end of a piece of it, down to the tree's resolution, and where a root function that is on the same side at
both ends of a piece may have been on the other one in between: a Brownian bridge from g_0 to g_1 that gains
the variance s^2 h on its way reaches zero with the probability exp(-2 g_0 g_1/(s^2 h)). Pieces of 2^-LOCATED
of a step are taken for what their ends are.

Steps that are halved by this probability are those of adaptive methods for stopped diffusions; here they are
taken to look at the path, and the path does not follow them: one that meets no condition is, to the last bit,
that of the model without it.

Source: P. Baldi, Exact asymptotics for the probability of exit from a domain and applications to simulation,
Ann. Probab. 23 (1995), 1644-1670, for the bridge; E. Gobet, Weak approximation of killed diffusion using
Euler schemes, Stoch. Proc. Appl. 87 (2000), 167-197, for the continuous scheme; A. Dzougoutov, K.-S. Moon, E.
von Schwerin, A. Szepessy, R. Tempone, Adaptive Monte Carlo algorithms for stopped diffusion, in Multiscale
Methods in Science and Engineering (2005), 59-88, for steps that are halved at a boundary.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_events import fires, look
from symde.engine.cpu.compiled.noise_jumps import step_again
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.vectors import copy

LOCATED = 20
"""Halvings of a step at which a piece of it is looked into at most for what its ends do not show."""

CERTAIN = 14.0
"""-log of the probability below which it is taken for none: 8e-7 of a piece."""

PIECES = 4
"""Pieces of a step at whose ends conditions are looked at that follow the time alone: no step follows it."""

NONE = -1


@compiled
def may_cross(events, event, left, right, length):
    """Whether a condition that is false at both ends of a piece of a step may have held in between."""
    watched, starts = integers(events.watched), integers(events.watch_starts)
    several = starts[event + 1] - starts[event] > 1
    values = 8 * events.conditions
    g0, g1 = doubles(left + values), doubles(right + values)
    s0, s1 = doubles(left + values + 8 * events.roots), doubles(right + values + 8 * events.roots)
    for k in range(starts[event], starts[event + 1]):
        root = watched[k]
        variance, product = max(s0[root], s1[root]) * length, g0[root] * g1[root]
        if 2.0 * product < CERTAIN * variance and (product >= 0.0 or several):
            return True
    return False


@compiled
def is_suspicious(events, left, right, length, fine):
    """Whether a piece of a step is to be halved: a condition that is waited for holds at its end, or, where
    it is not `fine` yet, may have held in it."""
    armed = integers(events.armed)
    for event in range(events.events):
        if armed[event] == 0:
            continue
        if fires(events, event, right) or (fine == 0 and may_cross(events, event, left, right, length)):
            return True
    return False


@compiled
def any_fires(events, row):
    """Whether a condition that is waited for holds."""
    for event in range(events.events):
        if fires(events, event, row):
            return True
    return False


@compiled
def go_through(state, events, end, step, t, finest):
    """The first tick at which a condition holds, by halves of the step, the first half first; NONE: there is
    none, or a step could not be solved. The state is left where it was looked at last."""
    ticks, size, depth, left = integers(events.ticks), 8 * events.width, 0, state.at
    longest = (end - left) // PIECES if events.timed != 0 else end - left
    copy(events.width, events.row, events.left)
    ticks[0] = end
    while True:
        right, row = ticks[depth], events.rows + size * depth
        gap = right - left
        fine = 1 if gap <= finest else 0
        halve = gap > longest or is_suspicious(events, events.left, row, gap * state.tick, fine)
        if gap > 1 and halve:
            middle = left + gap // 2
            step_again(state, middle, step, t)
            if state.diverged != 0:
                return NONE
            depth += 1
            ticks[depth] = middle
            look(state, events, state.t0 + middle * state.tick, row + size)
        elif any_fires(events, row):
            return right
        elif depth == 0:
            return NONE
        else:
            left, depth = right, depth - 1
            copy(events.width, row, events.left)


@compiled
def first_trigger(state, events, end, step, t):
    """The tick at which the step that goes to `end` meets the first condition that is waited for; NONE: it
    meets none. The state is that of this tick, or of the end; `row` is a look at it."""
    look(state, events, state.t0 + end * state.tick, events.rows)
    whole = end - state.at
    if events.timed == 0 and not is_suspicious(events, events.row, events.rows, whole * state.tick, 0):
        copy(events.width, events.rows, events.row)
        return NONE
    found = go_through(state, events, end, step, t, max(whole >> LOCATED, 1))
    if state.diverged != 0:
        return NONE
    stop = end if found == NONE else found
    step_again(state, stop, step, t)
    look(state, events, state.t0 + stop * state.tick, events.row)
    return found
