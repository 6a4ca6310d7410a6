"""Memory of a discrete adjoint over a million steps: `python -m benchmarks.gradient_memory`.

A chain of 100 springs, so that all states would take 1.6 GB (state and compensation, 16 bytes each). The
steps are held to a millionth of the span. Peak memory is that of a process of its own, less what
it took before the solve.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np

import symde
from symde.problem.options import DEFAULT_MEMORY
from symde.sensitivity import discrete
from symde.sensitivity.run import prepare
from symde.sensitivity.wrt import wrt_of

SPRINGS, STEP = 50, 1e-3
METHODS = ("RK4", "Tsit5")
"""One with steps that are given, one whose steps a direction's derivative helps to choose."""


def chain() -> str:
    """The model as text."""
    lines = ["model Chain", "  param k = 1, c = 0.01"]
    lines += [f"  state q{i} = {np.sin(i):.3f}, p{i} = 0" for i in range(SPRINGS)]
    for i in range(SPRINGS):
        left, right = f"q{(i - 1) % SPRINGS}", f"q{(i + 1) % SPRINGS}"
        lines += [f"  dq{i} = p{i}", f"  dp{i} = k*({left} - 2*q{i} + {right}) - c*p{i}*q{i}^2"]
    return "\n".join([*lines, "end"])


def differentiate(method: str, steps: int, bound: int) -> str:
    """One gradient: what it took, and itself."""
    problem = symde.Problem(chain(), tspan=(0.0, steps * STEP))
    options = {"dt0": STEP, "dtmax": STEP, "max_steps": 2 * steps, "saveat": [steps * STEP], "memory": bound}
    run, wrt = prepare(problem, method, rtol=1e-3, atol=1e-3, **options), wrt_of("p", problem.system)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    record = discrete.record(run, wrt)
    solved = time.perf_counter()
    _, gradient = record.pull_back(np.ones_like(record.solution.u))
    pulled = time.perf_counter()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    taken = f"{grown / 1024:6.0f} MiB, every {record.steps.stride}-th state kept"
    times = f"solve {solved - started:.1f} s, back {pulled - solved:.1f} s"
    size = f"{method:6} {record.steps.count:8} steps, bound {bound / 2**20:4.0f} MiB"
    return f"{size}: {taken}, {times}, dk {gradient[0]:.15g}"


def main() -> None:
    """Print the table."""
    for method in METHODS:
        for bound in (DEFAULT_MEMORY, DEFAULT_MEMORY // 16):
            command = [sys.executable, "-m", "benchmarks.gradient_memory", method, str(10**6), str(bound)]
            print(
                subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="", flush=True
            )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(differentiate(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    else:
        main()
