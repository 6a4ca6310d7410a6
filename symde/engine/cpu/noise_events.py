"""The memory of events beside noise: a C structure shared by the host (ctypes) and the compiled loops."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu.accumulation import MOST_AT_ONCE
from symde.engine.cpu.layout import double, int64, structure
from symde.engine.cpu.noise_happened import Happened
from symde.engine.cpu.noise_layout import LEVELS
from symde.problem.event_plan import EventPlan

ROOM = MOST_AT_ONCE + 1
"""Events that there is room for in log and queue before each step: more at one time end the path."""

WHEN, CROSSING, AT, EVERY = 0, 1, 2, 3
KINDS = {"when": WHEN, "crossing": CROSSING, "at": AT, "every": EVERY}

BOTH, RISING, FALLING = 0, 1, 2
DIRECTIONS = {"both": BOTH, "rising": RISING, "falling": FALLING}

NOWHERE = -1
"""The place of a time that an `every` does not have."""

ROWS = LEVELS + 4
"""Looks that are kept of a step that is searched."""

_d, _i = double, int64

NoiseEvents = structure(
    "NoiseEvents",
    "The events of paths with noise.",
    # what they are, by event
    events=_i, kinds=_i, places=_i, directions=_i, stops=_i, delayed=_i, persistent=_i,
    starts=_i, targets=_i, most_targets=_i,  # event j sets the states targets[starts[j]:starts[j + 1]]
    watch_starts=_i, watched=_i,  # and by the root functions watched[...] it is decided
    effects=_i, priorities=_i, look=_i,  # kernels
    along=_i, changed=_i,  # derivatives of effects along a direction, and their values
    conditions=_i, roots=_i, width=_i,  # of a look: conditions that hold, values, local variances
    outputs=_i, values=_i, order=_i,
    conditional=_i, timed=_i,  # whether steps are searched, and for what follows the time alone
    # known times: those of `at`, and three places of each `every`
    ats=_i, at_places=_i, at_events=_i, at_times=_i, at_sorted=_i, at_next=_i,
    series=_i, series_events=_i, series_places=_i, series_first=_i, series_period=_i, series_end=_i,
    series_number=_i, series_last=_i,
    time_values=_i, time_stride=_i, t_end=_d, next=_d,
    # delayed ones, and those that are to take place now
    queue_due=_i, queue_event=_i, queue_taken=_i, queue_values=_i, queue_count=_i, queue_capacity=_i,
    pending_event=_i, pending_entry=_i, pending_count=_i,
    # whether an event waits for its condition, and the side of a crossing in both directions
    armed=_i, side=_i, row=_i, left=_i, rows=_i, ticks=_i,
    # where the path is: the time, whole steps of a grid and pieces of such, a limit on both, and what is left
    t=_d, h=_d, grid=_i, cuts=_i, limit=_i, rest=_d, rest_w=_i, rest_a=_i, cut_words=_i, cut_normals=_i,
    # whether they accumulate
    counted=_i, last=_d, interval=_d, span=_d, at_once=_i, short=_i, shrinking=_i, failed=_i, broken=_i,
    delay=_d, burst=_i, burst_begun=_d, looks=_i,
    log_t=_i, log_paths=_i, log_events=_i, log_states=_i, log_count=_i, log_capacity=_i, keep_log=_i,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class EventArrays:
    """Events as the compiled loops read them.

    Attributes:
        plans: What each is.
        watched: Of each event the root functions that decide its condition.
        conditions, roots: How many there are.
        conditional: Whether states or the time change a condition, so that steps are searched.
        timed: Whether a condition follows the time alone, or a part of it.
        address: Of a kernel by its name: "look", "effect_j" or "priorities"; 0 where there is none.
        along: Gives the kernels of derivatives of effects along a direction.
        times: Gives (t0, parameters (rows, m)) -> known times and periods, shape (rows, times).
    """

    plans: tuple[EventPlan, ...]
    watched: tuple[tuple[int, ...], ...]
    conditions: int
    roots: int
    conditional: bool
    timed: bool
    address: Callable[[str], int]
    along: Callable[[], tuple[int, ...]]
    times: Callable[[float, np.ndarray], np.ndarray]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the events."""
        return tuple(plan.name for plan in self.plans)


class NoiseEventMemory:
    """The events of one session.

    Args:
        events: What a system knows of them.
        n: Number of states, with their derivatives along directions.
        motions: Number of Brownian motions.
        directions: Number of these directions.
    """

    def __init__(self, events: EventArrays, n: int, motions: int, directions: int) -> None:
        self.events, self._n, plans = events, n, events.plans
        self._kept: dict[str, np.ndarray] = {}
        width = events.conditions + 2 * events.roots
        self.state: Any = NoiseEvents(
            events=len(plans), conditions=events.conditions, roots=events.roots, width=width,
            conditional=int(events.conditional), timed=int(events.timed), look=events.address("look"),
            priorities=events.address("priorities"),
        )  # fmt: skip
        for name in ("stops", "delayed", "persistent"):
            own = "stop" if name == "stops" else name
            self._keep(name, np.array([getattr(plan, own) for plan in plans], np.int64))
        self._keep("kinds", np.array([KINDS[plan.kind] for plan in plans], np.int64))
        self._keep("places", np.array([plan.place for plan in plans], np.int64))
        self._keep("directions", np.array([DIRECTIONS[plan.direction] for plan in plans], np.int64))
        self._keep_lists("starts", "targets", [plan.targets for plan in plans])
        self._keep_lists("watch_starts", "watched", events.watched)
        most = max(len(plan.targets) for plan in plans) + 1
        self.state.most_targets = most
        self._keep("effects", np.array([events.address(f"effect_{j}") for j in range(len(plans))], np.int64))
        self._keep("along", np.array(events.along() if directions else [0], np.int64))
        self._keep("changed", np.zeros(directions * most + 1))
        self._keep("outputs", np.zeros(3, np.int64))
        self._keep("values", np.zeros(most))
        self._keep("order", np.zeros(len(plans)))
        self._keep("armed", np.zeros(len(plans), np.int64))
        self._keep("side", np.zeros(len(plans)))
        for name, rows in (("row", 1), ("left", 1), ("rows", ROWS)):
            self._keep(name, np.zeros(rows * width + 1))
        self._keep("ticks", np.zeros(ROWS, np.int64))
        for name in ("rest_w", "rest_a"):
            self._keep(name, np.zeros(max(motions, 1)))
        self._add_times(plans)
        self._reserve_queue(2 * ROOM)
        self._log = np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 2, n))
        self._reserve_log(2 * ROOM)

    def _keep(self, name: str, array: np.ndarray) -> None:
        self._kept[name] = array
        setattr(self.state, name, array.ctypes.data)

    def _keep_lists(self, starts: str, entries: str, lists: Any) -> None:
        self._keep(starts, np.cumsum([0, *(len(one) for one in lists)]).astype(np.int64))
        self._keep(entries, np.array([*(entry for one in lists for entry in one), 0], np.int64))

    def _add_times(self, plans: tuple[EventPlan, ...]) -> None:
        ats = [(place, j) for j, plan in enumerate(plans) if plan.kind == "at" for place in plan.times]
        series = [(j, plan.times) for j, plan in enumerate(plans) if plan.kind == "every"]
        self.state.ats, self.state.series = len(ats), len(series)
        self._keep("at_places", np.array([place for place, _ in ats] or [0], np.int64))
        self._keep("at_events", np.array([j for _, j in ats] or [0], np.int64))
        self._keep("at_times", np.zeros(len(ats) + 1))
        self._keep("at_sorted", np.zeros(len(ats) + 1, np.int64))
        self._keep("series_events", np.array([j for j, _ in series] or [0], np.int64))
        places = [[NOWHERE if one is None else one for one in times] for _, times in series]
        self._keep("series_places", np.array(places or [[0, 0, 0]], np.int64))
        for name in ("series_first", "series_period", "series_end", "series_number", "series_last"):
            self._keep(name, np.zeros(len(series) + 1))

    @property
    def address(self) -> int:
        """Where the structure lies."""
        return ctypes.addressof(self.state)

    def begin(self, grid: Any, p: np.ndarray, counters: int, log: bool) -> None:
        """Ready for paths.

        Args:
            grid: Their steps (`symde.engine.noise.session.Grid` or `Adaptive`).
            p: Parameters, shape (rows, m): of each path, or one row for all.
            counters: Counters of random numbers of a step.
            log: Whether events are logged.

        Raises:
            ValueError: a period is not positive, or a time is not finite.
        """
        values = np.ascontiguousarray(self.events.times(grid.t0, p))
        self._check_times(values)
        self._keep("time_values", values)
        state = self.state
        state.time_stride = values.shape[1] if len(values) > 1 else 0
        state.t_end, state.h = grid.t1, getattr(grid, "h", 0.0)
        state.limit = getattr(grid, "limit", grid.steps)
        state.keep_log, state.log_count, state.looks = int(log), 0, 0
        if len(self._kept.get("cut_normals", ())) != 2 * counters:
            self._keep("cut_words", np.zeros(2 * counters, np.int64))
            self._keep("cut_normals", np.zeros(2 * counters))

    def _check_times(self, values: np.ndarray) -> None:
        for plan in self.events.plans:
            for number, place in enumerate(plan.times):
                if place is None:
                    continue
                period = plan.kind == "every" and number == 0
                if period:
                    wrong = ~((values[:, place] > 0.0) & np.isfinite(values[:, place]))
                else:
                    end = plan.kind == "every" and number == 2
                    wrong = np.isnan(values[:, place]) if end else ~np.isfinite(values[:, place])
                if not wrong.any():
                    continue
                value = values[wrong.argmax(), place]
                if period:
                    raise ValueError(f"event `{plan.name}` has a period of {value:g}: it must be positive")
                raise ValueError(
                    f"event `{plan.name}` is due at t = {value}: its time must be a finite number"
                )

    # -- what grows
    # ------------------------------------------------------------------------------------------------

    def _reserve_queue(self, rows: int) -> None:
        state, kept = self.state, self.state.queue_count
        for name, kind, shape in (
            ("queue_due", float, (rows,)),
            ("queue_event", np.int64, (rows,)),
            ("queue_taken", np.int64, (rows,)),
            ("queue_values", float, (rows, state.most_targets)),
        ):
            array = np.zeros(shape, kind)
            if kept:
                array[:kept] = self._kept[name][:kept]
            self._keep(name, array)
        room = rows + state.ats + state.events * (2 + ROOM)
        self._keep("pending_event", np.zeros(room, np.int64))
        self._keep("pending_entry", np.zeros(room, np.int64))
        state.queue_capacity = rows

    def _reserve_log(self, rows: int) -> None:
        kept = self.state.log_count
        shapes = (rows,), (rows,), (rows,), (rows, 2, self._n)
        kinds = float, np.int64, np.int64, float
        log = tuple(np.empty(shape, kind) for shape, kind in zip(shapes, kinds, strict=True))
        for new, old in zip(log, self._log, strict=True):
            new[:kept] = old[:kept]
        self._log = log
        for name, one in zip(("log_t", "log_paths", "log_events", "log_states"), log, strict=True):
            setattr(self.state, name, one.ctypes.data)
        self.state.log_capacity = rows

    def make_room(self) -> None:
        """Twice the room where there is too little."""
        state = self.state
        if state.log_capacity - state.log_count < ROOM:
            self._reserve_log(2 * state.log_capacity)
        if state.queue_capacity - state.queue_count < ROOM:
            self._reserve_queue(2 * state.queue_capacity)

    # -- what has happened
    # ------------------------------------------------------------------------------------------------

    def happened(self) -> Happened:
        """What has happened in the paths just followed."""
        count = self.state.log_count
        t, paths, events, states = (one[:count].copy() for one in self._log)
        return Happened(self.events.names, t, paths, events, states)

    @property
    def failure(self) -> tuple[str, float]:
        """The event at which the last path failed, and its delay."""
        return self.events.plans[self.state.failed].name, self.state.delay
