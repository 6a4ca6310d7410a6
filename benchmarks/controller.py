"""What the PI law gains from forgetting errors far below the tolerance.

    python -m benchmarks.controller [least previous error ...]

Evaluations of the right-hand side at equal error, between the largest and the least error of tolerances from
1e-3 to 1e-9, in relation to a law that remembers all errors: the geometric mean over the problems.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np

import symde
from symde.engine.cpu import slots
from symde.engine.cpu.families import explicit

PROBLEMS = {
    "forced": "param a = 1\nx' = -a*x + sin(5*t)\nx(0) = 0\ntime 0 .. 3",
    "Lotka": "state x = 1, y = 1\ntime 0 .. 10\nx' = 1.5*x - x*y\ny' = -3*y + x*y",
    "Van der Pol": "state x = 2, y = 0\ntime 0 .. 20\nx' = y\ny' = 5*(1 - x^2)*y - x",
    "pendulum": "a'' = -sin(a)\na(0) = 0\na'(0) = 1\ntime 0 .. 5",
    "network": "state x = 0, y = 0.001\ntime 0 .. 4\nx' = tanh(3*y) - x\ny' = -tanh(2*x) + 0.1",
    "Lorenz": """
state x = 1, y = 0, z = 0
time 0 .. 10
x' = 10*(y - x)
y' = x*(28 - z) - y
z' = x*y - 8*z/3
""",
    "Arenstorf": """
param m = 0.012277471
state x = 0.994, y = 0
x'(0) = 0
y'(0) = -2.00158510637908252
time 0 .. 17.0652165601579625
x'' = x + 2*y' - (1 - m)*(x + m)/d1 - m*(x - 1 + m)/d2
y'' = y - 2*x' - (1 - m)*y/d1 - m*y/d2
d1 = ((x + m)^2 + y^2)^1.5
d2 = ((x - 1 + m)^2 + y^2)^1.5
""",
}
METHODS = "BS3", "DP5", "Tsit5", "Vern7", "Vern9"
TOLERANCES = 10.0 ** -np.arange(3, 9.1, 0.5)

Curve = tuple[np.ndarray, np.ndarray]
"""Logarithms of errors, ascending, and of evaluations."""


def curve(text: str, method: str, reference: np.ndarray) -> Curve:
    """Errors and evaluations over the tolerances."""
    problem = symde.Problem(symde.ode_def(text))
    rows = []
    for rtol in TOLERANCES:
        solution = symde.solve(problem, method, rtol=rtol, atol=rtol / 100, saveat=[problem.tspan[1]])
        error = np.sqrt(np.mean(((solution.u[-1] - reference) / (0.01 + np.abs(reference))) ** 2))
        rows.append((np.log(error + 1e-17), np.log(solution.stats.evaluations)))
    errors, evaluations = np.array(sorted(rows)).T
    return errors, evaluations


def with_remembered(value: float, run: Callable[[], dict[str, Curve]]) -> dict[str, Curve]:
    """What a run gives where the explicit methods' law remembers no error below a value."""
    before = explicit.FAMILY
    explicit.FAMILY = replace(before, remembered=value)
    slots.packed.cache_clear()
    try:
        return run()
    finally:
        explicit.FAMILY = before
        slots.packed.cache_clear()


def mean_ratio(some: Curve, other: Curve) -> float:
    """The mean logarithm of the ratio of evaluations at equal error."""
    low, high = max(some[0][0], other[0][0]), min(some[0][-1], other[0][-1])
    at = np.linspace(low, high, 20)
    return float(np.mean(np.interp(at, *some) - np.interp(at, *other)))


def main(values: list[float]) -> None:
    """Print a line for each value."""
    references = {}
    for name, text in PROBLEMS.items():
        problem = symde.Problem(symde.ode_def(text))
        references[name] = symde.solve(problem, "Vern9", rtol=1e-13, atol=1e-14).u[-1]
    print(f"{'least previous error':24}", *(f"{method:>8}" for method in METHODS))
    curves = {}
    for value in (0.0, *values):
        for method in METHODS:

            def run(method: str = method) -> dict[str, Curve]:
                return {name: curve(text, method, references[name]) for name, text in PROBLEMS.items()}

            curves[value, method] = with_remembered(value, run)
    for value in values:
        ratios = [
            np.exp(np.mean([mean_ratio(curves[value, m][name], curves[0.0, m][name]) for name in PROBLEMS]))
            for m in METHODS
        ]
        print(f"{value:<24g}", *(f"{ratio:8.3f}" for ratio in ratios))


if __name__ == "__main__":
    main([float(one) for one in sys.argv[1:]] or [0.01, 0.1, 0.3])
