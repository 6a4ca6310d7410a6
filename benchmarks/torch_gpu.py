"""Solves and gradients on a GPU: symde's torch engine on it and on the CPU, beside torchdiffeq and diffrax.

    python -m benchmarks.torch_gpu [--only solves,stiff,neural,noise] [--budget 0.5] [--threads 4]

1. Lotka-Volterra with parameters of their own for each of 1e2 to 1e6 members, t = 0 to 10, Tsit5, rtol 1e-6,
   atol 1e-8, float64, states at the end. torchdiffeq takes one step size for all members (dopri5).
2. Robertson's reaction with rates of their own, t = 0 to 1e5, Rodas5P and Kvaerno5, rtol 1e-6, atol 1e-10.
3. A loss of u' = network(u), 2-64-64-2, t = 0 to 1, Tsit5, rtol 1e-5, float32, and its gradient by the
   weights, with step sizes of each member's own and with shared ones, as torchdiffeq's are. Some members
   start close to 0, where the relative tolerance asks for short steps.
4. A loss of dx = network(x) dt + diag(s) x dW, 2-64-64-2, 100 steps, SRIW1, float32, and its gradient by the
   weights; torchsde's `srk` through its operations.

Wall milliseconds, the least of some repeats after a first call. A side of the CPU that would take longer than
20 s, told by a smaller batch, is left out, and so is what is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import time
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

import symde
from symde.engine.batched import integrate
from symde.layers import NeuralODE, neural_dmsde
from symde.layers.module import module_of

LOTKA = """
param a = 1.5, b = 1, d = 3, g = 1
state x = 1, y = 1
time 0 .. 10
x' = a*x - b*x*y
y' = -d*y + g*x*y
"""
ROBER = """
param k1 = 0.04, k2 = 3e7, k3 = 1e4
state x = 1, y = 0, z = 0
time 0 .. 1e5
x' = -k1*x + k3*y*z
y' = k1*x - k2*y^2 - k3*y*z
z' = k2*y^2
"""
TOO_LONG = 20.0
"""Seconds that a call may take."""

Run = Callable[[], object]
Make = Callable[[int], Run]
"""A side of a table: what is to be done for a batch of that size."""


def have(name: str) -> bool:
    """Whether a package is installed."""
    return importlib.util.find_spec(name) is not None


def settle() -> None:
    """Wait for the GPU."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds(run: Run, budget: float) -> float:
    """Least wall time of a call, after a first."""
    started = time.perf_counter()
    run()
    settle()
    first, least, spent = time.perf_counter() - started, math.inf, 0.0
    if first > TOO_LONG:
        return first
    while spent < budget:
        started = time.perf_counter()
        run()
        settle()
        took = time.perf_counter() - started
        least, spent = min(least, took), spent + took
    return least


def table(title: str, sizes: Iterable[int], sides: dict[str, Make], budget: float) -> None:
    """Print a line for each side, a column for each size of the batch."""
    sizes = list(sizes)
    print(f"\n{title:44}", *(f"{size:>10.0e}" for size in sizes), flush=True)
    for name, make in sides.items():
        cells, last, before = [], 0.0, sizes[0]
        for size in sizes:
            if last * (size / before if "CPU" in name else 1.0) > TOO_LONG:
                cells.append(f"{'-':>10}")
                continue
            try:
                last, before = seconds(make(size), budget), size
                cells.append(f"{1e3 * last:10.2f}")
            except torch.OutOfMemoryError:
                last = math.inf
                cells.append(f"{'memory':>10}")
        print(f"{name:44}", *cells, flush=True)


def spread(text: str, count: int, device: str) -> tuple[Tensor, Tensor]:
    """Initial states (n, B) and parameters (m, B), each member's within a tenth of the usual."""
    problem, random = symde.Problem(text), torch.Generator().manual_seed(7)
    u0, p = (torch.tensor(one, dtype=torch.float64)[:, None] for one in (problem.u0, problem.p))
    p = p * (0.9 + 0.2 * torch.rand(len(p), count, generator=random, dtype=torch.float64))
    return u0.repeat(1, count).to(device), p.to(device)


def solves(text: str, end: float, method: str, device: str, rtol: float, atol: float) -> Make:
    """symde's batched engine."""
    rhs = module_of(symde.Problem(text).system)

    def make(count: int) -> Run:
        u0, p = spread(text, count, device)

        def run() -> object:
            with torch.no_grad():
                found = integrate(rhs, u0, p, 0.0, end, method=method, rtol=rtol, atol=atol)
            assert found.success
            return found

        return run

    return make


def lotka_by_torchdiffeq(device: str) -> Make:
    """torchdiffeq, with one step size for all."""
    from torchdiffeq import odeint

    def make(count: int) -> Run:
        u0, (a, b, d, g) = spread(LOTKA, count, device)
        times = torch.tensor([0.0, 10.0], dtype=torch.float64, device=device)

        def slopes(t: Tensor, u: Tensor) -> Tensor:
            x, y = u
            return torch.stack((a * x - b * x * y, -d * y + g * x * y))

        def run() -> object:
            with torch.no_grad():
                return odeint(slopes, u0, times, rtol=1e-6, atol=1e-8, method="dopri5")

        return run

    return make


def by_diffrax(text: str, end: float, method: str, rtol: float, atol: float) -> Make:
    """diffrax by jax's compiler under vmap, on the device that jax takes; its compilation is not counted."""
    import diffrax
    import jax

    jax.config.update("jax_enable_x64", True)
    solver = getattr(diffrax, method)()
    control = diffrax.PIDController(rtol=rtol, atol=atol)

    def lotka(t, u, p):
        return jax.numpy.stack([p[0] * u[0] - p[1] * u[0] * u[1], -p[2] * u[1] + p[3] * u[0] * u[1]])

    def rober(t, u, p):
        slow, fast = p[0] * u[0] - p[2] * u[1] * u[2], p[1] * u[1] ** 2
        return jax.numpy.stack([-slow, slow - fast, fast])

    def one(u0, p):
        how = dict(stepsize_controller=control, max_steps=100_000)
        term = diffrax.ODETerm(lotka if text == LOTKA else rober)
        return diffrax.diffeqsolve(term, solver, 0.0, end, 1e-4, u0, p, **how).ys

    many = jax.jit(jax.vmap(one))

    def make(count: int) -> Run:
        u0, p = (jax.numpy.asarray(one.T.numpy()) for one in spread(text, count, "cpu"))
        return lambda: jax.block_until_ready(many(u0, p))

    return make


def network(*sizes: int) -> nn.Sequential:
    """A network with the same weights each time."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for inputs, outputs in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(inputs, outputs), nn.GELU()]
    return nn.Sequential(*layers[:-1])


def trained(layer: Callable[[Tensor], Tensor], weights: list[nn.Parameter], device: str) -> Make:
    """A loss and its gradient by the weights."""

    def make(count: int) -> Run:
        u0 = torch.linspace(-1, 1, 2 * count, device=device).reshape(count, 2)
        return lambda: torch.autograd.grad(layer(u0).square().mean(), weights)

    return make


def neural_ode(device: str, sensealg: str, steps: str = "own") -> Make:
    """symde's layer."""
    node = NeuralODE(
        network(2, 64, 64, 2),
        (0, 1),
        "Tsit5",
        rtol=1e-5,
        atol=1e-7,
        sensealg=sensealg,
        backend="torch",
        steps=steps,
    ).to(device)
    return trained(node, list(node.parameters()), device)


def neural_ode_by_torchdiffeq(device: str, adjoint: bool) -> Make:
    """torchdiffeq's."""
    import torchdiffeq

    net = network(2, 64, 64, 2).to(device)
    times = torch.tensor([0.0, 1.0], device=device)

    class Slopes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, t: Tensor, u: Tensor) -> Tensor:
            return self.net(u)

    slopes, solve = Slopes(), torchdiffeq.odeint_adjoint if adjoint else torchdiffeq.odeint

    def layer(u0: Tensor) -> Tensor:
        return solve(slopes, u0, times, rtol=1e-5, atol=1e-7, method="dopri5")[-1]

    return trained(layer, list(net.parameters()), device)


def neural_sde(device: str, sensealg: str) -> Make:
    """symde's layer."""
    how = dict(dt0=0.01, sensealg=sensealg, seed=1)
    sde = neural_dmsde(network(2, 64, 64, 2), [0.1, 0.2], (0, 1), "SRIW1", **how).to(device)
    return trained(sde, list(sde.parameters()), device)


def neural_sde_by_torchsde(device: str) -> Make:
    """torchsde's, whose method has the stages of SRIW2."""
    import torchsde

    class Equation(nn.Module):
        noise_type, sde_type = "diagonal", "ito"

        def __init__(self) -> None:
            super().__init__()
            self.drift, self.scale = network(2, 64, 64, 2), nn.Parameter(torch.tensor([0.1, 0.2]))

        def f(self, t: Tensor, u: Tensor) -> Tensor:
            return self.drift(u)

        def g(self, t: Tensor, u: Tensor) -> Tensor:
            return self.scale * u

    equation = Equation().to(device)
    times = torch.tensor([0.0, 1.0], device=device)

    def layer(u0: Tensor) -> Tensor:
        return torchsde.sdeint(equation, u0, times, method="srk", dt=0.01)[-1]

    return trained(layer, list(equation.parameters()), device)


def sides_of(title: str, devices: list[str]) -> dict[str, Make]:
    """The sides of a table."""
    sides: dict[str, Make] = {}
    for device in devices:
        where = {"cuda": "GPU", "cpu": "CPU"}[device]
        if title == "solves":
            sides[f"symde Tsit5, {where}"] = solves(LOTKA, 10.0, "Tsit5", device, 1e-6, 1e-8)
            if have("torchdiffeq"):
                sides[f"torchdiffeq dopri5, {where}"] = lotka_by_torchdiffeq(device)
        elif title == "stiff":
            for method in ("Rodas5P", "Kvaerno5"):
                sides[f"symde {method}, {where}"] = solves(ROBER, 1e5, method, device, 1e-6, 1e-10)
        elif title == "neural":
            for sensealg in ("discrete", "interpolating", "tape"):
                sides[f"symde {sensealg}, {where}"] = neural_ode(device, sensealg)
            for sensealg in ("discrete", "tape"):
                sides[f"symde {sensealg}, shared steps, {where}"] = neural_ode(device, sensealg, "shared")
            if have("torchdiffeq"):
                sides[f"torchdiffeq, {where}"] = neural_ode_by_torchdiffeq(device, False)
                sides[f"torchdiffeq adjoint, {where}"] = neural_ode_by_torchdiffeq(device, True)
        else:
            for sensealg in ("discrete", "tape"):
                sides[f"symde {sensealg}, {where}"] = neural_sde(device, sensealg)
            if have("torchsde"):
                sides[f"torchsde srk, {where}"] = neural_sde_by_torchsde(device)
    if title == "solves" and have("diffrax"):
        sides["diffrax Tsit5, where jax runs"] = by_diffrax(LOTKA, 10.0, "Tsit5", 1e-6, 1e-8)
    if title == "stiff" and have("diffrax"):
        sides["diffrax Kvaerno5, where jax runs"] = by_diffrax(ROBER, 1e5, "Kvaerno5", 1e-6, 1e-10)
    return sides


TABLES = {
    "solves": ("Lotka-Volterra, end states", (100, 10_000, 1_000_000)),
    "stiff": ("Robertson's reaction, end states", (100, 10_000)),
    "neural": ("a neural ODE, loss and gradient", (100, 10_000)),
    "noise": ("a neural SDE, loss and gradient", (100, 10_000)),
}
"""What each table is called, and its sizes of batches."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(TABLES))
    parser.add_argument("--budget", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--most", type=int, default=1_000_000)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    devices = ["cuda", "cpu"] if torch.cuda.is_available() else ["cpu"]
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    print(f"wall milliseconds; {name}, {options.threads} threads of the CPU, torch {torch.__version__}")
    for title in options.only.split(","):
        what, sizes = TABLES[title]
        table(what, [one for one in sizes if one <= options.most], sides_of(title, devices), options.budget)


if __name__ == "__main__":
    main()
