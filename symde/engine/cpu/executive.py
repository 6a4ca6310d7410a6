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

from symde.engine.cpu.event_times import EventTimes
from symde.engine.cpu.layout import Status
from symde.engine.cpu.library import function_address
from symde.engine.cpu.roots import RootMemory
from symde.problem.event_plan import EventPlan
from symde.problem.event_record import EventRecord, Happening

MOST_AT_ONCE = 1000
"""Events at one time after which a solve is given up."""

SHORT, MOST_SHORT = 1e-10, 200
"""Part of the span below which an interval between events is short, and how many of them in succession are
given up."""

FEWEST_SHRINKING = 10
"""Short intervals in succession, each shorter than the one before, after which one that float64 does not
resolve ends the solve."""

EPSILON = 2.0**-52
_ROOT, _STOPPED = int(Status.ROOT), int(Status.STOPPED)
_kernel = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p)


def resolution(t: float, h: float) -> float:
    """Times nearer to each other than this are the same; as in the compiled search."""
    return 4.0 * EPSILON * abs(t) + 1e-13 * abs(h)


class Executive:
    """The events of one session.

    Args:
        events: The model's event kernels, None where only bounds are kept.
        bounds: Index, lower and upper bound of each state with a domain.
        session: Whose state it works on.
        memories: Doubles that each method's family keeps between steps, in its memory and in its stages.

    Attributes:
        records: What has happened in this run.
        journal: What derivatives need to know of that: what triggered it, and delayed events as they are
            triggered too.
        reason: Why the run was given up, a sentence; empty otherwise.
    """

    def __init__(self, events: Any, bounds: Any, session: Any, memories: list[tuple[int, int]]) -> None:
        self.session, self.events = session, events
        self.plans: tuple[EventPlan, ...] = () if events is None else events.plans
        self._count = 0 if events is None else events.count
        kernel = 0 if events is None else events.address("roots")
        self.memory = RootMemory(self._count, kernel, session.padded, memories, bounds)
        self.records: list[EventRecord] = []
        self.journal: list[Happening] = []
        self._at: tuple[int, ...] = ()
        self.reason = ""
        self._stop = ctypes.c_double()
        self._fresh, self._stops, self._times = True, (), EventTimes((), (), 0.0, 0.0)
        if events is not None:
            self._prepare_kernels()
        self._by_root: dict[int, list[int]] = {}
        for index, plan in enumerate(self.plans):
            if plan.kind == "crossing":
                self._by_root.setdefault(plan.place, []).append(index)
        self._whens = [(index, plan.place) for index, plan in enumerate(self.plans) if plan.kind == "when"]

    def _prepare_kernels(self) -> None:
        events, memory, n = self.events, self.memory, self.session.n
        self._values = np.zeros(max(1, events.conditions, events.times, len(self.plans), n + 1))
        # plain views: each look into an array costs a microsecond less
        self._view = memoryview(self._values)
        self._side, self._crossed = memoryview(memory.values["side"]), memoryview(memory.crossed)
        # those of values change places as steps are accepted
        self._arrays = {array.ctypes.data: memoryview(array) for array in memory.values.values()}
        self._vectors: dict[int, np.ndarray] = {}
        self._inputs, self._outputs = (ctypes.c_int64 * 16)(), (ctypes.c_int64 * 2)()
        self._inputs[1], self._inputs[3] = self.session.p.ctypes.data, memory.values["side"].ctypes.data
        self._outputs[0] = self._values.ctypes.data
        self._tables = ctypes.addressof(self._inputs), ctypes.addressof(self._outputs)
        self._root_outputs = memory.outputs.ctypes.data
        self._functions = {
            name: _kernel(address)
            for name in ("roots", "conditions", "priorities", "times")
            if (address := events.address(name))
        }
        self._effects = [
            _kernel(address) if (address := events.address(f"effect_{j}")) else None
            for j in range(len(self.plans))
        ]

    def attach(self, state: Any) -> None:
        """Let the loop watch roots and bounds."""
        if self._count or self.memory.data.bounds:
            state.watched_step = function_address("roots", "step")
            state.roots = self.memory.address

    # -- a run
    # ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A run begins."""
        self.records, self.reason, self._stops, self._fresh = [], "", (), True
        self.journal = []

    def stop_at(self, times: tuple[float, ...]) -> None:
        """Times at which the caller wants to be told, in the order of the run."""
        self._stops = times

    def forget(self) -> None:
        """The caller has replaced the state: nothing is triggered by that."""
        if not self._fresh:
            self._learn_sides()

    def prepare(self) -> Status | None:
        """Before the loop goes on: at the start of a run what is due there; the status that ends it."""
        status = None
        if self._fresh:
            self._fresh = False
            status = self._start()
        self._set_stop()
        return status

    def _start(self) -> Status | None:
        state = self.session.state
        self._t_last, self._at_once, self._interval = -math.inf, 0, math.inf
        self._short, self._shrinking, self._span = 0, 0, abs(state.t_end - state.t)
        if self.events is None:
            return None
        self._refuse_backwards(state)
        values = self._call("times", state.t) if self.events.times else ()
        self._times = EventTimes(self.plans, values, state.t, state.t_end)
        self._learn_sides()
        due = self._times.take(state.t)
        if not due:
            return None
        if state.keep_dense:
            self._keep_constant(state)
        return self._happen(state, state.t, [], due)

    def _refuse_backwards(self, state: Any) -> None:
        if state.direction < 0.0:
            for plan in self.plans:
                if plan.targets:
                    raise ValueError(
                        f"event `{plan.name}` sets values, which cannot be undone: solve forwards in time"
                    )

    def take(self, status: int) -> Status | None:
        """What a status of the loop means; None: go on."""
        if status != _ROOT and status != _STOPPED:
            return Status(status)
        state = self.session.state
        t = state.t
        due = self._times.take(t)
        crossed = [i for i, one in enumerate(self._crossed) if one] if status == _ROOT else []
        outcome = self._happen(state, t, crossed, due) if crossed or due else None
        if outcome is None and self._stops and self._stops[0] == t:
            self._stops = self._stops[1:]
            outcome = Status.STOPPED
        if outcome is None and state.single_step:
            outcome = Status.STEPPED
        self._set_stop()
        return outcome

    def _set_stop(self) -> None:
        """Give the loop the next time at which somebody is wanted."""
        state = self.session.state
        following = self._times.next
        if self._stops and (following is None or (self._stops[0] - following) * state.direction < 0.0):
            following = self._stops[0]
        if following is None:
            state.n_stops = state.next_stop = 0
            return
        self._stop.value = following
        state.stops, state.n_stops, state.next_stop = ctypes.addressof(self._stop), 1, 0

    # -- kernels
    # ------------------------------------------------------------------------------------------------

    def _call(self, name: str, t: float) -> list[float]:
        self._inputs[0] = self.session.state.u
        if self._functions[name](t, *self._tables):
            raise MemoryError("no memory to evaluate events")
        return self._view.tolist()

    def _u(self) -> np.ndarray:
        """The present state; it moves between two places."""
        address, n = self.session.state.u, self.session.n
        vector = self._vectors.get(address)
        if vector is None:
            vector = self._vectors[address] = np.frombuffer((ctypes.c_double * n).from_address(address))
        return vector

    def _evaluate_roots(self, state: Any) -> tuple[list[float], list[float]]:
        """Values and derivatives, for the loop as well."""
        data, outputs = self.memory.data, self.memory.outputs
        g, slope = data.g, data.slope
        outputs[0], outputs[1] = g, slope
        self._inputs[0] = state.u
        if self._functions["roots"](state.t, self._tables[0], self._root_outputs):
            raise MemoryError("no memory to evaluate events")
        data.known = 1
        return self._arrays[g].tolist(), self._arrays[slope].tolist()

    def _conditions(self, t: float) -> list[float]:
        return self._call("conditions", t) if self._whens else []

    # -- sides
    # ------------------------------------------------------------------------------------------------

    def _learn_sides(self) -> None:
        """The sides at a start: of what is zero there the one that it goes to."""
        state = self.session.state
        if self._count:
            self.memory.values["side"].fill(-1.0)
            self._find_sides(state, {})
        self._truths = self._conditions(state.t)

    def _find_sides(self, state: Any, noise: dict[int, float]) -> None:
        """The side of each root function after a change of the state; `noise` is how far from zero those may
        be that are at it."""
        side, direction = self._side, state.direction
        g, slope = self._evaluate_roots(state)
        near = resolution(state.t, state.h_old)
        for i, (value, change) in enumerate(zip(g, slope, strict=True)):
            if abs(value) <= abs(change) * near + noise.get(i, 0.0):
                onward = change * direction
                if onward != 0.0:
                    side[i] = 1.0 if onward > 0.0 else -1.0
                elif self.events.ties[i] >= 0:
                    side[i] = 2.0 * self.events.ties[i] - 1.0
            elif value > 0.0:
                side[i] = 1.0
            elif value < 0.0:
                side[i] = -1.0

    # -- what happens
    # ------------------------------------------------------------------------------------------------

    def _happen(
        self, state: Any, t: float, crossed: list[int], pending: list[tuple[int, Any]]
    ) -> Status | None:
        """Carry out all that happens at this time, beginning with what is due."""
        self._at = tuple(crossed)
        noise = self._cross(crossed, pending) if crossed else {}
        if crossed:
            self._note_truths(t, pending)
        changed = False
        while pending:
            index, values = self._first(t, pending)
            executed = self._execute(state, index, values)
            if executed is None:
                continue
            changed = True
            status = self._count_event(state, t, index)
            if status is None and self.plans[index].stop:
                status = Status.TERMINATED
            if status is not None:
                self._leave(state, ended=True)
                return status
            if executed:
                if self._count:
                    self._find_sides(state, noise)
                self._note_truths(t, pending)
        if changed:
            self._leave(state, ended=t == state.t_end)
        return None

    def _cross(self, crossed: list[int], pending: list[tuple[int, Any]]) -> dict[int, float]:
        """Functions go to the other side; the crossings that count. How far from zero their values are."""
        side, noise, g = self._side, {}, self._arrays[self.memory.data.g]
        for i in crossed:
            side[i] = -side[i]
            noise[i] = 2.0 * abs(g[i])
            for index in self._by_root.get(i, ()):
                word = "rising" if side[i] * self.session.state.direction > 0.0 else "falling"
                if self.plans[index].direction in ("both", word):
                    pending.append((index, None))
        return noise

    def _note_truths(self, t: float, pending: list[tuple[int, Any]]) -> None:
        """Trigger the events whose conditions have turned true; drop those that wait in vain."""
        if not self._whens:
            return
        before, now = self._truths, self._conditions(t)
        self._truths = now
        for index, place in self._whens:
            if now[place] > before[place]:
                pending.append((index, None))
            elif now[place] < before[place]:
                plan = self.plans[index]
                if plan.delayed and not plan.persistent:
                    self._times.drop(index)

    def _first(self, t: float, pending: list[tuple[int, Any]]) -> tuple[int, Any]:
        """The event whose turn it is: by priority, then in the order of the text."""
        if len(pending) == 1:
            return pending.pop()
        if "priorities" in self._functions:
            priorities = self._call("priorities", t)
            place = min(range(len(pending)), key=lambda k: (-priorities[pending[k][0]], pending[k][0]))
        else:
            place = min(range(len(pending)), key=lambda k: pending[k][0])
        return pending.pop(place)

    def _execute(self, state: Any, index: int, values: list[float] | None) -> bool | None:
        """Let an event take place: whether the state has been set; None where it has to wait."""
        plan, kernel, waited = self.plans[index], self._effects[index], values is not None
        if values is None and kernel is not None:
            self._inputs[0] = state.u
            if kernel(state.t, *self._tables):
                raise MemoryError("no memory to evaluate events")
            values = self._view[: len(plan.targets) + plan.delayed].tolist()
            if plan.delayed:
                delay = values.pop()
                if not 0.0 <= delay < math.inf:
                    raise ValueError(f"event `{plan.name}` has a delay of {delay:g}: it must not be negative")
                if state.t + delay != state.t:
                    self._times.add(state.t + delay, index, values)
                    u = self._u().copy()
                    self.journal.append(Happening(state.t, index, self._at, state.t + delay, False, u, u))
                    return None
        u = self._u()
        before = u.copy()
        if values:
            for target, value in zip(plan.targets, values, strict=True):
                u[target] = value
        after = u.copy()
        self.records.append(EventRecord(state.t, plan.name, before, after))
        self.journal.append(Happening(state.t, index, self._at, None, waited, before, after))
        return bool(values)

    def _count_event(self, state: Any, t: float, index: int) -> Status | None:
        """Whether there is no end to events: too many at one time, or times that accumulate."""
        interval, self._t_last = abs(t - self._t_last), t
        self._at_once = self._at_once + 1 if interval == 0.0 else 1
        if interval > 0.0:
            short = interval < SHORT * self._span
            shrinking = short and interval < self._interval
            self._shrinking = self._shrinking + 1 if shrinking else 0
            self._short, self._interval = self._short + 1 if short else 0, interval
        name = self.plans[index].name
        if self._short >= MOST_SHORT or (
            self._shrinking >= FEWEST_SHRINKING and interval < 16.0 * EPSILON * abs(t)
        ):
            self.reason = (
                f"the times of event `{name}` accumulate here: end the solve, or set what moves to rest, "
                f"once it moves less than matters"
            )
            return Status.ZENO
        if self._at_once > MOST_AT_ONCE:
            self.reason = (
                f"event `{name}` and those that it triggers follow each other without end at this time: leave a "
                f"gap between their conditions (hysteresis)"
            )
            return Status.CHATTERING
        return None

    # -- going on
    # ------------------------------------------------------------------------------------------------

    def _leave(self, state: Any, ended: bool) -> None:
        """Go on from the state that events have left: nothing of the past holds."""
        session, u = self.session, self._u()
        session.restart()
        if state.save_steps:
            session.save_again(state.t, u)
        else:
            session.save_over(state.t, u)
        if ended and state.keep_dense:
            self._keep_constant(state)

    def _keep_constant(self, state: Any) -> None:
        """An interpolant of no length, for a limit that no step has: before the start, after the end."""
        self.session.keep_row(state.t, state.direction, self._u())
