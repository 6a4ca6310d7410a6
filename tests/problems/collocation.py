"""Solutions to 18 digits: collocation of high order in extended precision, for stiff and other problems.

The stages solve Z_i = h sum_j a_ij f(t + c_j h, u + Z_j). Residuals are taken in extended precision, Newton's
corrections in double precision with one factorisation a step, which converges to extended precision all the same.
The step is chosen by the last Legendre coefficient of the slopes, an estimate of the order of the stages: the error at
the end of the step is of about twice that order, so the solution is far better than the tolerance.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.5 and IV.8.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from scipy.linalg import lu_factor, lu_solve

REAL = np.longdouble
RHS = Callable[[Any, np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Scheme:
    """A collocation method: `a` (s, s), `b` and `c` (s,), and the row that gives the last Legendre coefficient."""

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    last: np.ndarray


def _extended(values: Any) -> np.ndarray:
    return np.vectorize(lambda x: REAL(mpmath.nstr(x, 25)), otypes=[REAL])(np.array(values, dtype=object))


def _integrals(nodes: list[Any]) -> tuple[list[list[Any]], list[Any]]:
    """a_ij and b_j: the integrals of the Lagrange polynomials from 0 to c_i and to 1."""
    integrals = []
    for j, own in enumerate(nodes):
        # rising powers
        polynomial = [mpmath.mpf(1)]
        for other in nodes[:j] + nodes[j + 1 :]:
            shifted, scaled = [0, *polynomial], [*(other * x for x in polynomial), 0]
            polynomial = [(x - y) / (own - other) for x, y in zip(shifted, scaled, strict=True)]
        integrals.append([0, *(x / power for power, x in enumerate(polynomial, start=1))][::-1])
    rows = [[mpmath.polyval(one, x) for one in integrals] for x in nodes]
    return rows, [mpmath.polyval(one, 1) for one in integrals]


def _legendre(n: int) -> list[int]:
    """Coefficients of the Legendre polynomial on [0, 1], of falling powers."""
    return [(-1) ** (n + k) * math.comb(n, k) * math.comb(n + k, k) for k in range(n, -1, -1)]


@functools.cache
def scheme(kind: str, stages: int) -> Scheme:
    """Radau IIA ("radau", order 2s - 1, L-stable) or Gauss ("gauss", order 2s, A-stable)."""
    with mpmath.workdps(60):
        polynomial = _legendre(stages)
        if kind == "radau":
            polynomial = [x - y for x, y in zip(polynomial, [0, *_legendre(stages - 1)], strict=True)]
        nodes = sorted(mpmath.polyroots(polynomial, maxsteps=200, extraprec=200))
        a, b = _integrals(nodes)
        basis = mpmath.matrix([[mpmath.polyval(_legendre(m), x) for m in range(stages)] for x in nodes])
        last = [(basis**-1)[stages - 1, j] for j in range(stages)]
        return Scheme(_extended(a), _extended(b), _extended(nodes), _extended(last))


def jacobian(f: RHS, t: Any, u: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """df/du by differences in extended precision, good to about 9 digits: Newton's method needs no more."""
    base, columns = f(t, u), []
    for j in range(len(u)):
        step = REAL(1e-9) * max(abs(u[j]), scale[j])
        moved = u.copy()
        moved[j] += step
        columns.append((f(t, moved) - base) / step)
    return np.array(columns, dtype=float).T


class _NotConverged(Exception):
    pass


def _slopes(f: RHS, t: Any, u: np.ndarray, h: Any, method: Scheme, J: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """f at the stages, (s, n)."""
    stages, n = len(method.c), len(u)
    factors = lu_factor(np.eye(stages * n) - np.kron(method.a.astype(float), float(h) * J), check_finite=False)
    Z = np.zeros((stages, n), dtype=REAL)
    previous = np.inf
    for _ in range(30):
        K = np.array([f(t + c * h, u + z) for c, z in zip(method.c, Z, strict=True)])
        residual = h * (method.a @ K) - Z
        # scaled so that a correction keeps its digits in double precision, however small the component
        correction = lu_solve(factors, residual.astype(float).ravel(), check_finite=False).reshape(stages, n)
        Z = Z + correction
        size = float(np.max(np.abs(correction) / (floor + np.abs(u) + np.abs(Z).max(axis=0))))
        if not np.isfinite(size) or (size > 0.9 * previous and size > 1e-15):
            raise _NotConverged
        if size < 3e-19 or (size > 0.3 * previous and size < 1e-15):
            return np.array([f(t + c * h, u + z) for c, z in zip(method.c, Z, strict=True)])
        previous = size
    raise _NotConverged


def solve(
    f: RHS, u0: Any, tspan: tuple[float, float], floor: Any = 1.0, *, kind: str = "radau", stages: int = 7,
    tolerance: float = 1e-11, first: float = 1e-6,
) -> tuple[np.ndarray, int]:  # fmt: skip
    """The end state in extended precision, and the number of steps.

    Args:
        f: right-hand side; gets and gives arrays of np.longdouble.
        u0: initial state, (n,).
        tspan: start and end.
        floor: sizes below which components count absolutely, a number or (n,).
        kind: "radau" or "gauss".
        stages: of the collocation method.
        tolerance: of the stages; the end of each step is far more accurate.
        first: first step, relative to the span.
    """
    method = scheme(kind, stages)
    u = np.array(u0, dtype=REAL)
    floor = np.broadcast_to(np.asarray(floor, dtype=REAL), u.shape)
    t, end = REAL(tspan[0]), REAL(tspan[1])
    h, taken, lost = (end - t) * REAL(first), 0, np.zeros_like(u)
    while t < end:
        last_step = t + h >= end * (1 - REAL(1e-18))
        h = end - t if last_step else h
        try:
            K = _slopes(f, t, u, h, method, jacobian(f, t, u, floor), floor)
        except _NotConverged:
            h = h / 3
            continue
        estimate = float(np.max(np.abs(h * (method.last @ K)) / (floor + np.abs(u)))) / tolerance
        factor = 0.85 * max(estimate, 1e-12) ** (-1 / stages)
        if estimate > 1:
            h = h * REAL(max(factor, 0.1))
            continue
        # compensated sum
        increment = h * (method.b @ K) + lost
        grown = u + increment
        u, lost = grown, increment - (grown - u)
        t, taken = (end if last_step else t + h), taken + 1
        h = h * REAL(min(max(factor, 0.3), 3.0))
    return u, taken
