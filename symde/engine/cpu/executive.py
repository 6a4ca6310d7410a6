"""What happens at events: the host's part between two stretches of the compiled loop.

The loop stops at roots and at times that are known. Here sides change, conditions turn true, and the events
they trigger execute one after another, each on the state that the one before has left; an event whose
condition another one made true follows at the same time.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np

from symde.engine.cpu.accumulation import Accumulation
from symde.engine.cpu.event_calls import EventCalls
from symde.engine.cpu.event_times import EventTimes
from symde.engine.cpu.jump_output import keep_limit, save_jump
from symde.engine.cpu.layout import Status
from symde.engine.cpu.library import function_address
from symde.engine.cpu.loop_events import KINDS, LoopEvents
from symde.engine.cpu.roots import EXIT, INTEGERS, NOTHING, RootMemory, is_branch
from symde.problem.event_plan import EventPlan
from symde.problem.event_record import SWITCHED, EventLog, Happening, Logged

_function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)

NOTHING_HAPPENED = EventLog((), ())

TO_AND_FRO = 3
"""Changes of a switch in succession within the tolerance that are more than a passage."""

Pending = list[tuple[int, Any]]
"""Events that are to take place: their index, and the values they set where these are known already."""


class Executive:
    """The events of one session.

    Args:
        events: The model's event kernels, None where only bounds are kept.
        bounds: Index, lower and upper bound of each state with a domain.
        session: Whose state it works on.
        memories: First place and length of the pieces of each method's memory that a step changes.

    Attributes:
        modes: Branches before and after each time at which something happened, where a report was asked for.
        carrier: What takes sensitivity columns over events, where there are some beside the states
            (`symde.sensitivity.carrying`).
    """

    carrier: Any = None

    def __init__(self, events: Any, bounds: Any, session: Any, memories: list[Any]) -> None:
        self.session, self.events = session, events
        self.plans: tuple[EventPlan, ...] = () if events is None else events.plans
        if events is None:
            self.memory = RootMemory((), (), (), (), (), 0, 0, session.padded, memories, bounds)
        else:
            functions = events.ties, events.purposes, events.integers, events.exits, events.timed
            kernels = events.address("roots"), events.address("doubts")
            self.memory = RootMemory(*functions, *kernels, session.padded, memories, bounds, events.along)
        self._roots: Any = self.memory.data
        # where branches of the right-hand side are modes they are chosen before it is evaluated
        self._switches = bool(self._roots.switches)
        self._roots.together = getattr(events, "together", False)
        self._branches = [is_branch(purpose) for purpose in getattr(events, "purposes", ())]
        self._reporting, self._before = False, np.empty(0)
        self._jump: int | None = getattr(events, "jump", None)  # the event that are the jumps of the model
        self._calls: Any = None if events is None else EventCalls(events, session, self.memory)
        self._by_root: dict[int, list[int]] = {}
        for index, plan in enumerate(self.plans):
            if plan.kind == "crossing":
                self._by_root.setdefault(plan.place, []).append(index)
        self._whens = [(index, plan.place) for index, plan in enumerate(self.plans) if plan.kind == "when"]
        # without any the loop need not be told of a next one
        self._timed = any(plan.delayed or plan.kind in ("at", "every") for plan in self.plans)
        self._names = tuple(plan.name for plan in self.plans)
        self._times, self._accumulation = EventTimes((), (), 0.0, 0.0), Accumulation()
        self._asked: Any = None
        self._stop = ctypes.c_double()
        self._states: int = getattr(events, "states", session.n)
        self._loop: LoopEvents | None = None
        self._loops: bool | None = None  # known when the session is made
        self._passes = 0
        self._take_address: int = 0
        self._carry_out: Any = None
        self.begin()

    def _can_loop(self) -> bool:
        """Whether the loop may carry out events by itself."""
        if self.events is None or self._calls.has_priorities or self.session.constrained:
            return False
        known = any(plan.kind in KINDS and not plan.stop for plan in self.plans)
        return known and self.session.past is None

    def attach(self, state: Any) -> None:
        """Let the loop watch roots and bounds, and kernels read the modes."""
        self.session.place_modes(self.memory.values["side"].ctypes.data)
        if self._roots.count or self._roots.bounds:
            state.watched_step = function_address("roots", "step")
            state.roots = self.memory.address

    @property
    def reason(self) -> str:
        """Why the run was given up, a sentence; empty otherwise."""
        return self._accumulation.reason

    def switching(self) -> int | None:
        """The root function of a switch that the run cannot leave, for it goes to and fro or is released;
        None: there is none."""
        count = self._roots.count
        released = self.memory.values["side"][:count] == 0.0
        released &= (self.memory.exits[:count] == 0) & (self.memory.purposes[:count] & EXIT == 0)
        stuck = (self.memory.flips[:count] >= TO_AND_FRO) | released
        return int(stuck.argmax()) if stuck.any() else None

    # -- a run
    # ------------------------------------------------------------------------------------------------

    def begin(self, stops: tuple[float, ...] = ()) -> None:
        """A run begins; `stops` as in `stop_at`."""
        self._noted: list[Happening | Logged] = []
        self._told = self._reporting or self.carrier is not None
        self._group, self._roots.releases, self._roots.asking = 0, 0, 0
        self.modes: dict[float, tuple[np.ndarray, np.ndarray]] = {}
        if self._loop is not None:
            self._loop.begin()
        self._crossed: tuple[int, ...] = ()
        self._fresh, self._stops, self._looping = True, stops, False
        self._truths: list[float] | None = None  # known when first asked for
        self._roots.known = NOTHING

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

    def _note_switches(self, t: float, crossed: list[int]) -> None:
        """Note that branches change."""
        changed = tuple(i for i in crossed if self._branches[i])
        if changed:
            u = self._calls.u()[: self._states].copy()
            self._noted.append(Happening(t, SWITCHED, changed, None, False, u, u))

    def stop_at(self, times: tuple[float, ...]) -> None:
        """Times at which the caller wants to be told, in the order of the run."""
        self._stops = times
        if not times and not self._timed:
            self.session.state.n_stops = self.session.state.next_stop = self.session.state.scheduled = 0

    def forget(self) -> None:
        """The caller has replaced the state: nothing is triggered by that."""
        self._truths = None
        self._roots.known = NOTHING
        if not self._fresh and self._switches:
            self._calls.find_sides()

    def prepare(self) -> Status | None:
        """Before the loop goes on: at the start of a run what is due there; the status that ends it."""
        status = None
        if self._fresh:
            self._fresh = False
            if self._switches:
                self._calls.find_sides()
            status = self._start() if self.plans else None
        if self._timed or self._stops:
            self._set_stop()
        return status

    def _start(self) -> Status | None:
        state = self.session.state
        if state.direction < 0.0:
            self._refuse_changes()
        if self._accumulation.counted:
            self._accumulation = Accumulation()
        return self._begin_times(state) if self._timed else None

    def _begin_times(self, state: Any) -> Status | None:
        t = state.t
        values = self._calls.values("times") if self.events.times else ()
        asked = tuple(values), t, state.t_end
        if asked == self._asked and self._times.whole:
            self._times.begin()
        else:
            self._times, self._asked = EventTimes(self.plans, values, t, state.t_end), asked
        if self._loops is None:
            self._loops = self._can_loop()
        if self._times.next != t:
            return None
        if self.session.past is not None:
            raise ValueError(
                f"event `{self.plans[self._times.events[0]].name}` comes at the start, t = {t:g}, where a "
                "history ends: give the state that it leaves as the initial one, and what was before as "
                "`history`"
            )
        if state.keep_dense:
            keep_limit(self.session, t, self._calls.u())
        if self._begins_in_loop():
            return None
        if self._told:
            self._mark()
        return self._happen(state, t, self._times.take(t))

    def _begins_in_loop(self) -> bool:
        """Whether the loop's own function has carried out what is due at the start."""
        self._set_stop()
        if not self._looping:
            return False
        if self._roots.known == NOTHING:
            self._calls.find_sides()
        status = self._carry_out(ctypes.addressof(self.session.state))
        if status == Status.CALLBACK:
            raise MemoryError("no memory to evaluate events")
        self._follow_loop()
        return status == Status.DONE

    def _refuse_changes(self) -> None:
        for plan in self.plans:
            if plan.targets:
                raise ValueError(
                    f"event `{plan.name}` sets values, which cannot be undone: solve forwards in time"
                )

    def take(self, at_root: bool) -> Status | None:
        """The loop has come to a root or to a time: what to tell the caller; None: go on."""
        state = self.session.state
        t = state.t
        if self._loop is not None:
            self._follow_loop()
        if self._told:
            self._mark()
        pending = self._times.take(t) if self._timed else []
        outcome, self._crossed = None, ()
        if at_root:
            truths = self._known_truths()
            crossed = self._calls.cross()
            if crossed is None:
                return Status.SLIDING
            if self._reporting:
                self._note_switches(t, crossed)
            self._crossed = tuple(crossed)
            self._note_crossings(crossed, pending)
            self._note_truths(truths, pending)
        elif self._roots.along:  # nothing is at its root
            self.memory.values["noise"].fill(0.0)
        if pending:
            outcome = self._happen(state, t, pending)
        if self._reporting and len(self._noted) > self._group:  # branches alone
            self._carry(t)
            self.session.restart()
        if outcome is None and self._stops and self._stops[0] == t:
            self._stops = self._stops[1:]
            outcome = Status.STOPPED
        if outcome is None and state.single_step:
            outcome = Status.STEPPED
        if self._timed or self._stops:
            self._set_stop()
        return outcome

    def _follow_loop(self) -> None:
        """Note what the loop has carried out by itself."""
        loop = self._loop
        if loop is not None and self._looping:
            self._times.position, self._looping = loop.position, False
            self._note(loop)

    def _set_stop(self) -> None:
        """Give the loop the next time at which somebody is wanted, or all known ones to see to by itself."""
        state = self.session.state
        self._follow_loop()
        following = self._times.next
        if (
            following is not None
            and self._loops
            and not self._reporting
            and not self._stops
            and not self._times.delayed
        ):
            self._give_to_loop(state)
            return
        state.scheduled = 0
        if self._stops and (following is None or (self._stops[0] - following) * state.direction < 0.0):
            following = self._stops[0]
        if following is None:
            state.n_stops = state.next_stop = 0
            return
        self._stop.value = following
        state.stops, state.n_stops, state.next_stop = ctypes.addressof(self._stop), 1, 0

    def _give_to_loop(self, state: Any) -> None:
        if self._loop is None:
            self._loop = LoopEvents(self.events, self.session, self.memory.values["side"])
            self._take_address = function_address("scheduled", "take")
            self._carry_out = _function(self._take_address)
        loop = self._loop
        state.stops, state.n_stops = loop.lay_out(self._times, state.t, state.t_end, self.carrier)
        state.next_stop, self._looping = 0, True
        state.scheduled, state.schedule = self._take_address, loop.address

    # -- what triggers
    # ------------------------------------------------------------------------------------------------

    def _known_truths(self) -> list[float]:
        """Which conditions hold by what has been handled."""
        truths = self._truths
        if truths is None or self._roots.settled:
            self._roots.settled = 0
            if self._roots.known == NOTHING:
                self._calls.find_sides()
            truths = self._truths = self._calls.conditions()
        return truths

    def _note_crossings(self, crossed: list[int], pending: Pending) -> None:
        """Trigger the crossings of functions in their direction."""
        if not self._by_root:
            return
        forwards, side = self.session.state.direction, self._calls.side
        for i in crossed:
            word = "rising" if side[i] * forwards > 0.0 else "falling"
            for index in self._by_root.get(i, ()):
                if self.plans[index].direction in ("both", word):
                    pending.append((index, None))

    def _note_truths(self, before: list[float], pending: Pending) -> None:
        """Trigger the events whose conditions have turned true; drop those that wait in vain."""
        now = self._truths = self._calls.conditions()
        for index, place in self._whens:
            if now[place] > before[place]:
                pending.append((index, None))
            elif now[place] < before[place]:
                plan = self.plans[index]
                if plan.delayed and not plan.persistent:
                    self._times.drop(index)

    def _first(self, pending: Pending) -> tuple[int, Any]:
        """The event whose turn it is: by priority, then in the order of the text."""
        if len(pending) == 1:
            return pending.pop()
        if self._calls.has_priorities:
            priorities = self._calls.values("priorities")
            place = min(range(len(pending)), key=lambda k: (-priorities[pending[k][0]], pending[k][0]))
        else:
            place = min(range(len(pending)), key=lambda k: pending[k][0])
        return pending.pop(place)

    # -- what happens
    # ------------------------------------------------------------------------------------------------

    def _happen(self, state: Any, t: float, pending: Pending) -> Status | None:
        """Carry out all that happens at this time."""
        happened = self._passes
        status, truths = None, self._known_truths()
        while pending and status is None:
            index, values = self._first(pending)
            plan, waited = self.plans[index], values is not None
            if values is None:
                values = self._values(t, index, plan)
                if values is None:
                    continue
            status = self._execute(t, index, values, waited)
            if status is None:
                status = self._accumulation.count(t, plan.name, state.t_end)
            if status is None and plan.stop:
                status = Status.TERMINATED
            if values:
                self._calls.find_sides()
                self._note_truths(truths, pending)
                truths = self._known_truths()
        if self._told and len(self._noted) > self._group:
            self._carry(t)
        if self._passes > happened:
            self._leave(state, t, ended=status is not None or t == state.t_end)
        return status

    def _carry(self, t: float) -> None:
        """Let those know of what has happened at a time who differentiate it."""
        group, modes = self._noted[self._group :], None
        self._group = len(self._noted)
        if self._reporting:
            modes = self._before, self.modes_now()
            self.modes[t] = self.modes.get(t, modes)[0], modes[1]
        if self.carrier is not None:
            self.carrier.carry(group, self._calls.u(), modes)

    def _values(self, t: float, index: int, plan: EventPlan) -> list[float] | None:
        """What an event sets; None where it has to wait."""
        if index == self._jump:
            return self.session.kept_by_model.outcome(self.session, self._calls.u())
        values = self._calls.effect(index, len(plan.targets) + plan.delayed)
        if values is None:
            return []
        if plan.delayed:
            delay = values.pop()
            if not 0.0 <= delay < math.inf:
                raise ValueError(f"event `{plan.name}` has a delay of {delay:g}: it must not be negative")
            if t + delay != t:
                self._times.add(t + delay, index, values)
                u = self._calls.u()[: self._states].copy()
                self._noted.append(Happening(t, index, self._crossed, t + delay, False, u, u))
                return None
        return values

    def _execute(self, t: float, index: int, values: list[float], waited: bool) -> Status | None:
        """Let an event take place: algebraic variables follow what it sets. The status that ends the run,
        where they cannot."""
        plan, u = self.plans[index], self._calls.u()
        before = u[: self._states].copy()
        for target, value in zip(plan.targets, values, strict=True):
            u[target] = value
        settled = self.session.settle() if values and self.session.constrained else Status.DONE
        after = u[: self._states].copy()
        self._passes += 1
        name = self.session.kept_by_model.name if index == self._jump else ""
        self._noted.append(Happening(t, index, self._crossed, None, waited, before, after, name))
        return None if settled == Status.DONE else settled

    def _leave(self, state: Any, t: float, ended: bool) -> None:
        """Go on from the state that events have left: nothing of the past holds."""
        session, u = self.session, self._calls.u()
        session.restart()
        if session.past is not None:
            session.past.note_jump(t)
        save_jump(session, t, u)
        if ended and state.keep_dense:
            keep_limit(session, t, u)
