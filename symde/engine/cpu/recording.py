"""The record of a solve's steps, in bounded memory.

Of every step its start, end, size and method are kept: 32 bytes. The states are kept of every step as long as
they fit; when they do not, every second one is dropped, again and again, and the steps between are done again
where they are needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

BOUND = 256 * 2**20
"""Bytes that recorded states may take by default."""


STAGES = 1e-11
"""Relative tolerance of the equation of stages in steps that are recorded: their derivative is that of the exact
stages. An iteration leaves a tenth of it or less."""


class Recording:
    """Recorded steps.

    Args:
        n: Number of states.
        bound: Bytes that the states may take.

    Attributes:
        t: Start and end of each step, shape (steps, 2).
        h: Sizes, shape (steps,); rounding makes them differ from end less start.
        slot: Which of the methods took it, shape (steps,).
        u: State and its compensation of every `stride`-th step, shape (rows, 2n).
        stride: Steps from one recorded state to the next.
    """

    def __init__(self, n: int, bound: int = BOUND) -> None:
        self.most_rows = max(bound // (16 * n), 4)
        self.t, self.h, self.slot = np.empty((64, 2)), np.empty(64), np.empty(64, np.int64)
        self.u = np.empty((min(64, self.most_rows), 2 * n))
        self.stride = 1

    def begin(self, state: Any) -> None:
        """Let a run that begins write here."""
        self.stride = 1
        state.keep_record, state.record_count = 1, 0
        state.tightness = min(1.0, STAGES / state.rtol) if state.rtol > 0.0 else 1.0
        self._announce(state)

    def _announce(self, state: Any) -> None:
        state.record_t, state.record_h = self.t.ctypes.data, self.h.ctypes.data
        state.record_slot, state.record_u = self.slot.ctypes.data, self.u.ctypes.data
        state.record_capacity, state.record_rows = len(self.h), len(self.u)
        state.record_stride = self.stride

    def make_room(self, state: Any) -> None:
        """Space for one more step at least."""
        count = state.record_count
        if count == len(self.h):
            self.t, self.h, self.slot = (_doubled(array) for array in (self.t, self.h, self.slot))
        if count // self.stride == len(self.u):
            if 2 * len(self.u) <= self.most_rows:
                self.u = _doubled(self.u)
            else:
                kept = self.u[::2].copy()
                self.u[: len(kept)] = kept
                self.stride *= 2
        self._announce(state)


def _doubled(array: np.ndarray) -> np.ndarray:
    grown = np.empty((2 * len(array), *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
