"""The way back over the steps of paths that jump at constant rates.

Steps end at jumps, whose times are constants of the differentiation. A path is noted as it is followed:
where each step ended, and which jump came there. Going back, the state before a jump is that of its step done
again.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.jump_effects import effects_at, set_states
from symde.engine.cpu.compiled.noise_back import go_over, put, set_out, weigh_saved
from symde.engine.cpu.compiled.noise_jump_derivatives import derivatives_at, weigh_jump
from symde.engine.cpu.compiled.noise_jumps import before, noise_jumps_at
from symde.engine.cpu.compiled.noise_loop import draw
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers


@compiled
def set_out_to_jump(back, state):
    """Ready for the next path."""
    set_out(back, state)
    jumps = noise_jumps_at(state.jumps)
    effects = effects_at(jumps.effects)
    effects.path = state.first_path + state.path
    integers(effects.inputs)[1] = integers(state.inputs)[1]
    starts = integers(derivatives_at(jumps.derivatives).starts)
    back.steps = starts[state.path + 1] - starts[state.path]


@compiled
def ends_of(state, kept):
    """Where each step of the path ended."""
    return doubles(kept.ends + 8 * integers(kept.starts)[state.path])


@compiled
def codes_of(state, kept):
    """The jump of each step of the path: count*channels + channel, or -1."""
    return integers(kept.jumps + 8 * integers(kept.starts)[state.path])


@compiled
def start_of(state, kept, step):
    """Where a step began."""
    return ends_of(state, kept)[step - 1] if step > 0 else state.t0


@compiled
def ready(state, kept, step):
    """Ready for a step that was taken before: its number and size, and its noise."""
    t = start_of(state, kept, step)
    state.step, state.h = step, ends_of(state, kept)[step] - t
    draw(state)
    return t


@compiled
def again(state, step, number):
    """Do a step again, and its jump."""
    jumps = noise_jumps_at(state.jumps)
    kept = derivatives_at(jumps.derivatives)
    t = ready(state, kept, number)
    put(state.u, state.old, state.n)
    if state.h > 0.0:
        step(state, t)
    code = codes_of(state, kept)[number]
    if code >= 0:
        channel, count = code % jumps.channels, code // jumps.channels
        set_states(effects_at(jumps.effects), channel, count, ends_of(state, kept)[number], state.u)
    state.step = number + 1


@compiled
def weigh(back, state, kept, step, old, new):
    """Add the weights of the times saved in a step, before its jump, to those of its ends. At the time of a
    jump what comes after it was saved, in the step that begins there."""
    times, weight, early = doubles(state.saveat), doubles(back.weight), doubles(back.early)
    start, end, codes = start_of(state, kept, step), ends_of(state, kept)[step], codes_of(state, kept)
    jumped = step > 0 and codes[step - 1] >= 0
    if codes[step] >= 0:
        end = before(end)
    elif step == back.steps - 1 and state.n_saveat > 0:
        end = max(end, times[state.n_saveat - 1])
    for i in range(state.n):
        early[i] = 0.0
    while state.next_save > 0:
        time = times[state.next_save - 1]
        if not (time > start or (jumped and time == start)):
            break
        state.next_save -= 1
        theta = min((time - start) / (end - start), 1.0) if end > start else 1.0
        weigh_saved(back, state, theta, old, new, weight, early)


@compiled
def one_back(back, state, step, step_back):
    """Back over a step, whose start is kept, and over its jump."""
    jumps, size = noise_jumps_at(state.jumps), 8 * state.n
    kept = derivatives_at(jumps.derivatives)
    number = state.step - 1
    old = back.kept + size * (number - back.first)
    end, code = old + size, codes_of(state, kept)[number]
    t = ready(state, kept, number)
    put(old, state.u, state.n)
    put(old, state.old, state.n)
    if code >= 0:
        if state.h > 0.0:
            step(state, t)
        put(state.u, kept.before, state.n)
        put(old, state.u, state.n)
        end = kept.before
        moment = ends_of(state, kept)[number]
        weigh_jump(back, state, jumps, code % jumps.channels, code // jumps.channels, moment)
    weigh(back, state, kept, number, old, end)
    back.after = end
    if state.h > 0.0:
        step_back(back, state, t)
    weight, early = doubles(back.weight), doubles(back.early)
    for i in range(state.n):
        weight[i] += early[i]


@compiled
def go_back_over_jumps(back, step, step_back):
    """Go on with paths that jump until all are done, or the allowance of steps is used up."""
    return go_over(back, step, step_back, set_out_to_jump, again, one_back)
