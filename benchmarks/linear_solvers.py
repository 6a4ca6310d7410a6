"""Which linear solver is fastest where: microseconds of one factorisation and eight solves.

    python -m benchmarks.linear_solvers

On networks, bands and full matrices; `*` marks what the automatic choice takes. The costs that the choice
rests on (`cost` in symde/engine/cpu/linear_solvers) are fitted to this table.
"""

from __future__ import annotations

import argparse
import time

import numba
import numpy as np

import symde
from benchmarks.networks import network
from symde.engine.cpu import linear_solvers
from symde.engine.cpu.compiled.pointers import call_solve, call_step
from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import packed
from symde.engine.methods import registry
from tests.problems import get

SOLVERS = ("generated", "dense", "lapack", "banded", "sparse")
LARGEST = {"dense": 300, "lapack": 1000, "banded": 1000}


@numba.njit
def burst(factor, substitute, address, rhs, solution, count, factorisations, solves):
    """Factorise and solve `count` times."""
    for _ in range(count):
        for _ in range(factorisations):
            call_step(factor, address)
        for _ in range(solves):
            call_solve(substitute, address, rhs, solution)


class Matrix:
    """Kernels of a linear system u' = A u with the pattern of A; only its linear algebra is run."""

    lu_length = m = 0

    def __init__(self, pattern: np.ndarray) -> None:
        self.n = len(pattern)
        starts = np.concatenate([[0], np.cumsum(pattern.sum(axis=1))])
        self.pattern = starts, np.ascontiguousarray(np.nonzero(pattern)[1])

    def address(self, name: str) -> int:
        """No kernel is called."""
        return 0


def measure(kernels, solver: str) -> tuple[float, float]:
    """Microseconds of a factorisation and of a solve; diagonally dominant values."""
    session = Session(kernels, [packed(registry.get("Rodas5P"))], solver)
    state, n = session.state, kernels.n
    starts, columns = kernels.pattern
    rows = np.repeat(np.arange(n), np.diff(starts))
    values = np.random.default_rng(1).uniform(0.1, 1.0, len(columns))
    values[rows == np.asarray(columns)] = -float(n)
    session.arrays["jacobian"][: len(values)] = values
    session.arrays["system_rhs"][:n] = 1.0
    state.shift = 1.0
    address = session._address
    arguments = state.factor, state.substitute, address, state.system_rhs, state.stage_f
    times = []
    for factorisations, solves in ((1, 0), (0, 1)):
        burst(*arguments, 1, 1, 1)
        count, best = 1, np.inf
        for _ in range(9):
            started = time.perf_counter()
            burst(*arguments, count, factorisations, solves)
            elapsed = time.perf_counter() - started
            best = min(best, elapsed / count)
            count = max(1, min(10_000, int(2e-3 / best)))
        times.append(1e6 * best)
    return times[0], times[1]


def cases(largest: int):
    """Names and kernels."""
    for n in (3, 5, 10, 20, 40, 60, 100, 200, 300, 500, 1000):
        if n <= largest:
            yield f"network {n}", symde.Problem(symde.ode_def(network(n))).system.kernels
    yield "Brusselator 80", get("brusselator").problem.system.kernels
    for n, width in (
        (80, 1),
        (80, 2),
        (300, 1),
        (300, 3),
        (300, 5),
        (300, 10),
        (300, 30),
        (1000, 1),
        (1000, 5),
    ):
        i, j = np.indices((n, n))
        yield f"band {n}, {width}", Matrix(np.abs(i - j) <= width)
    for n in (5, 10, 20, 30, 50, 80, 120, 200, 400):
        if n <= largest:
            yield f"full {n}", Matrix(np.ones((n, n), bool))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=500)
    parser.add_argument("--solvers", default=",".join(SOLVERS), help="also klu")
    chosen = parser.parse_args()
    solvers = chosen.solvers.split(",")
    print(
        f"{'':16s}" + "".join(f"{name:>24s}" for name in solvers) + "   (factorisation + 8 solves, expected)"
    )
    for name, kernels in cases(chosen.largest):
        taken = linear_solvers.choose(kernels).name
        row = f"{name:16s}"
        for solver in solvers:
            entry = linear_solvers.get(solver)
            if kernels.n > LARGEST.get(solver, 10**9) or entry.suits(kernels):
                row += f"{'-':>24s}"
                continue
            factor, solve = measure(kernels, solver)
            mark = "*" if solver == taken else " "
            row += f"{factor:8.2f} +{8 * solve:7.2f} {entry.cost(kernels):6.1f}{mark}"
        print(row, flush=True)


if __name__ == "__main__":
    main()
