"""Coefficients as published: fractions and decimals with all their digits, until a float is asked for.

A row of coefficients is a string of numbers with spaces between them, "3/40 9/40", or a sequence of numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

Number = int | float | str | Fraction
Row = str | Sequence[Number]
Exact = tuple[Fraction, ...]
ExactRows = tuple[Exact, ...]


def exact_row(row: Row, width: int | None = None) -> Exact:
    """The numbers of a row, filled up with zeros to width; longer rows stay as they are."""
    numbers = [Fraction(value) for value in (row.split() if isinstance(row, str) else row)]
    return (*numbers, *[Fraction(0)] * ((width or 0) - len(numbers)))


def exact_rows(rows: Sequence[Row], width: int) -> ExactRows:
    """The numbers of a matrix; short rows are filled up with zeros."""
    return tuple(exact_row(row, width) for row in rows)


def floats(values: Exact | ExactRows, width: int = 0) -> np.ndarray:
    """The nearest float64 of each number, read-only; a matrix without rows has the width given."""
    if values and isinstance(values[0], Fraction):
        array = np.array([float(value) for value in values])  # type: ignore[arg-type]
    elif values:
        array = np.array([[float(value) for value in row] for row in values])  # type: ignore[union-attr]
    else:
        array = np.zeros((0, width)) if width else np.zeros(0)
    array.setflags(write=False)
    return array


def square_root(value: int, digits: int = 60) -> Fraction:
    """The square root of an integer, to that many decimal digits."""
    scale = 10**digits
    return Fraction(math.isqrt(value * scale**2), scale)


def dense_from_differences(m: Row, h: Sequence[Row]) -> ExactRows:
    """Coefficients B[j][k] of theta^(k+1) U_j of a Rosenbrock method's dense output, stages x (len(h) + 1).

    The form is u(theta) = (1 - theta) u0 + theta (u1 + (1 - theta) (D_1 + theta (D_2 + ...))), D_k = sum_j
    h[k][j] U_j.

    Source: Hairer & Wanner II, VI.4, dense output of RODAS; G. Steinebach (2023), BIT 63:27.
    """
    weights = exact_row(m)
    differences = exact_rows(h, len(weights))
    rows = []
    for j, weight in enumerate(weights):
        column = [row[j] for row in differences]
        rising = [weight, *(-value for value in column)]
        rows.append(tuple(low + high for low, high in zip(rising, [*column, Fraction(0)], strict=True)))
    return tuple(rows)
