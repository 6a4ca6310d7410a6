"""Linear conservation laws of a model: combinations w of its states with w.f(u) = 0 everywhere.

They are found as the left null space of right-hand sides at random points, which takes no algebra and no
assumption on the form of the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from symde.sensitivity.model_values import ModelValues

ZERO = 1e-12
"""Singular values below this, relative to the largest, belong to laws: ROBER, HIRES, POLLU and E5 have 1e-16
at most for their laws, and 6e-8 at least for what is no law."""

VIOLATION = 1e-9
"""A combination that changes by more, relative to its largest term, is no law."""


@dataclass(frozen=True, slots=True, eq=False)
class Laws:
    """Conservation laws in reduced form: each has a state of its own with coefficient 1.

    Attributes:
        matrix: Coefficients, shape (k, n).
        own: The state of its own of each law, shape (k,).
        points: Where right-hand sides were compared, shape (n_points, n).
    """

    matrix: np.ndarray
    own: np.ndarray
    points: np.ndarray

    def by_parameters(self, values: ModelValues) -> np.ndarray:
        """Derivatives of the coefficients by the parameters, shape (m, k, n); zeros where they are numbers.

        w(p).f(u, p) = 0 everywhere, so dw.f = -w.P everywhere.

        Raises:
            ValueError: they cannot be told to rounding.
        """
        k, n = self.matrix.shape
        change = np.zeros((values.m, k, n))
        if not k or not values.m:
            return change
        f, partials = values.f(self.points), values.partials(self.points)
        right = -np.einsum("ki,sij->skj", self.matrix, partials)
        sizes = np.einsum("ki,sij->skj", np.abs(self.matrix), np.abs(partials))
        if (np.abs(right) <= ZERO * sizes).all():
            return change
        others = np.setdiff1d(np.arange(n), self.own)
        scale = np.abs(f[:, others]).max(axis=0)
        sides = right.reshape(len(f), -1)
        solved = np.linalg.lstsq(f[:, others] / scale, sides, rcond=None)[0]
        missed = np.abs(f[:, others] / scale @ solved - sides).max()
        if not missed <= VIOLATION * np.abs(sides).max():
            raise ValueError(
                "how a conserved combination of states depends on the parameters cannot be told to rounding: "
                "scale the states and parameters to sizes near 1"
            )
        change[:, :, others] = (solved / scale[:, None]).reshape(len(others), k, -1).transpose(2, 1, 0)
        return change


def conservation_laws(values: ModelValues, trajectory: np.ndarray) -> Laws:
    """The linear conservation laws of a model.

    Args:
        values: The model.
        trajectory: States that tell the sizes and signs that occur, shape (n_points, n).
    """
    sizes = np.abs(trajectory).max(axis=0)
    sizes[sizes == 0.0] = 1.0
    points, f = _sample(values, trajectory, sizes)
    largest = np.abs(f).max(axis=0)
    largest[largest == 0.0] = 1.0
    scaled = f / largest
    rows = np.abs(scaled).max(axis=1, keepdims=True)
    scaled = scaled / np.where(rows == 0.0, 1.0, rows)
    _, singular, right = np.linalg.svd(scaled)
    rank = int(np.sum(singular > ZERO * max(singular[0], 1e-300)))
    matrix, own = _reduced(right[rank:] / largest, sizes)
    matrix = _simple(matrix, f)
    true = [_violation(row, f) < VIOLATION for row in matrix]
    return Laws(matrix[true], own[true], points)


def _sample(values: ModelValues, trajectory: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of the sizes and signs that occur, where the right-hand side is finite, and its values."""
    random = np.random.default_rng(11)
    count = 2 * values.n + 10
    signs = np.where(trajectory.min(axis=0) >= 0.0, 1.0, np.where(trajectory.max(axis=0) <= 0.0, -1.0, 0.0))
    signs = np.where(signs == 0.0, random.choice([-1.0, 1.0], (count, values.n)), signs)
    for spread in (1.0, 0.1, 0.01):
        points = random.uniform(0.2, 1.2, (count, values.n)) * sizes * signs
        near = trajectory[random.integers(len(trajectory), size=count)]
        points = near + spread * (points - near)
        f = values.f(points)
        finite = np.isfinite(f).all(axis=1)
        if finite.sum() > values.n + 5:
            return points[finite], f[finite]
    raise ValueError(
        "the right-hand side is not finite near the solution, so conserved quantities cannot be told: check "
        "the domains of its functions"
    )


def _reduced(matrix: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows combined so that each has a state of its own with coefficient 1, large states first."""
    matrix, own = matrix.copy(), []
    for row in range(len(matrix)):
        weights = np.abs(matrix[row:]) * sizes
        weights[:, own] = 0.0
        place, column = np.unravel_index(np.argmax(weights), weights.shape)
        matrix[[row, row + place]] = matrix[[row + place, row]]
        own.append(int(column))
        matrix[row] /= matrix[row, column]
        others = np.arange(len(matrix)) != row
        matrix[others] -= np.outer(matrix[others, column], matrix[row])
    return matrix, np.array(own, dtype=int)


def _simple(matrix: np.ndarray, f: np.ndarray) -> np.ndarray:
    """Rows whose coefficients are close to simple fractions, mostly the 0 and 1 of chemistry, as these, where
    they obey the law no worse."""
    result = matrix.copy()
    for row in result:
        simple = np.array([float(Fraction(float(value)).limit_denominator(12)) for value in row])
        if np.abs(simple - row).max() < 1e-6 and _violation(simple, f) <= max(_violation(row, f), 1e-14):
            row[:] = simple
    return result


def _violation(row: np.ndarray, f: np.ndarray) -> float:
    """Largest change of a combination relative to its largest term."""
    terms = np.abs(f * row).max(axis=1)
    return float(np.max(np.abs(f @ row)[terms > 0] / terms[terms > 0], initial=0.0))
