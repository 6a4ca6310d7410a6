"""A loss and its gradient in torch: symde's bridge beside torchdiffeq, one process, one thread.

    python -m benchmarks.torch_bridge [--budget 0.5] [--rtol 1e-6] [--batch 256]

Lotka-Volterra, p = (2.2, 1, 2, 0.4), the loss sum((u - 1)^2) over 101 points, the gradient by p. The error of
a gradient g is max |p (g - ref)| / max |p ref|, the reference by forward sensitivities at 1e-12. Sides run at
the same tolerance; their errors stand beside their times. The last lines say what of a call is the bridge:
the same gradient by `symde.value_and_grad`, and an empty torch function with the same loss. Times are CPU
times.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

import symde
from benchmarks.equal_error import best_seconds
from symde.layers import diffeq, diffeq_adjoint, diffeq_fd, diffeq_rd

PROBLEM = symde.Problem("""
model LotkaVolterra
  param a = 2.2, b = 1, c = 2, d = 0.4
  state x = 1, y = 1
  time 0 .. 10
  x' = a*x - b*x*y
  y' = -c*y + d*x*y
end
""")
P = torch.tensor(PROBLEM.p.copy())
TIMES = torch.linspace(0.0, 10.0, 101, dtype=torch.float64)

Gradient = Callable[[], torch.Tensor]


class Nothing(torch.autograd.Function):
    """A torch function that does nothing, for what torch itself takes."""

    @staticmethod
    def forward(ctx, p):
        return torch.ones(101, 2, dtype=torch.float64)

    @staticmethod
    def backward(ctx, weights):
        return torch.ones(4, dtype=torch.float64)


def gradient_of(solve: Callable[[torch.Tensor], torch.Tensor], p: torch.Tensor = P) -> Gradient:
    """The gradient of the loss of what is solved."""
    p = p.clone().requires_grad_()

    def gradient() -> torch.Tensor:
        p.grad = None
        ((solve(p) - 1) ** 2).sum().backward()
        return p.grad  # type: ignore[return-value]

    return gradient


def of_numpy(u: np.ndarray) -> tuple[float, np.ndarray]:
    """The loss for `symde.value_and_grad`."""
    return ((u - 1) ** 2).sum(), 2 * (u - 1)


def peers(rtol: float) -> dict[str, Gradient]:
    """torchdiffeq, where it is installed."""
    try:
        import torchdiffeq
    except ImportError:
        return {}

    class Equations(torch.nn.Module):
        def __init__(self, p: torch.Tensor) -> None:
            super().__init__()
            self.p = torch.nn.Parameter(p.clone())

        def forward(self, t, u):
            a, b, c, d = self.p.unbind()
            x, y = u.unbind()
            return torch.stack([a * x - b * x * y, -c * y + d * x * y])

    def side(integrate: Callable, method: str) -> Gradient:
        equations, u0 = Equations(P), torch.ones(2, dtype=torch.float64)

        def gradient() -> torch.Tensor:
            equations.p.grad = None
            u = integrate(equations, u0, TIMES, rtol=rtol, atol=rtol, method=method)
            ((u - 1) ** 2).sum().backward()
            return equations.p.grad  # type: ignore[return-value]

        return gradient

    return {
        "torchdiffeq odeint dopri5": side(torchdiffeq.odeint, "dopri5"),
        "torchdiffeq odeint dopri8": side(torchdiffeq.odeint, "dopri8"),
        "torchdiffeq odeint_adjoint dopri5": side(torchdiffeq.odeint_adjoint, "dopri5"),
    }


def ours(rtol: float) -> dict[str, Gradient]:
    """The bridge, one word after the other."""
    how = dict(saveat=TIMES, rtol=rtol, atol=rtol)
    return {
        "symde diffeq_rd": gradient_of(lambda p: diffeq_rd(p, PROBLEM, **how)),
        "symde diffeq_fd": gradient_of(lambda p: diffeq_fd(p, PROBLEM, **how)),
        "symde diffeq_adjoint": gradient_of(lambda p: diffeq_adjoint(p, PROBLEM, **how)),
        "symde diffeq": gradient_of(lambda p: diffeq(p, PROBLEM, **how)),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=0.5, help="seconds for each side")
    parser.add_argument("--rtol", type=float, default=1e-6)
    parser.add_argument("--batch", type=int, default=256)
    options = parser.parse_args()
    torch.set_num_threads(1)
    exact = dict(saveat=TIMES.numpy(), sensealg="forward", wrt="p", rtol=1e-12, atol=1e-12)
    reference = symde.value_and_grad(of_numpy, PROBLEM, "Vern9", **exact)[1]["p"]
    print(f"{'loss and gradient':36}{'ms':>10}{'error':>10}")
    for name, gradient in {**ours(options.rtol), **peers(options.rtol)}.items():
        scaled = P.numpy() * (gradient().numpy() - reference)
        error = np.abs(scaled).max() / np.abs(P.numpy() * reference).max()
        seconds = best_seconds(gradient, options.budget, time.process_time)
        print(f"{name:36}{1e3 * seconds:10.3f}{error:10.1e}")
    how = dict(saveat=TIMES.numpy(), wrt="p", sensealg="discrete", rtol=options.rtol, atol=options.rtol)
    batch = P * torch.linspace(0.9, 1.1, options.batch, dtype=torch.float64)[:, None]
    plain = dict(saveat=TIMES, rtol=options.rtol, atol=options.rtol)
    rest = {
        "symde.value_and_grad, discrete": lambda: symde.value_and_grad(of_numpy, PROBLEM, **how),
        "an empty torch function": gradient_of(Nothing.apply),  # type: ignore[arg-type]
        "symde diffeq, no gradient": lambda: diffeq(P, PROBLEM, **plain),
        f"a batch of {options.batch}, a member": lambda: diffeq(batch, PROBLEM, **plain),
        f"a batch of {options.batch}, fd, a member": gradient_of(
            lambda p: diffeq_fd(p, PROBLEM, **plain), batch
        ),
        f"a batch of {options.batch}, rd, a member": gradient_of(
            lambda p: diffeq_rd(p, PROBLEM, **plain), batch
        ),
    }
    for name, run in rest.items():
        members = options.batch if "batch" in name else 1
        print(f"{name:36}{1e3 * best_seconds(run, options.budget, time.process_time) / members:10.3f}")


if __name__ == "__main__":
    main()
