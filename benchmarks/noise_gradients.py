"""Gradients of paths with noise: milliseconds of a loss and its gradient, beside the paths alone.

    python -m benchmarks.noise_gradients             Lotka and Volterra, and rings of more parameters
    python -m benchmarks.noise_gradients --peers     torchsde as well, one path and a batch

One thread; the best of several after one to warm up.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import time
from collections.abc import Callable

import numpy as np

import symde

TEXT = """
  param a = 2.2, b = 1, c = 2, d = 0.4
  state x = 1, y = 1
  time 0 .. 10
  dx = (a*x - b*x*y)*dt + 0.1*x*dW
  dy = (-c*y + d*x*y)*dt + 0.1*y*dW
"""
STEPS = 1000


def best(run: Callable[[], object], seconds: float = 0.5) -> float:
    """Milliseconds of processor of the fastest run, after one that does not count."""
    run()
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begun < seconds:
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return 1e3 * min(times)


def loss(u: np.ndarray):
    """Squared distances from 1."""
    residual = u - 1
    return (residual**2).sum(), 2 * residual


def own() -> None:
    """By four parameters, with 101 saved points and 1000 steps."""
    problem = symde.Problem(symde.ode_def(TEXT))
    for method in ("EulerMaruyama", "Milstein", "SRIW2", "SOSRI"):
        for n in (1, 100):
            given = {"dt0": 10 / STEPS, "seed": 1, "saveat": 0.1, "n": n}

            def gradient(sensealg: str, method: str = method, given: dict = given) -> float:
                return best(
                    lambda: symde.value_and_grad(loss, problem, method, wrt="p", sensealg=sensealg, **given)
                )

            alone = best(lambda method=method, given=given: symde.ensemble(problem, method, **given))
            print(
                f"{method:14} {n:4} paths: alone {alone:7.2f} ms, forward {gradient('forward'):7.2f}, "
                f"discrete {gradient('discrete'):7.2f}"
            )


def ring(n: int, coupling: str) -> symde.Problem:
    """n states with noise of their own, each drawn to the next, and 2 n parameters."""
    lines = [f"param k{i} = {0.5 + 0.05 * i}" for i in range(n)] + [f"param s{i} = 0.1" for i in range(n)]
    lines += [f"state x{i} = {1 + 0.1 * i}" for i in range(n)] + ["time 0 .. 5"]
    for i in range(n):
        next_one = coupling.format(f"x{(i + 1) % n}")
        drift = f"k{i}*({next_one} - x{i}) - 0.1*x{i}*x{(i - 1) % n}"
        lines.append(f"dx{i} = ({drift})*dt + s{i}*x{i}*dW")
    return symde.Problem(symde.ode_def("\n".join(lines)))


def choices() -> None:
    """What "auto" takes, and what the better of both would."""
    worst = 1.0
    for n, coupling in ((2, "{}"), (2, "sin({})"), (6, "exp(-{})"), (20, "{}"), (20, "sin({})")):
        problem = ring(n, coupling)
        for method in ("EulerMaruyama", "Milstein", "SOSRI"):
            cells = []
            for count in (one for one in (2, 4, 8, 20, 40) if one <= 2 * n):
                wrt = problem.system.parameter_names[:count]
                given = {"wrt": wrt, "n": 20, "dt0": 0.01, "seed": 1, "saveat": 0.5}
                found = {
                    name: best(
                        lambda name=name, given=given, problem=problem, method=method: symde.value_and_grad(
                            loss, problem, method, sensealg=name, **given
                        ),
                        0.1,
                    )
                    for name in ("forward", "discrete")
                }
                taken = symde.value_and_grad(loss, problem, method, **given)[1].sensealg
                worst = max(worst, found[taken] / min(found.values()))
                cells.append(f"{count}: {found['forward']:.1f} / {found['discrete']:.1f} {taken}")
            print(f"{n:3} states, {coupling.format('x'):8} {method:14}", "; ".join(cells))
    print(f"auto took at most {worst:.2f} times the better one's time")


def peers() -> None:
    """torchsde's method of Euler and Maruyama, by backward through its steps, in float64."""
    if importlib.util.find_spec("torchsde") is None:
        print("torchsde is not installed")
        return
    torch, torchsde = map(importlib.import_module, ("torch", "torchsde"))
    torch.set_num_threads(1)

    class Equation(torch.nn.Module):
        noise_type, sde_type = "diagonal", "ito"

        def __init__(self) -> None:
            super().__init__()
            self.p = torch.nn.Parameter(torch.tensor([2.2, 1.0, 2.0, 0.4], dtype=torch.float64))

        def f(self, t, u):
            (a, b, c, d), x, y = self.p, u[:, 0], u[:, 1]
            return torch.stack([a * x - b * x * y, -c * y + d * x * y], dim=1)

        def g(self, t, u):
            return 0.1 * u

    equation, times = Equation(), torch.linspace(0, 10, 101, dtype=torch.float64)
    for n in (1, 100):
        start = torch.ones(n, 2, dtype=torch.float64)

        def run(start=start) -> None:
            u = torchsde.sdeint(equation, start, times, method="euler", dt=10 / STEPS)
            ((u - 1) ** 2).sum().backward()

        print(f"torchsde euler {n:4} paths: {best(run):9.2f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", action="store_true", help="torchsde as well")
    options = parser.parse_args()
    own()
    choices()
    if options.peers:
        peers()
