"""The way back over the steps of paths: weights of what was saved become derivatives by the initial state and
the parameters, exact for the steps as they were computed.

A path is followed once more with the same random numbers, and its states are kept: all of them, or those at
the starts of stretches whose steps are done a third time when they are gone back over. A method gives
`step_back(back, state, t)`, which takes the weight of the state after a step to that of the state before, and
adds what the parameters have of it.

Source: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed. (2008), sections 3.2 and 12.1.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.brownian_tree import ask, plant
from symde.engine.cpu.compiled.noise_adaptive import move_on
from symde.engine.cpu.compiled.noise_loop import begin, draw, noise_at, within
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, structure_at
from symde.engine.cpu.layout import Status
from symde.engine.cpu.noise_layout import NoiseBack

back_at = structure_at(NoiseBack)

STARTS, STRETCH, BACK = 0, 1, 2
"""Phases: the path up to its last stretch, the states of a stretch, and back over it."""


@compiled
def put(source, target, count):
    """Copy a vector."""
    from_, to = doubles(source), doubles(target)
    for i in range(count):
        to[i] = from_[i]


@compiled
def beyond(state, u, i):
    """Whether a state is outside of its domain."""
    if state.bounded == 0:
        return False
    return u[i] < doubles(state.low)[i] or u[i] > doubles(state.high)[i]


@compiled
def spread(back, state, kernel, t, at, target):
    """Add the weighted derivatives of what was read at a state to those by that state and the parameters. A
    state that is beyond its domain has none, also where the coefficient's is infinite."""
    u, by_states, total = doubles(at), doubles(back.by_states), doubles(target)
    within(state, at, state.inside)
    integers(back.inputs)[1] = integers(state.inputs)[1]
    call_kernel(kernel, t, back.inputs, back.outputs)
    for i in range(state.n):
        if not beyond(state, u, i):
            total[i] += by_states[i]
    by_p = doubles(back.by_p + 8 * state.path * back.by_p_stride)
    by_parameters = doubles(back.by_parameters)
    for j in range(back.parameters):
        by_p[j] += by_parameters[j]


@compiled
def ready(state, step):
    """Ready for a step that was taken before: its number and size, and its noise."""
    state.step = step
    if state.adaptive == 0:
        draw(state)
        return state.t0 + step * state.h
    ends = integers(state.ends_of_steps)
    state.at = ends[step - 1] if step > 0 else 0
    ask(state, state.at, state.w_start, state.a_start)
    move_on(state, ends[step])
    return state.t0 + state.at * state.tick


@compiled
def saved_share(state, index, start, end):
    """How far between the start and the end of a step a time was saved, in 0..1; above 0."""
    if state.adaptive != 0 or not end > start:
        return 1.0
    return min((doubles(state.saveat)[index] - start) / (end - start), 1.0)


@compiled
def within_step(state, index, step, start):
    """Whether a time was saved in a step, and not before; step -1 is the start."""
    if index < 0 or step < 0:
        return index >= 0
    if state.adaptive == 0:
        return doubles(state.saveat)[index] > start
    ends = integers(state.ends_of_steps)
    return integers(state.save_ticks)[index] > (ends[step - 1] if step > 0 else 0)


@compiled
def weigh_saved(back, state, theta, old, new, weight, early):
    """Add the weight of the time `next_save`, a part theta of the way through a step, to those of its end and
    of its start."""
    n = state.n
    u, v, middle = doubles(old), doubles(new), doubles(state.inside)
    given = doubles(back.weights + 8 * n * (state.path * state.n_saveat + state.next_save))
    for i in range(n):
        middle[i] = v[i] if theta >= 1.0 else u[i] + theta * (v[i] - u[i])
    for i in range(n):
        if not beyond(state, middle, i):
            weight[i] += given[i] if theta >= 1.0 else theta * given[i]
            early[i] += 0.0 if theta >= 1.0 else (1.0 - theta) * given[i]


@compiled
def weigh(back, state, step, start, old, new):
    """Add the weights of the times saved in a step to that of its end; what falls to its start directly goes
    into `early`."""
    weight, early = doubles(back.weight), doubles(back.early)
    end = state.t0 + (step + 1) * state.h
    if step == back.steps - 1 and state.n_saveat > 0:
        end = max(end, doubles(state.saveat)[state.n_saveat - 1])
    for i in range(state.n):
        early[i] = 0.0
    while within_step(state, state.next_save - 1, step, start):
        state.next_save -= 1
        theta = saved_share(state, state.next_save, start, end) if step >= 0 else 1.0
        weigh_saved(back, state, theta, old, new, weight, early)


@compiled
def set_out(back, state):
    """Ready for the next path."""
    begin(state)
    if state.adaptive != 0:
        plant(state)
    state.next_save = state.n_saveat
    weight = doubles(back.weight)
    for i in range(state.n):
        weight[i] = 0.0
    back.steps = state.steps
    back.first = 0
    back.phase = STARTS


@compiled
def arrive(back, state):
    """Add the weight of the initial state to the result."""
    weigh(back, state, -1, state.t0, back.kept, back.kept)
    weight, by_u0 = doubles(back.weight), doubles(back.by_u0 + 8 * state.path * back.by_u0_stride)
    for i in range(state.n):
        by_u0[i] += weight[i]
    state.path += 1
    state.begun = 0


@compiled
def again(state, step, number):
    """Do a step again."""
    t = ready(state, number)
    put(state.u, state.old, state.n)
    step(state, t)
    state.step = number + 1


@compiled
def one_back(back, state, step, step_back):
    """Back over a step, whose start and end are kept, so that it is not done again."""
    size = 8 * state.n
    number = state.step - 1
    old = back.kept + size * (number - back.first)
    t = ready(state, number)
    weigh(back, state, number, t, old, old + size)
    put(old, state.u, state.n)
    put(old, state.old, state.n)
    back.after = old + size
    step_back(back, state, t)
    weight, early = doubles(back.weight), doubles(back.early)
    for i in range(state.n):
        weight[i] += early[i]


@compiled
def go_back(back, step, step_back):
    """Go on with paths of steps of one size, or such that follow the error."""
    return go_over(back, step, step_back, set_out, again, one_back)


@compiled
def go_over(back, step, step_back, set_out, again, one_back):
    """Go on with the paths until all are done, or the allowance of steps is used up. How a path begins, and
    how one of its steps is done again and gone back over, are functions."""
    state = noise_at(back.forward)
    size = 8 * state.n
    while state.path < state.paths:
        if state.begun == 0:
            set_out(back, state)
        while state.begun != 0:
            if state.budget <= 0:
                return Status.BUDGET
            state.budget -= 1
            if back.phase == STARTS:
                stretch = state.step // back.stretch
                if state.step % back.stretch == 0:
                    put(state.u, back.starts + size * stretch, state.n)
                if state.step >= (back.steps - 1) // back.stretch * back.stretch:
                    back.first = state.step
                    back.phase = STRETCH
                    continue
                again(state, step, state.step)
            elif back.phase == STRETCH:
                put(state.u, back.kept + size * (state.step - back.first), state.n)
                if state.step == min(back.first + back.stretch, back.steps):
                    back.phase = BACK
                    continue
                again(state, step, state.step)
            elif state.step > back.first:
                one_back(back, state, step, step_back)
            elif back.first == 0:
                arrive(back, state)
            else:
                back.first -= back.stretch
                state.step = back.first
                put(back.starts + size * (back.first // back.stretch), state.u, state.n)
                back.phase = STRETCH
    return Status.DONE
