"""What happens at events of a path with noise: they take place one after the other, each on the state that
the one before has left, those of the larger priority first; an event whose condition another one made true
follows at the same time.

Conditions are looked at at the ends of steps (`noise_event_search` looks within one, too). An event waits for
its condition, is *armed*, from when this is seen to be false: at the end of a step, or since an event has
made it so. A path with noise that crosses a line crosses it without end; so it is as if it were at the line
until the end of the step.
"""

from __future__ import annotations

import math

from symde.engine.cpu.accumulation import (
    FEWEST_SHRINKING,
    MOST_AT_ONCE,
    MOST_SHORT,
    RESOLVED,
    SHORT,
)
from symde.engine.cpu.compiled.noise_along import give_direction
from symde.engine.cpu.compiled.noise_event_times import (
    NO_ENTRY,
    clear_queue,
    drop,
    put,
    take_due,
    wait,
)
from symde.engine.cpu.compiled.noise_loop import within
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers
from symde.engine.cpu.layout import Status
from symde.engine.cpu.noise_events import BOTH, CROSSING, RISING, WHEN

BURST = 1e-5
"""Part of the span in which more than `MOST_AT_ONCE` events that conditions trigger are without end."""


@compiled
def look(state, events, t, row):
    """Conditions, root functions and their variances at the present state."""
    events.looks += 1
    within(state, state.u, state.inside)
    outputs = integers(events.outputs)
    outputs[0] = row
    outputs[1] = row + 8 * events.conditions
    outputs[2] = outputs[1] + 8 * events.roots
    if call_kernel(events.look, t, state.inputs, events.outputs) != 0:
        events.broken = 1


@compiled
def root_of(events, event, row):
    """The value of the root function of a crossing in a look."""
    return doubles(row)[events.conditions + integers(events.places)[event]]


@compiled
def fires(events, event, row):
    """Whether an event that waits for its condition is triggered by what a look has found."""
    if integers(events.armed)[event] == 0:
        return False
    if integers(events.kinds)[event] == WHEN:
        return doubles(row)[integers(events.places)[event]] != 0.0
    return root_of(events, event, row) * doubles(events.side)[event] < 0.0


@compiled
def trigger(events, row):
    """Let the events take place that a look triggers."""
    armed = integers(events.armed)
    for event in range(events.events):
        if fires(events, event, row):
            armed[event] = 0
            put(events, event, NO_ENTRY)


@compiled
def arm_crossing(events, event, value, at_end):
    """A crossing waits where the path is on the side that it is to come from: in both directions on any, at
    once where an event has moved it, but at the end of the step where it has crossed."""
    direction, side, armed = integers(events.directions)[event], doubles(events.side), integers(events.armed)
    if direction != BOTH:
        side[event] = -1.0 if direction == RISING else 1.0
        armed[event] = 1 if value * side[event] > 0.0 else 0
    elif value != 0.0 and (at_end or armed[event] != 0 or value * side[event] > 0.0):
        side[event] = math.copysign(1.0, value)
        armed[event] = 1


@compiled
def arm(events, row, at_end):
    """Let events wait whose conditions are false; drop those that wait in the queue in vain."""
    kinds, armed = integers(events.kinds), integers(events.armed)
    for event in range(events.events):
        if kinds[event] == CROSSING:
            arm_crossing(events, event, root_of(events, event, row), at_end)
        elif kinds[event] == WHEN and doubles(row)[integers(events.places)[event]] == 0.0:
            armed[event] = 1
            if integers(events.delayed)[event] != 0 and integers(events.persistent)[event] == 0:
                drop(events, event)


@compiled
def after_event(events, row):
    """What the state that an event has left triggers; it crosses nothing."""
    kinds = integers(events.kinds)
    for event in range(events.events):
        if kinds[event] == WHEN and fires(events, event, row):
            integers(events.armed)[event] = 0
            put(events, event, NO_ENTRY)
    arm(events, row, False)


@compiled
def first(state, events, t):
    """The place of the event whose turn it is: by priority, then in the order of the text."""
    pending, order, best = integers(events.pending_event), doubles(events.order), 0
    if events.pending_count > 1 and events.priorities != 0:
        within(state, state.u, state.inside)
        integers(events.outputs)[0] = events.order
        if call_kernel(events.priorities, t, state.inputs, events.outputs) != 0:
            events.broken = 1
    for k in range(1, events.pending_count):
        one, other = pending[k], pending[best]
        if order[one] > order[other] or (order[one] == order[other] and one < other):
            best = k
    return best


@compiled
def pull(events, place):
    """Take an event out of those that are to take place; its place in the queue."""
    pending, entries = integers(events.pending_event), integers(events.pending_entry)
    entry = entries[place]
    events.pending_count -= 1
    for k in range(place, events.pending_count):
        pending[k], entries[k] = pending[k + 1], entries[k + 1]
    return entry


@compiled
def find_values(state, events, event, t):
    """What an event sets, and its delay."""
    kernel = integers(events.effects)[event]
    if kernel == 0:
        return
    within(state, state.u, state.inside)
    integers(events.outputs)[0] = events.values
    if call_kernel(kernel, t, state.inputs, events.outputs) != 0:
        events.broken = 1


@compiled
def set_states(state, events, event, values):
    """Set what an event does."""
    u, new, targets, starts = (
        doubles(state.u),
        doubles(values),
        integers(events.targets),
        integers(events.starts),
    )
    for k in range(starts[event], starts[event + 1]):
        u[targets[k]] = new[k - starts[event]]


@compiled
def set_derivatives(state, events, event, t):
    """Set the derivatives along all directions of what an event is about to set."""
    kernel, size = integers(events.along)[event], events.most_targets
    if kernel == 0:
        return
    within(state, state.u, state.inside)
    for number in range(1, state.directions + 1):
        integers(events.outputs)[0] = events.changed + 8 * size * (number - 1)
        direction = state.u + 8 * number * state.own
        give_direction(state, state.u, number, direction)
        if call_kernel(kernel, t, state.along_inputs, events.outputs) != 0:
            events.broken = 1
    u, changed, starts = doubles(state.u), doubles(events.changed), integers(events.starts)
    for k in range(starts[event], starts[event + 1]):
        target, place = integers(events.targets)[k], k - starts[event]
        for number in range(1, state.directions + 1):
            u[number * state.own + target] = changed[size * (number - 1) + place]


@compiled
def count_event(events, t):
    """Whether there is an end to events; as `symde.engine.cpu.accumulation` says."""
    if events.counted == 0:
        events.counted, events.span = 1, abs(events.t_end - t)
        events.last, events.interval = -math.inf, math.inf
    interval, events.last = abs(t - events.last), t
    if interval == 0.0:
        events.at_once += 1
    else:
        events.at_once = 1
        short = interval < SHORT * events.span
        events.short = events.short + 1 if short else 0
        events.shrinking = events.shrinking + 1 if short and interval < events.interval else 0
        events.interval = interval
    if events.short >= MOST_SHORT or (events.shrinking >= FEWEST_SHRINKING and interval < RESOLVED * abs(t)):
        return Status.ZENO
    return Status.CHATTERING if events.at_once > MOST_AT_ONCE else Status.DONE


@compiled
def count_condition(events, t):
    """Whether there is an end to events that conditions trigger: a path with noise comes back to its line
    without end, so that intervals between them are short, but now and then one is not."""
    if events.burst == 0:
        events.burst_begun = t
    events.burst += 1
    if events.burst <= MOST_AT_ONCE:
        return Status.DONE
    events.burst = 0
    return Status.ZENO if t - events.burst_begun < BURST * events.span else Status.DONE


@compiled
def execute(state, events, event, entry, t):
    """Let an event take place, and note it; the status that ends the path."""
    values = events.values
    if entry != NO_ENTRY:
        values = events.queue_values + 8 * events.most_targets * entry
    row = events.log_states + 16 * state.n * events.log_count
    if events.keep_log != 0:
        within(state, state.u, row)
    if state.directions != 0:
        set_derivatives(state, events, event, t)
    set_states(state, events, event, values)
    if events.keep_log != 0:
        within(state, state.u, row + 8 * state.n)
        doubles(events.log_t)[events.log_count] = t
        integers(events.log_paths)[events.log_count] = state.path
        integers(events.log_events)[events.log_count] = event
        events.log_count += 1
    status = count_event(events, t)
    if status == Status.DONE and integers(events.kinds)[event] <= CROSSING:
        status = count_condition(events, t)
    if status != Status.DONE:
        events.failed = event
    elif integers(events.stops)[event] != 0:
        return Status.TERMINATED
    return status


@compiled
def begins_to_wait(events, event, t):
    """Whether an event takes place later; NaN for a delay counts as a failure."""
    starts = integers(events.starts)
    delay = doubles(events.values)[starts[event + 1] - starts[event]]
    if not (delay >= 0.0 and delay < math.inf):
        events.failed, events.delay, events.broken = event, delay, 2
        return True
    if t + delay == t:
        return False
    wait(events, event, t + delay)
    return True


@compiled
def happen(state, events, t):
    """Carry out all that happens at a time; the status that ends the path, or DONE."""
    take_due(events, t)
    status = Status.DONE
    while events.pending_count > 0 and status == Status.DONE:
        place = first(state, events, t)
        event = integers(events.pending_event)[place]
        entry = pull(events, place)
        if entry == NO_ENTRY:
            find_values(state, events, event, t)
            if integers(events.delayed)[event] != 0 and begins_to_wait(events, event, t):
                if events.broken != 0:
                    break
                continue
        status = execute(state, events, event, entry, t)
        starts = integers(events.starts)
        if starts[event + 1] > starts[event]:
            look(state, events, t, events.row)
            after_event(events, events.row)
    events.pending_count = 0
    clear_queue(events)
    return Status.CALLBACK if events.broken != 0 else status
