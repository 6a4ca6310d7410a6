"""The loop over lanes: four members side by side, each with its own time, step size, error test and end.

A lane that ends takes the next member. No lane's numbers depend on another's: what is done for all lanes at
once is the same arithmetic in each, and what a lane decides it decides by itself. What is rare is left to the
loop over single members, which begins such a member anew: linear solves that fail their test, steps that
become too small, spans that cannot be covered.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.batch import COUNTS, batch_at, begin_member, present
from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.loop import start
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    compiled,
    doubles,
    integers,
    state_at,
    structure_at,
)
from symde.engine.cpu.lanes_layout import CRAWLING_HITS, STIFF, STIFF_HITS, UNFINISHED, WIDTH, Lanes
from symde.engine.cpu.layout import (
    COUNTERS,
    LARGEST_GROWTH,
    RESOLUTION,
    SAFETY,
    STRONGEST_CUT,
    Stage0,
    State,
    Status,
)

lanes_at = structure_at(Lanes)

COUNTERS_AT = State.accepted.offset
EVALUATIONS = COUNTERS.index("evaluations")

LOW = 12
"""Place of `low` in the input table."""


@compiled
def spread(lane, count, source, target):
    """Put a vector into a lane."""
    s, t = doubles(source), doubles(target)
    for i in range(count):
        t[WIDTH * i + lane] = s[i]


@compiled
def load(lanes, state, batch, lane):
    """Put a member that has begun into a lane."""
    spread(lane, lanes.n, state.u, lanes.u)
    spread(lane, lanes.m, batch.p, lanes.p)
    low = doubles(lanes.low)
    for i in range(lanes.n):
        low[WIDTH * i + lane] = 0.0
    spread(lane, lanes.n, state.stages, lanes.first_stage)
    doubles(lanes.time)[lane], doubles(lanes.time_low)[lane] = state.t, 0.0
    doubles(lanes.end)[lane], doubles(lanes.direction)[lane] = state.t_end, state.direction
    doubles(lanes.step_next)[lane], doubles(lanes.step_max)[lane] = state.h_next, state.h_max
    doubles(lanes.log_old)[lane] = 0.0
    integers(lanes.member)[lane], integers(lanes.busy)[lane] = present(batch), 1
    integers(lanes.next_save)[lane] = state.next_save
    integers(lanes.rejected_last)[lane], integers(lanes.hits)[lane] = 0, 0
    integers(lanes.crawling)[lane], integers(lanes.steps)[lane] = 0, 0
    integers(lanes.rejections)[lane], integers(lanes.interpolants)[lane] = 0, 0


@compiled
def fill(lanes, lane):
    """Begin members until one is in the lane; whether one is."""
    batch = batch_at(lanes.batch)
    state = state_at(batch.state)
    while batch.position < batch.last:
        begin_member(batch, state)
        status = start(state)
        if status == Status.DONE and state.stage0 != Stage0.VALID:
            if evaluate(state, state.t, state.u, state.stages) != 0:
                status = Status.CALLBACK
        if status == Status.DONE:
            load(lanes, state, batch, lane)
            counts = integers(batch.counters + 8 * COUNTS * present(batch))
            made = integers(batch.state + COUNTERS_AT)
            for i in range(COUNTS):
                counts[i] = made[i]
            batch.position += 1
            return 1
        integers(batch.codes)[present(batch)] = UNFINISHED
        batch.position += 1
    return 0


@compiled
def fill_idle(lanes):
    """Give every idle lane a member, as long as there are any; the number of busy lanes."""
    busy, count = integers(lanes.busy), 0
    for lane in range(WIDTH):
        if busy[lane] == 0:
            busy[lane] = fill(lanes, lane)
        count += busy[lane]
    return count


@compiled
def leave(lanes, lane, code):
    """Leave a member to another loop."""
    batch = batch_at(lanes.batch)
    integers(batch.codes)[integers(lanes.member)[lane]] = code
    integers(lanes.busy)[lane] = 0


@compiled
def finish(lanes, lane):
    """A member has reached its end."""
    batch = batch_at(lanes.batch)
    member = integers(lanes.member)[lane]
    integers(batch.codes)[member] = Status.DONE
    doubles(batch.ends)[member] = doubles(lanes.time)[lane]
    counts, each = integers(batch.counters + 8 * COUNTS * member), integers(lanes.per_attempt)
    steps, rejections = integers(lanes.steps)[lane], integers(lanes.rejections)[lane]
    for i in range(COUNTS):
        counts[i] += (steps + rejections) * each[i]
    counts[0], counts[1] = steps, rejections
    counts[EVALUATIONS] += integers(lanes.interpolants)[lane] * lanes.per_interpolant
    integers(lanes.busy)[lane] = 0


@compiled
def choose_steps(lanes):
    """The step and its end in each lane, exactly at the end of the span where that is in reach."""
    time, low, end = doubles(lanes.time), doubles(lanes.time_low), doubles(lanes.end)
    new, new_low, step = doubles(lanes.time_new), doubles(lanes.time_new_low), doubles(lanes.step)
    direction, size_next = doubles(lanes.direction), doubles(lanes.step_next)
    largest, reaches = doubles(lanes.step_max), integers(lanes.reaches)
    for lane in range(WIDTH):
        remaining = ((end[lane] - time[lane]) - low[lane]) * direction[lane]
        size = min(size_next[lane], largest[lane])
        reached = 1.01 * size >= remaining
        h = (remaining if reached else size) * direction[lane]
        increment = h + low[lane]
        total = time[lane] + increment
        reaches[lane] = 1 if reached else 0
        step[lane] = h
        new[lane] = end[lane] if reached else total
        new_low[lane] = 0.0 if reached else increment - (total - time[lane])


@compiled
def drop_hopeless(lanes):
    """Leave members whose steps have become too small or too many to the other loop."""
    busy, step, time = integers(lanes.busy), doubles(lanes.step), doubles(lanes.time)
    for lane in range(WIDTH):
        h = step[lane]
        tiny = abs(h) <= RESOLUTION * abs(time[lane]) and integers(lanes.reaches)[lane] == 0 or h == 0.0
        taken = integers(lanes.steps)[lane] + integers(lanes.rejections)[lane]
        if busy[lane] != 0 and (tiny or taken >= lanes.max_steps):
            leave(lanes, lane, UNFINISHED)


@compiled
def decide(lanes):
    """Accept or reject each lane's attempt, and choose its next step size."""
    norm, factor, refused = doubles(lanes.norm), doubles(lanes.factor), doubles(lanes.refused)
    busy, accepted = integers(lanes.busy), integers(lanes.accepted)
    for lane in range(WIDTH):
        accepted[lane] = 0
        if busy[lane] == 0:
            continue
        if refused[lane] != 0.0:
            leave(lanes, lane, UNFINISHED)
        elif norm[lane] <= 1.0:
            accept(lanes, lane, factor[lane])
        else:
            reject(lanes, lane, norm[lane], factor[lane])


@compiled
def accept(lanes, lane, factor):
    """The attempt counts; the next step by the PI law."""
    limit = 1.0 if integers(lanes.rejected_last)[lane] else LARGEST_GROWTH
    proposal = abs(doubles(lanes.step)[lane]) * min(max(factor, STRONGEST_CUT), limit)
    if integers(lanes.reaches)[lane]:
        proposal = max(proposal, doubles(lanes.step_next)[lane])
    else:
        doubles(lanes.log_old)[lane] = doubles(lanes.log_error)[lane]
    doubles(lanes.step_next)[lane] = proposal
    integers(lanes.accepted)[lane] = 1
    integers(lanes.rejected_last)[lane] = 0
    integers(lanes.steps)[lane] += 1
    watch(lanes, lane)


@compiled
def reject(lanes, lane, norm, factor):
    """The attempt does not count; a smaller one, a quarter where the error is not a number."""
    cut = min(max(factor, STRONGEST_CUT), SAFETY) if norm < math.inf else 0.25
    doubles(lanes.step_next)[lane] = abs(doubles(lanes.step)[lane]) * cut
    integers(lanes.rejected_last)[lane] = 1
    integers(lanes.rejections)[lane] += 1


@compiled
def watch(lanes, lane):
    """Leave a member that looks stiff, or cannot cover its span, to another loop."""
    hits, crawling = integers(lanes.hits), integers(lanes.crawling)
    at_border = lanes.stability > 0.0 and doubles(lanes.stiffness)[lane] > lanes.stability
    hits[lane] = hits[lane] + 1 if at_border else 0
    left = lanes.max_steps - integers(lanes.steps)[lane] - integers(lanes.rejections)[lane]
    span = abs(doubles(lanes.end)[lane] - doubles(lanes.time_new)[lane])
    crawling[lane] = crawling[lane] + 1 if span > abs(doubles(lanes.step)[lane]) * left else 0
    if hits[lane] >= STIFF_HITS or crawling[lane] >= CRAWLING_HITS:
        leave(lanes, lane, STIFF if hits[lane] >= STIFF_HITS else UNFINISHED)
        integers(lanes.accepted)[lane] = 0


@compiled
def save_ends(lanes, lane, batch):
    """Save the times of a lane that are the end of its step; the address of the row of a time within the
    step, its place noted, or 0."""
    member, saves = integers(lanes.member)[lane], integers(lanes.next_save)
    saveat = doubles(batch.times + member * batch.times_stride)
    out = batch.out + 8 * member * batch.n_times * lanes.n
    time, new = doubles(lanes.time)[lane], doubles(lanes.time_new)[lane]
    while saves[lane] < batch.n_times:
        t = saveat[saves[lane]]
        if (t - new) * doubles(lanes.direction)[lane] > 0.0:
            return 0
        row = out + 8 * lanes.n * saves[lane]
        saves[lane] += 1
        if t != new:
            doubles(lanes.theta)[lane] = (t - time) / doubles(lanes.step)[lane]
            return row
        gather(lanes, lane, row)
    return 0


@compiled
def gather(lanes, lane, row):
    """Write a lane's new state."""
    o, u = doubles(row), doubles(lanes.u_new)
    for i in range(lanes.n):
        o[i] = u[WIDTH * i + lane]


@compiled
def next_rows(lanes, batch):
    """The next time within its step to save in each accepted lane; how many there are."""
    accepted, rows, count = integers(lanes.accepted), integers(lanes.row), 0
    for lane in range(WIDTH):
        rows[lane] = save_ends(lanes, lane, batch) if accepted[lane] else 0
        count += 1 if rows[lane] != 0 else 0
    return count


@compiled
def interpolate(lanes):
    """The coefficients of all lanes over their steps."""
    integers(lanes.interpolant_outputs)[0] = lanes.coefficients
    call_kernel(lanes.interpolant, 0.0, lanes.inputs, lanes.interpolant_outputs)
    rows, counts = integers(lanes.row), integers(lanes.interpolants)
    for lane in range(WIDTH):
        counts[lane] += 1 if rows[lane] != 0 else 0


@compiled
def write_rows(lanes):
    """Write the states at theta in the lanes that save one, by Horner's rule in all at once."""
    n, c, theta, rows = lanes.n, doubles(lanes.coefficients), doubles(lanes.theta), integers(lanes.row)
    t0, t1, t2, t3 = theta[0], theta[1], theta[2], theta[3]
    for i in range(n):
        at = WIDTH * (lanes.degree * n + i)
        v0, v1, v2, v3 = c[at], c[at + 1], c[at + 2], c[at + 3]
        for _ in range(lanes.degree):
            at -= WIDTH * n
            v0 = v0 * t0 + c[at]
            v1 = v1 * t1 + c[at + 1]
            v2 = v2 * t2 + c[at + 2]
            v3 = v3 * t3 + c[at + 3]
        if rows[0] != 0:
            doubles(rows[0])[i] = v0
        if rows[1] != 0:
            doubles(rows[1])[i] = v1
        if rows[2] != 0:
            doubles(rows[2])[i] = v2
        if rows[3] != 0:
            doubles(rows[3])[i] = v3


@compiled
def save(lanes):
    """Save every time up to the end of each accepted step."""
    batch = batch_at(lanes.batch)
    if next_rows(lanes, batch) == 0:
        return
    interpolate(lanes)
    while True:
        write_rows(lanes)
        if next_rows(lanes, batch) == 0:
            return


@compiled
def keep_rejected(lanes, lane):
    """The state of a lane whose attempt does not count goes on as it was."""
    u, u_new, low, low_new = (
        doubles(lanes.u),
        doubles(lanes.u_new),
        doubles(lanes.low),
        doubles(lanes.low_new),
    )
    for i in range(lane, WIDTH * lanes.n, WIDTH):
        u_new[i] = u[i]
        low_new[i] = low[i]


@compiled
def go_on(lanes, lane):
    """The state of a lane is that at the end of its step."""
    doubles(lanes.time)[lane] = doubles(lanes.time_new)[lane]
    doubles(lanes.time_low)[lane] = doubles(lanes.time_new_low)[lane]
    if lanes.fsal:
        first, last = doubles(lanes.first_stage), doubles(lanes.stage_values)
        at = WIDTH * lanes.n * (lanes.stages - 1)
        for i in range(lane, WIDTH * lanes.n, WIDTH):
            first[i] = last[at + i]
    if integers(lanes.reaches)[lane]:
        finish(lanes, lane)


@compiled
def advance(lanes):
    """What the attempts have made becomes the state."""
    accepted = integers(lanes.accepted)
    for lane in range(WIDTH):
        if accepted[lane]:
            go_on(lanes, lane)
        else:
            keep_rejected(lanes, lane)
    lanes.u, lanes.u_new = lanes.u_new, lanes.u
    lanes.low, lanes.low_new = lanes.low_new, lanes.low


@compiled
def point(lanes):
    """Tell the kernel where the state lies, and where the new one goes."""
    inputs, outputs = integers(lanes.inputs), integers(lanes.outputs)
    inputs[0], inputs[LOW] = lanes.u, lanes.low
    outputs[0], outputs[1] = lanes.u_new, lanes.low_new


def run(address):
    """Run members side by side until all have ended or been left, or the host's allowance is used up."""
    lanes = lanes_at(address)
    while True:
        busy = fill_idle(lanes)
        if busy == 0:
            return Status.DONE
        if lanes.budget <= 0:
            return Status.BUDGET
        lanes.budget -= busy
        choose_steps(lanes)
        drop_hopeless(lanes)
        point(lanes)
        if call_kernel(lanes.kernel, 0.0, lanes.inputs, lanes.outputs) != 0:
            return Status.CALLBACK
        decide(lanes)
        save(lanes)
        advance(lanes)


ENTRIES = {"run": run}
