"""Ensembles: members a second, in one run on one core.

    python -m benchmarks.ensemble [--members 10000] [--budget 3] [--only symde]

1. Lotka-Volterra to t = 10, four parameters of each member drawn within 20 % of (1.5, 1, 3, 1), rtol 1e-6 and
   atol 1e-9: 101 points saved, and the end alone. Beside the members a second stands the root mean square of
   the relative errors at the end, as the same tolerance means different things to different programs.
2. ROBER to 1e4 with three parameters drawn within 25 %, rtol 1e-6 and atol 1e-9: side by side and one by one.
3. Threads: the first again, with one and with two.

Times are the least of many, of the process (CPU time) for 1 and 2, of the clock on the wall for 3. Programs
that are not installed are left out: heyoka (Taylor in batches as wide as its registers), numbalsoda (Hairer's
DOP853 in a loop that numba compiles), diffrax (Tsit5 and Dopri8, vmap).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import numpy as np

import symde

LOTKA = """
model Lotka
  param a = 1.5, b = 1, c = 3, d = 1
  state x = 1, y = 1
  time 0 .. 10
  x' = a*x - b*x*y
  y' = -c*y + d*x*y
end
"""
ROBER = """
model Robertson
  param k1 = 0.04, k2 = 3e7, k3 = 1e4
  state y1 = 1, y2 = 0, y3 = 0
  time 0 .. 1e4
  y1' = -k1*y1 + k3*y2*y3
  y2' = k1*y1 - k2*y2^2 - k3*y2*y3
  y3' = k2*y2^2
end
"""
RTOL, ATOL = 1e-6, 1e-9
TIMES = np.linspace(0, 10, 101)
END = np.array([0.0, 10.0])

Solver = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From parameters (n, 4) and times to the states (n, n_times, 2)."""


def rate(members: int, run: Callable[[], Any], budget: float, clock: Callable[[], float]) -> float:
    """Thousands of members a second, by the least time of a call on a clock."""
    best, spent = np.inf, 0.0
    while spent < budget:
        started, began = clock(), time.perf_counter()
        run()
        best = min(best, clock() - started)
        spent += time.perf_counter() - began
    return members / best / 1e3


def of_symde(method: str | None, lanes: bool = True) -> Solver:
    """Members of `symde.ensemble`."""
    problem = symde.Problem(symde.ode_def(LOTKA))

    def solve(p: np.ndarray, times: np.ndarray) -> np.ndarray:
        return symde.ensemble(problem, method, p=p, saveat=times, rtol=RTOL, atol=ATOL, lanes=lanes).u

    return solve


def of_heyoka() -> Solver:
    """Batches as wide as the registers, whose integrator is compiled once."""
    import heyoka

    x, y = heyoka.make_vars("x", "y")
    a, b, c, d = (heyoka.par[k] for k in range(4))
    equations = [(x, a * x - b * x * y), (y, -c * y + d * x * y)]
    width = heyoka.recommended_simd_size()
    batch = heyoka.taylor_adaptive_batch(equations, np.ones((2, width)), tol=RTOL, pars=np.ones((4, width)))

    def solve(p: np.ndarray, times: np.ndarray) -> np.ndarray:
        count = len(p)
        u = np.empty((count, len(times), 2))
        grid = np.repeat(times[:, None], width, axis=1)
        for first in range(0, count, width):
            last = min(first + width, count)
            batch.set_time(0.0)
            batch.state[:] = 1.0
            batch.pars[:, : last - first] = p[first:last].T
            if len(times) > 2:
                saved = batch.propagate_grid(grid)[1]  # (n_times, 2, width)
                u[first:last] = saved.transpose(2, 0, 1)[: last - first]
            else:
                batch.propagate_until(float(times[-1]))
                u[first:last, 0], u[first:last, -1] = 1.0, batch.state.T[: last - first]
        return u

    return solve


def of_numbalsoda() -> Solver:
    """DOP853, the loop over members compiled by numba."""
    import numba
    from numbalsoda import dop853, lsoda_sig

    @numba.cfunc(lsoda_sig)
    def f(t, u, du, p):
        du[0] = p[0] * u[0] - p[1] * u[0] * u[1]
        du[1] = -p[2] * u[1] + p[3] * u[0] * u[1]

    address = f.address

    @numba.njit
    def loop(p, times, u):
        for i in range(len(p)):
            found, _ = dop853(address, np.ones(2), times, data=p[i], rtol=RTOL, atol=ATOL)
            u[i] = found

    def solve(p: np.ndarray, times: np.ndarray) -> np.ndarray:
        u = np.empty((len(p), len(times), 2))
        loop(p, times, u)
        return u

    return solve


def of_diffrax(name: str) -> Solver:
    """One compiled function of all members."""
    import diffrax
    import jax

    jax.config.update("jax_enable_x64", True)
    numpy = jax.numpy

    def slope(t, u, p):
        return numpy.stack([p[0] * u[0] - p[1] * u[0] * u[1], -p[2] * u[1] + p[3] * u[0] * u[1]])

    term, method = diffrax.ODETerm(slope), getattr(diffrax, name)()

    def one(p, times):
        return diffrax.diffeqsolve(
            term, method, 0.0, 10.0, None, numpy.ones(2), p, max_steps=4096,
            stepsize_controller=diffrax.PIDController(rtol=RTOL, atol=ATOL),
            saveat=diffrax.SaveAt(ts=times), adjoint=diffrax.ForwardMode(),
        ).ys  # fmt: skip

    run = jax.jit(jax.vmap(one, in_axes=(0, None)))
    return lambda p, times: np.asarray(run(p, times))


SOLVERS: dict[str, Callable[[], Solver]] = {
    "symde": lambda: of_symde(None),
    "symde, Tsit5": lambda: of_symde("Tsit5"),
    "symde, Vern7": lambda: of_symde("Vern7"),
    "symde, DOP853": lambda: of_symde("DOP853"),
    "symde, Vern7, one by one": lambda: of_symde("Vern7", lanes=False),
    "symde, one by one": lambda: of_symde(None, lanes=False),
    "heyoka, batches": of_heyoka,
    "numbalsoda, DOP853": of_numbalsoda,
    "diffrax, Tsit5": lambda: of_diffrax("Tsit5"),
    "diffrax, Dopri8": lambda: of_diffrax("Dopri8"),
}


def lotka(members: int, budget: float, only: str) -> None:
    """The first table."""
    p = np.array([1.5, 1.0, 3.0, 1.0]) * np.random.default_rng(1).uniform(0.8, 1.2, (members, 4))
    problem = symde.Problem(symde.ode_def(LOTKA))
    exact = symde.ensemble(problem, "Vern9", p=p, saveat=[10.0], rtol=1e-13, atol=1e-14).u[:, -1]
    print(f"Lotka-Volterra, {members} members: thousands a second\n")
    print(f"| {'':26} | 101 points | the end | error |\n|---|---|---|---|")
    for name, make in SOLVERS.items():
        if only not in name:
            continue
        try:
            solve = make()
        except ImportError:
            continue
        found = solve(p, END)[:, -1]  # compiles
        solve(p, TIMES)
        error = np.sqrt(np.mean(np.square(found / exact - 1)))
        rates = [rate(members, partial(solve, p, times), budget, time.process_time) for times in (TIMES, END)]
        print(f"| {name:26} | {rates[0]:.0f} | {rates[1]:.0f} | {error:.0e} |", flush=True)


def rober(members: int, budget: float) -> None:
    """The second table."""
    p = np.array([0.04, 3e7, 1e4]) * np.random.default_rng(2).uniform(0.75, 1.25, (members, 3))
    problem = symde.Problem(symde.ode_def(ROBER))
    print(f"\nROBER to 1e4, {members} members, the end: thousands a second\n")
    print("| | side by side | one by one | ratio |\n|---|---|---|---|")
    for method in ("Rodas5P", None):
        run = partial(symde.ensemble, problem, method, p=p, saveat=[1e4], rtol=RTOL, atol=ATOL)
        both = [
            rate(members, partial(run, lanes=lanes), budget, time.process_time) for lanes in (True, False)
        ]
        print(f"| {method or 'default'} | {both[0]:.0f} | {both[1]:.0f} | {both[0] / both[1]:.1f} |")


def threads(members: int, budget: float) -> None:
    """The third table."""
    p = np.array([1.5, 1.0, 3.0, 1.0]) * np.random.default_rng(1).uniform(0.8, 1.2, (members, 4))
    problem = symde.Problem(symde.ode_def(LOTKA))
    print(f"\nLotka-Volterra, {members} members, 101 points, wall clock: thousands a second\n")
    print("| | one thread | two | ratio |\n|---|---|---|---|")
    for name, lanes in (("side by side", True), ("one by one", False)):
        run = partial(symde.ensemble, problem, "Vern7", p=p, saveat=TIMES, lanes=lanes)
        both = [rate(members, partial(run, workers=count), budget, time.perf_counter) for count in (1, 2)]
        print(f"| {name} | {both[0]:.0f} | {both[1]:.0f} | {both[1] / both[0]:.2f} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--budget", type=float, default=3.0, help="seconds for each figure")
    parser.add_argument("--only", default="", help="solvers of the first table whose name has this")
    arguments = parser.parse_args()
    lotka(arguments.members, arguments.budget, arguments.only)
    rober(arguments.members, arguments.budget)
    threads(arguments.members, arguments.budget)


if __name__ == "__main__":
    main()
