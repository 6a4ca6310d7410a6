"""An event that happened in a solve, for the user and for derivatives."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, eq=False)
class Happening:
    """An event that was triggered, or took place.

    Attributes:
        t: When.
        index: The event's place in the text.
        crossed: The root functions that are at zero then.
        due: When it is to take place, where it has been triggered only; None: it takes place.
        waited: Whether it was triggered before.
        before, after: The state before and after it, shape (n,).
    """

    t: float
    index: int
    crossed: tuple[int, ...]
    due: float | None
    waited: bool
    before: np.ndarray
    after: np.ndarray
