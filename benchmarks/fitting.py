"""symde's fit beside what one writes otherwise: scipy.optimize.least_squares with differences over solve_ivp.

    python -m benchmarks.fitting [--repeats 3] [PROBLEM ...]

Both search the logarithms of the same parameters, from the same start, within the same bounds, over the same
residuals. Cells: CPU seconds (the shortest of the repeats, after a first fit that is not counted), solves of
the equations (a solve with its sensitivities is one), chi squared, and the largest distance of an estimate
from the optimum in standard errors. The optimum is symde's at tolerances of 1e-12, or the nearest of several
that fit equally well: rates of absorption and elimination may change places.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares

import symde
from symde.engine.cpu.session import Session
from symde.fit.result import FitResult

PHARMACOKINETICS = """
model TwoCompartments "a drug in the gut, in the blood and in the tissue"
  param V = 10 [l] in (1, 200), k12 = 0.5 [1/h] in (0.001, 10), k21 = 0.5 [1/h] in (0.001, 10)
  param ka = 1 [1/h] in (0.01, 10), ke = 0.2 [1/h] in (0.001, 5)
  state gut = 100 [mg], blood = 0 [mg], tissue = 0 [mg]
  time 0 .. 48
  gut' = -ka*gut
  blood' = ka*gut - (ke + k12)*blood + k21*tissue
  tissue' = k12*blood - k21*tissue
  c = blood/V
end
"""

KINETICS = """
model Robertson "rate constants over nine decades"
  param k1 = 0.1 in (1e-4, 10), k2 = 1e6 in (1e3, 1e10), k3 = 1e3 in (1, 1e8)
  state A = 1, B = 0, C = 0
  time 0 .. 1e5
  A' = -k1*A + k3*B*C
  B' = k1*A - k2*B^2 - k3*B*C
  C' = k2*B^2
end
"""


@dataclass(frozen=True, slots=True, eq=False)
class Fitting:
    """A problem with data.

    Attributes:
        text: The model; its parameters are the start.
        truth: Parameters that make the data.
        times: Times of the data.
        names: What was measured.
        noise: Standard deviation of each logarithm.
        rhs: The same equations as a user of `solve_ivp` writes them, of t, u and the parameters in order.
        observe: What was measured, of states (n, n_times) and parameters.
        methods: Methods of `solve_ivp` that suit it.
        atol: Absolute tolerance over relative tolerance.
    """

    text: str
    truth: dict[str, float]
    times: np.ndarray
    names: tuple[str, ...]
    noise: float
    rhs: Callable
    observe: Callable
    methods: tuple[str, ...]
    atol: float


def _two_compartments(t, u, V, k12, k21, ka, ke):
    gut, blood, tissue = u
    return [-ka * gut, ka * gut - (ke + k12) * blood + k21 * tissue, k12 * blood - k21 * tissue]


def _robertson(t, u, k1, k2, k3):
    a, b, c = u
    return [-k1 * a + k3 * b * c, k1 * a - k2 * b * b - k3 * b * c, k2 * b * b]


PROBLEMS = {
    "pharmacokinetics": Fitting(
        PHARMACOKINETICS,
        {"V": 37.0, "k12": 0.7, "k21": 0.25, "ka": 1.8, "ke": 0.3},
        np.array([0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 36, 48]),
        ("c",),
        0.05,
        _two_compartments,
        lambda u, p: u[1:2] / p[0],
        ("RK45", "LSODA"),
        1e-2,
    ),
    "kinetics": Fitting(
        KINETICS,
        {"k1": 0.04, "k2": 3e7, "k3": 1e4},
        np.geomspace(1e-3, 1e5, 25),
        ("A", "B", "C"),
        0.03,
        _robertson,
        lambda u, p: u,
        ("BDF", "LSODA"),
        1e-6,
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One way of fitting: CPU seconds, solves, chi squared, estimates (logarithms)."""

    way: str
    seconds: float
    solves: int
    chi_squared: float
    estimate: np.ndarray


def ours(
    case: Fitting, values: np.ndarray, rtol: float, repeats: int, starts: int = 1
) -> tuple[Cell, FitResult]:
    """The fit by symde."""
    problem, solves = symde.Problem(symde.ode_def(case.text)), 0
    run = Session.run

    def counted(self: Session, on_slice: Any = None) -> Any:
        nonlocal solves
        solves += 1
        return run(self, on_slice)

    def once():
        held = {"rtol": rtol, "atol": rtol * case.atol}
        data = case.times, values
        return symde.fit(problem, data, names=case.names, sigma=case.noise, log=True, starts=starts, **held)

    Session.run = counted
    try:
        result = once()
    finally:
        Session.run = run
    seconds = _shortest(once, repeats)
    return Cell(f"symde, rtol {rtol:.0e}", seconds, solves, 2 * result.value, np.log(result.x)), result


def scipys(case: Fitting, values: np.ndarray, method: str, rtol: float | None, repeats: int) -> Cell:
    """The same by SciPy; without `rtol` at the tolerances of `solve_ivp` where nothing is said."""
    problem, solves = symde.Problem(symde.ode_def(case.text)), 0
    bounds = symde.Objective(problem, ([1.0], [[1.0] * len(problem.u0)])).bounds  # logarithms, too
    held: dict[str, Any] = {} if rtol is None else {"rtol": rtol, "atol": rtol * case.atol}

    def residuals(theta):
        nonlocal solves
        solves += 1
        p = np.exp(theta)
        found = solve_ivp(
            case.rhs, problem.tspan, problem.u0, method, t_eval=case.times, args=tuple(p), **held
        )
        if not found.success:
            return np.full(values.size, 1e3)
        predicted = np.maximum(case.observe(found.y, p).T, 1e-300)
        return ((np.log(predicted) - np.log(values)) / case.noise).ravel()

    def once():
        # differences as coarse as the tolerance asks for: with SciPy's own step of 1e-8 they are noise
        return least_squares(
            residuals, np.log(problem.p), bounds=bounds, diff_step=math.sqrt(rtol or 1e-3) / 10
        )

    started = time.process_time()
    result = once()
    seconds, count = time.process_time() - started, solves
    if seconds < 2.0:
        seconds = _shortest(once, repeats)
    named = "solve_ivp's tolerances" if rtol is None else f"rtol {rtol:.0e}"
    return Cell(f"SciPy {method}, {named}", seconds, count, float(result.fun @ result.fun), result.x)


def _shortest(call: Callable[[], object], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        started = time.process_time()
        call()
        taken.append(time.process_time() - started)
    return min(taken, default=math.nan)


def report(name: str, repeats: int) -> None:
    """The table of a problem."""
    case = PROBLEMS[name]
    truth = symde.remake(symde.Problem(symde.ode_def(case.text)), p=case.truth)
    exact = symde.solve(truth, saveat=case.times, rtol=1e-11, atol=1e-11 * case.atol)
    clean = np.stack([exact[one] for one in case.names], axis=1)
    values = clean * np.exp(case.noise * np.random.default_rng(1).standard_normal(clean.shape))
    _, best = ours(case, values, 1e-12, 0, starts=20)
    optima = np.log([list(one.values()) for one in (best.values, *best.alternatives)])
    errors = np.array([best.standard_errors[one] for one in best.names]) / best.x
    cells = [ours(case, values, 1e-8, repeats)[0]]
    for method in case.methods:
        cells += [scipys(case, values, method, rtol, repeats) for rtol in (None, 1e-6, 1e-8)]
    print(f"\n{name}: {len(best.names)} parameters, {best.objective.size} values")
    print("| | CPU seconds | solves | chi squared | off by, standard errors |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for cell in cells:
        off = np.min(np.max(np.abs(cell.estimate - optima) / errors, axis=1))
        print(f"| {cell.way} | {cell.seconds:.3g} | {cell.solves} | {cell.chi_squared:.6g} | {off:.1e} |")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problems", nargs="*", default=[*PROBLEMS], metavar="PROBLEM")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    for name in given.problems:
        report(name, given.repeats)


if __name__ == "__main__":
    main()
