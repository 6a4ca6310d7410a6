"""Room for what a run gives: saved points and the interpolants of its steps."""

from __future__ import annotations

from typing import Any

import numpy as np


class Output:
    """Growing memory that the compiled loop fills.

    Args:
        state: The loop's state, which learns where the memory is.
        n: Number of states.
        degree: Of the interpolants.

    Attributes:
        t, u: Saved times and states, shapes (capacity,) and (capacity, n).
        rows: Interpolants, a row each: start, length, and n coefficients of each power of the time passed
            in units of the length; shape (row_capacity, width).
        place, row_place: Address, (width,) and capacity of both, as a run packs them.
    """

    def __init__(self, state: Any, n: int, degree: int) -> None:
        self.state, self.n, self.width = state, n, 2 + n * (1 + degree)
        self.t, self.u, self.capacity = np.empty(0), np.empty((0, n)), 0
        self.rows, self.row_capacity = np.empty((0, self.width)), 0
        self.place, self.row_place = (0, 0, 0), (0, self.width, 0)

    def reserve(self, points: int) -> None:
        """Room for this many saved points, before a run begins."""
        if points > self.capacity:
            self.resize(points, 0)

    def more(self) -> None:
        """Twice the room for saved points."""
        self.resize(2 * self.capacity, self.state.out_count)

    def more_rows(self) -> None:
        """Twice the room for interpolants."""
        self.resize_rows(2 * self.row_capacity, self.state.dense_count)

    def resize(self, capacity: int, count: int) -> None:
        """Room for `capacity` saved points, the first `count` of which are kept."""
        t, u = np.empty(capacity), np.empty((capacity, self.n))
        if count:
            t[:count], u[:count] = self.t[:count], self.u[:count]
        self.t, self.u, self.capacity = t, u, capacity
        self.place = t.ctypes.data, u.ctypes.data, capacity
        self.state.out_t, self.state.out_u, self.state.out_capacity = self.place

    def resize_rows(self, capacity: int, count: int) -> None:
        """Room for `capacity` interpolants, the first `count` of which are kept."""
        rows = np.empty((capacity, self.width))
        if count:
            rows[:count] = self.rows[:count]
        self.rows, self.row_capacity = rows, capacity
        self.row_place = rows.ctypes.data, self.width, capacity
        self.state.dense_rows, self.state.dense_width, self.state.dense_capacity = self.row_place

    def saved(self) -> tuple[np.ndarray, np.ndarray]:
        """Copies of the saved times and states."""
        count = self.state.out_count
        if not count:
            return np.empty(0), np.empty((0, self.n))
        return self.t[:count].copy(), self.u[:count].copy()

    def interpolants(self) -> np.ndarray:
        """A copy of the kept interpolants."""
        return self.rows[: self.state.dense_count].copy()
