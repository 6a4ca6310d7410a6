"""What events cost: a watch that never fires against none, and an event that happens.

    python -m benchmarks.events

Medians of solves of Lotka-Volterra (two populations, 10 time units) in turn, so all see the same machine;
of events, the time of a whole solve by their number: the steps between them, the search and the host's part.
Then branches inside expressions: error, steps and microseconds as they stand and as modes.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable

import numpy as np

import symde
from tests import problems

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


def medians(*functions: Callable[[], object], rounds: int = 100, batch: int = 10) -> list[float]:
    """Median CPU times of a call in microseconds; functions take turns, `batch` calls each."""
    taken: list[list[float]] = [[] for _ in functions]
    for turn in range(rounds + 5):
        for function, times in zip(functions, taken, strict=True):
            started = time.process_time()
            for _ in range(batch):
                function()
            if turn >= 5:
                times.append(1e6 * (time.process_time() - started) / batch)
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
        (taken,) = medians(lambda p=problem: symde.solve(p, "Tsit5", saveat=[p.tspan[1]]), rounds=10, batch=1)
        number = len(solution.events)
        print(f"{name:<10}{number:>8}{solution.stats.accepted:>7}{taken / number:>13.1f}")


def branches() -> dict[str, symde.Problem]:
    """Models whose right-hand sides switch."""
    relays = "\n".join(
        f"T{k}' = -0.1*(T{k} - {10 + k}) + (2 if sin(t + {k}) > 0 else 0.5); T{k}(0) = {15 + k}"
        for k in range(8)
    )
    kinks = " + ".join(f"0.01*abs(x - {k / 10})" for k in range(1, 60))
    limited = "x' = 1.5x - x*y - max(x - {limit}, 0); y' = x*y - 3y; x(0) = 1; y(0) = 1; time 0 .. 10"
    texts = {
        "doses": "A' = -0.3*A + (50 if mod(t, 12) < 1 else 0); A(0) = 0; time 0 .. 120",
        "relays": f"{relays}\ntime 0 .. 50",
        "harvest above 3": limited.format(limit=3),
        "a limit never reached": limited.format(limit=300),
        "59 weak kinks": f"x' = -x + sin(t) + {kinks}; x(0) = 5; time 0 .. 20",
    }
    library = {name: problems.get(name).problem for name in ("akzo", "brusselator2d")}
    return {**{name: symde.Problem(symde.ode_def(text)) for name, text in texts.items()}, **library}


def branching() -> None:
    """Branches as modes against branches as they stand: error at the end and median CPU time at rtol 1e-6."""
    print(f"\n{'branches':<24}{'method':<9}{'as they stand':>26}{'as modes':>26}")
    for name, problem in branches().items():
        reference = symde.solve(problem, "Rodas5P", rtol=1e-11, atol=1e-12).u[-1]
        modes, end = problem.system.solved, problem.tspan[1]
        for method in ("Tsit5", "Vern7", "Rodas5P", "QNDF") if problem.u0.size < 50 else ("Rodas5P", "QNDF"):
            line = f"{name:<24}{method:<9}"
            for system in (problem.system, modes):
                problem.system.solved = system
                solve = functools.partial(symde.solve, problem, method, rtol=1e-6, atol=1e-9, saveat=[end])
                (taken,) = medians(solve, rounds=10, batch=3)
                solution = solve()
                error = np.max(np.abs(solution.u[-1] - reference) / (1 + np.abs(reference)))
                line += f"{error:>9.0e}{solution.stats.accepted:>6}{taken:>11.1f}"
            problem.system.solved = modes
            print(line)


if __name__ == "__main__":
    watching()
    happening()
    branching()
