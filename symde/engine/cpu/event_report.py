"""What is told of events: the log of what happened, and what derivatives need to know of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from symde.engine.cpu.event_calls import EventCalls
from symde.engine.cpu.loop_events import LoopEvents
from symde.engine.cpu.roots import EXIT, INTEGERS, RESTING, TO_AND_FRO, RootMemory, is_branch
from symde.problem.event_plan import EventPlan
from symde.problem.event_record import SWITCHED, EventLog, Happening

NOTHING_HAPPENED = EventLog((), ())


class EventReport:
    """What the events of one session tell; arguments as of `Executive`.

    Attributes:
        modes: Branches before and after each time at which something happened, where a report was asked for.
        carrier: What takes sensitivity columns over events, where there are some beside the states
            (`symde.sensitivity.carrying`).
    """

    carrier: Any = None
    modes: dict[float, tuple[np.ndarray, np.ndarray]]
    _noted: list[Any]  # Happening | Logged
    _told: bool
    _group: int

    def __init__(self, events: Any, bounds: Any, session: Any, memories: list[Any]) -> None:
        self.session, self.events = session, events
        self.plans: tuple[EventPlan, ...] = () if events is None else events.plans
        if events is None:
            self.memory = RootMemory((), (), (), (), (), 0, 0, session.padded, memories, bounds)
        else:
            functions = events.ties, events.purposes, events.integers, events.exits, events.timed
            kernels = events.address("roots"), events.address("doubts")
            more = events.along, events.groups, events.rides
            self.memory = RootMemory(*functions, *kernels, session.padded, memories, bounds, *more)
        self._roots: Any = self.memory.data
        self._calls: Any = None if events is None else EventCalls(events, session, self.memory)
        self._branches = [is_branch(purpose) for purpose in getattr(events, "purposes", ())]
        self._reporting, self._before = False, np.empty(0)
        self._names = tuple(plan.name for plan in self.plans)
        self._states: int = getattr(events, "states", session.n)
        self._loop: LoopEvents | None = None

    @property
    def log(self) -> EventLog:
        """What has happened in this run, and delayed events as they are triggered too."""
        if self._loop is not None:
            self._note(self._loop)
        elif not self._noted:
            return NOTHING_HAPPENED
        return EventLog(self._names, tuple(self._noted))

    def _note(self, loop: LoopEvents) -> None:
        """Note what the loop has carried out by itself."""
        logged = loop.happened()
        if logged is not None:
            self._noted.append(logged)

    def switching(self) -> int | None:
        """The root function of a switch that the run cannot leave, for it goes to and fro or is released;
        None: there is none."""
        count = self._roots.count
        released = self.memory.values["side"][:count] == 0.0
        released &= self.memory.flips[:count] != RESTING
        released &= (self.memory.exits[:count] == 0) & (self.memory.purposes[:count] & EXIT == 0)
        stuck = (self.memory.flips[:count] >= TO_AND_FRO) | released
        return int(stuck.argmax()) if stuck.any() else None

    # -- what derivatives need to know
    # ------------------------------------------------------------------------------------------------

    def report(self, wanted: bool) -> None:
        """Whether every change of branches is to be noted, in runs that begin from now on."""
        self._reporting = wanted
        self._roots.reporting = wanted

    @property
    def releases(self) -> int:
        """How often a branch was released in this run, and taken as it stands."""
        return self._roots.releases

    def modes_now(self) -> np.ndarray:
        """The branches as they are: sides of root functions, then values of floors."""
        side = self.memory.values["side"]
        return np.concatenate([side[: self._roots.count], side[INTEGERS : INTEGERS + self.events.floors]])

    def _mark(self) -> None:
        """What is noted from now on happens at one time."""
        self._group = len(self._noted)
        if self._reporting:
            self._before = self.modes_now()

    def _note_switches(self, t: float, crossed: list[int], before: np.ndarray) -> None:
        """Note that branches change, which algebraic variables may follow."""
        changed = tuple(i for i in crossed if self._branches[i])
        if changed:
            u = self._calls.u()[: self._states].copy()
            self._noted.append(Happening(t, SWITCHED, changed, None, False, before, u))
            if self._reporting:
                self._note_modes()

    def _note_modes(self) -> None:
        """Note the branches behind what has just been noted."""
        self._noted[-1] = replace(self._noted[-1], modes=self.modes_now())

    def _carry(self, t: float) -> None:
        """Let those know of what has happened at a time who differentiate it."""
        group, modes = self._noted[self._group :], None
        self._group = len(self._noted)
        if self._reporting:
            modes = self._before, self.modes_now()
            self.modes[t] = self.modes.get(t, modes)[0], modes[1]
        if self.carrier is not None:
            self.carrier.carry(group, self._calls.u(), modes)
