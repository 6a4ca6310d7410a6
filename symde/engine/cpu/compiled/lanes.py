"""The loop over lanes: members side by side, each with its own time, step size, error test and end.

A lane that ends takes the next member. No lane's numbers depend on another's: what is done for all lanes at
once is the same arithmetic in each, and what a lane decides it decides by itself. What is rare is left to the
loop over single members, which begins such a member anew: linear solves that fail their test, steps that
become too small, spans that cannot be covered.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.lane_members import copy_lane, fill_idle, finish, lanes_at, leave
from symde.engine.cpu.compiled.lane_output import save
from symde.engine.cpu.compiled.lane_places import (
    ACCEPTED,
    ATTEMPTS,
    BUSY,
    DIRECTION,
    END,
    FACTOR,
    HITS,
    LEAVING,
    LIMIT,
    LOG_ERROR,
    LOG_OLD,
    NORM,
    REACHES,
    REFUSED,
    STEP,
    STEP_MAX,
    STEP_NEXT,
    STEPS,
    STIFFNESS,
    TIME,
    TIME_LOW,
    TIME_NEW,
    TIME_NEW_LOW,
    TINY_STEP,
)
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers
from symde.engine.cpu.lanes_layout import STIFF, STIFF_HITS, UNFINISHED, WIDTH
from symde.engine.cpu.layout import LARGEST_GROWTH, RESOLUTION, SAFETY, STRONGEST_CUT, Status

LOW = 12
"""Place of `low` in the input table."""


@compiled
def choose_steps(x):
    """The step and its end in each lane, exactly at the end of the span where that is in reach."""
    for lane in range(WIDTH):
        time, low, end = x[TIME + lane], x[TIME_LOW + lane], x[END + lane]
        direction, proposed, largest = x[DIRECTION + lane], x[STEP_NEXT + lane], x[STEP_MAX + lane]
        remaining = ((end - time) - low) * direction
        size = proposed if proposed < largest else largest
        reaches = 1.01 * size >= remaining
        h = (remaining if reaches else size) * direction
        increment = h + low
        total = time + increment
        lost = increment - (total - time)
        # a step that is lost in the rounding of the time; the last one may be as short as it likes
        least = 0.0 if reaches else RESOLUTION * abs(time)
        x[STEP + lane] = h
        x[REACHES + lane] = 1.0 if reaches else 0.0
        x[TIME_NEW + lane] = end if reaches else total
        x[TIME_NEW_LOW + lane] = 0.0 if reaches else lost
        x[TINY_STEP + lane] = 1.0 if abs(h) <= least else 0.0


@compiled
def leave_some(lanes, x):
    """Leave the members that are to be left."""
    for lane in range(WIDTH):
        if x[LEAVING + lane] != 0.0:
            leave(lanes, lane, int(x[LEAVING + lane]))
            x[ACCEPTED + lane] = 0.0


@compiled
def decide(x):
    """Accept or reject each lane's attempt, and choose the next step size by the PI law."""
    for lane in range(WIDTH):
        norm, factor, size = x[NORM + lane], x[FACTOR + lane], abs(x[STEP + lane])
        old, new, proposed = x[LOG_OLD + lane], x[LOG_ERROR + lane], x[STEP_NEXT + lane]
        reaches, limit, busy = x[REACHES + lane], x[LIMIT + lane], x[BUSY + lane]
        factor = factor if factor > STRONGEST_CUT else STRONGEST_CUT
        growth = factor if factor < limit else limit
        cut = factor if factor < SAFETY else SAFETY
        cut = cut if norm < math.inf else 0.25  # where the error is not a number
        fine = 1.0 if norm <= 1.0 else 0.0
        proposal = size * (growth if norm <= 1.0 else cut)
        # a step cut short by the end says little
        kept = proposal if proposal > proposed else proposed
        ended = fine * reaches
        x[STEP_NEXT + lane] = kept if ended > 0.0 else proposal
        x[LOG_OLD + lane] = new if fine > ended else old
        x[LIMIT + lane] = LARGEST_GROWTH if norm <= 1.0 else 1.0
        x[ACCEPTED + lane] = fine * busy
        x[STEPS + lane] += fine
        x[ATTEMPTS + lane] += 1.0


@compiled
def watch(x, stability, switches, max_steps):
    """Find members for another loop: where linear solves fail or steps are lost in the time, that have taken
    all their steps, or look stiff; these only where another method waits for them, or they cannot cover their
    span. Whether there are any."""
    for lane in range(WIDTH):
        attempts, accepted, busy = x[ATTEMPTS + lane], x[ACCEPTED + lane], x[BUSY + lane]
        span = abs(x[END + lane] - x[TIME_NEW + lane])
        left = max_steps - attempts
        hits = x[HITS + lane] + accepted if x[STIFFNESS + lane] > stability else 0.0
        crawling = float(UNFINISHED) if span > abs(x[STEP + lane]) * left else 0.0
        stiff = float(STIFF) if switches > 0.0 else crawling
        code = stiff if hits >= STIFF_HITS else 0.0
        code = float(UNFINISHED) if x[REFUSED + lane] + x[TINY_STEP + lane] > 0.0 else code
        code = float(UNFINISHED) if left + x[REACHES + lane] * accepted <= 0.0 else code
        code = code * busy
        x[HITS + lane] = hits
        x[LEAVING + lane] = code
    found = 0.0  # a sum of its own: within the loop it would take the lanes one by one
    for lane in range(WIDTH):
        found += x[LEAVING + lane]
    return found > 0.0


@compiled
def point(lanes):
    """Tell the kernels where the state lies, and where the new one goes."""
    inputs, outputs = integers(lanes.inputs), integers(lanes.outputs)
    inputs[0], inputs[LOW] = lanes.u, lanes.low
    outputs[0], outputs[1] = lanes.u_new, lanes.low_new


@compiled
def go_on(lanes, x, lane):
    """The state of a lane is that at the end of its step."""
    x[TIME + lane], x[TIME_LOW + lane] = x[TIME_NEW + lane], x[TIME_NEW_LOW + lane]
    if lanes.fsal:
        last = lanes.stage_values + 8 * WIDTH * lanes.n * (lanes.stages - 1)
        copy_lane(lane, lanes.n, last, lanes.first_stage)
    if x[REACHES + lane] != 0.0:
        finish(lanes, lane)


@compiled
def advance(lanes, x):
    """What the attempts have made becomes the state; where one does not count, the state stays."""
    for lane in range(WIDTH):
        if x[ACCEPTED + lane] != 0.0:
            go_on(lanes, x, lane)
        else:
            copy_lane(lane, lanes.n, lanes.u, lanes.u_new)
            copy_lane(lane, lanes.n, lanes.low, lanes.low_new)
    lanes.u, lanes.u_new = lanes.u_new, lanes.u
    lanes.low, lanes.low_new = lanes.low_new, lanes.low


def run(address):
    """Run members side by side until all have ended or been left, or the host's allowance is used up."""
    lanes = lanes_at(address)
    x = doubles(lanes.numbers)
    while True:
        if lanes.idle != 0:
            fill_idle(lanes)
            if lanes.idle == WIDTH:
                return Status.DONE
        if lanes.budget <= 0:
            return Status.BUDGET
        lanes.budget -= WIDTH
        choose_steps(x)
        point(lanes)
        if call_kernel(lanes.kernel, 0.0, lanes.inputs, lanes.outputs) != 0:
            return Status.CALLBACK
        decide(x)
        if watch(x, lanes.stability, lanes.switches, lanes.max_steps):
            leave_some(lanes, x)
        save(lanes)
        advance(lanes, x)


ENTRIES = {"run": run}
