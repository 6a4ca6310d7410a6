"""When events are due: the times that the loop is told of, and those that it sees to by itself."""

from __future__ import annotations

import ctypes
from typing import Any

from symde.engine.cpu.accumulation import Accumulation
from symde.engine.cpu.event_report import EventReport
from symde.engine.cpu.event_times import EventTimes
from symde.engine.cpu.layout import Status
from symde.engine.cpu.library import function_address
from symde.engine.cpu.loop_events import KINDS, LoopEvents
from symde.engine.cpu.roots import NOTHING

_function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)


class EventStops(EventReport):
    """The known times of one session's events; arguments as of `Executive`."""

    _stops: tuple[float, ...]
    _looping: bool

    def __init__(self, events: Any, bounds: Any, session: Any, memories: list[Any]) -> None:
        super().__init__(events, bounds, session, memories)
        # without any the loop need not be told of a next one
        self._timed = any(plan.delayed or plan.kind in ("at", "every") for plan in self.plans)
        self._times, self._accumulation = EventTimes((), (), 0.0, 0.0), Accumulation()
        self._asked: Any = None
        self._stop = ctypes.c_double()
        self._loops: bool | None = None  # known when the session is made
        self._take_address: int = 0
        self._carry_out: Any = None

    @property
    def reason(self) -> str:
        """Why the run was given up, a sentence; empty otherwise."""
        return self._accumulation.reason

    def _can_loop(self) -> bool:
        """Whether the loop may carry out events by itself."""
        if self.events is None or self._calls.has_priorities or self.session.constrained:
            return False
        known = any(plan.kind in KINDS and not plan.stop for plan in self.plans)
        return known and self.session.past is None

    def stop_at(self, times: tuple[float, ...]) -> None:
        """Times at which the caller wants to be told, in the order of the run."""
        self._stops = times
        if not times and not self._timed:
            self.session.state.n_stops = self.session.state.next_stop = self.session.state.scheduled = 0

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
