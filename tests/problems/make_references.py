"""Recompute the references of the library and compare them with what it holds.

    python -m tests.problems.make_references [NAME ...]

Takes about a minute. Each end state is computed by Radau collocation of orders 13 and 17 in extended
precision (collocation.py, which shares nothing with symde), and by symde itself near its tightest useful
tolerance; by mpmath's Taylor series in 25 digits or by SciPy's Radau where the table below says so. Published
values are in the problems' files. The library keeps the digits on which independent computations agree.

Robertson's reaction and E5, as they are usually written, lose their small components to rounding even in
extended precision. They are integrated in variables that do not cancel, which is exactly equivalent: y1 + y2
for y1 with y3 = 1 - y1 - y2, and log(y1) with y3 = y2 - y4.
The ring modulator takes hours of that and is left to its published end. Where a right-hand side jumps (Akzo
Nobel's supply at t = 5, the source of the Brusselator in the plane at t = 1.1) collocation is begun anew.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import mpmath
import numpy as np
from scipy.integrate import solve_ivp

import symde

from . import get, names
from .case import Case
from .collocation import REAL, integrate

ORDERS = ((7, 1e-12), (9, 1e-13))
"""Stages and tolerance of the two collocations."""

TAYLOR = ("lotka", "lorenz")
"""Problems for mpmath."""


def plain(case: Case, stages: int, tolerance: float) -> np.ndarray:
    """End state by collocation of the equations as they stand."""
    problem = case.problem
    floor, u = 1e-3 * case.floor, problem.u0
    times = [problem.tspan[0], *BREAKS.get(case.name, ()), problem.tspan[1]]
    for start, end in zip(times, times[1:], strict=False):
        inside = 0.5 * (start + end)  # a jump belongs to neither side

        def slope(w, t, inside=inside, start=start, end=end):
            return case.rhs(w, problem.p, t if start < t < end else inside if case.name in BREAKS else t)

        u = integrate(slope, u, (start, end), stages, tolerance, floor)
    return u


BREAKS = {"akzo": (5.0,), "brusselator2d": (1.1,)}
"""Times at which a right-hand side jumps."""

LEFT_OUT = ("ring",)
"""Problems whose collocation takes too long."""

Change = tuple[Callable[..., np.ndarray], list, Callable[..., np.ndarray], float, float]
"""Equations in other variables: slope, start, the way back, floor and first step."""


def rober(case: Case) -> Change:
    """ROBER by way of s = y1 + y2, which falls by k2 y2² alone."""
    k1, k2, k3 = case.problem.p

    def slope(w, t):
        s, y2 = w
        fast = k2 * y2 * y2
        return np.stack([-fast, k1 * (s - y2) - fast - k3 * y2 * (1 - s)])

    return slope, [1, 0], lambda s, y2: np.array([s - y2, y2, 1 - s]), 1e-20, 1e-8


def e5(case: Case) -> Change:
    """E5 by way of log(y1), y2 and y4."""
    A, B, M, C = case.problem.p

    def slope(w, t):
        log_y1, y2, y4 = w
        y1, y3 = np.exp(log_y1), y2 - y4
        return np.stack([-A - B * y3, A * y1 - M * C * y2 * y3, B * y1 * y3 - C * y4])

    start = [np.log(REAL(case.problem.u0[0])), 0, 0]
    return slope, start, lambda log_y1, y2, y4: np.array([np.exp(log_y1), y2, y2 - y4, y4]), 1e-30, 1e-10


CHANGED = {"rober_1e5": rober, "rober_1e11": rober, "e5_1e5": e5, "e5": e5}


def changed(case: Case, stages: int, tolerance: float) -> np.ndarray:
    """End state by collocation in other variables."""
    slope, start, back, floor, first = CHANGED[case.name](case)
    return back(*integrate(slope, start, case.problem.tspan, stages, tolerance, floor, first))


def scipy_radau(case: Case) -> np.ndarray:
    """End state by SciPy's Radau in other variables."""
    slope, start, back, floor, first = CHANGED[case.name](case)
    solution = solve_ivp(
        lambda t, w: slope(w, t), case.problem.tspan, np.array(start, dtype=float), method="Radau",
        rtol=1e-11, atol=1e-11 * floor, first_step=first, t_eval=case.problem.tspan[1:],
    )  # fmt: skip
    return back(*solution.y[:, -1].astype(REAL))


def taylor(case: Case) -> np.ndarray:
    """End state by mpmath's Taylor series."""
    problem = case.problem
    with mpmath.workdps(25):
        p = [mpmath.mpf(x) for x in problem.p]
        start = [mpmath.mpf(x) for x in problem.u0]
        solution = mpmath.odefun(lambda t, u: list(case.rhs(u, p, t)), problem.tspan[0], start)
        return np.array([REAL(mpmath.nstr(x, 25)) for x in solution(problem.tspan[1])])


def ours(case: Case) -> np.ndarray:
    """End state by symde near its tightest useful tolerance."""
    method, rtol = ("Rodas5P", 1e-12) if case.stiff else ("Vern9", 1e-13)
    end = case.problem.tspan[1]
    solution = symde.solve(
        case.problem, method, rtol=rtol, atol=rtol * case.floor, saveat=[end], max_steps=10**7, throw=False
    )
    return solution.u[-1]


def main() -> None:
    """Print each end state and how far its other computations are from it, by the equal error."""
    for name in sys.argv[1:] or [name for name in names() if name not in LEFT_OUT]:
        case, started = get(name), time.perf_counter()
        collocate = changed if name in CHANGED else plain
        low, high = (collocate(case, *order) for order in ORDERS)
        found = {"order 13": low, "symde": ours(case), "library": case.end}
        if name in CHANGED:
            found["SciPy"] = scipy_radau(case)
        if name in TAYLOR:
            found["Taylor"] = taylor(case)
        scale = case.floor + np.abs(high)
        distances = ", ".join(
            f"{other} {float(np.max(np.abs(u - high) / scale)):.1e}" for other, u in found.items()
        )
        print(f"{name}: {distances} ({time.perf_counter() - started:.0f} s)")
        print("    " + ", ".join(np.format_float_scientific(x, 16, trim="-") for x in high), flush=True)


if __name__ == "__main__":
    main()
