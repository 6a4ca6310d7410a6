"""An event that happened in a solve, for the user and for derivatives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class EventRecord:
    """An event that happened.

    Attributes:
        t: When.
        name: The event's name.
        before, after: The state before and after it, shape (n,). Of events at the same time each finds the
            state that the one before has left.
    """

    t: float
    name: str
    before: np.ndarray
    after: np.ndarray

    def __repr__(self) -> str:
        return f"<EventRecord {self.name} at t = {self.t:g}>"


SWITCHED = -1
"""Index of what is no event but a change of branches of the right-hand side."""


@dataclass(frozen=True, slots=True, eq=False)
class Happening:
    """An event that was triggered, or took place.

    Attributes:
        t: When.
        index: The event's place in the text; `SWITCHED` for a change of branches.
        crossed: The root functions that are at zero then.
        due: When it is to take place, where it has been triggered only; None: it takes place.
        waited: Whether it was triggered before.
        before, after: The state before and after it, shape (n,).
        name: What it is called where it is no event of the text by itself; empty: by the event's name.
        modes: Branches behind it, where they are modes and a report of them was asked for.
    """

    t: float
    index: int
    crossed: tuple[int, ...]
    due: float | None
    waited: bool
    before: np.ndarray
    after: np.ndarray
    name: str = ""
    modes: np.ndarray | None = None


class HasRecords(Protocol):
    """What has happened in a solve, told when it is asked for."""

    def records(self) -> tuple[EventRecord, ...]:
        """What took place, in order."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """Events that took place one after another at known times.

    Attributes:
        t: When, shape (k,).
        index: Their places in the text, shape (k,).
        states: The state before and after each, shape (k, 2, n).
    """

    t: np.ndarray
    index: np.ndarray
    states: np.ndarray

    def happenings(self) -> Iterator[Happening]:
        """Each by itself."""
        for t, index, (before, after) in zip(self.t.tolist(), self.index.tolist(), self.states, strict=True):
            yield Happening(t, index, (), None, False, before, after)


@dataclass(frozen=True, slots=True, eq=False)
class EventLog:
    """What has happened in a solve, as it was noted.

    Attributes:
        names: The model's events.
        noted: What happened, in order.
    """

    names: tuple[str, ...]
    noted: tuple[Happening | Logged, ...]

    def happenings(self) -> Iterator[Happening]:
        """Each by itself."""
        for one in self.noted:
            if isinstance(one, Logged):
                yield from one.happenings()
            else:
                yield one

    def records(self) -> tuple[EventRecord, ...]:
        """What took place, for the user."""
        return tuple(
            EventRecord(one.t, one.name or self.names[one.index], one.before, one.after)
            for one in self.happenings()
            if one.due is None and one.index != SWITCHED
        )
