"""A second opinion: Radau collocation of high order in extended precision.

Nothing of symde takes part. Steps are solved by Newton's method, whose residuals are extended and whose
linear algebra is float64: the result is good to a few 1e-19 times the problem's own sensitivity.
Source: Hairer & Wanner (1996), Solving Ordinary Differential Equations II, sections IV.5 and IV.8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import mpmath
import numpy as np
from scipy.linalg import lu_factor, lu_solve

REAL = np.longdouble

Slope = Callable[[np.ndarray, float], np.ndarray]
"""f(u, t) for u of shape (n,) or (n, k), of any floating type."""


@dataclass(frozen=True, slots=True)
class Radau:
    """Radau IIA with s stages, of order 2 s - 1.

    Attributes:
        c: Nodes, shape (s,).
        A: Integrals of the nodes' Lagrange polynomials up to each node, shape (s, s); the last ends the step.
        error: Weights of start and stages in the error estimate, shape (s + 1,): the last stage less what
            the polynomial through the others gives there. Values, since a stiff slope is mostly rounding.
        basis: Coefficients by power of the Lagrange polynomials through 0 and the nodes, (s + 1, s + 1).
    """

    c: np.ndarray
    A: np.ndarray
    error: np.ndarray
    basis: np.ndarray


def _extended(rows) -> np.ndarray:
    return np.array([[REAL(mpmath.nstr(x, 30)) for x in row] for row in rows], dtype=REAL)


def _lagrange(nodes) -> list[list]:
    """Coefficients by rising power of the polynomials that are 1 at one node and 0 at the others."""
    result = []
    for i, node in enumerate(nodes):
        polynomial = [mpmath.mpf(1)]
        for j, other in enumerate(nodes):
            if j != i:
                raised = [mpmath.mpf(0), *polynomial]
                scaled = [*(other * x for x in polynomial), mpmath.mpf(0)]
                polynomial = [(a - b) / (node - other) for a, b in zip(raised, scaled, strict=True)]
        result.append(polynomial)
    return result


def _integral(polynomial, end):
    return mpmath.fsum(x * end ** (k + 1) / (k + 1) for k, x in enumerate(polynomial))


@cache
def radau(stages: int) -> Radau:
    """The method with so many stages, made in 60 digits."""
    with mpmath.workdps(60):
        # Right Radau points on (0, 1]: the zeros of P_s - P_{s-1} shifted.
        degrees = (stages, stages - 1)
        full, less = (mpmath.taylor(lambda x, k=k: mpmath.legendre(k, x), 0, stages) for k in degrees)
        polynomial = [a - b for a, b in zip(full, less, strict=True)]
        zeros = mpmath.polyroots(polynomial[::-1], maxsteps=500, extraprec=400)
        c = sorted((mpmath.re(x) + 1) / 2 for x in zeros)
        c[-1] = mpmath.mpf(1)
        through = _lagrange(c)
        A = [[_integral(polynomial, end) for polynomial in through] for end in c]
        others = _lagrange([mpmath.mpf(0), *c[:-1]])
        error = [*(-mpmath.fsum(polynomial) for polynomial in others), mpmath.mpf(1)]
        basis = _lagrange([mpmath.mpf(0), *c])
        return Radau(_extended([c])[0], _extended(A), _extended([error])[0], _extended(basis))


def jacobian(f: Slope, u: np.ndarray, t: float) -> np.ndarray:
    """∂f/∂u in float64 by complex steps, shape (n, n)."""
    n, u = len(u), u.astype(float)
    step = 1e-30
    return f(u[:, None] + 1j * step * np.eye(n), float(t)).imag / step


def _newton(f: Slope, method: Radau, u: np.ndarray, t: REAL, h: REAL, guess: np.ndarray, floor: float):
    """Stages of a step, shape (s, n), or None where the iteration does not settle."""
    s, n = guess.shape
    times = [t + c * h for c in method.c]
    blocks = np.zeros((s * n, s * n))
    for j in range(s):
        local = jacobian(f, guess[j], times[j])
        for i in range(s):
            blocks[i * n : (i + 1) * n, j * n : (j + 1) * n] = -float(h * method.A[i, j]) * local
    blocks[np.diag_indices(s * n)] += 1
    factors = lu_factor(blocks)
    stages, last, settled = guess.copy(), np.inf, 0
    for _ in range(25):
        slopes = np.stack([f(stage, time) for stage, time in zip(stages, times, strict=True)])
        residual = stages - u - h * (method.A @ slopes)
        change = lu_solve(factors, residual.ravel().astype(float)).reshape(s, n)
        stages = stages - change
        size = float(np.max(np.abs(change) / (floor + np.abs(stages))))
        if not np.isfinite(size) or (size > 0.3 * last and size > 1e-15):
            return None
        settled = settled + 1 if size < 1e-17 or size > 0.3 * last else 0
        if settled:
            return stages
        last = size
    return None


def integrate(
    f: Slope, u0, tspan: tuple[float, float], stages: int = 8, tolerance: float = 1e-13, floor: float = 1e-8,
    first: float = 1e-6,
) -> np.ndarray:  # fmt: skip
    """End state in extended precision.

    Args:
        f: The right-hand side.
        u0: Initial state, shape (n,).
        tspan: Start and end.
        stages: Stages of the method; its order is 2 stages - 1.
        tolerance: Bound for the error estimate, of order `stages`; the steps themselves are far better.
        floor: Size below which errors count in absolute terms.
        first: First step.
    """
    method = radau(stages)
    u, t, end, h = np.array(u0, dtype=REAL), REAL(tspan[0]), REAL(tspan[1]), REAL(first)
    powers, last_h = np.zeros((stages + 1, len(u)), dtype=REAL), REAL(1)
    powers[0] = u
    while t < end:
        h = min(h, end - t)
        ends = (1 + method.c * h / last_h) if t > tspan[0] else 0 * method.c
        guess = np.stack([(x ** np.arange(stages + 1)) @ powers for x in ends])  # the last polynomial goes on
        found = _newton(f, method, u, t, h, guess, floor)
        if found is None:  # it does not reach so far: begin at the state itself
            found = _newton(f, method, u, t, h, np.tile(u, (stages, 1)), floor)
        if found is None:
            h = h / 4
            continue
        values = np.concatenate([u[None], found])
        estimate = np.abs(method.error @ values) / (floor + np.abs(found[-1]))
        size = float(np.max(estimate)) / tolerance
        factor = 0.85 * max(size, 1e-12) ** (-1 / stages)
        if size > 1:
            h = h * max(0.1, factor)
            continue
        powers = method.basis.T @ values
        u, t, last_h = found[-1], t + h, h
        h = h * min(4.0, max(0.2, factor))
    return u
