"""A continuous solution: one polynomial a step."""

from __future__ import annotations

import numpy as np


class DenseOutput:
    """Polynomials in theta = (t - start) / length over consecutive steps.

    Args:
        rows: A row for each step: start, signed length, and the n coefficients of each power of theta from
            theta**0 on; unused ones are zero.
        n: Number of states.
        end: Time at which the last step ends.
    """

    __slots__ = ("_rows", "end", "n")

    def __init__(self, rows: np.ndarray, n: int, end: float) -> None:
        self._rows, self.n, self.end = rows, n, end

    @property
    def start(self) -> np.ndarray:
        """Starts of the steps, shape (steps,)."""
        return self._rows[:, 0]

    @property
    def length(self) -> np.ndarray:
        """Signed lengths of the steps, shape (steps,)."""
        return self._rows[:, 1]

    @property
    def coefficients(self) -> np.ndarray:
        """Coefficients of theta**m, shape (steps, degree + 1, n)."""
        return self._rows[:, 2:].reshape(len(self._rows), -1, self.n)

    def __call__(self, t: np.ndarray, side: str = "right") -> np.ndarray:
        """States at the times t, shape (len(t), n); where the state jumps, the one after ("right") or before
        ("left").

        Raises:
            ValueError: a time lies outside the steps, or there is no such side.
        """
        if side not in ("right", "left"):
            raise ValueError(f"side must be 'right' or 'left', found {side!r}")
        start, length = self.start, self.length
        direction = 1.0 if length[0] > 0 else -1.0
        first, last = sorted((float(start[0]), self.end))
        outside = ~((t >= first) & (t <= last))
        if outside.any():
            raise ValueError(
                f"t = {t[outside][0]:g} is outside the solution, which covers {first:g} to {last:g}"
            )
        index = np.searchsorted(direction * start, direction * t, side=side) - 1
        if side == "left":
            index = np.maximum(index, 0)
        theta = ((t - start[index]) / length[index])[:, None]
        rows = self.coefficients[index]
        value = rows[:, -1]
        for m in range(rows.shape[1] - 2, -1, -1):
            value = value * theta + rows[:, m]
        return value
