"""What the numbers of a method must satisfy, proved when they are put together."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.methods.trees import Conditions

ROUNDING = 1e-13
"""Published coefficients have at least 15 digits; relative to the sum of the terms' magnitudes."""


class TableauError(ValueError):
    """Coefficients contradict each other."""


def equal(name: str, what: str, found: Any, expected: Any, magnitude: Any = 1.0) -> None:
    """Raise a TableauError where two values differ by more than rounding of terms of that magnitude."""
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    if found.shape != expected.shape:
        raise TableauError(f"{name}: {what}: shape {found.shape}, expected {expected.shape}")
    excess = np.abs(found - expected) / np.maximum(magnitude, 1.0)
    # `not all` also catches NaN
    if found.size and not np.all(excess <= ROUNDING):
        worst = np.unravel_index(np.argmax(excess), excess.shape)
        raise TableauError(f"{name}: {what}: found {found[worst]}, expected {expected[worst]}")


def strictly_lower(name: str, what: str, matrix: np.ndarray, first: int = 0) -> None:
    """Row i may be nonzero only left of column first + i."""
    for i, row in enumerate(matrix):
        if np.any(row[first + i :]):
            raise TableauError(f"{name}: {what}: row {i} reads stages not known yet")


def weights(name: str, what: str, b: np.ndarray, conditions: Conditions, order: int) -> None:
    """Weights b satisfy the conditions of all trees up to an order."""
    if not isinstance(order, int) or order < 1:
        raise TableauError(f"{name}: {what} of order {order!r}: it must be a whole number, 1 at least")
    wanted = conditions.orders <= order
    magnitude = conditions.magnitudes[wanted] @ np.abs(b)
    found = conditions.vectors[wanted] @ b
    equal(name, f"{what} of order {order}", found, conditions.targets[wanted], magnitude)


def continuous_weights(name: str, B: np.ndarray, conditions: Conditions, order: int) -> None:
    """Weights sum_m B[j, m] theta^(m+1) satisfy the conditions, which then have theta^order(t) on the right.

    Source: Hairer, Norsett & Wanner I, II.6, equation (6.13).
    """
    wanted = conditions.orders <= order
    degree = B.shape[1]
    powers = conditions.orders[wanted, None] == np.arange(1, degree + 1)
    expected = np.where(powers, conditions.targets[wanted, None], 0.0)
    magnitude = conditions.magnitudes[wanted] @ np.abs(B)
    equal(name, f"interpolant of order {order}", conditions.vectors[wanted] @ B, expected, magnitude)
