"""The loop over steps of paths whose size follows the error, on a Brownian motion that is known at any time.

A step that is rejected is tried again with the same Brownian motion, so that nothing is learnt from its
rejection. Steps end at the times to save.

Source of the estimate and of its weights: C. Rackauckas, Q. Nie, Adaptive methods for stochastic differential
equations via natural embeddings and rejection sampling with memory, Discrete Contin. Dyn. Syst. B 22 (2017),
2731-2761, section 3.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.brownian_tree import ask, plant
from symde.engine.cpu.compiled.noise_halving import next_interval
from symde.engine.cpu.compiled.noise_loop import begin, finish, is_finite, within
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.layout import Status
from symde.engine.cpu.noise_layout import Sizes

SAFETY, SHRINK, GROW = 0.8, 0.2, 2.0
EXPONENT = 2.0 / 3.0  # the error of a step goes with h^(3/2)
AREA_EXPONENT = 1.0  # that of general noise with h

STEP_DUE = -1
"""Beside the values of `Status`."""


GRAIN = 32
"""Sizes have at least as many parts: ends of steps are early in the tree then, and found faster."""


@compiled
def rounded(begin, end):
    """An end of a step that is a multiple of the largest power of 2 of which the size has `GRAIN`."""
    grain = 1
    while 2 * GRAIN * grain <= end - begin:
        grain *= 2
    return end - end % grain


@compiled
def move_on(state, end):
    """The increments of the Brownian motions over a step, and of their integrals."""
    ask(state, end, state.w_end, state.a_end)
    w, a = doubles(state.w_start), doubles(state.a_start)
    w_end, a_end = doubles(state.w_end), doubles(state.a_end)
    dw, area = doubles(state.increments), doubles(state.areas)
    state.h = (end - state.at) * state.tick
    for motion in range(state.motions):
        dw[motion] = w_end[motion] - w[motion]
        area[motion] = a_end[motion] - a[motion] - state.h * w[motion]


@compiled
def error_of(state):
    """The largest error of a state over its tolerance; infinity where something is no number."""
    u, old, error = doubles(state.u), doubles(state.old), doubles(state.errors)
    atol, worst = doubles(state.atol), 0.0
    for i in range(state.own):
        if error[i] == 0.0:  # it meets a tolerance of zero
            continue
        ratio = error[i] / (atol[i] + state.rtol * max(abs(u[i]), abs(old[i])))
        if not ratio <= 1e30:
            return 1e30
        worst = max(worst, ratio)
    return worst if is_finite(state) else 1e30


@compiled
def want(state, size, ideal, counts):
    """The size that the next step shall have, where one of this size has been tried, and an ideal one would
    meet the tolerance. One cut short by a time to save makes the next no shorter."""
    wanted = min(ideal, max(GROW * size, float(state.wanted))) if counts else max(ideal, SHRINK * size)
    state.wanted = max(int(wanted), 1)


@compiled
def accept(state, end):
    """Take a step over, and save where it ends if that is wanted."""
    if state.ends_of_steps != 0:
        integers(state.ends_of_steps)[state.step] = end
    w, a = doubles(state.w_start), doubles(state.a_start)
    w_end, a_end = doubles(state.w_end), doubles(state.a_end)
    for motion in range(state.motions):
        w[motion], a[motion] = w_end[motion], a_end[motion]
    state.at = end
    state.step += 1
    save_here(state)


@compiled
def next_stop(state):
    """The next time to save, or the end of the path."""
    if state.next_save < state.n_saveat:
        return integers(state.save_ticks)[state.next_save]
    return state.last_tick


@compiled
def save_here(state):
    """The times to save that have come."""
    ticks = integers(state.save_ticks)
    while state.next_save < state.n_saveat and ticks[state.next_save] <= state.at:
        within(state, state.u, state.out + 8 * state.n * (state.path * state.n_saveat + state.next_save))
        state.next_save += 1


@compiled
def start(state):
    """Ready for the next path."""
    begin(state)
    plant(state)
    state.at, state.wanted = state.first_tick, state.first_ticks
    state.intervals, state.pace = 0, -1.0
    ask(state, state.at, state.w_start, state.a_start)
    save_here(state)


@compiled
def to_next_step(state):
    """Go to the next step: STEP_DUE where there is one, BUDGET where the allowance of steps is used up, and
    DONE where all paths are at their ends."""
    old, u = doubles(state.old), doubles(state.u)
    while state.path < state.paths:
        if state.begun == 0:
            start(state)
        t = state.t0 + state.at * state.tick
        if state.at == state.last_tick:
            finish(state, Status.DONE, t)
        elif state.step >= state.steps:
            finish(state, Status.MAX_STEPS, t)
        elif state.budget <= 0:
            return Status.BUDGET
        else:
            state.budget -= 1
            for i in range(state.n):
                old[i] = u[i]
            return STEP_DUE
    return Status.DONE


@compiled
def end_to_try(state, stop):
    """Where the next step ends, if it meets its tolerance."""
    if state.adaptive == Sizes.HALVED:
        return next_interval(state, stop)
    return min(rounded(state.at, state.at + state.wanted), stop)


@compiled
def judge(state, end):
    """Whether a step counts: DONE, or else BUDGET where it is undone and another one is to be tried, or how
    the path ends; and the size that is wanted next."""
    old, u, size = doubles(state.old), doubles(state.u), end - state.at
    error = error_of(state) if state.diverged == 0 else 1e30
    state.diverged = 0
    exponent = AREA_EXPONENT if state.adaptive == Sizes.HALVED else EXPONENT
    want(state, size, size * SAFETY * max(error, 1e-9) ** (-exponent), error <= 1.0)
    if error <= 1.0:
        return Status.DONE
    for i in range(state.n):
        u[i] = old[i]
    state.rejected += 1
    if size > 1:
        return Status.BUDGET
    return Status.STEP_TOO_SMALL if error < 1e30 else Status.NON_FINITE


@compiled
def advance_adaptively(state, step):
    """Go on with the paths until all are done, or the allowance of steps is used up."""
    while True:
        status = to_next_step(state)
        if status != STEP_DUE:
            return status
        t = state.t0 + state.at * state.tick
        end = end_to_try(state, next_stop(state))
        move_on(state, end)
        step(state, t)
        status = judge(state, end)
        if status == Status.DONE:
            accept(state, end)
        elif status != Status.BUDGET:
            finish(state, status, t)
