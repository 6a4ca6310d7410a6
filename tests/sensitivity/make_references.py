"""Compute the references of the matrix of gradients twice, and keep what agrees.

    python -m tests.sensitivity.make_references [NAME ...]

Each gradient is found by Radau collocation of order 15 in extended precision (tests/problems/collocation.py)
of one column at a time beside the states; for the 120 columns of the network, which is not stiff, by SciPy's
DOP853 of all of them. Both take equations in numpy and their derivatives by sympy: nothing of symde takes
part. The second computation is symde's, forward sensitivities near the tightest useful tolerance. What is
kept in references.json are the first one's gradients, rounded to doubles, and the largest difference of the
two, each derivative times the size of what it is by and over the largest such.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

import symde
from tests.problems.collocation import REAL, integrate

from .matrix_models import NAMES, Subject, subject

FILE = Path(__file__).with_name("references.json")

STAGES, TOLERANCE = 8, 1e-13
"""Of the collocation."""

TIGHT = {"lotka": "Vern9", "network": "Vern9", "springs": "Vern9", "hires": "Rodas5P", "rober": "Rodas5P"}
"""symde's method."""


def column(one: Subject, by: int) -> np.ndarray:
    """The derivative of the saved states by the initial value or parameter of an index, times its size, shape
    (n_times, n)."""
    n, size = len(one.problem.u0), REAL(one.sizes[by])
    p, direction = one.problem.p.astype(REAL), np.zeros(len(one.problem.p), dtype=REAL)
    start = np.zeros(2 * n, dtype=REAL)
    start[:n] = one.problem.u0
    if by < n:
        start[n + by] = size
    else:
        direction[by - n] = size
    moved = one.equations.moved

    def slope(w: np.ndarray, t: float) -> np.ndarray:
        return moved(t, w[:n], p, w[n:], direction)

    saved, t, w = [], 0.0, start
    for end in one.times:
        if end > t:
            w = integrate(slope, w, (t, end), STAGES, TOLERANCE, 1e-3 * one.floor)
        saved.append(w[n:])
        t = end
    return np.array(saved)


def by_dop853(one: Subject) -> np.ndarray:
    """As `by_collocation`, with all columns at once."""
    n, x = len(one.problem.u0), len(one.sizes)
    equations, p = one.equations, one.problem.p
    directions = np.diag(one.sizes)[:, n:].T
    start = np.concatenate([one.problem.u0[:, None], np.diag(one.sizes)[:n]], axis=1)

    def slope(t: float, w: np.ndarray) -> np.ndarray:
        u, s = w.reshape(n, 1 + x)[:, 0], w.reshape(n, 1 + x)[:, 1:]
        moved = equations.jacobian(t, u, p) @ s + equations.by_parameters(t, u, p) @ directions
        return np.concatenate([equations.f(t, u, p)[:, None], moved], axis=1).ravel()

    solution = solve_ivp(
        slope, (0.0, one.times[-1]), start.ravel(), "DOP853", one.times, rtol=3e-14, atol=1e-15
    )
    columns = solution.y.T.reshape(len(one.times), n, 1 + x)[:, :, 1:]
    return np.array([np.einsum("ti,tij->j", w, columns) for w in one.costs.values()])


def by_collocation(one: Subject) -> np.ndarray:
    """Derivatives of each cost by initial values and parameters, times their sizes, shape (n_costs,
    n + m)."""
    columns = [column(one, by) if one.sizes[by] else 0 * one.costs["end"] for by in range(len(one.sizes))]
    return np.array([[(w * c).sum() for c in columns] for w in one.costs.values()], dtype=float)


def by_symde(one: Subject, method: str, rtol: float) -> np.ndarray:
    """Likewise."""
    found = symde.sensitivities(
        one.problem, method, saveat=one.times, rtol=rtol, atol=rtol * one.floor * 1e-2, max_steps=10**7
    )
    columns = np.concatenate([found.du0, found.dp], axis=2) * one.sizes
    return np.array([np.einsum("ti,tij->j", w, columns) for w in one.costs.values()])


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Largest difference of two sets of gradients."""
    return float((np.abs(a - b).max(axis=1) / np.abs(b).max(axis=1)).max())


def main() -> None:
    """Compute, compare, keep."""
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    for name in sys.argv[1:] or NAMES:
        one, started = subject(name), time.perf_counter()
        first = (by_dop853 if name == "network" else by_collocation)(one)
        agreement = {
            rtol: difference(by_symde(one, TIGHT[name], rtol), first) for rtol in (1e-11, 1e-12, 1e-13)
        }
        print(name, {k: f"{v:.1e}" for k, v in agreement.items()}, f"{time.perf_counter() - started:.0f} s")
        gradients = dict(zip(one.costs, first.tolist(), strict=True))
        known[name] = {"agreement": min(agreement.values()), "gradients": gradients}
        FILE.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
