"""How derivatives pass what makes a state consistent: at the start of M u' = f, and after events.

With A the matrix of M's rows where M has entries and -J's where it has none, the state that follows from a
given one has derivatives D+ with

    A D+ = (M D, f_p + f_t dt),

so that M u moves as given and the equations without a derivative go on to hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Settling:
    """A state made consistent, with what it follows from.

    Attributes:
        matrix: A, shape (n, n).
        differential: Which rows are M's, shape (n,).
        by_parameters: f_p of the other rows, 0 in these, shape (n, m).
        by_time: Likewise f_t, shape (n,).
    """

    matrix: np.ndarray
    differential: np.ndarray
    by_parameters: np.ndarray
    by_time: np.ndarray

    def forward(self, columns: np.ndarray, by: np.ndarray, dt: np.ndarray) -> np.ndarray:
        """Derivatives of the consistent state (n, k), from those of the given one (n, k), of the parameters
        (m, k) and of the time (k,)."""
        kept = self.matrix @ columns
        kept[~self.differential] = 0.0
        return np.linalg.solve(self.matrix, kept + self.by_parameters @ by + np.outer(self.by_time, dt))

    def backward(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Derivatives by the given state (n,), the parameters (m,) and the time, from those by the consistent
        state (n,)."""
        rows = np.linalg.solve(self.matrix.T, weights)
        given = np.where(self.differential, rows, 0.0) @ self.matrix
        return given, rows @ self.by_parameters, float(rows @ self.by_time)


def settling(
    system: Any, t: float, u: np.ndarray, p: np.ndarray, count: int | None = None
) -> Settling | None:
    """What makes a state consistent, at the consistent one; None where all states are free. Where branches
    are parameters of the system too, `count` is how many come before them."""
    if not system.kernels.mass:
        return None
    matrix, differential, by_parameters, by_time = system.constraints.linearised(t, u, p)
    return Settling(matrix, differential, by_parameters[:, :count], by_time)
