"""The record of a solve's steps where the model reads the past."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.recording import Recording, address_of


class DelayRecording(Recording):
    """Recorded steps of a solve with delays; of each also what its times had passed.

    Args:
        session: Whose steps.
        starts: Whether states are recorded: those of every step, since every step's interpolant is kept.

    Attributes:
        passed: For each step how many discontinuities each time had passed, and whether the step read its own
            interpolant, shape (steps, times + 1).
        breaks, orders: The discontinuities, when the run has ended.
        rows: The interpolants of the steps, likewise.
    """

    def __init__(self, session: Any, starts: bool = True) -> None:
        self._data, self._width = session.context, session.context.times + 1
        self.rows, self.breaks, self.orders = np.empty((0, 0)), np.empty(0), np.empty(0, np.int64)
        self.forgotten = False
        self.passed = np.empty((0, self._width), np.int64)
        super().__init__(session.n, 2**62 if starts else None)

    def _take(self, block: np.ndarray) -> None:
        super()._take(block)
        grown = np.zeros((len(self.h), self._width), np.int64)
        grown[: len(self.passed)] = self.passed
        self.passed = grown

    def _announce(self, state: Any) -> None:
        super()._announce(state)
        self._data.passed_record = address_of(self.passed)

    def close(self, state: Any) -> None:
        """The run has ended."""
        super().close(state)
        data = self._data
        data.passed_record, self.forgotten = 0, bool(data.forgotten)
        self.breaks = np.array((ctypes.c_double * data.n_breaks).from_address(data.breaks))
        self.orders = np.array((ctypes.c_int64 * data.n_breaks).from_address(data.break_orders))

    def to_follow(self, n: int) -> DelayRecording:
        """The same steps with room for their states, n of them, and for what they say anew of themselves."""
        new = object.__new__(DelayRecording)
        new._data, new._width, new.count, new.forgotten = self._data, self._width, self.count, self.forgotten
        new.t, new.h, new.slot, new.places = self.t, self.h, self.slot, self.places
        new.breaks, new.orders, new.rows = self.breaks, self.orders, self.rows
        new.passed = self.passed[: self.count].copy()
        new.starts, new.again, new.stride, new.most_rows = True, True, 1, self.count
        new._take_states(np.empty((self.count, 2 * n)))
        return new

    def halved(self) -> DelayRecording:
        """The same steps as two each, without states."""
        new, count = self.to_follow(0), self.count
        half = super().halved()
        new.t, new.h, new.slot, new.places, new.count = half.t, half.h, half.slot, half.places, half.count
        new.passed = np.repeat(self.passed[:count], 2, axis=0)
        return new
