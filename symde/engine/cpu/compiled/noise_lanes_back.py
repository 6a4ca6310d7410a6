"""The way back over the steps of paths side by side, by a kernel that turns a whole step round.

Phases and memory are those of `noise_back`: paths are followed up to their last stretch, the states of a
stretch are kept, and it is gone back over. The derivatives of each path are added up by themselves and then
to the result, path by path, so that neither lanes nor threads change a sum.

Source: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed. (2008), sections 3.2 and 12.1.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_lane_numbers import lanes_at
from symde.engine.cpu.compiled.noise_lanes import FIRST, SECOND, begin, make_ready, step
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, structure_at
from symde.engine.cpu.layout import Status
from symde.engine.cpu.noise_lanes_layout import WIDTH, NoiseLanesBack

back_at = structure_at(NoiseLanesBack)

STARTS, STRETCH, BACK = 0, 1, 2
"""Phases: the paths up to their last stretch, the states of a stretch, and back over it."""


@compiled
def put(source, target, count):
    """Copy a vector of the lanes."""
    from_, to = doubles(source), doubles(target)
    for i in range(WIDTH * count):
        to[i] = from_[i]


@compiled
def clear(vector, count):
    """Zeros in all lanes."""
    to = doubles(vector)
    for i in range(WIDTH * count):
        to[i] = 0.0


@compiled
def saved_in(lanes, number):
    """Whether the last time that is left was saved in a step, and not before; step -1 is the start."""
    if lanes.next_save == 0 or number < 0:
        return lanes.next_save > 0
    return doubles(lanes.saveat)[lanes.next_save - 1] > lanes.t0 + number * lanes.h


@compiled
def weigh_one(back, lanes, theta, old, new):
    """Add the weights of a time that was saved at a part of a step: to that of its end, and `early` what
    falls to its start. What was saved at the end of a domain did not follow the path."""
    n, u, v = lanes.n, doubles(old), doubles(new)
    low, high = doubles(lanes.low), doubles(lanes.high)
    weight, early = doubles(back.weight), doubles(back.early)
    for lane in range(lanes.active):
        given = doubles(back.weights + 8 * n * ((lanes.path + lane) * lanes.n_saveat + lanes.next_save))
        for i in range(n):
            k = WIDTH * i + lane
            middle = v[k] if theta >= 1.0 else u[k] + theta * (v[k] - u[k])
            if lanes.bounded != 0 and (middle < low[i] or middle > high[i]):
                continue
            weight[k] += given[i] if theta >= 1.0 else theta * given[i]
            early[k] += 0.0 if theta >= 1.0 else (1.0 - theta) * given[i]


@compiled
def weigh(back, lanes, number, old, new):
    """The weights of the times saved in a step."""
    start, end = lanes.t0 + number * lanes.h, lanes.t0 + (number + 1) * lanes.h
    if number == lanes.steps - 1 and lanes.n_saveat > 0:
        end = max(end, doubles(lanes.saveat)[lanes.n_saveat - 1])
    clear(back.early, lanes.n)
    while saved_in(lanes, number):
        lanes.next_save -= 1
        theta = 1.0
        if number >= 0 and end > start:
            theta = min((doubles(lanes.saveat)[lanes.next_save] - start) / (end - start), 1.0)
        weigh_one(back, lanes, theta, old, new)


@compiled
def set_out(back, lanes):
    """Ready for the next paths."""
    begin(lanes)
    lanes.next_save = lanes.n_saveat
    clear(back.weight, lanes.n)
    clear(back.sums, lanes.parameters)
    back.first = 0
    back.phase = STARTS


@compiled
def arrive(back, lanes):
    """Add the derivatives of the paths to the result."""
    weigh(back, lanes, -1, back.kept, back.kept)
    weight, sums = doubles(back.weight), doubles(back.sums)
    for lane in range(lanes.active):
        path = lanes.path + lane
        by_u0, by_p = (
            doubles(back.by_u0 + 8 * path * back.by_u0_stride),
            doubles(back.by_p + 8 * path * back.by_p_stride),
        )
        for i in range(lanes.n):
            by_u0[i] += weight[WIDTH * i + lane]
        for j in range(lanes.parameters):
            by_p[j] += sums[WIDTH * j + lane]
    lanes.path += lanes.active
    lanes.begun = 0


@compiled
def again(lanes):
    """Do a step again; the kernel's code."""
    code = step(lanes, lanes.t0 + lanes.step * lanes.h)
    lanes.step += 1
    return code


@compiled
def one_back(back, lanes):
    """Back over a step, whose start and end are kept; the kernel's code."""
    size = 8 * WIDTH * lanes.n
    lanes.step -= 1
    old, t = back.kept + size * (lanes.step - back.first), lanes.t0 + lanes.step * lanes.h
    weigh(back, lanes, lanes.step, old, old + size)
    make_ready(lanes, t)
    inputs, known = integers(back.inputs), integers(lanes.inputs)
    inputs[0], inputs[FIRST], inputs[SECOND] = old, known[FIRST], known[SECOND]
    code = call_kernel(back.kernel, t, back.inputs, back.outputs)
    weight, early, by_states = doubles(back.weight), doubles(back.early), doubles(back.by_states)
    for k in range(WIDTH * lanes.n):
        weight[k] = by_states[k] + early[k]
    sums, by_parameters = doubles(back.sums), doubles(back.by_parameters)
    for k in range(WIDTH * lanes.parameters):
        sums[k] += by_parameters[k]
    return code


@compiled
def go_on(back, lanes):
    """The next piece of work on the paths in the lanes; the code of a kernel."""
    size, stretch = 8 * WIDTH * lanes.n, back.stretch
    if back.phase == STARTS:
        if lanes.step % stretch == 0:
            put(lanes.u, back.starts + size * (lanes.step // stretch), lanes.n)
        if lanes.step < (lanes.steps - 1) // stretch * stretch:
            return again(lanes)
        back.first = lanes.step
        back.phase = STRETCH
    elif back.phase == STRETCH:
        put(lanes.u, back.kept + size * (lanes.step - back.first), lanes.n)
        if lanes.step < min(back.first + stretch, lanes.steps):
            return again(lanes)
        back.phase = BACK
    elif lanes.step > back.first:
        return one_back(back, lanes)
    elif back.first == 0:
        arrive(back, lanes)
    else:
        back.first -= stretch
        lanes.step = back.first
        put(back.starts + size * (back.first // stretch), lanes.u, lanes.n)
        back.phase = STRETCH
    return 0


def run(address):
    """`int32 run(NoiseLanesBack *)`: go on until all paths are done, or the allowance of steps is used up."""
    back = back_at(address)
    lanes = lanes_at(back.forward)
    while lanes.path < lanes.paths:
        if lanes.begun == 0:
            set_out(back, lanes)
        while lanes.begun != 0:
            if lanes.budget <= 0:
                return Status.BUDGET
            lanes.budget -= WIDTH
            if go_on(back, lanes) != 0:
                return Status.CALLBACK
    return Status.DONE


ENTRIES = {"run": run}
