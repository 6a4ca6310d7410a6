"""Batches with events in the torch engine: time of a solve and of its gradient, beside the compiled engine's.

python -m benchmarks.torch_events [--members 1 100 1000]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

import symde
from symde.layers import diffeq

BALL = """
model Ball
  param g = 9.81, e = 0.8
  state x = 1, v = 0
  time 0 .. 2
  x' = v
  v' = -g
  bounce: when x <= 0: v = -e*v
end
"""
QUIET = BALL.replace("bounce: when x <= 0: v = -e*v\n", "")


def best(call: Callable[[], object], repeats: int = 3) -> float:
    """The least processor time of some calls, in ms."""
    found = []
    for _ in range(repeats):
        started = time.process_time()
        call()
        found.append(time.process_time() - started)
    return 1e3 * min(found)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, nargs="+", default=[1, 100, 1000])
    members = parser.parse_args().members
    torch.set_num_threads(1)
    ball, quiet = (symde.Problem(symde.ode_def(text)) for text in (BALL, QUIET))
    print("| members | torch, no events | torch | its gradient | adjoint | compiled | its gradient |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for count in members:
        scale = torch.linspace(1.0, 1.3, count, dtype=torch.float64)[:, None]
        p = torch.tensor([9.81, 0.8], dtype=torch.float64) * scale.clamp(max=1.2)
        row = []
        for problem, backend, sensealg, grad in (
            (quiet, "torch", "discrete", False),
            (ball, "torch", "discrete", False),
            (ball, "torch", "discrete", True),
            (ball, "torch", "interpolating", True),
            (ball, "cpu", "forward", False),
            (ball, "cpu", "forward", True),
        ):
            q = p.clone().requires_grad_(grad)

            def call(q=q, problem=problem, backend=backend, sensealg=sensealg, grad=grad):
                u = diffeq(
                    q, problem, "Tsit5", saveat=[1.0, 2.0], backend=backend, sensealg=sensealg, rtol=1e-6
                )
                if grad:
                    u.square().sum().backward()

            call()
            row.append(best(call, 1 if sensealg == "interpolating" else 2))
        print(f"| {count} | " + " | ".join(f"{one:.1f}" for one in row) + " |", flush=True)


if __name__ == "__main__":
    main()
