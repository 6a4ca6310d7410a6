"""How members come into lanes and leave them."""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.batch import COUNTS, batch_at, begin_member, present
from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.lane_places import (
    ATTEMPTS,
    BUSY,
    DIRECTION,
    END,
    HITS,
    INTERPOLANTS,
    LIMIT,
    LOG_OLD,
    MEMBER,
    NEXT_SAVE,
    SAVE_ROW,
    SAVE_TIME,
    STEP_MAX,
    STEP_NEXT,
    STEPS,
    TIME,
    TIME_LOW,
)
from symde.engine.cpu.compiled.loop import start
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, state_at, structure_at
from symde.engine.cpu.lanes_layout import UNFINISHED, WIDTH, Lanes
from symde.engine.cpu.layout import COUNTERS, LARGEST_GROWTH, Stage0, State, Status

lanes_at = structure_at(Lanes)

COUNTERS_AT = State.accepted.offset
EVALUATIONS = COUNTERS.index("evaluations")


@compiled
def spread(lane, count, source, target):
    """Put a vector into a lane."""
    s, t = doubles(source), doubles(target)
    for i in range(count):
        t[WIDTH * i + lane] = s[i]


@compiled
def copy_lane(lane, count, source, target):
    """Copy a vector within its lane."""
    s, t = doubles(source), doubles(target)
    for i in range(lane, WIDTH * count, WIDTH):
        t[i] = s[i]


@compiled
def save_time(batch, member, row, direction):
    """The time of a row of a member's result; beyond all times where there is none."""
    if row < batch.n_times:
        return doubles(batch.times + member * batch.times_stride)[row]
    return direction * math.inf


@compiled
def load(lanes, state, batch, lane):
    """Put a member that has begun into a lane."""
    x, k, member = doubles(lanes.numbers), integers(lanes.integers), present(batch)
    spread(lane, lanes.n, state.u, lanes.u)
    spread(lane, lanes.n, state.u_low, lanes.low)
    spread(lane, lanes.m, batch.p, lanes.p)
    spread(lane, lanes.n, state.stages, lanes.first_stage)
    x[TIME + lane], x[TIME_LOW + lane] = state.t, 0.0
    x[END + lane], x[DIRECTION + lane] = state.t_end, state.direction
    x[STEP_NEXT + lane], x[STEP_MAX + lane], x[LOG_OLD + lane] = state.h_next, state.h_max, 0.0
    x[SAVE_TIME + lane] = save_time(batch, member, state.next_save, state.direction)
    x[BUSY + lane], x[LIMIT + lane], x[HITS + lane] = 1.0, LARGEST_GROWTH, 0.0
    x[STEPS + lane], x[ATTEMPTS + lane] = 0.0, 0.0
    k[MEMBER + lane], k[NEXT_SAVE + lane], k[INTERPOLANTS + lane] = member, state.next_save, 0
    k[SAVE_ROW + lane] = state.out_u + 8 * state.n * state.next_save


@compiled
def begin(lanes, state, address):
    """First right-hand side and step size of a member that has begun; the status."""
    status = start(state, address)
    if status == Status.DONE and lanes.fsal != 0 and state.stage0 != Stage0.VALID:
        if evaluate(state, state.t, state.u, state.stages) != 0:
            return Status.CALLBACK
    return status


@compiled
def fill(lanes, lane):
    """Begin members until one is in the lane, or none is left; whether one is."""
    batch = batch_at(lanes.batch)
    state = state_at(batch.state)
    while batch.position < batch.last:
        begin_member(batch, state)
        member, status = present(batch), begin(lanes, state, batch.state)
        if status == Status.DONE:
            load(lanes, state, batch, lane)
            counts, made = integers(batch.counters + 8 * COUNTS * member), integers(batch.state + COUNTERS_AT)
            for i in range(COUNTS):
                counts[i] = made[i]
        else:
            integers(batch.codes)[member] = UNFINISHED
        batch.position += 1
        if status == Status.DONE:
            return True
    return False


@compiled
def fill_idle(lanes):
    """Give idle lanes members, as long as there are any."""
    busy = doubles(lanes.numbers)
    for lane in range(WIDTH):
        if busy[BUSY + lane] == 0.0 and fill(lanes, lane):
            lanes.idle -= 1


@compiled
def leave(lanes, lane, code):
    """Leave a member to another loop."""
    member = integers(lanes.integers)[MEMBER + lane]
    integers(batch_at(lanes.batch).codes)[member] = code
    doubles(lanes.numbers)[BUSY + lane] = 0.0
    lanes.idle += 1


@compiled
def finish(lanes, lane):
    """A member has reached its end."""
    batch, x, k = batch_at(lanes.batch), doubles(lanes.numbers), integers(lanes.integers)
    member, steps, attempts = k[MEMBER + lane], int(x[STEPS + lane]), int(x[ATTEMPTS + lane])
    doubles(batch.ends)[member] = x[TIME + lane]
    counts, each = integers(batch.counters + 8 * COUNTS * member), integers(lanes.per_attempt)
    for i in range(COUNTS):
        counts[i] += attempts * each[i]
    counts[0], counts[1] = steps, attempts - steps
    counts[EVALUATIONS] += k[INTERPOLANTS + lane] * lanes.per_interpolant
    leave(lanes, lane, Status.DONE)
