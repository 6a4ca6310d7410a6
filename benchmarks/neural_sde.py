"""A loss and its gradient through a neural stochastic equation: symde's torch engine beside torchsde.

    python -m benchmarks.neural_sde [--paths 100] [--steps 100] [--repeats 5] [--threads 1]

A drift network 2-32-2 with noise in proportion to the states, equal steps of the Euler-Maruyama and of a
Runge-Kutta method of strong order 1.5 (torchsde's `srk` and SRIW1 are the same scheme), float32 on the CPU.
The loss is the mean square at the end. torchsde is differentiated through its operations, and by its adjoint
equation (`sdeint_adjoint`), whose gradient is not that of the computed numbers. Milliseconds of CPU time, the
least of the repeats.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import nn

from symde.layers import neural_dmsde


def network() -> nn.Module:
    """The drift, with the same weights each time."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))


def own(method: str, steps: int, sensealg: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """symde's paths."""
    return neural_dmsde(network(), [0.1, 0.2], (0, 1), method, dt0=1 / steps, sensealg=sensealg)


class Equation(nn.Module):
    """The same for torchsde."""

    noise_type, sde_type = "diagonal", "ito"

    def __init__(self) -> None:
        super().__init__()
        self.drift = network()
        self.scale = nn.Parameter(torch.tensor([0.1, 0.2]))

    def f(self, t: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        """The drift."""
        return self.drift(u)

    def g(self, t: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        """The coefficients of the noise."""
        return self.scale * u


def theirs(method: str, steps: int, adjoint: bool) -> Callable[[torch.Tensor], torch.Tensor]:
    """torchsde's paths."""
    import torchsde

    equation, times = Equation(), torch.tensor([0.0, 1.0])
    solve = torchsde.sdeint_adjoint if adjoint else torchsde.sdeint

    def follow(u0: torch.Tensor) -> torch.Tensor:
        return solve(equation, u0, times, method=method, dt=1 / steps)[-1:]

    return follow


def seconds(follow: Callable[[torch.Tensor], torch.Tensor], u0: torch.Tensor, repeats: int) -> float:
    """CPU time of a loss and its gradient."""
    found = []
    for _ in range(repeats + 1):
        started = time.process_time()
        follow(u0).square().mean().backward()
        found.append(time.process_time() - started)
    return min(found[1:])


def main() -> None:
    """Print a line for each side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paths", type=int, default=100)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    u0 = torch.ones(options.paths, 2)
    steps = options.steps
    sides = {
        "Euler-Maruyama": {
            "symde": own("EulerMaruyama", steps, "discrete"),
            "symde, a tape": own("EulerMaruyama", steps, "tape"),
            "torchsde": theirs("euler", steps, False),
            "torchsde, adjoint": theirs("euler", steps, True),
        },
        "strong order 1.5": {
            "symde SRIW1": own("SRIW1", steps, "discrete"),
            "symde SRIW1, a tape": own("SRIW1", steps, "tape"),
            "torchsde srk": theirs("srk", steps, False),
        },
    }
    for title, rows in sides.items():
        print(f"{title}, {options.paths} paths, {steps} steps")
        for name, follow in rows.items():
            print(f"  {name:22} {1e3 * seconds(follow, u0, options.repeats):9.1f} ms")


if __name__ == "__main__":
    main()
