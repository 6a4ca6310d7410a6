"""The record of a solve's steps, in bounded memory.

Of every step its start, end, size and method are kept: 32 bytes. The states are kept of every step as long as
they fit; when they do not, every second one is dropped, again and again, and the steps between are done again
where they are needed. Their states take memory then, too: no more are dropped than there are kept.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.layout import KEEP_STARTS, KEEP_STEPS

STAGES = 1e-11
"""Relative tolerance of the equation of stages in steps that are to be differentiated: their derivative is
that of the exact stages. An iteration leaves a tenth of it or less."""

FEWEST_ROWS = 4

FIRST_ROOM = 256
"""Steps, and states, that there is room for before the first has been taken."""

_NO_STATES = np.empty((0, 2))


def address_of(array: np.ndarray) -> int:
    """Where the memory of a contiguous array lies: `array.ctypes.data` takes four times as long."""
    if array.size and array.flags.writeable:
        buffer: Any = array
        return ctypes.addressof(ctypes.c_char.from_buffer(buffer))
    return array.ctypes.data if array.size else 0


class Recording:
    """Recorded steps.

    Args:
        n: Number of states.
        bound: Bytes that the states may take, if that is not less than the root of the number of steps
            allows; None: they are not kept.
        again: Whether the steps between are to be done again, so that their states take memory too.

    Attributes:
        t: Start and end of each step, shape (steps, 2).
        h: Sizes, shape (steps,); rounding makes them differ from end less start.
        slot: Which of the methods took it, and by which of its formulas, shape (steps,).
        u: State and its compensation of every `stride`-th step, shape (rows, 2n).
        stride: Steps from one recorded state to the next.
        count: Steps; known when the run has ended (`close`).
    """

    def __init__(self, n: int, bound: int | None = None, again: bool = True) -> None:
        starts = bound is not None
        self.most_rows = max((bound or 0) // (16 * n), FEWEST_ROWS)
        self._take(np.empty(4 * FIRST_ROOM))
        self.starts, self.again, self.stride, self.count = starts, again, 1, 0
        self._take_states(np.empty((min(FIRST_ROOM, self.most_rows) if starts else 0, 2 * n)))

    def _take(self, block: np.ndarray) -> None:
        """Keep the steps in one block of four doubles each: one address is asked for, and not three."""
        room = len(block) // 4
        self.t, self.h = block[: 2 * room].reshape(room, 2), block[2 * room : 3 * room]
        self.slot = block[3 * room :].view(np.int64)
        first = address_of(block)
        self.places = first, first + 16 * room, first + 24 * room

    def _take_states(self, u: np.ndarray) -> None:
        self.u, self.place_u = u, address_of(u)

    @classmethod
    def of_steps(cls, steps: Recording, n: int, bound: int) -> Recording:
        """Room for the states of steps that are known, at the least stride that fits."""
        new = steps.without_states()
        new.most_rows, new.starts = max(bound // (16 * n), FEWEST_ROWS), True
        while new.count > new.stride * new.most_rows and new.stride**2 < new.count:
            new.stride *= 2
        new._take_states(np.empty((-(-new.count // new.stride), 2 * n)))
        return new

    def without_states(self) -> Recording:
        """The steps alone."""
        new = object.__new__(Recording)
        new.t, new.h, new.slot, new.places, new.count = self.t, self.h, self.slot, self.places, self.count
        new.u, new.place_u, new.starts, new.stride, new.most_rows = _NO_STATES, 0, False, 1, FEWEST_ROWS
        new.again = True
        return new

    def halved(self) -> Recording:
        """The same steps as two each, without states."""
        new, count = self.without_states(), self.count
        t, h, slot = self.t[:count], self.h[:count], self.slot[:count]
        middle = t[:, 0] + 0.5 * h
        new.count = 2 * count
        new._take(np.empty(8 * count))
        np.stack([t[:, 0], middle, middle, t[:, 1]], axis=1, out=new.t.reshape(count, 4))
        new.h[:], new.slot[:] = np.repeat(0.5 * h, 2), np.repeat(slot, 2)
        return new

    def begin(self, state: Any) -> None:
        """Let a run that begins write here."""
        self.stride = 1
        state.record_count = 0
        state.keep_record = KEEP_STARTS if self.starts else KEEP_STEPS
        if self.starts:
            state.tightness = tightness(state.rtol)
        self._announce(state)

    def close(self, state: Any) -> None:
        """The run has ended."""
        self.count = state.record_count

    def _announce(self, state: Any) -> None:
        state.record_t, state.record_h, state.record_slot = self.places
        state.record_u = self.place_u
        state.record_capacity, state.record_rows = len(self.h), len(self.u)
        state.record_stride = self.stride

    def make_room(self, state: Any) -> None:
        """Space for one more step at least."""
        count = state.record_count
        if count == len(self.h):
            t, h, slot = self.t, self.h, self.slot
            self._take(np.empty(8 * count))
            self.t[:count], self.h[:count], self.slot[:count] = t, h, slot
        if self.starts and count // self.stride == len(self.u):
            if 2 * len(self.u) <= self.most_rows or self.again and self.stride >= len(self.u):
                self._take_states(_doubled(self.u))
            else:
                kept = self.u[::2].copy()
                self.u[: len(kept)] = kept
                self.stride *= 2
        self._announce(state)


def tightness(rtol: float) -> float:
    """Factor of what an iteration may leave in a step that is to be differentiated."""
    return min(1.0, STAGES / rtol) if rtol > 0.0 else 1.0


def _doubled(array: np.ndarray) -> np.ndarray:
    grown = np.empty((2 * len(array), *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
