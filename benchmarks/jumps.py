"""Jump processes: events a second of symde's methods.

    python benchmarks/jumps.py             by the size of the network
    python benchmarks/jumps.py --leaping   what leaps make of variances, beside exact paths

The network of ten reactions is `TEN`, the others are rings X0 <--> X1 <--> ... with rates between 0.5 and
1.5. Every measurement is the best of many after one to warm up. Other programs are measured by
`benchmarks.jump_peers`, jumps beside equations by `benchmarks.jumps_beside`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

TEN = """
model Ten
  param k1 = 100, k2 = 1, k3 = 0.01, k4 = 1, k5 = 0.5, k6 = 1, k7 = 0.001, k8 = 1, k9 = 0.5, k10 = 1
  state A = 100, B = 100, C = 50, D = 20, E = 10
  time 0 .. 200
  k1, 0 --> A
  k2, A --> 0
  (k3, k4), A + B <--> C
  (k5, k6), C <--> D
  (k7, k8), 2D <--> E
  (k9, k10), B <--> D
end
"""
RINGS = (15, 50, 150, 500, 5000)


def best(run: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Seconds of processor of the fastest run, after one that does not count: on a shared machine most are
    slower."""
    run()
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begun < 2:
        started = clock()
        run()
        times.append(clock() - started)
    return min(times)


def ring(count: int) -> str:
    """A ring of reversible steps."""
    rates = np.random.default_rng(1).uniform(0.5, 1.5, (count, 2))
    lines = (f"({a}, {b}), X{i} <--> X{(i + 1) % count}" for i, (a, b) in enumerate(rates))
    return "\n".join(lines)


def own() -> None:
    """The methods of symde."""
    import symde
    from symde.engine.jumps import registry
    from symde.jumps import solve_jumps

    exact = [one.name for one in registry.methods() if one.exact]
    problems = {"10 reactions": symde.Problem(symde.ode_def(TEN), kind="jump")}
    for count in RINGS:
        model = symde.ode_def(ring(count))
        start, span = np.full(count, 10.0), (0.0, 5_000.0 / count)
        problems[f"{2 * count} reactions"] = symde.Problem(model, start, span, kind="jump")
    print(f"{'million events a second':24}", *(f"{name:>22}" for name in exact))
    for name, problem in problems.items():
        end = [problem.tspan[1]]
        speeds = []
        for method in exact:
            seconds = best(lambda: solve_jumps(problem, method, seed=1, saveat=end))  # noqa: B023
            speeds.append(solve_jumps(problem, method, seed=1, saveat=end).stats.events / seconds / 1e6)
        print(f"{name:24}", *(f"{speed:22.2f}" for speed in speeds), flush=True)
    _leaping()
    _short_paths()


def leaping() -> None:
    """Variances of leaps near an equilibrium, relative to what is exact."""
    import symde
    from symde.engine.jumps import registry

    for size in (1_000, 10_000, 100_000):
        problem = symde.Problem(f"{size}, 0 --> X\n1, X --> 0", {"X": size}, (0, 8), kind="jump")
        for epsilon in (0.1, 0.03, 0.01):
            method = registry.get("TauLeaping").with_epsilon(epsilon)
            found = symde.ensemble(problem, method, n=20_000, seed=1, saveat=[8.0]).u[:, 0, 0]
            print(
                f"{size} molecules, epsilon {epsilon}: mean {found.mean() / size:.5f}, variance "
                f"{found.var() / size:.3f} of the exact one"
            )


def _leaping() -> None:
    import symde

    model = symde.ode_def("(k, g), 2A <--> B\nA(0) = 1000000; B(0) = 0")
    problem = symde.Problem(model, tspan=(0, 10), p={"k": 1e-6, "g": 0.5}, kind="jump")
    for method in ("Direct", "RSSACR", "TauLeaping"):
        seconds = best(lambda: symde.solve(problem, method, seed=1, saveat=1.0))  # noqa: B023
        print(f"a path of a million molecules by {method}: {1e3 * seconds:.2f} ms")


def _short_paths() -> None:
    import symde

    problem = symde.remake(symde.Problem(symde.ode_def(TEN), kind="jump"), tspan=(0, 0.01))
    seconds = best(lambda: [symde.solve(problem, seed=i, saveat=[0.01]) for i in range(1000)])
    print(f"a call for a path of some 5 events: {1e3 * seconds:.1f} us")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--leaping", action="store_true", help="variances of leaps")
    given = parser.parse_args()
    run_it = leaping if given.leaping else own
    run_it()
