"""When events are due: the times of `at` and `every` of each member, and the ends of delays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from symde.engine.cpu.event_times import ROUNDING
from symde.problem.event_plan import EventPlan


class KnownCause(NamedTuple):
    """Members whose moment is a known time: time = values[row] + number*values[period], or t0 + period in
    place of the first where there is no row.

    Attributes:
        columns: Which of the moment's members, shape (K,).
        row, period: Places in the vector of times and periods; None: none.
        number: Periods since the first time, shape (K,).
    """

    columns: Tensor
    row: int | None
    period: int | None
    number: Tensor


@dataclass(eq=False, slots=True)
class Entry:
    """A delayed event that members wait for.

    Attributes:
        event: Which.
        place: Of each member its place among those that were triggered, -1: none; shape (B,).
        due: When, in the direction of the run, shape (B,); infinite for members that do not wait.
        values: What it sets, shape (targets, triggered).
    """

    event: int
    place: Tensor
    due: Tensor
    values: Tensor


class KnownTimes:
    """The times at which members' events are due, in the direction of the run.

    Args:
        plans: The events.
        values: Times and periods, shape (times, B).
        t0, t1: Start and end of each member, shape (B,).
        direction: 1.0 or -1.0.

    Raises:
        ValueError: a period is not positive, or a time is not finite.
    """

    def __init__(
        self, plans: tuple[EventPlan, ...], values: Tensor, t0: Tensor, t1: Tensor, direction: float
    ) -> None:
        self._plans, self._values, self._direction = plans, values, direction
        self._none = torch.full_like(t0, math.inf)
        self._at: list[tuple[int, int]] = []
        self._every: list[int] = []
        self._rows: list[Tensor] = []
        self._series: list[tuple[Tensor, Tensor, Tensor]] = []
        self._number: list[Tensor] = []
        self.waiting: list[Entry] = []
        for j, plan in enumerate(plans):
            if plan.kind == "at":
                for row in plan.times:
                    self._begin_time(j, row or 0, t0)
        self._times_of_at = len(self._rows)
        for j, plan in enumerate(plans):
            if plan.kind == "every":
                self._begin_series(j, plan, t0, t1)

    @property
    def any(self) -> bool:
        """Whether anything may ever be due."""
        return bool(self._rows or self.waiting)

    def _begin_time(self, j: int, row: int, t0: Tensor) -> None:
        time = self._values[row]
        _require(torch.isfinite(time), time, f"event `{self._plans[j].name}` is due at t = ",
                 "its time must be a finite number")  # fmt: skip
        ahead = (time - t0) * self._direction >= 0.0
        self._at.append((j, row))
        self._rows.append(torch.where(ahead, time * self._direction, math.inf))

    def _begin_series(self, j: int, plan: EventPlan, t0: Tensor, t1: Tensor) -> None:
        if self._direction < 0.0:
            raise ValueError(
                f"event `{plan.name}` comes every so often, which has no meaning backwards in time"
            )
        period, first, end = (None if row is None else self._values[row] for row in plan.times)
        assert period is not None
        fine = (period > 0.0) & (period < math.inf)
        _require(fine, period, f"event `{plan.name}` has a period of ", "it must be positive")
        first = t0 + period if first is None else first
        _require(torch.isfinite(first), first, f"event `{plan.name}` is due at t = ",
                 "its time must be a finite number")  # fmt: skip
        self._every.append(j)
        self._series.append((first, period, t1 if end is None else end))
        self._number.append(torch.ceil((t0 - first) / period - ROUNDING).clamp(min=0.0))
        self._rows.append(self._following(len(self._series) - 1))

    def _following(self, place: int) -> Tensor:
        """The next time of a series, infinite where it has ended."""
        first, period, end = self._series[place]
        time = first + self._number[place] * period
        time = torch.where((time - end).abs() <= ROUNDING * period, end, time)
        return torch.where(time <= end, time, math.inf)

    def next(self) -> Tensor:
        """The next time of each member, in the direction of the run; infinite where there is none."""
        every = [*self._rows, *(one.due for one in self.waiting)]
        return torch.stack(every).amin(0) if every else self._none

    def due(self, t: Tensor) -> Tensor:
        """Whose next time has come, shape (B,)."""
        return self.next() <= t * self._direction

    def take(
        self, member: Tensor, t: Tensor, count: int
    ) -> tuple[Tensor, list[KnownCause], list[tuple[Entry, Tensor]]]:
        """What is due for some members at t.

        Returns:
            How often each event is, shape (count, S); the causes; and of delayed events which members' are.
        """
        pending = torch.zeros(count, len(member), dtype=torch.int64, device=t.device)
        now, causes = t * self._direction, []
        for place, row in enumerate(self._rows):
            is_due = row[member] <= now
            if not bool(is_due.any()):
                continue
            columns = torch.nonzero(is_due)[:, 0]
            whose = member[columns]
            if place < self._times_of_at:
                j, of = self._at[place]
                causes.append(KnownCause(columns, of, None, torch.zeros_like(t[columns])))
                row[whose] = math.inf
            else:
                series = place - self._times_of_at
                j = self._every[series]
                plan, number = self._plans[j], self._number[series]
                causes.append(KnownCause(columns, plan.times[1], plan.times[0], number[whose]))
                number[whose] += 1.0
                self._rows[place] = torch.where(
                    torch.zeros_like(row, dtype=torch.bool).index_fill(0, whose, True),
                    self._following(series),
                    row,
                )
            pending[j] += is_due
        waited = [(one, one.due[member] <= now) for one in self.waiting]
        return pending, causes, [(one, mask) for one, mask in waited if bool(mask.any())]

    def wait(self, event: int, member: Tensor, due: Tensor, values: Tensor) -> Entry:
        """Let members wait for a delayed event."""
        place = torch.full(self._none.shape, -1, dtype=torch.int64, device=due.device)
        place[member] = torch.arange(len(member), device=due.device)
        whole = self._none.clone()
        whole[member] = due * self._direction
        entry = Entry(event, place, whole, values)
        self.waiting = [one for one in self.waiting if bool(torch.isfinite(one.due).any())]
        self.waiting.append(entry)
        return entry

    def drop(self, event: int, member: Tensor) -> None:
        """A delayed event's condition has turned false before it was due."""
        for one in self.waiting:
            if one.event == event:
                one.due[member] = math.inf


def _require(fine: Tensor, value: Tensor, what: str, rule: str) -> None:
    if not bool(fine.all()):
        k = int(torch.nonzero(~fine)[0])
        member = f" for member {k} of the batch" if len(fine) > 1 else ""
        raise ValueError(f"{what}{float(value[k]):g}{member}: {rule}")
