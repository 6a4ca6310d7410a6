"""The default beside the best fixed method, tolerance by tolerance.

    python -m benchmarks.choice [--methods A,B] [--rtol 1e-4,1e-7] [--rounds 9] [PROBLEM ...]

At each tolerance the default takes some time and leaves some error; the time of a fixed method is that for
this very error, whatever tolerance it needs. Cells: microseconds of the default, of the best fixed method and
its name, and their ratio. All solves of a problem take turns, and each counts with its shortest time: what
slows the machine for a while slows all of them.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

from benchmarks.equal_error import TOLERANCES, Point, end_error, seconds_at
from benchmarks.peers import symde as ours
from benchmarks.problems import Case, case
from benchmarks.solvers import COMPARISONS, DEFAULT, methods_of

STIFF = COMPARISONS["stiff"].problems[:-1]  # the ring modulator takes minutes
NONSTIFF = (*COMPARISONS["nonstiff"].problems, "fput", "henon_heiles", "network_1000")

EXPLICIT = ("Tsit5", "Vern6", "Vern7", "Vern8", "Vern9", "DOP853", "VCABM", "DPRKN8", "DPRKN12", "Taylor")
IMPLICIT = ("Rodas5P", "Rodas4", "Radau", "RadauIIA5", "QNDF", "FBDF", "KenCarp4", "Kvaerno5")
ASKED = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)

LEAST_ERROR = 1e-11
"""What references are known to: the default counts as no more exact than this."""

BURST = 5e-4
"""Seconds of one turn of one solve."""


def work(solver: Callable, one: Case, least: float) -> list[tuple[float, float]]:
    """Tolerances and errors of a solver, down to an error."""
    found = []
    for rtol in TOLERANCES:
        try:
            error = end_error(solver(rtol), one.reference, one.floor)
        except (RuntimeError, ValueError):
            continue  # a failed run is no point
        if math.isfinite(error):
            found.append((rtol, error))
        if error < least:
            break
    return found


def seconds_of(solver: Callable, rtol: float) -> float:
    """Mean time of a call in one turn."""
    started, calls = time.perf_counter(), 0
    while True:
        solver(rtol)
        calls += 1
        passed = time.perf_counter() - started
        if passed > BURST:
            return passed / calls


def row(name: str, tolerances: tuple[float, ...], methods: tuple[str, ...], rounds: int) -> None:
    """Print a problem's lines."""
    one = case(name)
    default = ours.solver(one.problem, one.floor, None)
    errors = {rtol: end_error(default(rtol), one.reference, one.floor) for rtol in tolerances}
    least = 0.3 * max(min(errors.values()), LEAST_ERROR)
    fixed = {key: f for key, f in methods_of(one, methods).items() if f is not None}
    plans = {(label, rtol): error for label, f in fixed.items() for rtol, error in work(f, one, least)}
    turns = {key: math.inf for key in (*plans, *((DEFAULT, rtol) for rtol in tolerances))}
    for _ in range(rounds):
        for label, rtol in turns:
            spent = seconds_of(fixed.get(label, default), rtol)
            turns[label, rtol] = min(turns[label, rtol], spent)
    for rtol, error in errors.items():
        times = {}
        for label in fixed:
            points = [Point(r, e, turns[who, r]) for (who, r), e in plans.items() if who == label]
            times[label] = seconds_at(points, max(error, LEAST_ERROR))
        best = min(times, key=lambda label: math.inf if math.isnan(times[label]) else times[label])
        mine = turns[DEFAULT, rtol]
        cells = (name, f"{rtol:g}", f"{error:.1e}", f"{1e6 * mine:.1f}", f"{1e6 * times[best]:.1f}", best,
                 f"{mine / times[best]:.2f}")  # fmt: skip
        print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problems", nargs="*")
    parser.add_argument("--methods", default="", help="comma-separated")
    parser.add_argument("--rtol", default=",".join(f"{one:g}" for one in ASKED))
    parser.add_argument("--rounds", type=int, default=9, help="turns of each solve")
    options = parser.parse_args()
    methods = tuple(filter(None, options.methods.split(",")))
    tolerances = tuple(map(float, options.rtol.split(",")))
    header = ["problem", "rtol", "error", DEFAULT, "best fixed", "which", "ratio"]
    print(f"| {' | '.join(header)} |\n|{' --- |' * len(header)}")
    for name in options.problems or (*NONSTIFF, *STIFF):
        row(name, tolerances, methods or (IMPLICIT if name in STIFF else EXPLICIT), options.rounds)


if __name__ == "__main__":
    main()
