"""Newton's method for steady states: f(u) = 0 with what is conserved held at its value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symde.sensitivity.conservation import Laws
from symde.sensitivity.model_values import ModelValues

SINGULAR = 1e-13
"""Smallest relative singular value of a balanced matrix that is told from zero."""

SHRINK = 0.3
"""Each step near a root is smaller than the one before by this at least; at a double root it is half."""

ITERATIONS = 30


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """f(u) = 0, where each conservation law takes the place of the equation of its own state.

    Attributes:
        values: The model.
        laws: What is conserved.
        totals: The conserved values, shape (k,).
    """

    values: ModelValues
    laws: Laws
    totals: np.ndarray

    def residual(self, u: np.ndarray) -> np.ndarray:
        """Left sides less right sides, shape (n,)."""
        residual = self.values.f(u)
        residual[self.laws.own] = self.laws.matrix @ u - self.totals
        return residual

    def matrix(self, u: np.ndarray) -> np.ndarray:
        """The derivative of the residual, shape (n, n)."""
        matrix = self.values.jacobian(u)
        matrix[self.laws.own] = self.laws.matrix
        return matrix


@dataclass(frozen=True, slots=True, eq=False)
class Balanced:
    """A matrix with rows and columns scaled to the sizes of the states, ready to be solved with."""

    matrix: np.ndarray
    rows: np.ndarray
    sizes: np.ndarray

    def solve(self, right: np.ndarray) -> np.ndarray:
        """The solution of the unscaled system for right sides (n,) or (n, k)."""
        scaled = right / (self.rows if right.ndim == 1 else self.rows[:, None])
        found = np.linalg.solve(self.matrix, scaled)
        return found * (self.sizes if right.ndim == 1 else self.sizes[:, None])

    def null_direction(self) -> np.ndarray | None:
        """The direction, scaled by sizes, that the matrix takes to zero; None where it is regular."""
        _, singular, right = np.linalg.svd(self.matrix)
        return right[-1] if not singular[-1] > SINGULAR * singular[0] else None


def balanced(matrix: np.ndarray, sizes: np.ndarray) -> Balanced:
    """A matrix scaled by the sizes of the states and its own largest entries."""
    scaled = matrix * sizes
    rows = np.abs(scaled).max(axis=1)
    rows[rows == 0.0] = 1.0
    return Balanced(scaled / rows[:, None], rows, sizes)


def sizes_of(u: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """What counts as the size of each state: its own, and a thousandth of the largest it has had."""
    sizes = np.abs(u) + 1e-3 * largest
    sizes[sizes == 0.0] = 1.0
    return sizes


def newton(equations: Equations, u: np.ndarray, largest: np.ndarray, reach: float) -> np.ndarray | None:
    """The simple root near u to rounding; None where there is none within `reach`, relative to the states'
    sizes.

    Args:
        equations: The equations.
        u: First guess, shape (n,).
        largest: Largest absolute values that the states have had, shape (n,).
        reach: How far the root may be.
    """
    sizes, first, last = sizes_of(u, largest), u, np.inf
    for _ in range(ITERATIONS):
        residual, matrix = equations.residual(u), equations.matrix(u)
        if not (np.isfinite(residual).all() and np.isfinite(matrix).all()):
            return None
        system = balanced(matrix, sizes)
        if system.null_direction() is not None:
            return None
        step = system.solve(residual)
        u = u - step
        moved = np.max(np.abs(step) / sizes)
        if not np.max(np.abs(u - first) / sizes) <= reach:
            return None
        # at the level of rounding steps do not shrink any more
        if moved == 0.0 or (moved < 1e-10 and moved >= SHRINK * last):
            return u
        if moved >= SHRINK * last:
            return None
        last = moved
    return u
