"""symde beside numbalsoda and SciPy: microseconds a solve at equal error.

    python -m benchmarks.solvers [stiff|nonstiff] [--budget SECONDS] [--scipy] [PROBLEM ...]

One process, one core; both sides run the same compiled right-hand side through their public calls.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from benchmarks import peers
from benchmarks.equal_error import best_seconds, seconds_at, work_precision
from benchmarks.problems import Case, case

ERRORS = (1e-5, 1e-7)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Problems, symde's methods (the first is the one that is compared) and the peers' solvers."""

    problems: tuple[str, ...]
    methods: tuple[str | None, ...]
    peer: str
    scipy: tuple[str, ...]


COMPARISONS = {
    "stiff": Comparison(
        ("rober", "hires", "pollu", "orego", "vanderpol_1e3"),
        ("Rodas5P", "Rodas4", None),
        "lsoda",
        ("LSODA", "Radau"),
    ),
    "nonstiff": Comparison(
        ("lotka", "lorenz", "pleiades"), ("Vern7", "Tsit5", None), "dop853", ("DOP853", "RK45")
    ),
}


def sides(one: Case, comparison: Comparison, with_scipy: bool) -> dict[str, Callable | None]:
    """Every solver of one problem, by label; None where it is not installed."""
    solvers: dict[str, Callable | None] = {}
    for method in comparison.methods:
        solvers[f"symde {method or 'default'}"] = peers.symde(one.problem, one.floor, method)
    solvers[f"numbalsoda {comparison.peer}"] = peers.numbalsoda(one.problem, one.floor, comparison.peer)
    if with_scipy:
        for name in comparison.scipy:
            solvers[f"SciPy {name}"] = peers.scipy(one.problem, one.floor, name)
    return solvers


def microseconds(one: Case, solver: Callable | None, budget: float) -> list[float]:
    """Microseconds at each error of the table; NaN where an error is not reached."""
    if solver is None:
        return [math.nan] * len(ERRORS)
    points = work_precision(solver, one.reference, one.floor, budget)
    return [1e6 * seconds_at(points, error) for error in ERRORS]


def overhead(one: Case, method: str | None) -> str:
    """Where the time goes: a solve over the time its evaluations alone would take."""
    from symde import solve

    end = [one.problem.tspan[1]]
    options = {"rtol": 1e-6, "atol": 1e-6 * one.floor, "saveat": end}
    stats = solve(one.problem, method, **options).stats
    seconds = best_seconds(lambda: solve(one.problem, method, **options), 0.05)
    evaluation = peers.bare_evaluation(one.problem)
    share = seconds / (stats.evaluations * evaluation)
    return (
        f"{stats.steps} steps, {stats.evaluations} evaluations of {1e9 * evaluation:.1f} ns; "
        f"{1e9 * seconds / stats.steps:.0f} ns a step; time / (evaluations x evaluation) = {share:.1f}"
    )


def report(kind: str, names: list[str], budget: float, with_scipy: bool) -> None:
    """Print one comparison: a table for each problem, the engine's overhead, and the ratios to the peer."""
    comparison = COMPARISONS[kind]
    ratios: dict[tuple[str, float], list[float]] = {}
    for name in names or comparison.problems:
        one = case(name)
        print(f"\n{name:<22}" + "".join(f"{f'error {error:g}':>14}" for error in ERRORS) + "   microseconds")
        table = {}
        for label, solver in sides(one, comparison, with_scipy).items():
            table[label] = microseconds(one, solver, budget)
            print(f"  {label:<20}" + "".join(f"{figure:14.1f}" for figure in table[label]), flush=True)
        print(f"  at rtol 1e-6, {comparison.methods[0]}: {overhead(one, comparison.methods[0])}")
        peer = table[f"numbalsoda {comparison.peer}"]
        for method, (index, error) in product(comparison.methods, enumerate(ERRORS)):
            label = f"symde {method or 'default'}"
            ratios.setdefault((label, error), []).append(peer[index] / table[label][index])
    print(f"\nnumbalsoda {comparison.peer} / symde")
    for (label, error), found in ratios.items():
        mean = math.exp(sum(map(math.log, found)) / len(found))
        figures = " ".join(f"{ratio:6.2f}" for ratio in found)
        print(f"  {label:<20} error {error:g}: {figures}   geometric mean {mean:.2f}, least {min(found):.2f}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", nargs="?", choices=[*COMPARISONS, "all"], default="all")
    parser.add_argument("problems", nargs="*")
    parser.add_argument("--budget", type=float, default=0.05, help="seconds spent on each point")
    parser.add_argument("--scipy", action="store_true", help="SciPy's solvers too (slow)")
    options = parser.parse_args()
    for kind in COMPARISONS if options.kind == "all" else [options.kind]:
        report(kind, options.problems, options.budget, options.scipy)


if __name__ == "__main__":
    main()
