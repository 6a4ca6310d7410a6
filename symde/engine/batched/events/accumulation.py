"""Whether there is no end to a member's events: too many at one time, or times that accumulate."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from symde.engine.cpu.accumulation import FEWEST_SHRINKING, MOST_AT_ONCE, MOST_SHORT, RESOLVED, SHORT
from symde.engine.cpu.layout import Status

NEAR = 16.0
"""Times what float64 resolves below which ever shorter intervals end a run: states are kept in float64
alone here, and an impact that is lost in their rounding would let a ball fall through the floor."""


class Accumulation:
    """Counts the events of each member; the rules are those of `symde.engine.cpu.accumulation`.

    Args:
        t_end: Ends of the members, shape (B,).
    """

    def __init__(self, t_end: Tensor) -> None:
        self._end = t_end
        self._last, self._interval = torch.full_like(t_end, -math.inf), torch.full_like(t_end, math.inf)
        self._span = torch.full_like(t_end, math.nan)
        self._at_once, self._short, self._shrinking = (
            torch.zeros_like(t_end, dtype=torch.int64) for _ in range(3)
        )

    def count(self, member: Tensor, t: Tensor) -> Tensor:
        """Note an event of each of some members; the `Status` that ends its run, or -1."""
        fresh = torch.isnan(self._span[member])
        span = torch.where(fresh, (self._end[member] - t).abs(), self._span[member])
        interval = (t - self._last[member]).abs()
        again = interval == 0.0
        short = interval < SHORT * span
        before = self._interval[member]
        at_once = torch.where(again, self._at_once[member] + 1, 1)
        series = torch.where(short, self._short[member] + 1, 0)
        shrinking = torch.where(short & (interval < before), self._shrinking[member] + 1, 0)
        series = torch.where(again, self._short[member], series)
        shrinking = torch.where(again, self._shrinking[member], shrinking)
        self._span[member], self._last[member], self._at_once[member] = span, t, at_once
        self._short[member], self._shrinking[member] = series, shrinking
        self._interval[member] = torch.where(again, before, interval)
        unresolved = torch.where(again, before, interval) < NEAR * RESOLVED * t.abs()
        zeno = (series >= MOST_SHORT) | ((shrinking >= FEWEST_SHRINKING) & unresolved)
        status = torch.where(at_once > MOST_AT_ONCE, int(Status.CHATTERING), -1)
        return torch.where(zeno, int(Status.ZENO), status)
