"""Twenty doses and a gradient by fourteen parameters, beside peers that restart by hand at every dose.

    python -m benchmarks.doses [--errors 1e-4,1e-6]

Absorption through a transit compartment, two compartments of distribution, elimination, an effect compartment
and a response with turnover; the loss is of both concentrations and the response at 100 times. Milliseconds a
gradient on one core at equal error, max |p (g - ref)| / max |p ref|, interpolated in log-log between
tolerances; the reference is symde's forward gradient at rtol 1e-13 and agrees with Vern9's to the digits
printed. diffrax scans over the intervals and is compiled as a whole (Dopri5, recursive checkpoints);
torchdiffeq solves them one after another (dopri5, backward).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any

import numpy as np

import symde
from benchmarks.equal_error import Point, best_seconds, seconds_at

DOSES, INTERVAL, SAVED = 20, 12.0, 5
SIZE = 100.0

MODEL = """
model Doses
  param ka = 1.1, ktr = 0.9, cl = 3.2, v1 = 21, q = 1.4, v2 = 33, f = 0.8
  param ke0 = 0.35, kin = 8, kout = 0.4, emax = 0.7, ec50 = 2.1, slope = 0.02, leak = 0.01
  state depot = 0, transit = 0, central = 0, peripheral = 0, effect = 0, response = 20
  time 0 .. 240
  c = central/v1
  depot' = -ka*depot
  transit' = ka*depot - ktr*transit
  central' = ktr*transit - cl*c - q*(c - peripheral/v2)
  peripheral' = q*(c - peripheral/v2) - leak*peripheral
  effect' = ke0*(c - effect)
  response' = kin*(1 - emax*effect/(ec50 + effect)) - kout*response*(1 + slope*c)
  dose: every 12 from 0 until 228: depot += 100*f
end
"""

TIMES = np.array([INTERVAL * (k + (j + 0.5) / SAVED) for k in range(DOSES) for j in range(SAVED)])
SCALE = np.array([100.0, 100.0, 100.0, 100.0, 3.0, 20.0])
WEIGHTS = np.array([0.0, 0.0, 1.0, 0.0, 1.0, 1.0]) / SCALE**2


def loss(u: np.ndarray) -> tuple[float, np.ndarray]:
    """Half the sum of squares of what is seen, scaled, and its derivative."""
    weighted = u * WEIGHTS
    return 0.5 * float(np.vdot(u, weighted)), weighted


Gradient = Callable[[float], np.ndarray]


def ours(method: str | None, sensealg: str) -> Gradient:
    """symde's gradient by a strategy."""
    problem = symde.Problem(symde.ode_def(MODEL))

    def gradient(rtol: float) -> np.ndarray:
        options: dict[str, Any] = {"wrt": "p", "saveat": TIMES, "sensealg": sensealg}
        _, found = symde.value_and_grad(loss, problem, method, rtol=rtol, atol=rtol, **options)
        return found["p"]

    return gradient


def slopes(stack: Callable[[list[Any]], Any], u: Any, p: Any) -> Any:
    """The right-hand side for arrays of any library."""
    depot, transit, central, peripheral, effect, response = (u[i] for i in range(6))
    ka, ktr, cl, v1, q, v2, _, ke0, kin, kout, emax, ec50, slope, leak = (p[i] for i in range(14))
    c = central / v1
    across = q * (c - peripheral / v2)
    return stack([
        -ka * depot,
        ka * depot - ktr * transit,
        ktr * transit - cl * c - across,
        across - leak * peripheral,
        ke0 * (c - effect),
        kin * (1 - emax * effect / (ec50 + effect)) - kout * response * (1 + slope * c),
    ])  # fmt: skip


def with_diffrax(start: np.ndarray, values: np.ndarray) -> Gradient:
    """diffrax: a scan over the intervals, compiled."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    import diffrax
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    term = diffrax.ODETerm(lambda t, u, p: slopes(jnp.stack, u, p))
    offsets, weights = jnp.asarray(TIMES[:SAVED]), jnp.asarray(WEIGHTS)

    def total(p: Any, rtol: Any) -> Any:
        control = diffrax.PIDController(rtol=rtol, atol=rtol)
        saveat = diffrax.SaveAt(ts=offsets, t1=True)

        def interval(u: Any, _: Any) -> Any:
            found = diffrax.diffeqsolve(
                term, diffrax.Dopri5(), 0.0, INTERVAL, None, u.at[0].add(SIZE * p[6]), args=p,
                stepsize_controller=control, saveat=saveat, max_steps=1024,
            )  # fmt: skip
            return found.ys[-1], 0.5 * jnp.sum(found.ys[:-1] ** 2 * weights)

        return jnp.sum(jax.lax.scan(interval, jnp.asarray(start), None, length=DOSES)[1])

    run = jax.jit(jax.grad(total))
    return lambda rtol: np.asarray(run(jnp.asarray(values), rtol))


def with_torchdiffeq(start: np.ndarray, values: np.ndarray) -> Gradient:
    """torchdiffeq: the intervals one after another."""
    import torch
    from torchdiffeq import odeint

    torch.set_num_threads(1)
    points = torch.tensor([0.0, *TIMES[:SAVED], INTERVAL], dtype=torch.float64)
    weights, dose = torch.tensor(WEIGHTS), torch.tensor([SIZE, 0, 0, 0, 0, 0], dtype=torch.float64)

    def gradient(rtol: float) -> np.ndarray:
        p = torch.tensor(values, requires_grad=True)
        u, total = torch.tensor(start), torch.zeros((), dtype=torch.float64)
        for _ in range(DOSES):
            found = odeint(
                lambda t, u: slopes(torch.stack, u, p), u + dose * p[6], points, rtol=rtol, atol=rtol,
                method="dopri5",
            )  # fmt: skip
            u, total = found[-1], total + 0.5 * (found[1:-1] ** 2 * weights).sum()
        total.backward()
        assert p.grad is not None
        return p.grad.numpy()

    return gradient


def curve(gradient: Gradient, reference: np.ndarray, values: np.ndarray, budget: float) -> list[Point]:
    """Error and time by tolerance, from loose to tight."""
    points = []
    for k in range(2, 11):
        rtol = 10.0**-k
        error = np.abs(values * (gradient(rtol) - reference)).max() / np.abs(values * reference).max()
        points.append(Point(rtol, float(error), best_seconds(lambda rtol=rtol: gradient(rtol), budget)))
        if error < 1e-8:
            break
    return points


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--errors", default="1e-4,1e-6")
    errors = [float(one) for one in parser.parse_args().errors.split(",")]
    problem = symde.Problem(symde.ode_def(MODEL))
    reference = ours("Vern7", "forward")(1e-13)
    other = ours("Vern9", "forward")(1e-13)
    apart = np.abs(problem.p * (other - reference)).max() / np.abs(problem.p * reference).max()
    print(f"two references differ by {apart:.0e}")
    sides: dict[str, Gradient] = {
        f"symde {method or 'default'} {sensealg}": ours(method, sensealg)
        for method in (None, "Tsit5", "Vern7")
        for sensealg in ("auto", "forward", "discrete")
    }
    start = np.asarray(problem.u0)
    for name, make in (("diffrax Dopri5", with_diffrax), ("torchdiffeq dopri5", with_torchdiffeq)):
        try:
            sides[name] = make(start, np.asarray(problem.p))
        except ImportError:
            print(f"{name}: not installed")
    print(f"{'':<28}" + "".join(f"{f'ms at {error:.0e}':>14}" for error in errors))
    for name, gradient in sides.items():
        points = curve(gradient, reference, np.asarray(problem.p), 0.2)
        row = [1e3 * seconds_at(points, error) for error in errors]
        print(f"{name:<28}" + "".join(f"{one:>14.3g}" for one in row), flush=True)


if __name__ == "__main__":
    main()
