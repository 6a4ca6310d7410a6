"""The choice of `sensealg="auto"` beside every strategy: milliseconds of a loss and its gradient.

    python -m benchmarks.gradient_choice [--rtol 1e-6] [--rounds 3] [--budget 4] [--slowest 2]
        [--method Rodas5P] [--points 100] [--without forward] [PROBLEM ...]

All strategies and the choice take turns in one process, and each counts with the shortest CPU time of its
turns: what slows the machine for a while slows all of them. A strategy that takes longer than `--slowest`
seconds is timed in one turn. Cells: milliseconds, and the error of the gradient in brackets; then the choice
over the best strategy, and what the call with the trial took: with kernels compiled before, in milliseconds
and in gradients of the choice; and as the first call of all.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import replace

import symde
from benchmarks.gradient_problems import CASES, loose_case
from symde.sensitivity import auto, registry
from symde.sensitivity.backsolve import ReverseError
from symde.sensitivity.wrt import Gradient

DEFAULT = ("lotka_seasons", "pollu", *(f"brusselator_{n}" for n in (2, 3, 4, 5, 7, 9, 11, 13, 15, 17)))

BURST = 3e-3
"""CPU seconds of one turn at least."""

MOST_ROUNDS = 100

Differentiate = Callable[[str], Gradient]


def seconds(run: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    started = time.process_time()
    run()
    return time.process_time() - started


def strategies_that_can(names: tuple[str, ...], gradient: Differentiate) -> dict[str, Gradient]:
    """The gradients by the strategies that do not refuse; their kernels are compiled after that."""
    found = {}
    for name in names:
        try:
            found[name] = gradient(name)
        except (ValueError, ReverseError, symde.SolveError):
            continue
    return found


def turn(run: Callable[[], object]) -> tuple[float, float]:
    """The shortest CPU time of the calls of one turn, and what all of them took."""
    least, spent = math.inf, 0.0
    while spent < BURST:
        took = seconds(run)
        least, spent = min(least, took), spent + took
    return least, spent


def in_turns(
    names: tuple[str, ...], gradient: Differentiate, options: argparse.Namespace
) -> dict[str, float]:
    """The shortest CPU time of each name's turns."""
    least, rounds, spent = dict.fromkeys(names, math.inf), 0, 0.0
    while rounds < options.rounds or rounds < MOST_ROUNDS and spent < options.budget:
        for name in names:
            if not rounds or least[name] < options.slowest:
                took, all_calls = turn(lambda name=name: gradient(name))
                least[name], spent = min(least[name], took), spent + all_calls
        rounds += 1
    return least


def without_memory(problem: symde.Problem) -> None:
    """Forget what was chosen for a problem."""
    auto._remembered.pop(problem.system, None)


def row(name: str, options: argparse.Namespace) -> str:
    """The line of a problem."""
    case = loose_case(name, options.points)
    names = tuple(each for each in registry.NAMES if each != options.without)

    def gradient(strategy: str, rtol: float = options.rtol, method: str | None = options.method) -> Gradient:
        _, found = symde.value_and_grad(
            case.loss, case.problem, method, wrt="p", saveat=case.times, sensealg=strategy,
            rtol=rtol, atol=rtol * case.floor, max_steps=10**6,
        )  # fmt: skip
        return found

    first = seconds(lambda: gradient(registry.AUTO))
    found = strategies_that_can(names, gradient)
    without_memory(case.problem)
    tried = seconds(lambda: gradient(registry.AUTO))
    found[registry.AUTO] = gradient(registry.AUTO)
    least = in_turns(tuple(found), gradient, options)
    exact = gradient("discrete", 1e-10, "Rodas5P" if case.stiff else "Vern9")["p"]
    case = replace(case, reference=exact)
    best = min(registry.NAMES, key=lambda strategy: least.get(strategy, math.inf))
    for strategy, again in in_turns((registry.AUTO, best), gradient, options).items():
        least[strategy] = min(least[strategy], again)
    mine = least.pop(registry.AUTO)
    cells = [f"{1e3 * least[each]:.3g} ({case.error(found[each]['p']):.0e})" if each in least else "-"
             for each in registry.NAMES]  # fmt: skip
    chosen = f"{found[registry.AUTO].sensealg} {1e3 * mine:.3g}"
    trial = f"{1e3 * tried:.3g} ({tried / mine:.0f})"
    size = f"{name} ({len(case.problem.u0)}, {len(case.problem.p)})"
    texts = (size, *cells, chosen, best, f"{mine / least[best]:.2f}", trial, f"{1e3 * first:.3g}")
    return f"| {' | '.join(texts)} |"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problems", nargs="*", help=f"of: {', '.join(CASES)}")
    parser.add_argument("--rtol", type=float, default=1e-6)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each strategy at least")
    parser.add_argument("--budget", type=float, default=4.0, help="CPU seconds of all turns of a problem")
    parser.add_argument("--slowest", type=float, default=2.0, help="seconds")
    parser.add_argument("--method", default=None, help="default: none, the choice is the solver's too")
    parser.add_argument("--points", type=int, default=100, help="saved points; with 1 the end alone")
    parser.add_argument("--without", default=None, help="a strategy that is left out")
    options = parser.parse_args()
    header = ["problem", *registry.NAMES, "auto", "best", "auto / best", "trial", "first call"]
    print(f"| {' | '.join(header)} |\n|{' --- |' * len(header)}")
    for name in options.problems or DEFAULT:
        print(row(name, options), flush=True)


if __name__ == "__main__":
    main()
