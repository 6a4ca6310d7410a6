"""Where a method's stability function stays within the unit disc.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.2 and IV.3.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import Polynomial

NOISE = 1e-12
"""Coefficients of |R|^2 - 1 below this are rounding."""


def stability_polynomial(b: np.ndarray, a: np.ndarray) -> Polynomial:
    """R(z) = 1 + sum_k z^(k+1) b a^k 1 of an explicit method: equation (2.5)."""
    coefficients, powers = [1.0], np.ones(len(b))
    for _ in b:
        coefficients.append(float(b @ powers))
        powers = a @ powers
    return Polynomial(np.where(np.abs(coefficients) < NOISE, 0.0, coefficients))


def _first_exit(growth: Polynomial) -> float:
    """The largest x such that growth(y) <= 0 for all y in [0, x]; 0 where it rises at once."""
    coefficients = np.where(np.abs(growth.coef) < NOISE, 0.0, growth.coef)
    # a zero at y = 0 itself says nothing
    growth = Polynomial(np.trim_zeros(coefficients))
    roots = growth.roots()
    crossings = np.sort(roots[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)].real)
    start = 0.0
    for following in (*crossings, np.inf):
        middle = 0.5 * (start + following) if np.isfinite(following) else start + 1.0
        if growth(middle) > 0:
            return float(start)
        start = following
    return float("inf")


def real_stability(b: np.ndarray, a: np.ndarray) -> float:
    """The largest x such that |R(z)| <= 1 for all z in [-x, 0]."""
    R = stability_polynomial(b, a)(Polynomial([0.0, -1.0]))
    return _first_exit(R * R - 1)


def imaginary_stability(b: np.ndarray, a: np.ndarray) -> float:
    """The largest x such that |R(z)| <= 1 for all z in [-ix, ix]."""
    coefficients = stability_polynomial(b, a).coef
    signs = np.array([1.0, 1.0, -1.0, -1.0])[np.arange(len(coefficients)) % 4]
    even = np.where(np.arange(len(coefficients)) % 2 == 0, signs * coefficients, 0.0)
    odd = signs * coefficients - even
    return _first_exit(Polynomial(even) ** 2 + Polynomial(odd) ** 2 - 1)
