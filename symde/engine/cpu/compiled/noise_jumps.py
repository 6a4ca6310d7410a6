"""Paths with noise that jump.

With constant rates the times of jumps are known beforehand, and steps end at them (jump-adapted steps): the
path between is one of the method alone, and keeps its order. With rates that states or the time change, and
where steps follow the error, the last state is the hazard, without noise, which falls at the sum of the
rates: a step in which it comes to zero is undone and taken again up to there, on the same Brownian motion,
which the virtual Brownian tree knows at any time.

Source: E. Platen, N. Bruti-Liberati, Numerical Solution of Stochastic Differential Equations with Jumps in
Finance (2010), chapter 8, for jump-adapted steps; P. Glasserman, N. Merener, Convergence of a discretization
scheme for jump-diffusion processes with state-dependent intensities, Proc. R. Soc. A 460 (2004), 111-127.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.brownian_tree import plant
from symde.engine.cpu.compiled.jump_effects import effects_at, set_states, time_of
from symde.engine.cpu.compiled.noise_adaptive import (
    accept,
    end_to_try,
    judge,
    move_on,
    save_here,
)
from symde.engine.cpu.compiled.noise_jump_derivatives import find_changes, note_step, put_changes
from symde.engine.cpu.compiled.noise_loop import (
    begin,
    both_to,
    draw,
    finish,
    is_finite,
    save_until,
    within,
)
from symde.engine.cpu.compiled.noise_previsible import choose
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, structure_at
from symde.engine.cpu.jump_layout import JumpStatus
from symde.engine.cpu.layout import Status
from symde.engine.cpu.noise_jumps import NoiseJumps
from symde.engine.cpu.noise_layout import LEVELS, Sizes

noise_jumps_at = structure_at(NoiseJumps)

LOCATED = 1e-4
"""Part of the fall of the hazard in a step that may be left where it is taken for zero: the path that the
step stands for changes more between its ends."""

TRIES = 12


@compiled
def find_rates(state, jumps, t, u):
    """The rates at a state inside of its domains, and their sum; NaN where one is no rate."""
    effects, rates, total = effects_at(jumps.effects), doubles(jumps.values), 0.0
    within(state, u, state.inside)
    integers(effects.inputs)[0] = state.inside
    code = call_kernel(jumps.rates, t, effects.inputs, jumps.outputs)
    for j in range(jumps.channels):
        if code != 0 or not (rates[j] >= 0.0 and rates[j] < math.inf):
            jumps.failed, jumps.why = j, JumpStatus.PROPENSITY
            return math.nan
        total += rates[j]
    return total


@compiled
def begin_jumps(state, jumps):
    """The first jump of a path; whether its rates are such."""
    effects = effects_at(jumps.effects)
    effects.path = state.first_path + state.path
    integers(effects.inputs)[1] = integers(state.inputs)[1]
    jumps.t, jumps.grid, jumps.count, jumps.why = state.t0, 0, 0, JumpStatus.DONE
    return next_jump(state, jumps)


@compiled
def next_jump(state, jumps):
    """The time or the hazard of the next jump; whether the rates are such."""
    effects = effects_at(jumps.effects)
    total = find_rates(state, jumps, jumps.t, state.u)
    hazard, jumps.choice = time_of(effects.seed, effects.path, jumps.count)
    doubles(state.u)[state.own - 1] = hazard
    jumps.t_next = jumps.t + hazard / total if total > 0.0 else math.inf
    return total == total


@compiled
def jump(state, jumps):
    """Choose a channel and let it jump, then find when the next one comes; whether that can be."""
    total = find_rates(state, jumps, jumps.t, state.u)
    rates, target, chosen = doubles(jumps.values), jumps.choice * total, -1
    for j in range(jumps.channels):
        if rates[j] > 0.0:
            chosen = j
            target -= rates[j]
            if target < 0.0:
                break
    row = doubles(jumps.log_states + 16 * state.n * jumps.log_count)
    u = doubles(state.u)
    if jumps.keep_log != 0:
        for i in range(state.n):
            row[i] = u[i]
    jumps.chosen = chosen
    if chosen >= 0:
        if state.directions != 0:
            find_changes(state, jumps, chosen)
        status = set_states(effects_at(jumps.effects), chosen, jumps.count, jumps.t, state.u)
        if status != JumpStatus.DONE:
            jumps.failed, jumps.why = chosen, status
            return False
        if state.directions != 0:
            put_changes(state, jumps, chosen)
        if jumps.keep_log != 0:
            for i in range(state.n):
                row[state.n + i] = u[i]
            doubles(jumps.log_t)[jumps.log_count] = jumps.t
            integers(jumps.log_channels)[jumps.log_count] = chosen
            jumps.log_count += 1
    jumps.count += 1
    return total == total and next_jump(state, jumps)


@compiled
def no_room(jumps):
    """Whether the log has no room for another jump."""
    return jumps.keep_log != 0 and jumps.log_count == jumps.log_capacity


@compiled
def before(t):
    """The last number before t."""
    return t - abs(t) * 1.2e-16 if t != 0.0 else -5e-324


@compiled
def advance_to_jumps(state, jumps, step):
    """Steps of a grid that end at jumps as well, whose times are known."""
    old, u = doubles(state.old), doubles(state.u)
    while state.path < state.paths:
        if state.begun == 0:
            begin(state)
            if not begin_jumps(state, jumps):
                finish(state, Status.BAD_RATE, state.t0)
                continue
            save_until(state, state.t0, state.t0)
        while state.begun != 0:
            if jumps.grid >= state.steps:
                finish(state, Status.DONE, jumps.t)
                break
            if state.step >= jumps.limit:
                finish(state, Status.MAX_STEPS, jumps.t)
                break
            if state.budget <= 0:
                return Status.BUDGET
            if no_room(jumps):
                return Status.LOG_FULL
            state.budget -= 1
            t, end = jumps.t, state.t0 + (jumps.grid + 1) * jumps.h
            jumping = jumps.t_next < end
            if jumping:
                end = jumps.t_next
            state.h = end - t
            draw(state)
            for i in range(state.n):
                old[i] = u[i]
            if state.h > 0.0:
                step(state, t)
            if state.diverged != 0:
                finish(state, Status.DIVERGED, t)
                break
            if not is_finite(state):
                finish(state, Status.NON_FINITE, t)
                break
            state.step += 1
            jumps.t = end
            if jumping:
                save_until(state, t, before(end))
                if not jump(state, jumps):
                    finish(state, Status.BAD_RATE, end)
                    break
                note_step(
                    state, jumps, state.step - 1, end, (jumps.count - 1) * jumps.channels + jumps.chosen
                )
            else:
                note_step(state, jumps, state.step - 1, end, -1)
                jumps.grid += 1
                last = jumps.grid == state.steps and state.next_save < state.n_saveat
                save_until(state, t, max(end, doubles(state.saveat)[state.n_saveat - 1]) if last else end)
    return Status.DONE


@compiled
def restore(state):
    """The state before the step."""
    old, u = doubles(state.old), doubles(state.u)
    for i in range(state.n):
        u[i] = old[i]


@compiled
def step_again(state, end, step, t):
    """The step in place of the last one, up to another time."""
    restore(state)
    move_on(state, end)
    step(state, t)


@compiled
def step_to_zero(state, end, step, t):
    """End the last step where the hazard is zero: by the secant through values at both ends of a bracket,
    and halving it where that is slow; the tick."""
    u, hazard = doubles(state.u), state.own - 1
    low, high = state.at, end
    above, below = doubles(state.old)[hazard], u[hazard]
    enough = LOCATED * (above - below)
    for attempt in range(TRIES):
        if below >= -enough or high - low <= 1:
            break
        part = above / (above - below) if attempt % 4 != 3 else 0.5
        middle = min(max(low + int(part * (high - low)), low + 1), high - 1)
        step_again(state, middle, step, t)
        value = u[hazard]
        if state.diverged != 0 or abs(value) <= enough:
            return middle
        if value > 0.0:
            low, above = middle, value
        else:
            high, below = middle, value
    step_again(state, high, step, t)
    return high


@compiled
def tick_of(state, k):
    """Where step k of a grid begins."""
    last = 1 << LEVELS
    return last if k >= state.steps else int(k * (float(last) / state.steps))


@compiled
def stop_of(state, jumps):
    """The tick that the next step may not pass: the next point of the grid, or time to save."""
    if state.adaptive != 0:
        if state.next_save < state.n_saveat:
            return integers(state.save_ticks)[state.next_save]
        return 1 << LEVELS
    while tick_of(state, jumps.grid + 1) <= state.at:
        jumps.grid += 1
    return tick_of(state, jumps.grid + 1)


@compiled
def try_step(state, end, step, t):
    """A step, whose size is judged where steps follow the error: DONE where it counts, BUDGET where another
    one is tried in its place, or how the path ends."""
    move_on(state, end)
    step(state, t)
    if state.adaptive == Sizes.EQUAL or state.adaptive == Sizes.PREVISIBLE:
        if state.diverged != 0:
            return Status.DIVERGED
        return Status.DONE if is_finite(state) else Status.NON_FINITE
    return judge(state, end)


@compiled
def save_step(state, jumps, t, end, jumping):
    """The times to save of a step of a grid."""
    limit = jumps.t
    if jumping:
        limit = before(limit)
    elif end == 1 << LEVELS and state.n_saveat > 0:
        limit = max(limit, doubles(state.saveat)[state.n_saveat - 1])
    save_until(state, t, limit)


@compiled
def take_over(state, end):
    """A step ends here; of steps that follow the error the times to save are."""
    if state.adaptive != 0:
        accept(state, end)
        return
    w, a = doubles(state.w_start), doubles(state.a_start)
    w_end, a_end = doubles(state.w_end), doubles(state.a_end)
    for motion in range(state.motions):
        w[motion], a[motion] = w_end[motion], a_end[motion]
    state.at = end
    state.step += 1


@compiled
def end_of_step(state, stop, t):
    """The tick at which the next step, which may not pass a stop, ends where nothing comes before; -1 where
    there is no such step."""
    if state.adaptive == Sizes.EQUAL:
        return stop
    if state.adaptive != Sizes.PREVISIBLE:
        return end_to_try(state, stop)
    both_to(state, t, state.u, state.drift_values, state.diffusion_values)
    return choose(state, t, stop)


@compiled
def step_on_tree(state, jumps, step):
    """One step, up to the next jump at most; DONE where the path goes on, or how it ends."""
    t, hazard = state.t0 + state.at * state.tick, state.own - 1
    old, u = doubles(state.old), doubles(state.u)
    for i in range(state.n):
        old[i] = u[i]
    end = end_of_step(state, stop_of(state, jumps), t)
    if end < 0:
        return Status.NON_FINITE
    status = try_step(state, end, step, t)
    if status != Status.DONE:
        return Status.DONE if status == Status.BUDGET else status
    jumping = u[hazard] <= 0.0
    if jumping:
        end = step_to_zero(state, end, step, t)
        if state.diverged != 0:
            return Status.DIVERGED
    jumps.t = state.t0 + end * state.tick
    if state.adaptive == 0:
        save_step(state, jumps, t, end, jumping)
    if jumping:
        if not jump(state, jumps):
            return Status.BAD_RATE
    elif not find_rates(state, jumps, jumps.t, state.u) >= 0.0:
        return Status.BAD_RATE
    take_over(state, end)
    if jumping and end == 1 << LEVELS and state.adaptive == 0:
        save_until(state, jumps.t, max(jumps.t, doubles(state.saveat)[max(state.n_saveat - 1, 0)]))
    return Status.DONE


@compiled
def start_on_tree(state):
    """Ready for the next path."""
    begin(state)
    plant(state)
    state.at, state.wanted = 0, state.first_ticks
    state.intervals, state.pace = 0, -1.0
    for motion in range(state.motions):
        doubles(state.w_start)[motion] = doubles(state.a_start)[motion] = 0.0


@compiled
def advance_on_tree(state, jumps, step):
    """Steps of a grid, or such that follow the error, on a Brownian motion that is known at any time."""
    while state.path < state.paths:
        if state.begun == 0:
            start_on_tree(state)
            if not begin_jumps(state, jumps):
                finish(state, Status.BAD_RATE, state.t0)
                continue
            if state.adaptive != 0:
                save_here(state)
            else:
                save_until(state, state.t0, state.t0)
        while state.begun != 0:
            if state.at == 1 << LEVELS:
                finish(state, Status.DONE, jumps.t)
            elif state.step >= jumps.limit:
                finish(state, Status.MAX_STEPS, jumps.t)
            elif state.budget <= 0:
                return Status.BUDGET
            elif no_room(jumps):
                return Status.LOG_FULL
            else:
                state.budget -= 1
                status = step_on_tree(state, jumps, step)
                if status != Status.DONE:
                    finish(state, status, state.t0 + state.at * state.tick)
    return Status.DONE


@compiled
def follow_jumps(state, step):
    """Go on with paths that jump."""
    jumps = noise_jumps_at(state.jumps)
    if jumps.constant != 0 and state.adaptive == 0:
        return advance_to_jumps(state, jumps, step)
    return advance_on_tree(state, jumps, step)
