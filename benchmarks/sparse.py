"""Large sparse systems: time of a step against size, nonzeros and fill.

    python -m benchmarks.sparse --grids 16,32,64,128 --networks 100,300,1000

The 2-D Brusselator (Hairer and Wanner II, 1996, IV.10, with periodic boundaries, t = 0 to 11.5) has kernels
written by hand, so that what is measured is the linear algebra; networks are compiled from their text.
"""

from __future__ import annotations

import argparse
import ctypes
import time

import numba
import numpy as np
from numba import types

import symde
from benchmarks.networks import network
from symde.engine.cpu.compiled.pointers import doubles, integers
from symde.engine.cpu.layout import Status
from symde.engine.cpu.linear_solvers.sparse import analysis_of
from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import packed
from symde.engine.methods import registry

DIFFUSION = 0.1
KERNEL = types.int32(types.float64, types.int64, types.int64)


class Brusselator2D:
    """The kernels of a grid of side x side cells; states u, v of a cell stand side by side."""

    lu_length = m = 0

    def __init__(self, side: int) -> None:
        self.side, self.n = side, 2 * side * side
        cells = np.arange(side * side)
        row, column = cells // side, cells % side
        around = [
            cells,
            row * side + (column + 1) % side,
            row * side + (column - 1) % side,
            (row + 1) % side * side + column,
            (row - 1) % side * side + column,
        ]
        own = np.repeat(2 * cells, 2)
        self.columns = np.empty((self.n, 6), np.int64)
        for species in range(2):
            self.columns[species::2, :2] = np.stack([own[::2], own[::2] + 1], axis=1)
            for k in range(4):
                self.columns[species::2, 2 + k] = 2 * around[k + 1] + species
        self.pattern = np.arange(0, 6 * self.n + 1, 6), self.columns.ravel()
        self._entries = _kernels(side)

    def address(self, name: str) -> int:
        """Address of a kernel."""
        return self._entries[name].address if name in self._entries else 0

    def start(self) -> np.ndarray:
        """The initial state."""
        x = np.arange(self.side) / self.side
        u = np.empty((self.side, self.side, 2))
        u[..., 0] = 22 * (x * (1 - x) ** 1.5)[:, None]
        u[..., 1] = 27 * (x * (1 - x) ** 1.5)[None, :]
        return u.ravel()


def _kernels(side: int):
    """Right-hand side alone, and with Jacobian and time gradient, as compiled functions."""
    stiffness = DIFFUSION * side * side

    @numba.njit
    def slope(t, u, f):
        for i in range(side):
            for j in range(side):
                c = 2 * (i * side + j)
                right, left = 2 * (i * side + (j + 1) % side), 2 * (i * side + (j - 1) % side)
                below, above = 2 * ((i + 1) % side * side + j), 2 * ((i - 1) % side * side + j)
                a, b = u[c], u[c + 1]
                reaction = a * a * b
                x, y = j / side - 0.3, i / side - 0.6
                source = 5.0 if t >= 1.1 and x * x + y * y <= 0.01 else 0.0
                spread = u[right] + u[left] + u[below] + u[above] - 4 * a
                f[c] = 1 + reaction - 4.4 * a + stiffness * spread + source
                spread = u[right + 1] + u[left + 1] + u[below + 1] + u[above + 1] - 4 * b
                f[c + 1] = 3.4 * a - reaction + stiffness * spread

    @numba.cfunc(KERNEL)
    def rhs(t, inputs, outputs):
        slope(t, doubles(integers(inputs)[0]), doubles(integers(outputs)[0]))
        return 0

    @numba.cfunc(KERNEL)
    def rhs_jacobian(t, inputs, outputs):
        u, out = doubles(integers(inputs)[0]), integers(outputs)
        slope(t, u, doubles(out[0]))
        w, gradient = doubles(out[1]), doubles(out[2])
        for cell in range(side * side):
            a, b, at = u[2 * cell], u[2 * cell + 1], 12 * cell
            w[at], w[at + 1] = 2 * a * b - 4.4 - 4 * stiffness, a * a
            w[at + 6], w[at + 7] = 3.4 - 2 * a * b, -a * a - 4 * stiffness
            for k in range(2, 6):
                w[at + k], w[at + 6 + k] = stiffness, stiffness
            gradient[2 * cell], gradient[2 * cell + 1] = 0.0, 0.0
        return 0

    return {"rhs": rhs, "rhs_jacobian": rhs_jacobian}


def measure(name: str, kernels, u0: np.ndarray, p: np.ndarray, end: float, solver: str) -> str:
    """Solve once; a row of the table."""
    started = time.perf_counter()
    known = analysis_of(kernels)
    analysis = time.perf_counter() - started
    session = Session(kernels, [packed(registry.get("Rodas5P"))], solver)
    session.u[:], session.p[:], session.atol[:] = u0, p, 1e-6
    session.begin(
        0.0, end, rtol=1e-4, saveat=np.array([end]), save_steps=False, dense=False, dt0=None, dtmax=end,
        max_steps=100_000,
    )  # fmt: skip
    started = time.perf_counter()
    status = session.run()
    seconds = time.perf_counter() - started
    assert status == Status.DONE, status
    work = session.counters()
    steps = work.accepted + work.rejected
    entries = len(kernels.pattern[1])
    factor, substitute = _parts(session)
    share = 1e6 * seconds / steps
    return (
        f"{name:24s} {kernels.n:7d} {entries:8d} {known.fill:10d} {known.operations:12d} {analysis:8.2f}"
        f" {steps:5d} {share:11.0f} {1e3 * share / (entries + known.fill):8.1f} {factor:11.0f}"
        f" {1e3 * factor / known.operations:7.2f} {substitute:9.0f} {1e3 * substitute / known.fill:7.2f}"
        f" {work.refinements:4d} {work.pivotings:4d}"
    )


def _parts(session: Session) -> tuple[float, float]:
    """Microseconds of a factorisation and of a solve, as the session stands."""
    address = ctypes.addressof(session.state)
    factor = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)(session.state.factor)
    solve = ctypes.CFUNCTYPE(ctypes.c_int32, *(ctypes.c_int64,) * 3)(session.state.substitute)
    times = []
    for call in (
        lambda: factor(address),
        lambda: solve(address, session.state.system_rhs, session.state.stage_f),
    ):
        best = np.inf
        for _ in range(5):
            started = time.perf_counter()
            call()
            best = min(best, time.perf_counter() - started)
        times.append(1e6 * best)
    return times[0], times[1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grids", default="16,32,64,128")
    parser.add_argument("--networks", default="100,300,1000")
    parser.add_argument("--solver", default="sparse")
    chosen = parser.parse_args()
    print(
        f"{'':24s} {'n':>7s} {'nonzeros':>8s} {'fill':>10s} {'operations':>12s} {'analysis':>8s}"
        f" {'steps':>5s} {'us/step':>11s} {'ns/entry':>8s} {'us/factor':>11s} {'ns/op':>7s} {'us/solve':>9s}"
        f" {'ns/fill':>7s} {'ref':>4s} {'piv':>4s}"
    )
    for side in map(int, filter(None, chosen.grids.split(","))):
        kernels = Brusselator2D(side)
        row = measure(
            f"Brusselator {side}x{side}", kernels, kernels.start(), np.empty(0), 11.5, chosen.solver
        )
        print(row, flush=True)
    for n in map(int, filter(None, chosen.networks.split(","))):
        problem = symde.Problem(symde.ode_def(network(n)))
        row = measure(f"network {n}", problem.system.kernels, problem.u0, problem.p, 1.0, chosen.solver)
        print(row, flush=True)


if __name__ == "__main__":
    main()
