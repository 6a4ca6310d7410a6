"""Where a method's stability function stays within the unit disc.

Polynomials are arrays of coefficients by rising power.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.2 and IV.3.
"""

from __future__ import annotations

import numpy as np

NOISE = 1e-12
"""Low coefficients of |R|^2 - 1 below this are zeros that rounding hides."""


def stability_polynomial(b: np.ndarray, a: np.ndarray) -> np.ndarray:
    """R(z) = 1 + sum_k z^(k+1) b a^k 1 of an explicit method: equation (2.5)."""
    coefficients, powers = [1.0], np.ones(len(b))
    for _ in b:
        coefficients.append(float(b @ powers))
        powers = a @ powers
    return np.array(coefficients)


def _first_exit(growth: np.ndarray) -> float:
    """The largest x such that growth(y) <= 0 for all y in [0, x]; 0 where it rises at once."""
    # a zero at y = 0 itself says nothing, so the first powers that vanish are divided out
    falling = growth[np.argmax(np.abs(growth) > NOISE) :][::-1]
    roots = np.roots(falling)
    crossings = np.sort(roots[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)].real)
    start = 0.0
    for following in (*crossings, np.inf):
        middle = 0.5 * (start + following) if np.isfinite(following) else start + 1.0
        if np.polyval(falling, middle) > 0:
            return float(start)
        start = following
    return float("inf")


def real_stability(b: np.ndarray, a: np.ndarray) -> float:
    """The largest x such that |R(z)| <= 1 for all z in [-x, 0]."""
    return polynomial_real_stability(stability_polynomial(b, a))


def polynomial_real_stability(polynomial: np.ndarray) -> float:
    """The same for a stability polynomial."""
    R = polynomial.copy()
    R[1::2] *= -1
    growth = np.convolve(R, R)
    growth[0] -= 1
    return _first_exit(growth)


def oscillation_stability(
    a: np.ndarray, b: np.ndarray, b_velocity: np.ndarray, c: np.ndarray, growth: float = 1.1
) -> float:
    """The largest x, to 0.05 and up to 25, such that steps of a Nystrom method with h*w up to x multiply
    solutions of y'' = -w^2 y by no more than `growth`. Exactly 1 few of them keep, and with 1.01 a chain of
    100 masses was taken for stiff.

    Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.14,
    for the stages; the matrix takes (y, h y') to the next step.
    """
    ends, start = np.stack([b, b_velocity]), np.stack([np.ones(len(b)), c], axis=1)
    x = 0.05 * np.arange(1, 501)
    squares = (x * x)[:, None, None]
    steps = [[1.0, 1.0], [0.0, 1.0]] - squares * (ends @ np.linalg.solve(np.eye(len(b)) + squares * a, start))
    grows = np.abs(np.linalg.eigvals(steps)).max(axis=1) > growth
    return float(x[np.argmax(grows) - 1]) if grows.any() else float(x[-1])


def imaginary_stability(b: np.ndarray, a: np.ndarray) -> float:
    """The largest x such that |R(z)| <= 1 for all z in [-ix, ix]."""
    R = stability_polynomial(b, a)
    # i^k is 1, i, -1, -i: real parts of even powers, imaginary parts of odd ones
    R[2::4] *= -1
    R[3::4] *= -1
    even, odd = R.copy(), R.copy()
    even[1::2], odd[0::2] = 0.0, 0.0
    growth = np.convolve(even, even) + np.convolve(odd, odd)
    growth[0] -= 1
    return _first_exit(growth)
