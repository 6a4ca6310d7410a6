"""When events of a path with noise are due: known times, and the ends of delays.

The rules are those of `symde.engine.cpu.event_times`, for each path by itself, as its parameters say.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, structure_at
from symde.engine.cpu.event_times import ROUNDING
from symde.engine.cpu.noise_events import NOWHERE, NoiseEvents

events_at = structure_at(NoiseEvents)

NO_ENTRY = -1
"""Of what is to take place: it has not waited in the queue."""


@compiled
def known_value(state, events, place):
    """A time or period of this path."""
    return doubles(events.time_values + 8 * state.path * events.time_stride)[place]


@compiled
def sort_times(state, events):
    """The times of `at` in their order, of equal ones the first in the text first."""
    times, order, places = doubles(events.at_times), integers(events.at_sorted), integers(events.at_places)
    for k in range(events.ats):
        time, i = known_value(state, events, places[k]), k
        while i > 0 and times[i - 1] > time:
            times[i], order[i] = times[i - 1], order[i - 1]
            i -= 1
        times[i], order[i] = time, k
    events.at_next = 0
    while events.at_next < events.ats and times[events.at_next] < state.t0:
        events.at_next += 1


@compiled
def begin_series(state, events):
    """The first time of each `every`, and how many there are."""
    places = integers(events.series_places)
    first, period, end = (
        doubles(events.series_first),
        doubles(events.series_period),
        doubles(events.series_end),
    )
    number, last = doubles(events.series_number), doubles(events.series_last)
    for k in range(events.series):
        every, begun, ended = places[3 * k], places[3 * k + 1], places[3 * k + 2]
        period[k] = known_value(state, events, every)
        first[k] = state.t0 + period[k] if begun == NOWHERE else known_value(state, events, begun)
        end[k] = events.t_end if ended == NOWHERE else known_value(state, events, ended)
        number[k] = max(0.0, math.ceil((state.t0 - first[k]) / period[k] - ROUNDING))
        length = (end[k] - first[k]) / period[k]
        last[k] = math.floor(length + ROUNDING) if length > -1.0 else -1.0


@compiled
def series_time(events, k):
    """The next time of an `every`; infinite where there is none."""
    number = doubles(events.series_number)[k]
    if number > doubles(events.series_last)[k]:
        return math.inf
    period, end = doubles(events.series_period)[k], doubles(events.series_end)[k]
    time = doubles(events.series_first)[k] + number * period
    return end if abs(time - end) <= ROUNDING * period else time


@compiled
def find_next(events):
    """Note when something is due next; never is infinite."""
    found = math.inf
    if events.at_next < events.ats:
        found = doubles(events.at_times)[events.at_next]
    for k in range(events.series):
        found = min(found, series_time(events, k))
    due = doubles(events.queue_due)
    for k in range(events.queue_count):
        found = min(found, due[k])
    events.next = found if found <= events.t_end else math.inf


@compiled
def begin_times(state, events):
    """What is due in a path."""
    sort_times(state, events)
    begin_series(state, events)
    events.queue_count = 0
    find_next(events)


@compiled
def put(events, event, entry):
    """Let an event take place now; `entry` is its place in the queue, if it has waited there."""
    integers(events.pending_event)[events.pending_count] = event
    integers(events.pending_entry)[events.pending_count] = entry
    events.pending_count += 1


@compiled
def take_due(events, t):
    """Let all take place that is due at a time."""
    while events.at_next < events.ats and doubles(events.at_times)[events.at_next] <= t:
        k = integers(events.at_sorted)[events.at_next]
        put(events, integers(events.at_events)[k], NO_ENTRY)
        events.at_next += 1
    for k in range(events.series):
        while series_time(events, k) <= t:
            put(events, integers(events.series_events)[k], NO_ENTRY)
            doubles(events.series_number)[k] += 1.0
    taken = integers(events.queue_taken)
    for k in range(events.queue_count):
        if taken[k] == 0 and doubles(events.queue_due)[k] <= t:
            taken[k] = 1
            put(events, integers(events.queue_event)[k], k)


@compiled
def wait(events, event, due):
    """Put an event into the queue with the values it sets."""
    k, size = events.queue_count, events.most_targets
    doubles(events.queue_due)[k] = due
    integers(events.queue_event)[k], integers(events.queue_taken)[k] = event, 0
    kept, values = doubles(events.queue_values + 8 * size * k), doubles(events.values)
    for i in range(size):
        kept[i] = values[i]
    events.queue_count += 1


@compiled
def drop(events, event):
    """An event's condition has turned false before it was due."""
    for k in range(events.queue_count):
        if integers(events.queue_event)[k] == event and integers(events.queue_taken)[k] == 0:
            integers(events.queue_taken)[k] = 1


@compiled
def clear_queue(events):
    """Forget what has been taken, and find what is next."""
    kept, size = 0, events.most_targets
    due, event, taken = (
        doubles(events.queue_due),
        integers(events.queue_event),
        integers(events.queue_taken),
    )
    for k in range(events.queue_count):
        if taken[k] != 0:
            continue
        if kept < k:
            due[kept], event[kept], taken[kept] = due[k], event[k], 0
            to, from_ = (
                doubles(events.queue_values + 8 * size * kept),
                doubles(events.queue_values + 8 * size * k),
            )
            for i in range(size):
                to[i] = from_[i]
        kept += 1
    events.queue_count = kept
    find_next(events)
