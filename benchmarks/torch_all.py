"""All that symde does in torch beside what others do, one table after the other in one run.

    python -m benchmarks.torch_all [--budget 0.5] [--members 10000]

1. Lotka-Volterra, p = (2.2, 1, 2, 0.4), the loss sum((u - 1)^2) over 101 points on 0 to 10 and its gradient
   by p at rtol = atol = 1e-6.
2. The spiral u' = network(u^3), 2-50-2 with 252 weights, 30 points on 0 to 1.5, rtol 1e-7, atol 1e-9, in
   float64: the squared distance from data and its gradient by the weights, no optimiser. symde compiles
   the layers; diffrax compiles with jax; torchdiffeq steps in torch.
3. The same with a module that symde does not compile, in its torch engine, beside torchdiffeq, also at
   equal error: times are read off at errors of the gradient, in log-log over the tolerances.
4. Ten thousand Lotka-Volterra trajectories with parameters of their own, end states; each side at the loosest
   tolerance, of powers of ten, at which the worst of all is within 1e-4.

The error of a gradient g is max |p (g - ref)| / max |p ref|, the reference by symde at 1e-12 with Vern9. One
thread each. Times are the least of many: of the process (CPU time), and of the clock on the wall.
"""

from __future__ import annotations

import argparse
import functools
import math
import os
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import numpy as np
import torch
from torch import nn

import symde
from benchmarks import torch_batched, torch_bridge
from benchmarks.equal_error import Point, seconds_at
from symde.layers import NeuralODE

START, SPAN, TIMES = [2.0, 0.0], (0.0, 1.5), np.linspace(0, 1.5, 30)
NETWORK = symde.Network([symde.Dense(2, 50, "tanh"), symde.Dense(50, 2)], seed=2)
TEXT = "extern net(a, b) -> 2\n(x', y') = net(x^3, y^3)"
PROBLEM = symde.Problem(symde.ode_def(TEXT).bind(net=NETWORK), START, SPAN)
DATA = symde.solve(
    symde.Problem(symde.ode_def("x' = -0.1*x^3 - 2*y^3\ny' = 2*x^3 - 0.1*y^3"), START, SPAN),
    saveat=TIMES, rtol=1e-10, atol=1e-12,
).u  # fmt: skip
TOLERANCES = tuple(10.0**-k for k in range(2, 8))
ERRORS = (1e-3, 1e-4, 1e-5)
"""Errors of gradients by a module at which times are read off."""

WORST = 1e-4
"""The error that every one of the trajectories keeps."""

T = TypeVar("T")
Gradient = Callable[[float], np.ndarray]
"""The gradient at a relative tolerance, in the order of the weights."""


def least(run: Callable[[], T], budget: float) -> tuple[float, float, T]:
    """Least CPU seconds and least wall seconds of a call, and what it gave: turns of at least 2 ms until the
    budget of CPU seconds is spent; where the first two calls take more than it, the second."""
    found = run()
    cpu, wall, spent, calls = math.inf, math.inf, 0.0, 1
    while spent < budget or cpu == math.inf:
        clock, process = time.perf_counter(), time.process_time()
        for _ in range(calls):
            run()
        process, clock = time.process_time() - process, time.perf_counter() - clock
        cpu, wall, spent = min(cpu, process / calls), min(wall, clock / calls), spent + process
        calls = max(1, int(2e-3 / cpu))
    return cpu, wall, found


def error_of(gradient: np.ndarray, reference: np.ndarray, p: np.ndarray) -> float:
    """max |p (g - ref)| / max |p ref|."""
    return float(np.abs(p * (gradient - reference)).max() / np.abs(p * reference).max())


def row(name: str, cpu: float, wall: float, error: float) -> None:
    """A line of a table of times and errors."""
    print(f"{name:44}{1e3 * cpu:10.3f}{1e3 * wall:10.3f}{error:10.1e}", flush=True)


def head(title: str) -> None:
    """The head of such a table."""
    print(f"\n{title:44}{'CPU ms':>10}{'wall ms':>10}{'error':>10}")


def lotka_volterra(budget: float) -> None:
    """The first table."""
    how = dict(saveat=torch_bridge.TIMES.numpy(), sensealg="forward", wrt="p", rtol=1e-12, atol=1e-12)
    reference = symde.value_and_grad(torch_bridge.of_numpy, torch_bridge.PROBLEM, "Vern9", **how)[1]["p"]
    p = torch_bridge.P.numpy()
    head("Lotka-Volterra, 4 parameters")
    for name, gradient in {**torch_bridge.ours(1e-6), **torch_bridge.peers(1e-6)}.items():
        cpu, wall, found = least(gradient, budget)
        row(name, cpu, wall, error_of(found.numpy(), reference, p))
    how |= dict(sensealg="discrete", rtol=1e-6, atol=1e-6)
    cpu, wall, found = least(
        lambda: symde.value_and_grad(torch_bridge.of_numpy, torch_bridge.PROBLEM, **how), budget
    )
    row("without torch: symde.value_and_grad discrete", cpu, wall, error_of(found[1]["p"], reference, p))
    cpu, wall, _ = least(torch_bridge.gradient_of(torch_bridge.Nothing.apply), budget)
    print(f"{'the same loss of an empty torch function':44}{1e3 * cpu:10.3f}{1e3 * wall:10.3f}")


def distance(u: np.ndarray) -> tuple[float, np.ndarray]:
    """The loss of the spiral for `symde.value_and_grad`."""
    return ((u - DATA) ** 2).sum(), 2 * (u - DATA)


def compiled(method: str, sensealg: str) -> Gradient:
    """symde's compiled layers."""

    def gradient(rtol: float) -> np.ndarray:
        how = dict(wrt="net", sensealg=sensealg, saveat=TIMES, rtol=rtol, atol=rtol * 1e-2)
        return symde.value_and_grad(distance, PROBLEM, method, **how)[1]["net"]

    return gradient


class Cubic(nn.Module):
    """The right-hand side as a module that symde does not compile."""

    def __init__(self) -> None:
        super().__init__()
        self.net = NETWORK.to_torch()

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        return self.net(u**3)


def of_module(module: nn.Module, solve: Callable[[torch.Tensor, float], torch.Tensor]) -> Gradient:
    """The gradient by the weights of a module that `solve` integrates from a state of shape (1, 2)."""
    start, data = torch.tensor([START], dtype=torch.float64), torch.from_numpy(DATA)
    weights = list(module.parameters())

    def gradient(rtol: float) -> np.ndarray:
        loss = ((solve(start, rtol) - data) ** 2).sum()
        return np.concatenate([one.numpy().ravel() for one in torch.autograd.grad(loss, weights)])

    return gradient


def engine(method: str, sensealg: str) -> Gradient:
    """symde's torch engine."""
    module, times = Cubic(), torch.from_numpy(TIMES)

    @functools.cache
    def node(rtol: float) -> NeuralODE:
        how = dict(saveat=times, rtol=rtol, atol=rtol * 1e-2, sensealg=sensealg, backend="torch")
        return NeuralODE(module, SPAN, method, **how)

    return of_module(module, lambda start, rtol: node(rtol)(start)[0])


def torchdiffeq(method: str, adjoint: bool) -> Gradient | None:
    """torchdiffeq, backward through its steps or by its adjoint."""
    try:
        import torchdiffeq as library
    except ImportError:
        return None
    module, times = Cubic(), torch.from_numpy(TIMES)

    class Timed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, t, u):
            return self.module(u)

    timed, integrate = Timed(), library.odeint_adjoint if adjoint else library.odeint
    return of_module(
        module,
        lambda start, rtol: integrate(timed, start, times, rtol=rtol, atol=rtol * 1e-2, method=method)[:, 0],
    )


def diffrax(method: str) -> Gradient | None:
    """diffrax in float64, with its own checkpoints, compiled before it is timed."""
    try:
        import diffrax as library
        import jax
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    array = jax.numpy.asarray
    weights = [array(one) for one in NETWORK.state_dict().values()]

    def slopes(t, u, weights):
        first, bias, second, last = weights
        return second @ jax.numpy.tanh(first @ u**3 + bias) + last

    term, solver = library.ODETerm(slopes), getattr(library, method)()

    def loss(weights, rtol):
        found = library.diffeqsolve(
            term, solver, *SPAN, None, array(START), args=weights, max_steps=256,
            stepsize_controller=library.PIDController(rtol=rtol, atol=rtol * 1e-2),
            saveat=library.SaveAt(ts=array(TIMES)),
        )  # fmt: skip
        return ((found.ys - array(DATA)) ** 2).sum()

    run = jax.jit(jax.value_and_grad(loss))
    return lambda rtol: np.concatenate([np.asarray(one).ravel() for one in run(weights, rtol)[1]])


def spirals() -> Iterator[tuple[str, Gradient | None]]:
    """The sides of the second table that compile."""
    for method in ("Vern7", "Vern9", "Tsit5"):
        yield f"symde compiled, {method} discrete", compiled(method, "discrete")
    yield "symde compiled, Vern7 interpolating", compiled("Vern7", "interpolating")
    for method in ("Dopri8", "Tsit5"):
        yield f"diffrax {method}", diffrax(method)


def modules() -> Iterator[tuple[str, Gradient | None]]:
    """The sides of the third table."""
    for method in ("Vern7", "Tsit5"):
        yield f"symde torch engine, {method} discrete", engine(method, "discrete")
    yield "symde torch engine, adjoint Vern7", engine("Vern7", "interpolating")
    for method in ("dopri8", "dopri5"):
        yield f"torchdiffeq odeint {method}", torchdiffeq(method, False)
    yield "torchdiffeq odeint_adjoint dopri5", torchdiffeq("dopri5", True)


def spiral(budget: float) -> None:
    """The second table and the third."""
    reference, p = compiled("Vern9", "discrete")(1e-12), NETWORK.vector()
    head("Spiral, 252 weights, rtol 1e-7")
    for name, gradient in spirals():
        if gradient is not None:
            cpu, wall, found = least(lambda gradient=gradient: gradient(1e-7), budget)
            row(name, cpu, wall, error_of(found, reference, p))
    equal = []
    for name, gradient in modules():
        points = []
        tolerances = TOLERANCES[-1:] if "adjoint" in name else TOLERANCES
        for rtol in tolerances if gradient else ():
            cpu, wall, found = least(lambda gradient=gradient, rtol=rtol: gradient(rtol), 0.3 * budget)
            points.append(Point(rtol, error_of(found, reference, p), cpu))
        if points:
            row(name, cpu, wall, points[-1].error)
        if len(points) > 1:
            cells = (1e3 * seconds_at(points, error) for error in ERRORS)
            equal.append(f"{name:44}" + "".join(f"{one:10.2f}" for one in cells))
    heads = "".join(f"{one:10.0e}" for one in ERRORS)
    print(f"\n{'Spiral by a module, CPU ms at equal error':44}{heads}", *equal, sep="\n", flush=True)


@torch.no_grad()
def trajectories(members: int) -> None:
    """The fourth table: the loosest tolerance, of powers of ten, at which the worst member is good enough."""
    u0, p = torch_batched.members(members)
    reference = torch_batched.batched(u0, p, "Vern7", False)(1e-12)
    head(f"{members} trajectories")
    for name, side in torch_batched.sides(u0, p):
        for rtol in TOLERANCES[3:] if side else ():
            cpu, wall, found = least(lambda side=side, rtol=rtol: side(rtol), 0.0)
            if (error := float(np.abs(found - reference).max())) < WORST:
                row(f"{name}, rtol {rtol:.0e}", cpu, wall, error)
                break


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=0.5, help="CPU seconds for each line")
    parser.add_argument("--members", type=int, default=10_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    started = time.perf_counter()
    lotka_volterra(options.budget)
    spiral(options.budget)
    trajectories(options.members)
    print(f"\n{time.perf_counter() - started:.0f} s, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
