"""Times at which events are due: those of `at` and `every`, and the ends of delays."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Any

from symde.problem.event_plan import EventPlan

ROUNDING = 1e-9
"""Part of a period by which the end of a series may be missed."""


class EventTimes:
    """What is due when, the earliest first.

    Args:
        plans: The model's events.
        values: Times and periods, as the plans place them.
        t0, t1: Start and end of the solve.

    Raises:
        ValueError: a period is not positive, or a time is not finite.
    """

    __slots__ = ("_count", "_direction", "_queue", "_series", "_t1")

    def __init__(self, plans: Sequence[EventPlan], values: Sequence[float], t0: float, t1: float) -> None:
        self._direction = 1.0 if t1 >= t0 else -1.0
        self._t1, self._count = t1, 0
        self._queue: list[tuple[float, int, int, Any]] = []
        self._series: dict[int, tuple[float, float, float, int]] = {}
        for index, plan in enumerate(plans):
            if plan.kind == "at":
                for place in plan.times:
                    time = _finite(values[place or 0], plan)
                    if (time - t0) * self._direction >= 0.0:
                        self.add(time, index)
            elif plan.kind == "every":
                self._begin_series(index, plan, values, t0)

    def _begin_series(self, index: int, plan: EventPlan, values: Sequence[float], t0: float) -> None:
        if self._direction < 0.0:
            raise ValueError(
                f"event `{plan.name}` comes every so often, which has no meaning backwards in time"
            )
        period, first, end = (None if place is None else values[place] for place in plan.times)
        assert period is not None
        if not 0.0 < period < math.inf:
            raise ValueError(f"event `{plan.name}` has a period of {period:g}: it must be positive")
        first = t0 + period if first is None else _finite(first, plan)
        end = self._t1 if end is None else end
        number = max(0, math.ceil((t0 - first) / period - ROUNDING))
        self._series[index] = first, period, end, number
        self._next_of_series(index)

    def _next_of_series(self, index: int) -> None:
        first, period, end, number = self._series[index]
        time = first + number * period
        if abs(time - end) <= ROUNDING * period:
            time = end
        if time <= end:
            self._series[index] = first, period, end, number + 1
            self.add(time, index)

    def add(self, time: float, index: int, values: Any = None) -> None:
        """Let an event be due; `values` are what it sets, where they are known already."""
        self._count += 1  # of equal times the one asked for first comes first
        heapq.heappush(self._queue, (time * self._direction, self._count, index, values))

    def drop(self, index: int) -> None:
        """An event's condition has turned false before it was due."""
        kept = [entry for entry in self._queue if entry[2] != index or entry[3] is None]
        if len(kept) < len(self._queue):
            self._queue = kept
            heapq.heapify(self._queue)

    @property
    def next(self) -> float | None:
        """The next time."""
        return self._queue[0][0] * self._direction if self._queue else None

    def take(self, t: float) -> list[tuple[int, Any]]:
        """What is due at time t: pairs of an event and its values."""
        taken = []
        now = t * self._direction
        while self._queue and self._queue[0][0] <= now:
            _, _, index, values = heapq.heappop(self._queue)
            taken.append((index, values))
            if values is None and index in self._series:
                self._next_of_series(index)
        return taken


def _finite(time: float, plan: EventPlan) -> float:
    if not math.isfinite(time):
        raise ValueError(f"event `{plan.name}` is due at t = {time}: its time must be a finite number")
    return time
