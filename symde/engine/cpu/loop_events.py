"""Events at known times that the compiled loop carries out by itself: their memory.

A dose that is given every twelve hours asks nothing of the host: its time is known, what it sets is a kernel,
and so is what that makes of sensitivity columns. The host lays the times out and reads afterwards what has
happened. It is called where it is needed: where an event ends the solve or begins a delay, and where what an
event sets changes a condition that others wait for.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.accumulation import SHORT
from symde.engine.cpu.event_times import EventTimes
from symde.engine.cpu.library import function_address
from symde.engine.cpu.schedule import Schedule
from symde.problem.event_record import Logged

KINDS = "at", "every"
"""Events at known times."""

LOG_NUMBERS = 1 << 20
"""Numbers that the log may take; there is room for `FEWEST` entries all the same."""

FEWEST = 16


class LoopEvents:
    """The events of one session that the loop carries out.

    Args:
        events: The model's event kernels.
        session: Whose state they read.
        side: The sides of root functions, as the loop reads them.
    """

    def __init__(self, events: Any, session: Any, side: np.ndarray) -> None:
        plans = events.plans
        self.states: int = getattr(events, "states", session.n)
        self.width: int = getattr(events, "width", 0)
        self._by_loop = np.array(
            [plan.kind in KINDS and not (plan.stop or plan.delayed) for plan in plans], np.int64
        )
        counts = [len(plan.targets) for plan in plans]
        self._kept: dict[str, np.ndarray] = {
            "starts": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            "targets": np.array([target for plan in plans for target in plan.targets] or [0], np.int64),
            "outputs": np.zeros(1, np.int64),
            "truths": np.zeros(max(events.conditions, 1)),
            "truths_after": np.zeros(max(events.conditions, 1)),
            "side_before": np.zeros(len(side)),
            "before": np.zeros(session.n),
            "multistep": np.array([method.family.multistep for method in session.methods], np.int64),
        }
        self.data: Any = Schedule(
            conditions=events.address("conditions"), n_conditions=events.conditions, states=self.states,
            n_sides=len(side), side=side.ctypes.data, width=self.width,
            find_sides=function_address("roots", "sides") if events.count else 0,
        )  # fmt: skip
        longest = self._columns(events, session) if self.width else self._plain(events, session)
        self._kept["values"] = np.zeros(longest + 1)
        for name, array in self._kept.items():
            setattr(self.data, name, array.ctypes.data)
        self._log = np.empty((0, 2, self.states))
        self._times = self._events = self._flags = self._unmoved = self._dt = self._laid = np.empty(0)
        self._base = 0
        self.begin()

    def _plain(self, events: Any, session: Any) -> int:
        kernels = [
            events.address(f"effect_{j}") if plan.targets else 0 for j, plan in enumerate(events.plans)
        ]
        self._kept["effects"] = np.array(kernels, np.int64)
        return max(len(plan.targets) + plan.delayed for plan in events.plans)

    def _columns(self, events: Any, session: Any) -> int:
        effects = events.effects
        self._patterns = [(*one.by_states, *one.by_parameters) for one in effects]
        table = [
            (len(a), a.ctypes.data, b.ctypes.data, len(c), c.ctypes.data, d.ctypes.data)
            for a, b, c, d in self._patterns
        ]
        self._kept["effects"] = np.array([one.address for one in effects], np.int64)
        self._kept["entries"] = np.array(table, np.int64)
        self._kept["rows"] = np.zeros(max(one.count for one in effects) * self.width + 1)
        self._kept["slope"] = np.zeros(session.padded)
        return max(
            2 * one.count + len(one.by_states[0]) + len(one.by_parameters[0]) for one in effects
        )  # fmt: skip

    @property
    def address(self) -> int:
        """Where the structure lies."""
        return ctypes.addressof(self.data)

    def begin(self) -> None:
        """A run begins: nothing has happened."""
        self.data.count = self.data.next = self._first = 0
        self._fresh = True

    def lay_out(self, times: EventTimes, t: float, t_end: float, carrier: Any) -> tuple[int, int]:
        """Let the loop know what is due after t: the address of the times, and their number.

        Args:
            times: What is due; the same object where t and t_end are the same.
            carrier: What tells how times depend on what there are columns for.
        """
        if self._laid is not times.times:
            self._lay_out(times, t, t_end)
            self._fresh = True
        data = self.data
        if self._fresh:
            self._fresh, data.count = False, len(self._times)
            self._set_dt(None if carrier is None else carrier.times(self._times, self._events, self.width))
        data.next = self._first = times.position - self._base
        return data.times + 8 * data.next, data.count - data.next

    def _lay_out(self, times: EventTimes, t: float, t_end: float) -> None:
        self._laid, self._base = times.times, times.position
        self._times, self._events = times.times[self._base :], times.events[self._base :]
        by_loop = self._by_loop[self._events]
        # the host sees to the last of those known by now, and to times that accumulate
        if times.more:
            by_loop[self._times == self._times[-1]] = 0
        gaps = np.diff(self._times, prepend=t)
        by_loop[(gaps > 0.0) & (gaps < SHORT * abs(t_end - t))] = 0
        count = min(len(self._times), max(FEWEST, LOG_NUMBERS // (2 * self.states)))
        by_loop[count:] = 0
        if len(self._log) < count:
            self._log = np.empty((count, 2, self.states))
        self._flags = self._unmoved = by_loop
        data = self.data
        data.times, data.events = self._times.ctypes.data, self._events.ctypes.data
        data.by_loop, data.log = by_loop.ctypes.data, self._log.ctypes.data

    def _set_dt(self, dt: np.ndarray | None) -> None:
        """Note the derivatives of the times; events at one time that a change moves apart are the host's."""
        data = self.data
        if dt is None and not data.moves:
            return
        self._flags, data.moves = self._unmoved, dt is not None
        if dt is not None:
            self._dt, self._flags = dt, self._unmoved.copy()
            apart = (np.diff(self._times) == 0.0) & (dt[1:] != dt[:-1]).any(axis=1)
            self._flags[:-1][apart] = 0
            data.dt = dt.ctypes.data
        data.by_loop = self._flags.ctypes.data

    @property
    def position(self) -> int:
        """The first known time that has not been taken."""
        return self._base + self.data.next

    def happened(self) -> Logged | None:
        """What has happened since the last call, None where nothing has."""
        first, last = self._first, self.data.next
        if first == last:
            return None
        self._first = last
        return Logged(self._times[first:last], self._events[first:last], self._log[first:last].copy())
