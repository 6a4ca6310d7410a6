"""symde beside jitcdde on delay equations: microseconds a solve at equal error, one core.

    python -m benchmarks.delays [PROBLEM ...]

Without jitcdde (and a C compiler for it) its column is empty. Its runs begin with `step_on_discontinuities`,
as its documentation recommends; what it compiles, and setting the past up, is not counted. A solve of symde
is counted whole.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import symde
from benchmarks.equal_error import Solver, seconds_at, work_precision

ERRORS = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
METHODS = ("Tsit5", "DP5", "Vern6", "Vern7", "Vern9", "default")


@dataclass(frozen=True, slots=True)
class Case:
    """A model, its constant past, and its equations for jitcdde as a function of (y, t)."""

    text: str
    past: tuple[float, ...]
    equations: Callable[[Any, Any], list[Any]]


def _leukemia(y: Any, t: Any) -> list[Any]:
    z = 10 * y(0) / (1 + 40 * y(1))
    return [1.1 / (1 + 10**0.5 * y(0, t - 20) ** 1.25) - z, 10 * z - 2.43 * y(1)]


CASES = {
    "mackey_glass": Case(
        "state x = 1.2\nx' = 0.2*x(t - 17)/(1 + x(t - 17)^10) - 0.1*x\ntime 0 .. 500",
        (1.2,),
        lambda y, t: [0.2 * y(0, t - 17) / (1 + y(0, t - 17) ** 10) - 0.1 * y(0)],
    ),
    "hutchinson": Case(
        "state x = 0.5\nx' = 1.8*x*(1 - x(t - 1))\ntime 0 .. 50",
        (0.5,),
        lambda y, t: [1.8 * y(0) * (1 - y(0, t - 1))],
    ),
    "lotka": Case(
        "state x = 1, y = 1\nx' = (2.2 - y)*x(t - 0.1)\ny' = (2*x - 0.4)*y\ntime 0 .. 10",
        (1.0, 1.0),
        lambda y, t: [(2.2 - y(1)) * y(0, t - 0.1), (2 * y(0) - 0.4) * y(1)],
    ),
    "leukemia": Case(
        "state u = 0.35, v = 0.34\nz = 10*u/(1 + 40*v)\nu' = 1.1/(1 + sqrt(10)*u(t - 20)^1.25) - z\n"
        "v' = 10*z - 2.43*v\ntime 0 .. 100",
        (0.35, 0.34),
        _leukemia,
    ),
}


def ours(problem: symde.Problem, method: str) -> Solver:
    """A whole solve by symde."""
    name, end = None if method == "default" else method, [problem.tspan[1]]
    return lambda rtol: symde.solve(problem, name, rtol=rtol, atol=rtol, saveat=end).u[0]


class Stopwatch:
    """A clock that does not count what is done between two runs."""

    def __init__(self) -> None:
        self._left_out = 0.0

    def __call__(self) -> float:
        return time.perf_counter() - self._left_out

    def leave_out(self, seconds: float) -> None:
        """Not to be counted."""
        self._left_out += seconds


def theirs(case: Case, end: float, watch: Stopwatch) -> Solver | None:
    """A run of jitcdde, None where it is not installed."""
    try:
        from jitcdde import jitcdde, t, y
    except ImportError:
        return None
    equations = jitcdde(case.equations(y, t), verbose=False)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        equations.compile_C()  # the build would read a pyproject.toml that lies here

    def solve(rtol: float) -> np.ndarray:
        started = time.perf_counter()
        equations.purge_past()
        equations.constant_past(list(case.past))
        equations.set_integration_parameters(rtol=rtol, atol=rtol)
        watch.leave_out(time.perf_counter() - started)
        equations.step_on_discontinuities()
        return np.array(equations.integrate(end))

    return solve


def report(names: list[str]) -> None:
    """Print the table."""
    print(f"| problem | error | {' | '.join(METHODS)} | jitcdde | jitcdde / best |")
    print("| --- |" + " --- |" * (len(METHODS) + 3))
    for name in names:
        case, watch = CASES[name], Stopwatch()
        problem = symde.Problem(case.text)
        end = problem.tspan[1]
        reference = symde.solve(problem, "Vern9", rtol=3e-14, atol=1e-15, saveat=[end]).u[0]
        solvers: list[Solver | None] = [*(ours(problem, one) for one in METHODS), theirs(case, end, watch)]
        columns = []
        for solver in solvers:
            points = []
            if solver is not None:
                points = work_precision(
                    solver, reference, 1.0, tightest=min(ERRORS), slowest=0.05, clock=watch
                )
            columns.append([seconds_at(points, error) * 1e6 for error in ERRORS])
        for k, error in enumerate(ERRORS):
            row = [column[k] for column in columns]
            ratio = row[-1] / np.nanmin(row[:-1])
            cells = [f"{one:.0f}" if math.isfinite(one) else "-" for one in row]
            print(f"| {name if k == 0 else ''} | {error:g} | {' | '.join(cells)} | {ratio:.1f} |", flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", help=", ".join(CASES))
    report(parser.parse_args().problems or list(CASES))


if __name__ == "__main__":
    main()
