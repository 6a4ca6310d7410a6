"""What events cost: a watch that never fires against none, and an event that happens.

    python -m benchmarks.events

Medians of solves of Lotka-Volterra (two populations, 10 time units) in turn, so all see the same machine;
of events, the time of a whole solve by their number: the steps between them, the search and the host's part.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable

import symde

POPULATIONS = """model LotkaVolterra
  param a = 1.5, b = 1, c = 3, d = 1
  state x = 1, y = 1
  time 0 .. 10
  x' = a*x - b*x*y
  y' = d*x*y - c*y
end"""

NEVER = [
    symde.Event("x > 100", stop=True),
    symde.Event("y < 1e-6 and x > 0", {"y": "1"}),
    symde.Event("x*y + x > 300", {"x": "1"}),
]

NEURON = "param I = 1.5\n v' = I - v; v(0) = 0; time 0 .. 1000\n spike: when v >= 1: v = 0"
DOSES = "param k = 0.3\n A' = -k*A; A(0) = 0; time 0 .. 6000\n dose: every 6: A += 100"

METHODS = ("Tsit5", "Vern7", "Rodas5P", "VCABM", "QNDF", "Taylor")


def medians(*functions: Callable[[], object], rounds: int = 400) -> list[float]:
    """Median times in microseconds, taken in turn."""
    taken: list[list[float]] = [[] for _ in functions]
    for turn in range(rounds + 20):
        for function, times in zip(functions, taken, strict=True):
            started = time.perf_counter()
            function()
            if turn >= 20:
                times.append(1e6 * (time.perf_counter() - started))
    return [statistics.median(times) for times in taken]


def watching() -> None:
    """A solve whose events never happen against the same without."""
    model = symde.ode_def(POPULATIONS)
    watched = [model, model.with_events(NEVER[:1]), model.with_events(NEVER)]
    problems = [symde.Problem(one) for one in watched]
    print(f"{'method':<10}{'steps':>6}{'none [us]':>12}{'1 root':>9}{'4 roots':>9}")
    for method in METHODS:
        solves = [functools.partial(symde.solve, one, method, saveat=[10.0]) for one in problems]
        none, one, four = medians(*solves)
        print(
            f"{method:<10}{solves[0]().stats.accepted:>6}{none:>12.1f}{one / none:>9.2f}{four / none:>9.2f}"
        )


def happening() -> None:
    """Microseconds an event, the steps between events included."""
    print(f"\n{'events':<10}{'number':>8}{'steps':>7}{'us an event':>13}")
    for name, text in (("neuron", NEURON), ("doses", DOSES)):
        problem = symde.Problem(symde.ode_def(text))
        solution = symde.solve(problem, "Tsit5", saveat=[problem.tspan[1]])
        (taken,) = medians(lambda p=problem: symde.solve(p, "Tsit5", saveat=[p.tspan[1]]), rounds=20)
        number = len(solution.events)
        print(f"{name:<10}{number:>8}{solution.stats.accepted:>7}{taken / number:>13.1f}")


if __name__ == "__main__":
    watching()
    happening()
