"""Stochastic equations: path-steps a second, beside torchsde where it is installed.

    python benchmarks/noise.py             the methods of symde, one thread
    python benchmarks/noise.py --peers     torchsde as well

Lotka and Volterra's equations with diagonal noise, 1000 paths of 1000 steps, the last state saved. Every
measurement is the best of many after one to warm up.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import time
from collections.abc import Callable

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
    for method in ("EulerMaruyama", "Milstein", "SRIW1"):

        def run(method: str = method) -> object:
            return symde.ensemble(problem, method, n=PATHS, seed=1, dt0=10 / STEPS, saveat=[10.0])

        print(f"{method:15} {PATHS * STEPS / best(run) / 1e6:8.1f} million path-steps a second")


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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", action="store_true", help="torchsde as well")
    options = parser.parse_args()
    own()
    if options.peers:
        peers()
