"""The events that paths with noise have had, told when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import overload

import numpy as np

from symde.problem.event_record import EventRecord


@dataclass(frozen=True, slots=True, eq=False)
class Happened:
    """Events of paths in the order of these.

    Attributes:
        names: Of the events.
        t, paths, events: Of each when it happened, in which path, and its place in the text, shape (k,).
        states: Those before and after it, shape (k, 2, n).
    """

    names: tuple[str, ...]
    t: np.ndarray
    paths: np.ndarray
    events: np.ndarray
    states: np.ndarray

    def of_each(self, paths: int) -> list[PathEvents]:
        """Those of the first `paths` paths, each by itself."""
        ends = np.searchsorted(self.paths, np.arange(paths + 1)).tolist()
        return [PathEvents(self, first, last) for first, last in pairwise(ends)]


class PathEvents(Sequence[EventRecord]):
    """The events of one path, each made when it is asked for.

    Args:
        happened: Those of several paths.
        first, last: Which of them.
    """

    __slots__ = ("_first", "_happened", "_last")

    def __init__(self, happened: Happened, first: int, last: int) -> None:
        self._happened, self._first, self._last = happened, first, last

    def __len__(self) -> int:
        return self._last - self._first

    @overload
    def __getitem__(self, index: int) -> EventRecord: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[EventRecord, ...]: ...

    def __getitem__(self, index: int | slice) -> EventRecord | tuple[EventRecord, ...]:
        places = range(self._first, self._last)[index]
        return tuple(self._made(k) for k in places) if isinstance(places, range) else self._made(places)

    def _made(self, k: int) -> EventRecord:
        one = self._happened
        return EventRecord(one.t.item(k), one.names[one.events[k]], one.states[k, 0], one.states[k, 1])

    def records(self) -> tuple[EventRecord, ...]:
        """All of them."""
        return self[:]

    def __repr__(self) -> str:
        return repr(self.records())
