"""What the accepted steps of lanes leave behind: the states at the times to save."""

from __future__ import annotations

from symde.engine.cpu.compiled.batch import batch_at
from symde.engine.cpu.compiled.lane_members import save_time
from symde.engine.cpu.compiled.lane_places import (
    ACCEPTED,
    DIRECTION,
    INTERPOLANTS,
    MEMBER,
    NEXT_SAVE,
    SAVE_ROW,
    SAVE_TIME,
    STEP,
    TIME,
    TIME_NEW,
)
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers
from symde.engine.cpu.lanes_layout import WIDTH


@compiled
def count_inside(lanes):
    """How many lanes have a time to save within their accepted step; each counts an interpolant."""
    x, k, count = doubles(lanes.numbers), integers(lanes.integers), 0
    for lane in range(WIDTH):
        ahead = (x[SAVE_TIME + lane] - x[TIME_NEW + lane]) * x[DIRECTION + lane]
        inside = 1 if ahead < 0.0 < x[ACCEPTED + lane] else 0
        k[INTERPOLANTS + lane] += inside
        count += inside
    return count


@compiled
def write_inside(lanes, lane, theta, row):
    """Write the state at theta within a lane's step."""
    integers(lanes.value_inputs)[0] = lanes.coefficients + 8 * lane
    integers(lanes.value_outputs)[0] = row
    call_kernel(lanes.value, theta, lanes.value_inputs, lanes.value_outputs)


@compiled
def write_end(lanes, lane, row):
    """Write the state at the end of a lane's step."""
    out, u = doubles(row), doubles(lanes.u_new)
    for i in range(lanes.n):
        out[i] = u[WIDTH * i + lane]


@compiled
def save_lane(lanes, batch, lane):
    """Save every time up to the end of a lane's step."""
    x, k = doubles(lanes.numbers), integers(lanes.integers)
    start, end, h, direction = x[TIME + lane], x[TIME_NEW + lane], x[STEP + lane], x[DIRECTION + lane]
    t, row, place, member = x[SAVE_TIME + lane], k[SAVE_ROW + lane], k[NEXT_SAVE + lane], k[MEMBER + lane]
    while (t - end) * direction <= 0.0:
        if t == end:
            write_end(lanes, lane, row)
        else:
            write_inside(lanes, lane, (t - start) / h, row)
        row += 8 * lanes.n
        place += 1
        t = save_time(batch, member, place, direction)
    x[SAVE_TIME + lane], k[SAVE_ROW + lane], k[NEXT_SAVE + lane] = t, row, place


@compiled
def save(lanes):
    """Save every time up to the end of each accepted step."""
    x, batch = doubles(lanes.numbers), batch_at(lanes.batch)
    if count_inside(lanes) != 0:
        call_kernel(lanes.interpolant, 0.0, lanes.inputs, lanes.interpolant_outputs)
    for lane in range(WIDTH):
        ahead = (x[SAVE_TIME + lane] - x[TIME_NEW + lane]) * x[DIRECTION + lane]
        if ahead <= 0.0 < x[ACCEPTED + lane]:
            save_lane(lanes, batch, lane)
