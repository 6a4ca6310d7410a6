"""Large sparse systems: time of a step against size, nonzeros and fill.

    python -m benchmarks.sparse --grids 16,32,64,128 --networks 100,300,1000
    python -m benchmarks.sparse --grids 16,32 --networks 100,300 --cascades 10,30 --solvers sparse,klu

The 2-D Brusselator (Hairer and Wanner II, 1996, IV.10, with periodic boundaries, t = 0 to 11.5) has kernels
written by hand, so that what is measured is the linear algebra; networks are compiled from their text, and
so are cascades: rings of 20 species, each species driven by two of the rings before, so that J falls into
blocks. Fill and operations are those of the sparse solver.
"""

from __future__ import annotations

import argparse
import ctypes
import random
import time

import numba
import numpy as np
from numba import types

import symde
from benchmarks.linear_solvers import burst
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


def cascade(rings: int, size: int = 20) -> str:
    """The text of a cascade."""
    chance = random.Random(rings)
    equations, states = [], []
    for ring in range(rings):
        for i in range(size):
            drive = ""
            for _ in range(2 if ring else 0):
                drive += f" + 0.1*x{chance.randrange(ring)}_{chance.randrange(size)}"
            own, before = f"x{ring}_{i}", f"x{ring}_{(i - 1) % size}"
            other = f"x{ring}_{chance.randrange(size)}"
            rate = 10.0 ** chance.uniform(0, 4)
            equations.append(f"  {own}' = {rate}*({before} - {own}) - {own}*{other} - {own}^2{drive}")
            states.append(f"  state {own} = 1")
    return "\n".join([f"model Cascade{rings}", "  time 0 .. 1", *states, *equations, "end"])


def measure(name: str, kernels, u0: np.ndarray, p: np.ndarray, end: float, solvers: list[str]) -> None:
    """Print a row of the table for each solver."""
    sessions = [_solve(kernels, u0, p, end, solver) for solver in solvers]
    parts = _parts([session for session, *_ in sessions])
    for solver, (session, analysis, seconds), times in zip(solvers, sessions, parts, strict=True):
        print(f"{name:20s} {solver:8s} {_row(session, analysis, seconds, *times)}", flush=True)


def _solve(kernels, u0: np.ndarray, p: np.ndarray, end: float, solver: str) -> tuple[Session, float, float]:
    """A session that has solved, with the seconds that its making and the fastest of three solves took."""
    started = time.perf_counter()
    session = Session(kernels, [packed(registry.get("Rodas5P"))], solver)
    analysis = time.perf_counter() - started
    seconds = np.inf
    for _ in range(3):
        session.u[:], session.p[:], session.atol[:] = u0, p, 1e-6
        session.begin(
            0.0, end, rtol=1e-4, saveat=np.array([end]), save_steps=False, dense=False, dt0=None, dtmax=end,
            max_steps=100_000,
        )  # fmt: skip
        started = time.perf_counter()
        status = session.run()
        seconds = min(seconds, time.perf_counter() - started)
        assert status == Status.DONE, status
    return session, analysis, seconds


def _row(session: Session, analysis: float, seconds: float, factor: float, substitute: float) -> str:
    known, work = analysis_of(session.kernels), session.counters()
    steps = work.accepted + work.rejected
    entries = len(session.kernels.pattern[1])
    share = 1e6 * seconds / steps
    return (
        f"{session.n:7d} {entries:8d} {known.fill:10d} {known.operations:12d} {analysis:8.2f}"
        f" {steps:5d} {share:11.0f} {1e3 * share / (entries + known.fill):8.1f} {factor:11.1f}"
        f" {1e3 * factor / known.operations:7.2f} {substitute:9.1f} {1e3 * substitute / known.fill:7.2f}"
        f" {work.refinements:4d} {work.pivotings:4d}"
    )


def _parts(sessions: list[Session]) -> list[tuple[float, float]]:
    """Microseconds of a factorisation and of a solve of each session as it stands, the least of bursts that
    take turns."""
    best = np.full((len(sessions), 2), np.inf)
    for _ in range(9):
        for times, session in zip(best, sessions, strict=True):
            state = session.state
            arguments = state.factor, state.substitute, ctypes.addressof(state)
            for i, (factorisations, solves) in enumerate(((1, 0), (0, 1))):
                count = max(1, min(1000, int(3e3 / times[i])))
                started = time.perf_counter()
                burst(*arguments, state.system_rhs, state.stage_f, count, factorisations, solves)
                times[i] = min(times[i], 1e6 * (time.perf_counter() - started) / count)
    return [tuple(times) for times in best.tolist()]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grids", default="16,32,64,128")
    parser.add_argument("--networks", default="100,300,1000")
    parser.add_argument("--cascades", default="")
    parser.add_argument("--solvers", default="sparse")
    chosen = parser.parse_args()
    solvers = chosen.solvers.split(",")
    print(
        f"{'':29s} {'n':>7s} {'nonzeros':>8s} {'fill':>10s} {'operations':>12s} {'analysis':>8s}"
        f" {'steps':>5s} {'us/step':>11s} {'ns/entry':>8s} {'us/factor':>11s} {'ns/op':>7s} {'us/solve':>9s}"
        f" {'ns/fill':>7s} {'ref':>4s} {'piv':>4s}"
    )
    for side in _numbers(chosen.grids):
        kernels = Brusselator2D(side)
        measure(f"Brusselator {side}x{side}", kernels, kernels.start(), np.empty(0), 11.5, solvers)
    texts = [(f"network {n}", network(n)) for n in _numbers(chosen.networks)]
    texts += [(f"cascade {rings} x 20", cascade(rings)) for rings in _numbers(chosen.cascades)]
    for name, text in texts:
        problem = symde.Problem(symde.ode_def(text))
        measure(name, problem.system.kernels, problem.u0, problem.p, 1.0, solvers)


def _numbers(listed: str) -> list[int]:
    return [int(number) for number in listed.split(",") if number]


if __name__ == "__main__":
    main()
