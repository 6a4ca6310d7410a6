"""Differential-algebraic equations: microseconds a solve at equal error, symde beside IDA and CasADi.

    python -m benchmarks.dae [--budget SECONDS] [PROBLEM ...]

Each problem is the text in `grammar/examples`. symde solves what it derives from it (of Robertson's reaction
and the Akzo Nobel problem two and five differential equations), in the last column of its own also the
equations as written, with all algebraic variables. IDA is called in C with symde's kernels and an analytic
dense Jacobian, and as users of scikit-sundae call it; CasADi's idas has its own equations.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import symde
from benchmarks.equal_error import Solver, seconds_at, work_precision
from benchmarks.peers import ida
from benchmarks.peers import symde as ours
from symde import lowering
from symde.model.model import Model

EXAMPLES = Path(__file__).parents[1] / "grammar" / "examples"
ERRORS = 1e-5, 1e-7
METHODS = "Rodas5P", "Radau", "QNDF", "FBDF", "KenCarp47"
SLOWEST = 2.0
"""Seconds: a solver that takes longer is not asked for smaller errors."""


@dataclass(frozen=True, slots=True)
class Case:
    """A problem, and what a state must be to count as small in the error.

    Attributes:
        file: Name of its text.
        floor: Of the error, and of the absolute tolerance in units of the relative one.
        casadi: Its equations for CasADi: functions of (t, x, z) that give the slopes and the residuals.
        differential: Number of states that have a slope, which come first; 0: CasADi cannot state it.
        finest: Relative tolerance of the reference; the amplifier's gain makes rounding show below 1e-11.
    """

    file: str
    floor: float
    casadi: Callable | None = None
    differential: int = 0
    finest: float = 1e-13


def _rober(t, x, z, casadi):
    a, b = x[0], x[1]
    slopes = [-0.04 * a + 1e4 * b * z[0], 0.04 * a - 3e7 * b**2 - 1e4 * b * z[0]]
    return slopes, [a + b + z[0] - 1]


def _akzo(t, x, z, casadi):
    k1, k2, k3, k4, K, klA, Ks, pCO2, H = 18.7, 0.58, 0.09, 0.42, 34.4, 3.3, 115.83, 0.9, 737.0
    y1, y2, y3, y4, y5 = (x[i] for i in range(5))
    r1, r2, r3 = k1 * y1**4 * casadi.sqrt(y2), k2 * y3 * y4, k2 / K * y1 * y5
    r4, r5 = k3 * y1 * y4**2, k4 * z[0] ** 2 * casadi.sqrt(y2)
    slopes = [
        -2 * r1 + r2 - r3 - r4,
        -0.5 * r1 - r4 - 0.5 * r5 + klA * (pCO2 / H - y2),
        r1 - r2 + r3,
        -r2 + r3 - 2 * r4,
        r2 - r3 + r5,
    ]
    return slopes, [Ks * y1 * y4 - z[0]]


CASES = {
    "robertson": Case("robertson_dae", 1e-6, _rober, 2),
    "akzo": Case("akzo_nobel", 1e-4, _akzo, 5),
    "amplifier": Case("transistor_amplifier", 1e-3, finest=1e-11),
}


def as_written(model: Model) -> symde.Problem:
    """The problem of a model's equations before anything is derived from them."""
    bare = Model(_renamed(model))
    lowering._systems[bare] = lowering.ModelSystem(bare.definition)
    return symde.Problem(bare)


def _renamed(model: Model):
    return dataclasses.replace(model.definition, name=f"{model.name}AsWritten")


def casadi_solver(case: Case, y: np.ndarray, tspan: tuple[float, float]) -> Solver | None:
    """CasADi's idas with exact sparse Jacobians, on its virtual machine."""
    try:
        import casadi
    except ImportError:
        return None
    if case.casadi is None:
        return None
    n = case.differential
    t, x, z = casadi.SX.sym("t"), casadi.SX.sym("x", n), casadi.SX.sym("z", len(y) - n)
    slopes, residuals = case.casadi(t, x, z, casadi)
    system = {"t": t, "x": x, "z": z, "ode": casadi.vertcat(*slopes), "alg": casadi.vertcat(*residuals)}

    @functools.cache
    def integrator(rtol: float):
        options = {"reltol": rtol, "abstol": rtol * case.floor, "max_num_steps": 10**6}
        return casadi.integrator("solve", "idas", system, *map(float, tspan), options)

    def solve(rtol: float) -> np.ndarray:
        found = integrator(rtol)(x0=y[:n], z0=y[n:])
        return np.concatenate([np.asarray(found[name]).ravel() for name in ("xf", "zf")])

    return solve


def report(name: str, budget: float) -> list[float]:
    """Print a problem's lines; the ratios of IDA in C to the best of symde, one for each error."""
    case = CASES[name]
    model = symde.load(EXAMPLES / f"{case.file}.symde")
    derived, written = symde.Problem(model), as_written(model)
    names = written.system.state_names
    kept = [names.index(one) for one in derived.system.state_names]
    finest, ends = case.finest, [*derived.tspan]
    reference = symde.solve(written, "Radau", rtol=finest, atol=finest * case.floor, saveat=ends)
    start, end = reference.u[0], reference.u[-1]
    one = ida.Implicit(written.model.definition, written.p, start, written.tspan[0])
    solvers: dict[str, tuple[Solver | None, np.ndarray]] = {
        method: (ours.solver(derived, case.floor, method), end[kept]) for method in METHODS
    }
    solvers["Rodas5P as written"] = ours.solver(written, case.floor, "Rodas5P"), end
    solvers["IDA in C"] = ida.solver(one, written.tspan, case.floor), end
    solvers["scikit-sundae IDA"] = ida.called_back(one, written.tspan, case.floor), end
    solvers["CasADi idas"] = casadi_solver(case, start, written.tspan), end
    print(f"\n{name}\n| error | {' | '.join(solvers)} | IDA / best symde |\n|{' --- |' * (len(solvers) + 2)}")
    times = {
        label: _microseconds(solve, exact, case.floor, budget) for label, (solve, exact) in solvers.items()
    }
    ratios = []
    for k, error in enumerate(ERRORS):
        row = [times[label][k] for label in solvers]
        mine = min(x for x in row[: len(METHODS)] if x == x)
        ratios.append(times["IDA in C"][k] / mine)
        cells = " | ".join(f"{x:.1f}" if x == x else "-" for x in row)
        print(f"| {error:g} | {cells} | {ratios[-1]:.1f} |", flush=True)
    return ratios


def _microseconds(solve: Solver | None, exact: np.ndarray, floor: float, budget: float) -> list[float]:
    if solve is None:
        return [math.nan] * len(ERRORS)
    points = work_precision(solve, exact, floor, budget, tightest=0.3 * min(ERRORS), slowest=SLOWEST)
    return [1e6 * seconds_at(points, error) for error in ERRORS]


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problems", nargs="*", default=list(CASES))
    parser.add_argument("--budget", type=float, default=0.05, help="seconds of measuring for each point")
    options = parser.parse_args()
    for name in options.problems:
        report(name, options.budget)


if __name__ == "__main__":
    main()
