"""Times at which events are due: those of `at` and `every`, and the ends of delays."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from symde.problem.event_plan import EventPlan

ROUNDING = 1e-9
"""Part of a period by which the end of a series may be missed."""

CHUNK = 1024
"""Times of a series that are made at once."""


class _Series:
    """The times of one `every`, the first of them not made yet."""

    __slots__ = ("end", "first", "index", "last", "number", "period")

    def __init__(self, index: int, first: float, period: float, end: float, t0: float) -> None:
        self.index, self.first, self.period, self.end = index, first, period, end
        self.number = max(0, math.ceil((t0 - first) / period - ROUNDING))
        span = (end - first) / period
        self.last = math.inf if span == math.inf else math.floor(span + ROUNDING) if span > -1.0 else -1

    def following(self) -> np.ndarray:
        """The next times, at most `CHUNK`."""
        count = min(CHUNK, self.last + 1 - self.number)
        if not count > 0:
            return np.empty(0)
        times = self.first + np.arange(self.number, self.number + int(count)) * self.period
        if abs(times[-1] - self.end) <= ROUNDING * self.period:
            times[-1] = self.end
        return times


class EventTimes:
    """What is due when, the earliest first.

    Args:
        plans: The model's events.
        values: Times and periods, as the plans place them.
        t0, t1: Start and end of the solve.

    Attributes:
        times, events: Known times in their order, and the event of each: as many as are made at once.
        position: The first of these that has not been taken.
        more: Whether others follow them.
        whole: Whether these were all from the start.

    Raises:
        ValueError: a period is not positive, or a time is not finite.
    """

    __slots__ = (
        "_at", "_count", "_direction", "_queue", "_series", "events", "more", "position", "times", "whole",
    )  # fmt: skip

    def __init__(self, plans: Sequence[EventPlan], values: Sequence[float], t0: float, t1: float) -> None:
        self._direction = 1.0 if t1 >= t0 else -1.0
        self._count = 0
        self._queue: list[tuple[float, int, int, Any]] = []
        self._at: list[tuple[float, int]] = []
        self._series: list[_Series] = []
        for index, plan in enumerate(plans):
            if plan.kind == "at":
                times = [_finite(values[place or 0], plan) for place in plan.times]
                self._at += [(time, index) for time in times if (time - t0) * self._direction >= 0.0]
            elif plan.kind == "every":
                self._series.append(self._begun(index, plan, values, t0, t1))
        self._at.sort(key=lambda one: (one[0] * self._direction, one[1]))
        self._make()
        self.whole = not self.more

    def _begun(self, index: int, plan: EventPlan, values: Sequence[float], t0: float, t1: float) -> _Series:
        if self._direction < 0.0:
            raise ValueError(
                f"event `{plan.name}` comes every so often, which has no meaning backwards in time"
            )
        period, first, end = (None if place is None else values[place] for place in plan.times)
        assert period is not None
        if not 0.0 < period < math.inf:
            raise ValueError(f"event `{plan.name}` has a period of {period:g}: it must be positive")
        first = t0 + period if first is None else _finite(first, plan)
        return _Series(index, first, period, t1 if end is None else end, t0)

    def _make(self) -> None:
        """The next known times of all that is due at such."""
        self.position, horizon = 0, math.inf
        made = [(one, one.following()) for one in self._series]
        for one, times in made:
            if one.number + len(times) <= one.last:
                horizon = min(horizon, times[-1])
        parts = [times[times <= horizon] if horizon < math.inf else times for _, times in made]
        owners = [np.full(len(part), one.index) for (one, _), part in zip(made, parts, strict=True)]
        for (one, _), part in zip(made, parts, strict=True):
            one.number += len(part)
        if self._at:
            count = sum(time <= horizon for time, _ in self._at)  # backwards in time there is no horizon
            parts.append(np.array([time for time, _ in self._at[:count]]))
            owners.append(np.array([index for _, index in self._at[:count]], np.int64))
            del self._at[:count]
        if len(parts) == 1:
            self.times, self.events = parts[0], owners[0]
        elif parts:
            times, events = np.concatenate(parts), np.concatenate(owners)
            order = np.lexsort((events, times * self._direction))
            self.times, self.events = times[order], events[order]
        else:
            self.times, self.events = np.empty(0), np.empty(0, np.int64)
        self.more = bool(self._at) or any(one.number <= one.last for one in self._series)

    def begin(self) -> None:
        """Nothing has been taken; what is `whole` can begin again."""
        self.position, self._count = 0, 0
        self._queue.clear()

    def add(self, time: float, index: int, values: Any) -> None:
        """Let an event be due; `values` are what it sets."""
        self._count += 1  # of equal times the one asked for first comes first
        heapq.heappush(self._queue, (time * self._direction, self._count, index, values))

    def drop(self, index: int) -> None:
        """An event's condition has turned false before it was due."""
        kept = [entry for entry in self._queue if entry[2] != index]
        if len(kept) < len(self._queue):
            self._queue = kept
            heapq.heapify(self._queue)

    @property
    def delayed(self) -> bool:
        """Whether an event waits for the end of its delay."""
        return bool(self._queue)

    @property
    def next(self) -> float | None:
        """The next time."""
        delayed = self._queue[0][0] * self._direction if self._queue else None
        if self.position == len(self.times):
            return delayed
        known = self.times.item(self.position)
        if delayed is None or (known - delayed) * self._direction <= 0.0:
            return known
        return delayed

    def take(self, t: float) -> list[tuple[int, Any]]:
        """What is due at time t: pairs of an event and its values, None where they are to be read."""
        taken: list[tuple[int, Any]] = []
        now = t * self._direction
        while self.position < len(self.times) and self.times.item(self.position) * self._direction <= now:
            taken.append((self.events.item(self.position), None))
            self.position += 1
            if self.position == len(self.times) and self.more:
                self._make()
        while self._queue and self._queue[0][0] <= now:
            _, _, index, values = heapq.heappop(self._queue)
            taken.append((index, values))
        return taken


def _finite(time: float, plan: EventPlan) -> float:
    if not math.isfinite(time):
        raise ValueError(f"event `{plan.name}` is due at t = {time}: its time must be a finite number")
    return time
