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


def numbers(row: Row) -> tuple[Number, ...]:
    """The entries of a row as they were given: texts, integers or fractions."""
    return tuple(row.split()) if isinstance(row, str) else tuple(row)


def exact_row(row: Row, width: int = 0) -> Exact:
    """The numbers of a row without rounding, filled up with zeros to width; longer rows stay as they are."""
    values = [Fraction(value) for value in numbers(row)]
    return (*values, *[Fraction(0)] * (width - len(values)))


def exact_rows(rows: Sequence[Row], width: int) -> ExactRows:
    """The numbers of a matrix without rounding; short rows are filled up with zeros."""
    return tuple(exact_row(row, width) for row in rows)


def minus(weights: Row, lower: Row) -> Exact:
    """Weights of an error estimate: those of the solution minus those of the embedded one."""
    return tuple(one - other for one, other in zip(exact_row(weights), exact_row(lower), strict=True))


def _nearest(value: Number) -> float:
    """The float64 nearest to a number; much faster than by way of a Fraction."""
    if isinstance(value, str) and "/" in value:
        numerator, denominator = value.split("/")
        return int(numerator) / int(denominator)
    return float(value)


def float_row(row: Row) -> np.ndarray:
    """The float64 nearest to each number of a row, read-only."""
    array = np.array([_nearest(value) for value in numbers(row)])
    array.setflags(write=False)
    return array


def float_rows(rows: Sequence[Row], width: int) -> np.ndarray:
    """The float64 nearest to each number of a matrix, rows x width, read-only; short rows end in zeros."""
    full = np.zeros((len(rows), width))
    for target, row in zip(full, rows, strict=True):
        values = numbers(row)
        target[: len(values)] = [_nearest(value) for value in values]
    full.setflags(write=False)
    return full


def square_root(value: int, digits: int = 60) -> Fraction:
    """The square root of an integer, to that many decimal digits."""
    scale = 10**digits
    return Fraction(math.isqrt(value * scale**2), scale)


def root(value: int, degree: int, digits: int = 60) -> Fraction:
    """The root of a whole number of some degree, to that many decimal digits."""
    scale = 10**digits
    wanted, found = value * scale**degree, scale * value
    while (better := ((degree - 1) * found + wanted // found ** (degree - 1)) // degree) < found:
        found = better
    return Fraction(found, scale)


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


def dense_from_nested(rows: Sequence[Row], width: int) -> ExactRows:
    """Coefficients B[j][k] of theta^(k+1) k_j of a dense output in nested form, stages x len(rows).

    The form is u(theta) = u0 + theta (F_0 + (1 - theta) (F_1 + theta (F_2 + (1 - theta) (F_3 + ...)))) with
    F_k = h sum_j rows[k][j] k_j.

    Source: Hairer, Norsett & Wanner I, II.6 and II.10, dense output of DOP853.
    """
    result = [[Fraction(0)] * len(rows) for _ in range(width)]
    for k, row in enumerate(exact_rows(rows, width)):
        # theta^low (1 - theta)^falling, by the binomial theorem
        low, falling = k // 2 + 1, (k + 1) // 2
        for j, value in enumerate(row):
            if value:
                for i in range(falling + 1):
                    result[j][low + i - 1] += value * (-1) ** i * math.comb(falling, i)
    return tuple(map(tuple, result))
