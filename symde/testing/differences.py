"""Derivatives of a right-hand side by central differences, with the scale of their errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

STEP = 1e-3
"""Relative step: with the h^4 error of these differences near the optimum eps**(1/5) of float64."""

TOLERANCE = 1e-6
"""Bound for the differences' disagreement by `scale`. They are good to about 1e-9 of it on smooth equations;
a derivative that is wrong is wrong by its own size."""

_KINK = 1e-3
"""Disagreement of the two step sizes, by `scale`, from which an equation counts as not smooth."""


@dataclass(frozen=True, slots=True)
class Differences:
    """Differences of f by the elements of x.

    Attributes:
        values: ∂f_i/∂x_j, shape (n, len(x)).
        scale: What the error of an entry is measured by: all its row is made of, over the distance.
        smooth: Where both step sizes agree, so that there is no kink between them.
    """

    values: np.ndarray
    scale: np.ndarray
    smooth: np.ndarray


def differences(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> Differences:
    """Fourth-order central differences.

    Args:
        f: Takes many points at once, shape (len(x), k), and gives shape (n, k).
        x: Where.
    """
    here = np.abs(f(x[:, None]))
    if not len(x):
        empty = np.empty((len(here), 0))
        return Differences(empty, empty, empty.astype(bool))
    steps = STEP * np.where(x == 0, 1.0, np.abs(x))
    with np.errstate(all="ignore"):
        columns = [_column(f, x, j, steps[j]) for j in range(len(x))]
        fine, coarse = (np.stack(one, axis=1) for one in zip(*columns, strict=True))
        share = (np.abs(fine) * np.abs(x)).sum(axis=1, keepdims=True)
        scale = (here + share) * STEP / steps
        smooth = np.abs(fine - coarse) <= _KINK * scale
    return Differences((4 * fine - coarse) / 3, scale, smooth)


def _column(
    f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, j: int, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Central differences by element j with the step and with twice the step, shape (n,) each."""
    points = np.repeat(x[:, None], 4, axis=1)
    points[j] += step * np.array([-2.0, -1.0, 1.0, 2.0])
    values, places = f(points), points[j]
    fine = (values[:, 2] - values[:, 1]) / (places[2] - places[1])
    coarse = (values[:, 3] - values[:, 0]) / (places[3] - places[0])
    return fine, coarse
