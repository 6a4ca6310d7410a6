"""What triggers events: functions that cross zero and conditions that turn true."""

from __future__ import annotations

from typing import Any

from symde.engine.cpu.event_stops import EventStops
from symde.engine.cpu.roots import NOTHING

Pending = list[tuple[int, Any]]
"""Events that are to take place: their index, and the values they set where these are known already."""


class Triggers(EventStops):
    """What triggers the events of one session; arguments as of `Executive`."""

    _truths: list[float] | None

    def __init__(self, events: Any, bounds: Any, session: Any, memories: list[Any]) -> None:
        super().__init__(events, bounds, session, memories)
        self._by_root: dict[int, list[int]] = {}
        for index, plan in enumerate(self.plans):
            if plan.kind == "crossing":
                self._by_root.setdefault(plan.place, []).append(index)
        self._whens = [(index, plan.place) for index, plan in enumerate(self.plans) if plan.kind == "when"]

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
