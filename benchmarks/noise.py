"""Stochastic equations: path-steps a second, beside torchsde where it is installed.

    python benchmarks/noise.py             the methods of symde, one thread
    python benchmarks/noise.py --peers     torchsde as well
    python benchmarks/noise.py --errors    errors against steps of the methods that follow tolerances

Lotka and Volterra's equations with diagonal noise, 1000 paths of 1000 steps, the last state saved; and 1000
paths of an equation whose solution is known, at equal errors. Every measurement is the best of many after one
to warm up.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import sys
import time
from collections.abc import Callable

import numpy as np

import symde

TEXT = """
model Noisy
  param a = 1.5, b = 1, c = 3, d = 1, s = 0.1
  state x = 1, y = 1
  time 0 .. 10
  dx = (a*x - b*x*y)*dt + s*x*dW
  dy = (-c*y + d*x*y)*dt + s*y*dW
end
"""
PATHS, STEPS = 1000, 1000


def best(run: Callable[[], object]) -> float:
    """Seconds of processor of the fastest run, after one that does not count."""
    run()
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begun < 2:
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return min(times)


def own() -> None:
    """The methods of symde."""
    problem = symde.Problem(symde.ode_def(TEXT))
    for method in ("EulerMaruyama", "Milstein", "SRIW1", "SRIW2", "SOSRI", "DRI1", "ImplicitMilstein"):

        def run(method: str = method) -> object:
            return symde.ensemble(problem, method, n=PATHS, seed=1, dt0=10 / STEPS, saveat=[10.0])

        print(f"{method:15} {PATHS * STEPS / best(run) / 1e6:8.1f} million path-steps a second")


SRI, SRA = ("SRIW1", "SRIW2", "SOSRI"), ("SRA1", "SRA2", "SRA3", "SOSRA")
ANY, ROUGH = ("SPaRK", "EulerMaruyama"), ("EulerMaruyama",)
CASES = {
    "growth": ("dx = 0.5*x*dt + 0.8*x*dW\nx(0) = 1", 1, SRI),
    "Lotka and Volterra": (TEXT, 10, SRI),
    "rotation": ("dx = -y*dt + 0.2*x*dW1\ndy = x*dt + 0.3*sin(x)*dW1\nx(0) = 1; y(0) = 0", 5, SRI),
    "fast decay": ("dx = -100*(x - cos(t))*dt + 0.5*x*dW\nx(0) = 1", 1, SRI),
    "Ornstein": ("dx = -2*x*dt + 0.7*dW\nx(0) = 1", 2, SRA),
    "FitzHugh": (
        "dv = (v - v^3/3 - w + 0.5)*dt + 0.1*dW\ndw = 0.08*(v + 0.7 - 0.8*w)*dt + 0.02*dW\n"
        "v(0) = -1; w(0) = 1",
        50, SRA,
    ),
    "whirl": (
        "dx = (0.3*y - x)*dt + 0.5*y*dW1 + 0.3*x*dW2\ndy = -y*dt - 0.4*x*y/(1 + y^2)*dW1 + 0.4*x*dW2\n"
        "x(0) = 1; y(0) = 1",
        1, ANY,
    ),
    "burst": (
        "dx = -x*dt + (0.1 + 3*exp(-((t - 0.4)/0.05)^2))*y*dW1\n"
        "dy = -y*dt + (0.1 + 3*exp(-((t - 0.4)/0.05)^2))*x*dW2\nx(0) = 1; y(0) = 1",
        1, ANY,
    ),
    "square root": ("dx = (0.05 - x)*dt + sqrt(x)*dW\ndom x >= 0\nx(0) = 0.05", 1, ROUGH),
    "fast, additive": ("dx = -100*(x - cos(t))*dt + 0.7*dW\nx(0) = 1", 2, SRA),
}  # fmt: skip


def errors() -> None:
    """Root mean square error at the end, and mean number of steps, of 200 paths at several tolerances, beside
    the same paths at 1e-6, or 1e-5 where methods are of order 1/2."""
    tolerances = (1e-1, 1e-2, 1e-3, 1e-4)
    print(f"{'error / steps at tolerances of':34}" + "".join(f"{one:14g}" for one in tolerances))
    for name, (text, end, methods) in CASES.items():
        problem = symde.Problem(symde.ode_def(text), tspan=(0, end))

        def run(method: str, tolerance: float, problem=problem, end=end):
            return symde.ensemble(
                problem, method, n=200, seed=1, rtol=tolerance, atol=tolerance, saveat=[end]
            )

        exact = run(methods[0], 1e-6 if methods in (SRI, SRA) else 1e-5).u
        for method in methods:
            results = [run(method, one) for one in tolerances]
            row = [
                f"{np.sqrt(np.mean((one.u - exact) ** 2)):8.1e}/{one.stats.steps / 200:5.0f}"
                for one in results
            ]
            print(f"{name:20}{method:14}" + "".join(row))


def peers() -> None:
    """torchsde's method of Euler and Maruyama, all paths as one batch in float64."""
    if importlib.util.find_spec("torchsde") is None:
        print("torchsde is not installed")
        return
    torch, torchsde = map(importlib.import_module, ("torch", "torchsde"))
    torch.set_num_threads(1)

    class Equation:
        noise_type, sde_type = "diagonal", "ito"

        def f(self, t, u):
            x, y = u[:, 0], u[:, 1]
            return torch.stack([1.5 * x - x * y, -3 * y + x * y], dim=1)

        def g(self, t, u):
            return 0.1 * u

    start, times = torch.ones(PATHS, 2, dtype=torch.float64), torch.tensor([0.0, 10.0], dtype=torch.float64)

    def run() -> object:
        with torch.no_grad():
            return torchsde.sdeint(Equation(), start, times, method="euler", dt=10 / STEPS)

    print(f"torchsde euler  {PATHS * STEPS / best(run) / 1e6:8.1f} million path-steps a second")


GROWTH = "dx = 0.5*x*dt + 0.8*x*dW1\ndw = 0*dt + dW1\nx(0) = 1; w(0) = 0"
"""dx = 0.5 x dt + 0.8 x dW with its Brownian motion, of which x(1) = exp(0.18 + 0.8 W(1))."""


BATCHES = (1, 10, 100, 1000)

GROWTH_STEPS = ("SRIW1", 128), ("SRIW2", 128), ("SOSRI", 128), ("SOSRI", 224)
"""The last has the error of torchsde's `srk`."""


def times_of(run: Callable[[int], object]) -> str:
    """Milliseconds for each number of paths."""
    return "".join(f"{1e3 * best(functools.partial(run, n)):9.2f} ms" for n in BATCHES)


def own_growth() -> None:
    """Mean error at 1, and milliseconds of some numbers of paths."""
    problem = symde.Problem(symde.ode_def(GROWTH), tspan=(0, 1))
    print(f"{'steps':>16}{'error':>9}" + "".join(f"{n:6d} paths" for n in BATCHES))
    for method, steps in GROWTH_STEPS:

        def run(paths: int, method: str = method, steps: int = steps):
            return symde.ensemble(problem, method, n=paths, seed=1, dt0=1 / steps, saveat=[1.0], workers=1)

        u = run(20_000).u[:, 0]
        error = np.abs(u[:, 0] - np.exp(0.18 + 0.8 * u[:, 1])).mean()
        print(f"{method:10}{steps:6}{error:9.1e}" + times_of(run))


def torchsde_growth() -> None:
    """The same by torchsde's method `srk`, which is also of order 1.5, all paths as one batch in float64."""
    torch, torchsde = map(importlib.import_module, ("torch", "torchsde"))

    class Growth:
        noise_type, sde_type = "diagonal", "ito"

        def f(self, t, u):
            return 0.5 * u

        def g(self, t, u):
            return 0.8 * u

    times = torch.tensor([0.0, 1.0], dtype=torch.float64)

    def run(paths: int):
        size = (paths, 1)
        motion = torchsde.BrownianInterval(
            0.0, 1.0, size=size, dtype=torch.float64, levy_area_approximation="space-time", entropy=1
        )
        start = torch.ones(size, dtype=torch.float64)
        with torch.no_grad():
            return torchsde.sdeint(Growth(), start, times, bm=motion, method="srk", dt=1 / 128), motion

    u, motion = run(20_000)
    error = (u[-1] - torch.exp(0.18 + 0.8 * motion(0.0, 1.0))).abs().mean().item()
    print(f"{'torchsde srk':13}128{error:9.1e}" + times_of(run))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", action="store_true", help="torchsde as well")
    parser.add_argument("--errors", action="store_true", help="errors against steps instead")
    options = parser.parse_args()
    if options.errors:
        errors()
        sys.exit()
    own()
    own_growth()
    if options.peers:
        peers()
        torchsde_growth()
