"""A continuous solution: one polynomial a step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class DenseOutput:
    """Polynomials in theta = (t - start) / length over consecutive steps.

    Attributes:
        start: Starts of the steps, shape (steps,).
        length: Signed lengths of the steps, shape (steps,).
        end: Time at which the last step ends.
        coefficients: Coefficients of theta**m, shape (steps, degree + 1, n); unused ones are zero.
    """

    start: np.ndarray
    length: np.ndarray
    end: float
    coefficients: np.ndarray

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """States at the times t, shape (len(t), n).

        Raises:
            ValueError: a time lies outside the steps.
        """
        direction = 1.0 if self.length[0] > 0 else -1.0
        first, last = sorted((float(self.start[0]), self.end))
        outside = ~((t >= first) & (t <= last))
        if outside.any():
            raise ValueError(
                f"t = {t[outside][0]:g} is outside the solution, which covers {first:g} to {last:g}"
            )
        index = np.searchsorted(direction * self.start, direction * t, side="right") - 1
        theta = ((t - self.start[index]) / self.length[index])[:, None]
        rows = self.coefficients[index]
        value = rows[:, -1]
        for m in range(rows.shape[1] - 2, -1, -1):
            value = value * theta + rows[:, m]
        return value
