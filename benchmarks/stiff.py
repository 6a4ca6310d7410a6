"""symde beside numbalsoda's LSODA and SciPy on stiff problems: microseconds a solve at equal error.

    python -m benchmarks.stiff [--budget SECONDS] [--scipy]

One process, one core; both sides run the same compiled right-hand side.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence

from benchmarks import peers
from benchmarks.equal_error import Point, seconds_at, work_precision
from benchmarks.problems import Case, case

PROBLEMS = ("rober", "hires", "pollu", "orego", "vanderpol_1e3")
ERRORS = (1e-5, 1e-7)
METHODS = ("Rodas5P", "Rodas4", None)


def measure(one: Case, solver: Callable | None, budget: float) -> list[Point]:
    """The work-precision points of a solver; none where it is not installed."""
    if solver is None:
        return []
    return work_precision(solver, one.reference, one.floor, budget)


def row(name: str, points: Sequence[Point]) -> list[float]:
    """Microseconds at each error of the table."""
    return [1e6 * seconds_at(points, error) for error in ERRORS]


def sides(one: Case, budget: float, with_scipy: bool) -> dict[str, list[float]]:
    """Every solver's microseconds on one problem."""
    result = {}
    for method in METHODS:
        result[f"symde {method or 'default'}"] = row("", measure(one, peers.symde(one.problem, one.floor, method), budget))
    result["numbalsoda LSODA"] = row("", measure(one, peers.numbalsoda(one.problem, one.floor, "lsoda"), budget))
    if with_scipy:
        for name in ("LSODA", "Radau"):
            result[f"SciPy {name}"] = row("", measure(one, peers.scipy(one.problem, one.floor, name), budget))
    return result


def main() -> None:
    """Print the table and the geometric mean of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=float, default=0.05, help="seconds spent on each point")
    parser.add_argument("--scipy", action="store_true", help="SciPy's solvers too (slow)")
    parser.add_argument("problems", nargs="*", default=PROBLEMS)
    options = parser.parse_args()
    ratios: dict[float, list[float]] = {error: [] for error in ERRORS}
    for name in options.problems:
        table = sides(case(name), options.budget, options.scipy)
        print(f"\n{name:<24}" + "".join(f"{f'error {error:g}':>14}" for error in ERRORS) + "   [µs]")
        for side, figures in table.items():
            print(f"  {side:<22}" + "".join(f"{figure:14.1f}" for figure in figures))
        for index, error in enumerate(ERRORS):
            best = min(figures[index] for side, figures in table.items() if side.startswith("symde Rodas5P"))
            ratios[error].append(table["numbalsoda LSODA"][index] / best)
    for error, found in ratios.items():
        mean = math.exp(sum(math.log(ratio) for ratio in found) / len(found))
        print(f"\nLSODA / symde Rodas5P at error {error:g}: " + ", ".join(f"{ratio:.2f}" for ratio in found)
              + f"; geometric mean {mean:.2f}, least {min(found):.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
