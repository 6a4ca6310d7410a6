"""What happens at events: the host's part between two stretches of the compiled loop.

The loop stops at roots and at times that are known. Here sides change, conditions turn true, and the events
they trigger execute one after another, each on the state that the one before has left; an event whose
condition another one made true follows at the same time. What is told of it (`event_report`), when events are
due (`event_stops`) and what triggers them (`triggers`) are the floors below.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symde.engine.cpu.accumulation import Accumulation
from symde.engine.cpu.event_times import EventTimes
from symde.engine.cpu.jump_output import keep_limit, save_jump
from symde.engine.cpu.layout import Status
from symde.engine.cpu.library import function_address
from symde.engine.cpu.roots import INTEGERS, NOTHING
from symde.engine.cpu.triggers import Pending, Triggers
from symde.problem.event_plan import EventPlan
from symde.problem.event_record import Happening


class Executive(Triggers):
    """The events of one session.

    Args:
        events: The model's event kernels, None where only bounds are kept.
        bounds: Index, lower and upper bound of each state with a domain.
        session: Whose state it works on.
        memories: First place and length of the pieces of each method's memory that a step changes.
    """

    def __init__(self, events: Any, bounds: Any, session: Any, memories: list[Any]) -> None:
        super().__init__(events, bounds, session, memories)
        # where branches of the right-hand side are modes they are chosen before it is evaluated
        self._switches = bool(self._roots.switches)
        self._jump: int | None = getattr(events, "jump", None)  # the event that are the jumps of the model
        # algebraic variables follow branches; what follows from these, too, is for the host
        self._settles = session.mass is not None and any(self._branches)
        self._roots.settles, self._roots.telling = self._settles, self._settles and bool(self.plans)
        self._passes = 0
        self.begin()

    def attach(self, state: Any) -> None:
        """Let the loop watch roots and bounds, and kernels read the modes."""
        self.session.place_modes(self.memory.values["side"].ctypes.data)
        if self._roots.count or self._roots.bounds:
            state.watched_step = function_address("roots", "step")
            state.roots = self.memory.address

    # -- a run
    # ------------------------------------------------------------------------------------------------

    def begin(self, stops: tuple[float, ...] = ()) -> None:
        """A run begins; `stops` as in `stop_at`."""
        self._noted = []
        self._told = self._reporting or self.carrier is not None
        self._group, self._roots.releases, self._roots.asking = 0, 0, 0
        self.modes = {}
        if self._loop is not None:
            self._loop.begin()
        self._crossed: tuple[int, ...] = ()
        self._fresh, self._stops, self._looping = True, stops, False
        self._truths = None  # known when first asked for
        self._roots.known = NOTHING

    def forget(self) -> None:
        """The caller has replaced the state: nothing is triggered by that."""
        self._truths = None
        self._roots.known = NOTHING
        if not self._fresh and self._switches:
            self._calls.find_sides()
            self._roots.jumped = 0

    def prepare(self) -> Status | None:
        """Before the loop goes on: at the start of a run what is due there; the status that ends it."""
        status = None
        if self._fresh:
            self._fresh = False
            if self._switches:
                self._calls.find_sides()
                if self._roots.jumped:  # another branch than that of the given values goes on from them
                    self._replace_start()
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
        outcome, went, self._crossed = None, 0, ()
        if at_root:
            truths, went = self._known_truths(), self._roots.jumped
            before = self._calls.u()[: self._states].copy() if self._reporting else None
            crossed = self._calls.cross()
            if isinstance(crossed, Status):
                return crossed
            if before is not None:
                self._note_switches(t, crossed, before)
            if self._roots.jumped:
                self._tell_of_jump(t)
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
        if outcome is None and state.single_step and not went:  # else no step has been taken
            outcome = Status.STEPPED
        if self._timed or self._stops:
            self._set_stop()
        return outcome

    # -- algebraic variables that follow branches
    # ------------------------------------------------------------------------------------------------

    def release_modes(self) -> np.ndarray | None:
        """Let branches be taken as they stand, for a state from which they are to be found; what
        `lock_modes` takes. None: no algebraic variable follows them."""
        if not self._settles:
            return None
        side = self.memory.values["side"]
        kept = side.copy()
        side[: self._roots.count][self._branches] = 0.0
        side[INTEGERS:] = np.nan
        return kept

    def lock_modes(self, kept: np.ndarray) -> None:
        """The branches that were released."""
        self.memory.values["side"][...] = kept

    def _replace_start(self) -> None:
        """The start that is saved is that of the branches which go on from it."""
        session, self._roots.jumped = self.session, 0
        rows = session.state.out_count
        session.output.u[:rows] = self._calls.u()

    def _tell_of_jump(self, t: float) -> None:
        """Save both limits of what branches have moved."""
        self._roots.jumped = 0
        save_jump(self.session, t, self._calls.u())

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
                if self._reporting:
                    self._note_modes()
                self._roots.jumped = 0  # saved with what events leave
                self._note_truths(truths, pending)
                truths = self._known_truths()
        if self._told and len(self._noted) > self._group:
            self._carry(t)
        if self._passes > happened:
            self._leave(state, t, ended=status is not None or t == state.t_end)
        return status

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
