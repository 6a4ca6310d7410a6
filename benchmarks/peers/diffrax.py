"""diffrax on jax's CPU backend in float64; compiled before it is timed."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.expressions import compiled_by


def solver(problem, floor, name: str):
    """A solver of diffrax by its name, the solve one compiled function of its tolerances."""
    try:
        import diffrax as library
        import jax
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    slopes = compiled_by(problem, "jax")
    term = library.ODETerm(
        lambda t, u, args: jax.numpy.stack([jax.numpy.asarray(x, float) for x in slopes(t, u)])
    )
    method = getattr(library, name)()
    t0, t1 = map(float, problem.tspan)

    @jax.jit
    def run(u0, rtol):
        control = library.PIDController(rtol=rtol, atol=rtol * floor)
        found = library.diffeqsolve(
            term, method, t0, t1, None, u0, stepsize_controller=control, max_steps=10**6, throw=False,
            saveat=library.SaveAt(t1=True), adjoint=library.ForwardMode(),
        )  # fmt: skip
        return found.ys[-1], library.is_okay(found.result)

    start = jax.numpy.asarray(problem.u0)

    def solve(rtol: float) -> np.ndarray:
        u, good = run(start, rtol)
        if not good:
            raise RuntimeError(f"{name} failed")
        return np.asarray(u)

    return solve
