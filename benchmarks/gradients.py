"""symde's gradients beside its peers': milliseconds a gradient by all parameters at equal error.

    python -m benchmarks.gradients [--strategies forward,discrete] [--methods Rodas5P,Vern7]
        [--peers "CVODES staggered,diffrax Tsit5"|none] [--errors 1e-4,1e-6] [--budget 0.05] [PROBLEM ...]

The same loss for all sides (benchmarks/gradient_problems.py). The error of a gradient g is
max |p (g - ref)| / max |p ref|. Each side runs at tolerances from 1e-3 on; its time at an error is read off
in log-log. The last line of a problem gives the plain time at rtol 1e-6, and the error there in brackets.
Times are CPU times of one process whose libraries have one thread each, so that a busy machine hardly changes
them.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence

import numpy as np

import symde
from benchmarks.equal_error import Point, best_seconds, seconds_at, work_precision
from benchmarks.gradient_peers import PEERS, peer
from benchmarks.gradient_problems import CASES, DEFAULT, GradientCase, gradient_case
from symde.sensitivity import registry
from symde.sensitivity.backsolve import ReverseError

METHODS = {True: ("Rodas5P", "Rodas4", "KenCarp4", "QNDF"), False: ("Tsit5", "Vern7", "Vern9")}
"""Suitable methods: where the problem is stiff, and where not."""

ERRORS = (1e-4, 1e-6)

PLAIN = 1e-6
"""Relative tolerance of the plain time."""

SLOWEST = 1.0
"""Seconds: a side that takes longer is not asked for smaller errors."""

Side = Callable[[float], np.ndarray]
"""The gradient at a tolerance, shape (m,)."""


def ours(case: GradientCase, strategy: str, method: str | None) -> Side:
    """symde's gradient through the public call."""

    def solve(rtol: float) -> np.ndarray:
        _, gradient = symde.value_and_grad(
            case.loss, case.problem, method, wrt="p", saveat=case.times, sensealg=strategy,
            rtol=rtol, atol=rtol * case.floor,
        )  # fmt: skip
        return gradient["p"]

    return solve


def points_of(case: GradientCase, side: Side, tightest: float, budget: float) -> list[Point]:
    """Error and seconds from loose to tight."""
    p = case.problem.p
    reference = p * case.reference
    size = np.abs(reference)
    return work_precision(
        lambda rtol: p * side(rtol), reference, size.max() - size, budget, tightest=0.3 * tightest,
        slowest=SLOWEST, clock=time.process_time,
    )  # fmt: skip


def fits(side: Side) -> bool:
    """Whether a combination is not refused."""
    try:
        side(1e-3)
    except (ValueError, ReverseError):
        return False
    except RuntimeError:
        pass  # a failed run at a coarse tolerance says nothing about finer ones
    return True


def plain_of(case: GradientCase, side: Side, points: list[Point], budget: float) -> Point | None:
    """The run at the tolerance of the plain time."""
    for point in points:
        if math.isclose(point.rtol, PLAIN):
            return point
    try:
        error = case.error(side(PLAIN))
    except (RuntimeError, ValueError):
        return None
    return Point(PLAIN, error, best_seconds(lambda: side(PLAIN), budget, time.process_time))


Column = dict[str, tuple[list[Point], Point | None]]
"""Points and plain run of each method of a strategy, or of one peer."""


def measure(case: GradientCase, side: Side | None, tightest: float, budget: float):
    """Points and plain run of a side; nothing for one that is not there."""
    if side is None or not fits(side):
        return [], None
    points = points_of(case, side, tightest, budget)
    return points, plain_of(case, side, points, budget)


def cell(column: Column, error: float | None) -> tuple[float, str]:
    """The best milliseconds of a column at an error, or plain, and how it is printed."""
    best, text = math.nan, "-"
    for method, (points, plain) in column.items():
        if error is None:
            seconds = plain.seconds if plain and math.isfinite(plain.error) else math.nan
        else:
            seconds = seconds_at(points, error)
        if seconds == seconds and not best <= 1e3 * seconds:
            best = 1e3 * seconds
            text = f"{best:.3g}"
            if error is None and plain:
                text += f" ({plain.error:.0e})"
            if method:
                text += f" {method}"
    return best, text


def report(
    names: Sequence[str] = DEFAULT,
    strategies: Sequence[str] = (registry.AUTO, *registry.NAMES),
    methods: Sequence[str] = (),
    peers: Sequence[str] = tuple(PEERS),
    errors: Sequence[float] = ERRORS,
    budget: float = 0.05,
) -> None:
    """Print the table: for each strategy its best method, each peer, and best peer over best symde."""
    header = ["problem", "error", *strategies, *peers, "best peer / best symde"]
    print(f"| {' | '.join(header)} |\n|{' --- |' * len(header)}")
    for name in names:
        case = gradient_case(name)
        chosen = methods or METHODS[case.stiff]
        columns: dict[str, Column] = {}
        for strategy in strategies:
            of = ("",) if strategy == registry.AUTO else chosen
            columns[strategy] = {
                method: measure(case, ours(case, strategy, method or None), min(errors), budget)
                for method in of
            }
        for label in peers:
            columns[label] = {"": measure(case, peer(label, case), min(errors), budget)}
        for k, error in enumerate((*errors, None)):
            cells = {label: cell(column, error) for label, column in columns.items()}
            mine = _least(cells[label][0] for label in strategies)
            other = _least(cells[label][0] for label in peers)
            first = f"{name} ({len(case.problem.u0)}, {len(case.problem.p)})" if not k else ""
            what = "rtol 1e-6" if error is None else f"{error:g}"
            texts = [text for _, text in cells.values()]
            ratio = "-" if not other / mine > 0 else f"{other / mine:.1f}"
            print(f"| {first} | {what} | {' | '.join(texts)} | {ratio} |", flush=True)


def _least(values) -> float:
    return min((value for value in values if value == value), default=math.nan)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problems", nargs="*", help=f"of: {', '.join(CASES)}")
    parser.add_argument("--strategies", default=",".join((registry.AUTO, *registry.NAMES)))
    parser.add_argument("--methods", default="", help="of symde, comma-separated")
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated, or none")
    parser.add_argument("--errors", default="1e-4,1e-6")
    parser.add_argument("--budget", type=float, default=0.05, help="seconds of measuring for each point")
    options = parser.parse_args()
    peers = () if options.peers == "none" else _split(options.peers)
    report(
        options.problems or DEFAULT, _split(options.strategies), _split(options.methods), peers,
        tuple(map(float, _split(options.errors))), options.budget,
    )  # fmt: skip


def _split(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


if __name__ == "__main__":
    main()
