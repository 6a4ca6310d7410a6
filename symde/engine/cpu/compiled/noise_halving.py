"""The loop over steps of paths that follow the error by halving, where noise does not commute.

Each stretch between times to save is halved, and its halves are, as often as the error asks: steps are the
intervals of a tree that no path changes. The end of a step that was rejected stays the end of a later one, and
none is passed over. So all that was ever asked of the Brownian motion becomes a part of the path, and what
is not known of it, the Levy areas within the steps, has mean zero in each step as in steps of one size. Steps
that may end anywhere pass ends over, those at which areas turned out badly more often than others, and come to
the limit of another equation.

Source: J. G. Gaines, T. J. Lyons, Variable step size control in the numerical solution of stochastic
differential equations, SIAM J. Appl. Math. 57 (1997), 1455-1484; J. Foster, A. Jelincic, On the convergence
of adaptive approximations for stochastic differential equations (2024), arXiv:2311.14201, for the conditions:
dyadic steps of which none is skipped, and methods whose Levy areas are not biased.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_adaptive import (
    GROW,
    SAFETY,
    SHRINK,
    accept,
    error_of,
    move_on,
    next_stop,
    start,
)
from symde.engine.cpu.compiled.noise_loop import finish
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.layout import Status


@compiled
def next_interval(state):
    """The end of the next step: of the intervals that begin here the largest that is not above what is wanted.
    The ends of those that it lies in are kept, the innermost last."""
    ends = integers(state.interval_ends)
    if state.intervals == 0:
        ends[0] = next_stop(state)
        state.intervals = 1
    while ends[state.intervals - 1] - state.at > max(state.wanted, 1):
        ends[state.intervals] = state.at + ((ends[state.intervals - 1] - state.at) >> 1)
        state.intervals += 1
    return ends[state.intervals - 1]


@compiled
def judge(state, end):
    """Whether a step counts; what is wanted next, of the local order 1 that areas leave."""
    error = error_of(state) if state.diverged == 0 else 1e30
    state.diverged = 0
    size = end - state.at
    factor = GROW if error < 0.1 * SAFETY else min(max(SAFETY / error, SHRINK), GROW)
    state.wanted = max(int(size * factor), 1)
    if error <= 1.0:
        return Status.DONE
    if size == 1:
        return Status.STEP_TOO_SMALL if error < 1e30 else Status.NON_FINITE
    state.wanted = min(state.wanted, size - 1)
    return Status.BUDGET


@compiled
def advance_by_halving(state, step):
    """Go on with the paths until all are done, or the allowance of steps is used up."""
    old, u = doubles(state.old), doubles(state.u)
    while state.path < state.paths:
        if state.begun == 0:
            start(state)
            state.intervals = 0
        while state.begun != 0:
            t = state.t0 + state.at * state.tick
            if state.at == state.last_tick:
                finish(state, Status.DONE, t)
                break
            if state.step >= state.steps:
                finish(state, Status.MAX_STEPS, t)
                break
            if state.budget <= 0:
                return Status.BUDGET
            state.budget -= 1
            end = next_interval(state)
            for i in range(state.n):
                old[i] = u[i]
            move_on(state, end)
            step(state, t)
            verdict = judge(state, end)
            if verdict == Status.DONE:
                state.intervals -= 1
                accept(state, end)
                continue
            for i in range(state.n):
                u[i] = old[i]
            state.rejected += 1
            if verdict != Status.BUDGET:
                finish(state, verdict, t)
    return Status.DONE
