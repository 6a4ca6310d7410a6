"""Steps that follow the error of noise that does not commute, beside diffrax where it is installed.

    python benchmarks/noise_halving.py

200 paths of one equation by SPaRK, which both have, with steps that pass over no end of a rejected one: root
mean square error at the end beside the same paths at a tolerance of 1e-5, accepted steps of a path, and
milliseconds of processor time for each, the best of some runs after one to warm up.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable

import numpy as np

import symde

TEXT = """
dx = (0.3*y - x)*dt + 0.5*y*dW1 + 0.3*x*dW2
dy = -y*dt - 0.4*x*y/(1 + y^2)*dW1 + 0.4*x*dW2
x(0) = 1; y(0) = 1
"""
PATHS, FINEST, TOLERANCES, RUNS = 200, 1e-5, (1e-1, 1e-2, 1e-3, 1e-4), 3

Solve = Callable[[float], Callable[[], tuple[np.ndarray, float]]]
"""From a tolerance to what solves: ends of paths, shape (PATHS, 2), and the mean number of steps."""


def own(tolerance: float) -> Callable[[], tuple[np.ndarray, float]]:
    """symde."""
    problem = symde.Problem(symde.ode_def(TEXT), tspan=(0, 1))

    def run() -> tuple[np.ndarray, float]:
        found = symde.ensemble(
            problem, "SPaRK", n=PATHS, seed=1, rtol=tolerance, atol=tolerance, saveat=[1.0], workers=1
        )
        return found.u[:, 0], found.stats.steps / PATHS

    return run


def by_diffrax(tolerance: float) -> Callable[[], tuple[np.ndarray, float]]:
    """diffrax, whose users write Stratonovich's drift: here it is derived by JAX."""
    jax, diffrax = importlib.import_module("jax"), importlib.import_module("diffrax")
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy

    def noise(t, u, args):
        x, y = u
        return jnp.array([[0.5 * y, 0.3 * x], [-0.4 * x * y / (1 + y**2), 0.4 * x]])

    def drift(t, u, args):
        slopes = jax.jacfwd(lambda v: noise(t, v, args))(u)
        moved = jnp.einsum("kjl,lj->k", slopes, noise(t, u, args))
        return jnp.array([0.3 * u[1] - u[0], -u[1]]) - 0.5 * moved

    def path(key):
        motion = diffrax.VirtualBrownianTree(
            0.0, 1.0, 2.0**-20, (2,), key, levy_area=diffrax.SpaceTimeLevyArea
        )
        terms = diffrax.MultiTerm(diffrax.ODETerm(drift), diffrax.ControlTerm(noise, motion))
        control = diffrax.PIDController(rtol=tolerance, atol=tolerance, pcoeff=0.1, icoeff=0.3)
        solution = diffrax.diffeqsolve(
            terms, diffrax.SPaRK(), 0.0, 1.0, 1e-3, jnp.ones(2), max_steps=10**5,
            stepsize_controller=diffrax.ClipStepSizeController(control, store_rejected_steps=200),
        )  # fmt: skip
        return solution.ys[0], solution.stats["num_accepted_steps"]

    paths = jax.jit(jax.vmap(path))
    keys = jax.random.split(jax.random.key(0), PATHS)

    def run() -> tuple[np.ndarray, float]:
        u, steps = paths(keys)
        return np.asarray(u), float(steps.mean())

    return run


def row(name: str, solve: Solve) -> None:
    """Error / steps / milliseconds at each tolerance."""
    exact, _ = solve(FINEST)()
    told = []
    for tolerance in TOLERANCES:
        run = solve(tolerance)
        u, steps = run()
        seconds = []
        for _ in range(RUNS):
            begun = time.process_time()
            run()
            seconds.append(time.process_time() - begun)
        error = np.sqrt(np.mean((u - exact) ** 2))
        told.append(f"{error:9.1e}/{steps:4.0f}/{1e3 * min(seconds) / PATHS:6.3f}")
    print(f"{name:8}" + "".join(told))


def main() -> None:
    """Print the table."""
    print("error / steps / ms at tolerances of " + ", ".join(f"{one:g}" for one in TOLERANCES))
    row("symde", own)
    if importlib.util.find_spec("diffrax") is not None:
        row("diffrax", by_diffrax)


if __name__ == "__main__":
    main()
