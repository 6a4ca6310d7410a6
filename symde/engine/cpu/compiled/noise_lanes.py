"""The loop over the steps of paths side by side, by a kernel that makes a whole step of WIDTH of them.

A path is the same in any lane and beside any others, and by itself too: then it is alone in the lanes. One
that fails is left where it is, and those beside it go on. What is saved, and how, is as in `noise_loop`.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.noise_lane_numbers import draw_block, find_levy_areas, lanes_at, number_at
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers
from symde.engine.cpu.layout import Status
from symde.engine.cpu.noise_lanes_layout import CHANGES, DIRECTION, FIRST_OWN, WIDTH

FIRST, SECOND = FIRST_OWN + 2, FIRST_OWN + 3
"""Places of the normal numbers of a step in the table of its inputs."""


@compiled
def put_start(lanes, lane, path):
    """The start of a path into a lane."""
    start, u = doubles(lanes.u0 + 8 * path * lanes.u0_stride), doubles(lanes.u)
    for i in range(lanes.n):
        u[WIDTH * i + lane] = start[i]


@compiled
def begin(lanes):
    """Ready for the next paths; in lanes that stay empty is the first of them."""
    lanes.active = lanes.going = min(lanes.paths - lanes.path, WIDTH)
    alive = integers(lanes.alive)
    for lane in range(WIDTH):
        path = lanes.path + (lane if lane < lanes.active else 0)
        put_start(lanes, lane, path)
        given, p = doubles(lanes.p + 8 * path * lanes.p_stride), doubles(lanes.lane_p)
        for j in range(lanes.parameters):
            p[WIDTH * j + lane] = given[j]
        changed, changes = (
            doubles(lanes.changes + 8 * path * lanes.changes_stride),
            doubles(lanes.lane_changes),
        )
        for j in range(lanes.parameters * lanes.directions):
            changes[WIDTH * j + lane] = changed[j]
        alive[lane] = 1 if lane < lanes.active else 0
    lanes.step = lanes.next_save = 0
    lanes.block_start = -lanes.block
    lanes.begun = 1


@compiled
def bounded(lanes, i, value):
    """A state inside of its domain; NaN stays NaN."""
    low, high = doubles(lanes.low)[i], doubles(lanes.high)[i]
    value = low if value < low else value
    return high if value > high else value


@compiled
def save_row(lanes, theta):
    """Save the states at a part of the last step."""
    old, u, alive = doubles(lanes.old), doubles(lanes.u), integers(lanes.alive)
    for lane in range(lanes.active):
        place = (lanes.path + lane) * lanes.n_saveat + lanes.next_save
        row = doubles(lanes.out + 8 * lanes.n * place)
        for i in range(lanes.n):
            value = u[WIDTH * i + lane]
            if theta < 1.0:
                start = old[WIDTH * i + lane]
                value = start + theta * (value - start)
            if lanes.bounded != 0:
                value = bounded(lanes, i, value)
            row[i] = value if alive[lane] != 0 else math.nan


@compiled
def save_until(lanes, start, end):
    """The times to save up to the end of a step; between its ends a path is a straight line."""
    times = doubles(lanes.saveat)
    while lanes.next_save < lanes.n_saveat and times[lanes.next_save] <= end:
        save_row(lanes, (times[lanes.next_save] - start) / (end - start) if end > start else 1.0)
        lanes.next_save += 1


@compiled
def note(lanes, lane, status, t):
    """Note how a path ended."""
    path = lanes.path + lane
    integers(lanes.codes)[path], doubles(lanes.ends)[path] = status, t
    integers(lanes.taken)[path] = lanes.step


@compiled
def all_are_numbers(lanes):
    """Whether all states of all lanes are numbers, of which `doubt` tells where not; of derivatives the
    caller asks."""
    u, doubt = doubles(lanes.u), doubles(lanes.doubt)
    for lane in range(WIDTH):
        doubt[lane] = 0.0
    for i in range(lanes.own):
        for lane in range(WIDTH):
            doubt[lane] += u[WIDTH * i + lane] - u[WIDTH * i + lane]
    total = 0.0
    for lane in range(WIDTH):
        total += doubt[lane]
    return total == 0.0


@compiled
def leave_failed(lanes, t):
    """End the paths whose states are no numbers; their lanes begin anew, for nothing."""
    doubt, alive = doubles(lanes.doubt), integers(lanes.alive)
    for lane in range(WIDTH):
        if doubt[lane] == 0.0:
            continue
        if alive[lane] != 0:
            note(lanes, lane, Status.NON_FINITE, t)
            alive[lane] = 0
            lanes.going -= 1
        put_start(lanes, lane, lanes.path + min(lane, lanes.active - 1))


@compiled
def make_ready(lanes, t):
    """Time and noise of a step for the kernels that read them."""
    if not lanes.block_start <= lanes.step < lanes.block_start + lanes.block:
        draw_block(lanes, lanes.step - lanes.step % lanes.block)
    if lanes.terms != 0:
        find_levy_areas(lanes)
    time, inputs = doubles(lanes.time), integers(lanes.inputs)
    for lane in range(WIDTH):
        time[lane] = t
    inputs[FIRST], inputs[SECOND] = number_at(lanes, 0), number_at(lanes, 1)


@compiled
def step(lanes, t):
    """A step of all lanes with its derivatives along directions, which read its start; the kernels' code."""
    make_ready(lanes, t)
    lanes.old, lanes.u = lanes.u, lanes.old
    inputs, outputs = integers(lanes.inputs), integers(lanes.outputs)
    inputs[0], outputs[0] = lanes.old, lanes.u
    code = call_kernel(lanes.kernel, t, lanes.inputs, lanes.outputs)
    size = 8 * WIDTH * lanes.own
    for number in range(lanes.directions):
        inputs[DIRECTION] = lanes.old + size * (number + 1)
        inputs[CHANGES] = lanes.lane_changes + 8 * WIDTH * lanes.parameters * number
        outputs[0] = lanes.u + size * (number + 1)
        code += call_kernel(lanes.along, t, lanes.inputs, lanes.outputs)
    return code


@compiled
def finish(lanes):
    """The paths have come to their end, or none is left."""
    alive, end = integers(lanes.alive), lanes.t0 + lanes.steps * lanes.h
    for lane in range(lanes.active):
        if alive[lane] != 0:
            note(lanes, lane, Status.DONE, end)
    while lanes.next_save < lanes.n_saveat:  # all have failed
        save_row(lanes, 1.0)
        lanes.next_save += 1
    lanes.path += lanes.active
    lanes.begun = 0


def run(address):
    """`int32 run(NoiseLanes *)`: go on until all paths are done, or the allowance of steps is used up."""
    lanes = lanes_at(address)
    while lanes.path < lanes.paths:
        if lanes.begun == 0:
            begin(lanes)
            save_until(lanes, lanes.t0, lanes.t0)
        while lanes.step < lanes.steps and lanes.going > 0:
            if lanes.budget <= 0:
                return Status.BUDGET
            lanes.budget -= WIDTH
            t = lanes.t0 + lanes.step * lanes.h
            if step(lanes, t) != 0:
                return Status.CALLBACK
            if not all_are_numbers(lanes):
                leave_failed(lanes, t)
            lanes.step += 1
            end = lanes.t0 + lanes.step * lanes.h
            last = lanes.step == lanes.steps and lanes.next_save < lanes.n_saveat
            save_until(lanes, t, max(end, doubles(lanes.saveat)[lanes.n_saveat - 1]) if last else end)
        finish(lanes)
    return Status.DONE


ENTRIES = {"run": run}
