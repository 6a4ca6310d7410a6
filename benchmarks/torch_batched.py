"""Ten thousand trajectories at once in torch: symde's batched engine beside torchdiffeq and torchode.

    python -m benchmarks.torch_batched [--members 10000] [--errors 1e-3,1e-5] [--threads 1] [--budget 1.0]

Lotka-Volterra with other parameters for each member, t = 0 to 10, states at the end, float64, on the CPU. The
error is the largest of all members, against a solve at rtol 1e-12; each side runs at tolerances from 1e-3 on,
and its time at an error is read off in log-log. Milliseconds of CPU time of the whole batch. torchdiffeq
takes one step size for all members and holds the root mean square of them all to the tolerance, so its worst
member is worse.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

import symde
from benchmarks.equal_error import seconds_at, work_precision
from symde.engine.batched import integrate
from symde.layers.module import module_of

TOLERANCES = tuple(10.0 ** (-0.5 * k) for k in range(6, 19))

TEXT = """
param a = 1.5, b = 1, d = 3, g = 1
state x = 1, y = 1
time 0 .. 10
x' = a*x - b*x*y
y' = -d*y + g*x*y
"""

Side = Callable[[float], np.ndarray]
"""The end states of all members at a tolerance, shape (n*B,)."""


def members(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Initial states (2, B) and parameters (4, B), each member's within a tenth of the usual."""
    random = torch.Generator().manual_seed(7)
    u0 = torch.ones(2, count, dtype=torch.float64)
    p = torch.tensor([[1.5], [1.0], [3.0], [1.0]], dtype=torch.float64)
    return u0, p * (0.9 + 0.2 * torch.rand(4, count, generator=random, dtype=torch.float64))


def batched(u0: torch.Tensor, p: torch.Tensor, method: str, compiled: bool) -> Side:
    """symde's batched engine."""
    rhs = module_of(symde.Problem(TEXT).system)

    def solve(rtol: float) -> np.ndarray:
        found = integrate(rhs, u0, p, 0.0, 10.0, method=method, rtol=rtol, atol=rtol * 1e-2, compile=compiled)
        return found.u[0].numpy().ravel()

    return solve


def bridge(u0: torch.Tensor, p: torch.Tensor, method: str) -> Side:
    """symde's compiled engine behind its bridge, members side by side in vector registers."""
    from symde.layers import diffeq

    problem, rows, starts = symde.Problem(TEXT), p.T.contiguous(), u0.T.contiguous()

    def solve(rtol: float) -> np.ndarray:
        u = diffeq(rows, problem, method, u0=starts, saveat=[10.0], rtol=rtol, atol=rtol * 1e-2)
        return u[:, -1].T.numpy().ravel()

    return solve


def torchdiffeq(u0: torch.Tensor, p: torch.Tensor, method: str) -> Side | None:
    """torchdiffeq's `odeint`, which has one step size for all members."""
    try:
        from torchdiffeq import odeint
    except ImportError:
        return None
    times = torch.tensor([0.0, 10.0], dtype=torch.float64)
    a, b, d, g = p

    def rhs(t, u):
        x, y = u
        return torch.stack((a * x - b * x * y, -d * y + g * x * y))

    def solve(rtol: float) -> np.ndarray:
        return odeint(rhs, u0, times, rtol=rtol, atol=rtol * 1e-2, method=method)[-1].numpy().ravel()

    return solve


def torchode(u0: torch.Tensor, p: torch.Tensor, method: str) -> Side | None:
    """torchode, with step sizes for each member."""
    try:
        import torchode as library
    except ImportError:
        return None
    start, (a, b, d, g) = u0.T.contiguous(), p

    def rhs(t, u):
        x, y = u[:, 0], u[:, 1]
        return torch.stack((a * x - b * x * y, -d * y + g * x * y), dim=1)

    term = library.ODETerm(rhs)
    problem = library.InitialValueProblem(
        y0=start, t_start=torch.zeros(len(start), dtype=torch.float64),
        t_end=torch.full((len(start),), 10.0, dtype=torch.float64),
    )  # fmt: skip

    def solve(rtol: float) -> np.ndarray:
        control = library.IntegralController(atol=rtol * 1e-2, rtol=rtol, term=term)
        adjoint = library.AutoDiffAdjoint(getattr(library, method)(term=term), control)
        return adjoint.solve(problem).ys[:, -1].T.numpy().ravel()

    return solve


def sides(u0: torch.Tensor, p: torch.Tensor) -> Iterator[tuple[str, Side | None]]:
    """All sides by name."""
    for method in ("Tsit5", "Vern7"):
        yield f"symde {method}", batched(u0, p, method, False)
        yield f"symde {method} compiled", batched(u0, p, method, True)
        try:
            yield f"symde {method} bridge", bridge(u0, p, method)
        except ImportError:
            yield f"symde {method} bridge", None
    yield "torchdiffeq dopri5", torchdiffeq(u0, p, "dopri5")
    yield "torchode Tsit5", torchode(u0, p, "Tsit5")
    yield "torchode Dopri5", torchode(u0, p, "Dopri5")


@torch.no_grad()
def main() -> None:
    """Print a table: a side a line, an error a column."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--errors", default="1e-3,1e-5")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget", type=float, default=1.0)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    errors = [float(one) for one in arguments.errors.split(",")]
    u0, p = members(arguments.members)
    reference = batched(u0, p, "Vern7", False)(1e-12)
    print(f"{arguments.members} members, milliseconds of CPU time at errors {arguments.errors}")
    for name, side in sides(u0, p):
        if side is None or arguments.only not in name:
            continue
        points = work_precision(
            side, reference, 1.0, arguments.budget, TOLERANCES, 0.3 * min(errors), 20.0, time.process_time
        )
        cells = [1e3 * seconds_at(points, error) for error in errors]
        print(f"{name:24}", *("       -" if math.isnan(one) else f"{one:8.4g}" for one in cells), flush=True)


if __name__ == "__main__":
    main()
