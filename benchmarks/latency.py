"""How long a user waits: from text to compiled functions, and from starting Python to a solution.

    python -m benchmarks.latency

Every figure is the CPU time of a process of its own, with a cache of its own, empty or filled by the run
before.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

CALLABLES = """
import time
from benchmarks.networks import network
text = network({n})
import symde, symde.solve
started = time.process_time()
kernels = symde.Problem(symde.ode_def(text)).system.kernels
kernels.address("rhs"), kernels.address("rhs_jacobian")
print(time.process_time() - started)
"""

SMALL = """
import time, symde
model = symde.ode_def('''
@ode_def Rober begin
  dy1 = -k1*y1 + k3*y2*y3
  dy2 = k1*y1 - k2*y2^2 - k3*y2*y3
  dy3 = k2*y2^2
end k1 k2 k3
''')
problem = symde.Problem(model, [1, 0, 0], (0, 1e5), [0.04, 3e7, 1e4])
symde.solve(problem, rtol=1e-8, atol=[1e-10, 1e-14, 1e-10])
print(time.process_time())
"""


def seconds(code: str, cache: str) -> float:
    """What a script in a process of its own prints."""
    environment = {**os.environ, "SYMDE_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are compiled once, as on a user's machine
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    return float(result.stdout)


def row(what: str, code: str, bound: str) -> None:
    """One line of the table: with an empty cache, then the best of three with a filled one."""
    with tempfile.TemporaryDirectory() as cache:
        cold = seconds(code, cache)
        warm = min(seconds(code, cache) for _ in range(3))
    print(f"{what:<58}{cold:10.2f}{warm:10.2f}   {bound}", flush=True)


def main() -> None:
    """Print the table."""
    print(f"{'CPU seconds':<58}{'empty':>10}{'filled':>10}   wanted (empty / filled)")
    row("text to rhs and Jacobian, 100 states, 300 reactions", CALLABLES.format(n=100), "1 / -")
    row("text to rhs and Jacobian, 1000 states, 3000 reactions", CALLABLES.format(n=1000), "10 / -")
    row("whole process, small model, default method, first ever", SMALL, "10 / 1")


if __name__ == "__main__":
    main()
