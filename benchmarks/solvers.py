"""symde beside its peers: microseconds a solve at equal error.

    python -m benchmarks.solvers [stiff|nonstiff] [--methods A,B] [--peers "CVODE dense,heyoka"] [PROBLEM ...]

One process, one core; all sides run the same compiled right-hand side where they take one, through their
public calls. The last columns give the best of either side and their ratio.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.equal_error import seconds_at, work_precision
from benchmarks.peers import PEERS, peer
from benchmarks.peers import symde as ours
from benchmarks.problems import Case, case

DEFAULT = "default"

SLOWEST = 2.0
"""Seconds: a solver that takes longer is not asked for smaller errors."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Problems, errors, symde's methods and the peers' solvers."""

    problems: tuple[str, ...]
    errors: tuple[float, float]
    methods: tuple[str, ...]
    peers: tuple[str, ...]


COMPARISONS = {
    "stiff": Comparison(
        ("rober", "rober_1e11", "hires", "orego", "pollu", "vanderpol_1e3", "vanderpol_1e6", "e5_1e5",
         "brusselator", "akzo_400", "ring"),
        (1e-5, 1e-7),
        ("Rodas5P", "Rodas4", "Radau", "QNDF", "KenCarp4", DEFAULT),
        ("numbalsoda lsoda", "CVODE dense", "CVODE band"),
    ),
    "nonstiff": Comparison(
        ("lotka", "lorenz", "pleiades", "arenstorf", "kepler", "fput_200"),
        (1e-7, 1e-10),
        ("Tsit5", "Vern7", "Vern9", "DPRKN12", "Taylor", DEFAULT),
        ("numbalsoda dop853", "heyoka"),
    ),
}  # fmt: skip


def microseconds(one: Case, solver: Callable | None, errors: tuple[float, ...], budget: float) -> list[float]:
    """Microseconds at each error; NaN where it is not reached."""
    if solver is None:
        return [math.nan] * len(errors)
    points = work_precision(
        solver, one.reference, one.floor, budget, tightest=0.3 * min(errors), slowest=SLOWEST
    )
    return [1e6 * seconds_at(points, error) for error in errors]


def methods_of(one: Case, names: tuple[str, ...]) -> dict[str, Callable | None]:
    """symde's solvers of a problem; None for a method that its equations do not suit."""
    solvers: dict[str, Callable | None] = {}
    for name in names:
        solver = ours.solver(one.problem, one.floor, None if name == DEFAULT else name)
        try:
            solver(1e-3)
        except ValueError:
            solver = None
        except RuntimeError:
            pass  # a failed run at a coarse tolerance says nothing about finer ones
        solvers[name] = solver
    return solvers


def row(kind: str, name: str, methods: tuple[str, ...], peers: tuple[str, ...], budget: float) -> list[float]:
    """Print a problem's lines; the ratios of the best peer to the best method, one for each error."""
    errors = COMPARISONS[kind].errors
    one = case(name)
    times = {label: microseconds(one, f, errors, budget) for label, f in methods_of(one, methods).items()}
    theirs = {
        label: microseconds(one, peer(label, one.problem, one.floor), errors, budget) for label in peers
    }
    ratios = []
    for k, error in enumerate(errors):
        mine, other = [t[k] for t in times.values()], [t[k] for t in theirs.values()]
        best, least = _least(mine), _least(other)
        ratios.append(least / best)
        cells = [f"{x:.1f}" if x == x else "-" for x in (*mine, *other)]
        print(
            f"| {name if not k else ''} | {error:g} | {' | '.join(cells)} | {least / best:.2f} |", flush=True
        )
    return ratios


def _least(values: list[float]) -> float:
    return min((value for value in values if value == value), default=math.nan)


def report(
    kind: str,
    names: list[str] | None = None,
    methods: tuple[str, ...] = (),
    peers: tuple[str, ...] = (),
    budget: float = 0.05,
) -> None:
    """Print one comparison as a table, and the geometric means of its ratios."""
    comparison = COMPARISONS[kind]
    methods, peers = methods or comparison.methods, peers or comparison.peers
    header = ["problem", "error", *methods, *peers, "best peer / best symde"]
    print(f"| {' | '.join(header)} |\n|{' --- |' * len(header)}")
    found = [row(kind, name, methods, peers, budget) for name in names or comparison.problems]
    for k, error in enumerate(comparison.errors):
        column = [ratios[k] for ratios in found if ratios[k] == ratios[k]]
        if column:
            mean = math.exp(sum(map(math.log, column)) / len(column))
            print(f"\nerror {error:g}: geometric mean {mean:.2f}, least {min(column):.2f}")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", nargs="?", choices=sorted(COMPARISONS), default="stiff")
    parser.add_argument("problems", nargs="*")
    parser.add_argument("--methods", default="", help="comma-separated; 'default' is no method")
    parser.add_argument("--peers", default="", help=f"comma-separated, of: {', '.join(PEERS)}")
    parser.add_argument("--budget", type=float, default=0.05, help="seconds of measuring for each point")
    options = parser.parse_args()
    chosen = [tuple(filter(None, text.split(","))) for text in (options.methods, options.peers)]
    report(options.kind, options.problems, *chosen, budget=options.budget)


if __name__ == "__main__":
    main()
