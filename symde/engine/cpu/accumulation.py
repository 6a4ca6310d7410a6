"""Whether there is no end to events: too many at one time, or times that accumulate."""

from __future__ import annotations

import math

from symde.engine.cpu.layout import Status

MOST_AT_ONCE = 1000
"""Events at one time after which a solve is given up."""

SHORT, MOST_SHORT = 1e-10, 200
"""Part of the span below which an interval between events is short, and how many of them in succession are
given up."""

FEWEST_SHRINKING = 10
"""Short intervals in succession, each shorter than the one before, after which one that float64 does not
resolve ends the solve."""

RESOLVED = 16 * 2.0**-52
"""Intervals below this part of t are lost in its rounding."""


class Accumulation:
    """Counts the events of a run.

    Attributes:
        counted: Whether there was one.
        reason: Why there is no end, a sentence; empty while there is none.
    """

    __slots__ = ("_at_once", "_interval", "_last", "_short", "_shrinking", "_span", "counted", "reason")

    def __init__(self) -> None:
        self._last, self._interval, self.counted = -math.inf, math.inf, False
        self._span = 0.0
        self._at_once = self._short = self._shrinking = 0
        self.reason = ""

    def count(self, t: float, name: str, end: float) -> Status | None:
        """Note an event of a run that goes on to `end`; the status that ends it before, or None."""
        if not self.counted:
            self.counted, self._span = True, abs(end - t)
        interval, self._last = abs(t - self._last), t
        if interval == 0.0:
            self._at_once += 1
        else:
            self._at_once = 1
            short = interval < SHORT * self._span
            self._short = self._short + 1 if short else 0
            self._shrinking = self._shrinking + 1 if short and interval < self._interval else 0
            self._interval = interval
        if self._short >= MOST_SHORT or (
            self._shrinking >= FEWEST_SHRINKING and interval < RESOLVED * abs(t)
        ):
            self.reason = (
                f"the times of event `{name}` accumulate here: end the solve, or set what moves to rest, "
                "once it moves less than matters"
            )
            return Status.ZENO
        if self._at_once > MOST_AT_ONCE:
            self.reason = (
                f"event `{name}` and those that it triggers follow each other without end at this time: "
                "leave a gap between their conditions (hysteresis)"
            )
            return Status.CHATTERING
        return None
