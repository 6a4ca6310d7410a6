"""Explicit Runge-Kutta methods in memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from symde.engine.cpu.family import Family, Numbers, matrix
from symde.engine.cpu.layout import int64, structure
from symde.engine.methods.exact import exact_rows

ExplicitData = structure(
    "ExplicitData",
    "An explicit Runge-Kutta tableau; matrices row by row, `stages` or `all_stages` wide.",
    stages=int64,
    all_stages=int64,  # with those only the interpolant needs
    fsal=int64,
    degree=int64,
    a=int64,  # all_stages x all_stages
    b=int64,
    c=int64,
    error=int64,
    interpolant=int64,  # degree x all_stages: coefficient of theta * T_q, shifted Chebyshev polynomials
    powers=int64,  # degree x degree: row m has the coefficient of theta**m in every T_q
)


_SCALE = 10**60


def in_chebyshev(rows: Sequence[Sequence[Fraction]]) -> np.ndarray:
    """Interpolant weights by theta * T_q(theta), from exact ones by theta**(m + 1); same shape.

    The weights of powers reach 1.4e6 (Vern8) and nearly cancel, so sums over the stages with them carry noise
    of 1e-10 of the slopes. In this basis they reach what the weights reach within the step (60), and the
    noise falls to 1e-14.

    Source: theta^m = 2 / 4^m sum_q binomial(2m, m - q) T_q, the term q = 0 halved: J. C. Mason, D. C.
    Handscomb, Chebyshev Polynomials (2003), section 2.3.1.
    """
    degree = len(rows[0])
    shares = [
        [(2 if q else 1) * math.comb(2 * m, m - q) * 4 ** (degree - m) for m in range(q, degree)]
        for q in range(degree)
    ]
    weights = np.zeros((len(rows), degree))
    for j, row in enumerate(rows):
        # whole numbers are exact as fractions are, and ten times as fast
        whole = [value.numerator * _SCALE // value.denominator for value in row]
        for q in range(degree) if any(whole) else ():
            total = sum(one * share for one, share in zip(whole[q:], shares[q], strict=True))
            weights[j, q] = total / (_SCALE * 4**degree)
    return weights


def shifted_chebyshev(count: int) -> np.ndarray:
    """Coefficients of theta**m (rows) in the polynomials T_q(2 theta - 1) (columns), whole numbers."""
    table = np.zeros((count, count))
    table[0, 0] = 1.0
    for q in range(1, count):
        before = table[:, q - 2] if q > 1 else table[:, 0]
        shifted = np.append(0.0, table[:-1, q - 1])
        table[:, q] = 4 * shifted - 2 * table[:, q - 1] - before if q > 1 else 2 * shifted - table[:, 0]
    return table


def pack(tableau: Any) -> Numbers:
    """A tableau's numbers; extra stages of the interpolant follow the others."""
    stages, extra = len(tableau.b), len(tableau.extra_c)
    width = stages + extra
    a = matrix(tableau.a, (width, width))
    if extra:
        a[stages:, : np.asarray(tableau.extra_a).shape[1]] = tableau.extra_a
    interpolant = np.ascontiguousarray(in_chebyshev(exact_rows(*tableau.given["interpolant"])).T)
    powers = shifted_chebyshev(interpolant.shape[0])
    b, c = matrix(tableau.b, (width,)), matrix([*tableau.c, *tableau.extra_c], (width,))
    error = None if tableau.error is None else matrix(tableau.error, (width,))
    data = ExplicitData(
        stages=stages,
        all_stages=width,
        fsal=int(tableau.fsal),
        degree=interpolant.shape[0],
        a=a.ctypes.data,
        b=b.ctypes.data,
        c=c.ctypes.data,
        error=0 if error is None else error.ctypes.data,
        interpolant=interpolant.ctypes.data,
        powers=powers.ctypes.data,
    )
    kept = a, b, c, interpolant, powers, error
    return Numbers(data, width, interpolant.shape[0], kept, (interpolant, powers))


FAMILY = Family("explicit", pack, implicit=False, present=0.7, previous=0.4)
