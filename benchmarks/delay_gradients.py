"""Gradients through delays: milliseconds by each strategy at the default tolerances, and their errors.

    python -m benchmarks.delay_gradients [PROBLEM ...]

The error of a gradient g by all parameters is max |g - ref| / max |ref|, ref that of forward sensitivities
with Vern9 at rtol 1e-12. Times are CPU times, the least of repetitions.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import symde

NETWORK = """extern net(a, b) -> 2
param tau = 0.5
state x = 1, y = 0.5
(f, g) = net(x(t - tau), y)
x' = f - x
y' = g - y
time 0 .. 5"""


def network() -> symde.Problem:
    """Two states, a network of 202 weights, and the delay."""
    layers = [symde.Dense(2, 16, "tanh"), symde.Dense(16, 8, "tanh"), symde.Dense(8, 2)]
    return symde.Problem(symde.ode_def(NETWORK).bind(net=symde.Network(layers, seed=1)))


TEXTS = {
    "lotka": """param a = 2.2, b = 1, d = 2, g = 0.4, tau = 0.1
state x = 1, y = 1
x' = (a - b*y)*x(t - tau)
y' = (d*x - g)*y
time 0 .. 10""",
    "moving": """param k = 1.2, r = 0.7, c = 0.4, w = 1.5
state x = 0.8, y = 1
history x = 0.5 + 0.2*c*sin(w*t)
x' = -k*x(t - 0.3 - c*y^2)*x
y' = r*(x - y)
time 0 .. 6""",
    "neutral": """param k = 0.5, c = 0.3, tau = 0.7
state x = 1
history x = 1 + 0.3*t
x' = -k*x + c*x'(t - tau) + 0.2*x(t - 2*tau)
time 0 .. 6""",
    "doses": """param tau = 1, dose = 1, k = 1
state x = 1
x' = -k*x(t - tau)
every 0.4: x += dose
time 0 .. 6""",
}

STRATEGIES = ("forward", "discrete", "interpolating")


def squares(u: np.ndarray) -> tuple[float, np.ndarray]:
    """The sum of (u - 1)^2."""
    residual = u - 1
    return float((residual**2).sum()), 2 * residual


def best_milliseconds(run: Callable[[], Any], seconds: float = 0.5) -> float:
    """The least CPU time of repetitions, in milliseconds."""
    run()
    best, end = np.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.process_time()
        run()
        best = min(best, time.process_time() - started)
    return 1e3 * best


def report(name: str) -> str:
    """A line of the table."""
    problem = network() if name == "network" else symde.Problem(symde.ode_def(TEXTS[name]))
    saveat = 0.1 * (problem.tspan[1] - problem.tspan[0])

    def gradient(sensealg: str, **options: Any) -> np.ndarray:
        return symde.value_and_grad(squares, problem, wrt="p", saveat=saveat, sensealg=sensealg, **options)[
            1
        ]["p"]

    reference = gradient("forward", method="Vern9", rtol=1e-12, atol=1e-13)
    solve = best_milliseconds(lambda: symde.solve(problem, saveat=saveat))
    cells = [f"{name} | {len(problem.p)} | {solve:.3f}"]
    for sensealg in STRATEGIES:
        try:
            found = gradient(sensealg)
        except ValueError:
            cells.append("refused")
            continue
        error = np.abs(found - reference).max() / np.abs(reference).max()
        milliseconds = best_milliseconds(lambda chosen=sensealg: gradient(chosen))
        cells.append(f"{milliseconds:.2f} ({error:.0e})")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    known = ("network", *TEXTS)
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", help=f"of {', '.join(known)}")
    print(f"| problem | parameters | solve | {' | '.join(STRATEGIES)} |")
    print("| --- " * (3 + len(STRATEGIES)) + "|")
    for name in parser.parse_args().problems or known:
        print(report(name), flush=True)


if __name__ == "__main__":
    main()
