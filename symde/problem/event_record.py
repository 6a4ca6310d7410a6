"""An event that happened in a solve."""

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
