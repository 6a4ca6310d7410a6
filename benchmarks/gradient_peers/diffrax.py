"""diffrax on jax's CPU backend in float64: recursive checkpointing or forward mode, compiled before timed."""

from __future__ import annotations

import os

import numpy as np

from benchmarks.peers.expressions import with_parameters

MOST_STEPS = {False: 2**12, True: 2**14}
"""Reverse mode needs a bound of the steps; its checkpoints grow with the bound's root. Where the problem is
stiff it is higher: Kvaerno5 takes 4958 for ROBER at 1e-8."""


def solver(case, name: str):
    """A solver of diffrax by its name, with `+forward` for forward mode; explicit ones for stiff problems are
    left out."""
    name, _, mode = name.partition("+")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    try:
        import diffrax as library
        import jax
        import sympy
    except ImportError:
        return None
    if case.stiff is not name.startswith("Kvaerno"):
        return None
    jax.config.update("jax_enable_x64", True)
    symbols, parameters, time, right = with_parameters(case.problem)
    slopes = sympy.lambdify((time, symbols, parameters), right, modules="jax", cse=True)
    term = library.ODETerm(
        lambda t, u, p: jax.numpy.stack([jax.numpy.asarray(x, float) for x in slopes(t, u, p)])
    )
    method = getattr(library, name)()
    adjoint = library.ForwardMode() if mode else library.RecursiveCheckpointAdjoint()
    t0, t1 = map(float, case.problem.tspan)
    start, times, scale = (jax.numpy.asarray(x) for x in (case.problem.u0, case.times, case.scale))

    def loss(p, rtol):
        control = library.PIDController(rtol=rtol, atol=rtol * case.floor)
        found = library.diffeqsolve(
            term, method, t0, t1, None, start, args=p, stepsize_controller=control,
            max_steps=MOST_STEPS[case.stiff], throw=False, saveat=library.SaveAt(ts=times), adjoint=adjoint,
        )  # fmt: skip
        return 0.5 * jax.numpy.sum((found.ys / scale) ** 2), library.is_okay(found.result)

    derivative = jax.jacfwd(loss, has_aux=True) if mode else jax.grad(loss, has_aux=True)
    run = jax.jit(derivative)
    p = jax.numpy.asarray(case.problem.p)

    def solve(rtol: float) -> np.ndarray:
        gradient, good = run(p, rtol)
        if not good:
            raise RuntimeError(f"{name} failed")
        return np.asarray(gradient)

    return solve
