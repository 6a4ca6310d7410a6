"""The trial of the linear solvers: random stiff networks and oregonators by the thousand.

    python -m benchmarks.robustness --structures 200 --draws 500

Every system is solved with each linear solver; an audit between the method and the solver computes the
componentwise backward error of every stage of every accepted step. Counted are the stages above the bound,
the steps that had to pivot, and the ends that differ from those with LAPACK by more than ten tolerances of a
step.
"""

from __future__ import annotations

import argparse
import functools
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numba
import numpy as np
from numba import types

import symde
from symde.engine.cpu.compiled.pointers import call_solve, call_step, doubles, integers, state_at
from symde.engine.cpu.layout import BACKWARD_ERROR, TINY, Status
from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import packed
from symde.engine.methods import registry

RTOL, ATOL = 1e-6, 1e-10

OREGONATOR = """model Oregonator
  param s = 77.27, w = 0.161, q = 8.375e-6
  state x = 1, y = 2, z = 3
  time 0 .. 360
  x' = s*(x - x*y + y - q*x^2)
  y' = (z - y - x*y)/s
  z' = w*(x - z)
end"""


def stiff_network(seed: int) -> str:
    """A closed network of 3 to 12 species: first order, second order, catalysed and saturated reactions."""
    chance = random.Random(seed)
    n = chance.randint(3, 12)
    terms: list[list[str]] = [[] for _ in range(n)]
    reactions = chance.randint(n, 3 * n)
    for k in range(reactions):
        source, target, other = chance.sample(range(n), 2) + [chance.randrange(n)]
        rate = chance.choice((
            f"k{k}*x{source}",
            f"k{k}*x{source}*x{other}",
            f"k{k}*x{source}^2",
            f"k{k}*x{source}*x{target}",
            f"k{k}*x{source}/(0.1 + x{source})",
        ))  # fmt: skip
        terms[source].append(f"- {rate}")
        terms[target].append(f"+ {rate}")
    lines = [f"  param k{k} = 1" for k in range(reactions)]
    lines += [f"  state x{i} = 1" for i in range(n)]
    lines += [f"  x{i}' = " + (" ".join(terms[i]).removeprefix("+ ") or "0") for i in range(n)]
    return "\n".join([f"model Network{seed}", *lines, "  time 0 .. 1", "end"])


@dataclass
class Draw:
    """Numbers of one system."""

    u0: np.ndarray
    p: np.ndarray
    end: float


def draw_network(n: int, m: int, numbers: np.random.Generator) -> Draw:
    """Rates over nine decades, states over six, some of them zero; a span over six decades."""
    u0 = 10.0 ** numbers.uniform(-6, 0, n) * (numbers.random(n) < 0.7)
    u0[numbers.integers(n)] = 1.0
    return Draw(u0, 10.0 ** numbers.uniform(-3, 6, m), 10.0 ** numbers.uniform(-2, 4))


def draw_oregonator(n: int, m: int, numbers: np.random.Generator) -> Draw:
    """The classical parameters, each moved by up to a factor of ten."""
    factors = 10.0 ** numbers.uniform(-1, 1, 3)
    return Draw(10.0 ** numbers.uniform(-1, 2, 3), np.array([77.27, 0.161, 8.375e-6]) * factors, 360.0)


class Audit:
    """Stands between the method and the linear solver of a session and keeps the worst backward errors.

    Attributes:
        record: Worst of the present attempt, worst of all accepted ones, stages above the bound in the
            present attempt, in all accepted ones, stages, and steps accepted when the attempt began.
    """

    def __init__(self) -> None:
        self.record = np.zeros(6)
        self.genuine = np.zeros(4, np.int64)  # addresses of factor, solve, substitute, accept
        self._entries = _audit_entries(self.record.ctypes.data, self.genuine.ctypes.data)

    def attach(self, session: Session) -> None:
        """Put the audit into a session that is ready to run."""
        state, names = session.state, ("factor", "solve", "substitute", "accept")
        self.genuine[:] = [getattr(state, name) for name in names]
        for name, entry in zip(names, self._entries, strict=True):
            setattr(state, name, entry.address)


def _audit_entries(record_address: int, genuine_address: int):
    """Compiled stand-ins for the four entries."""
    step, solving = types.int32(types.int64), types.int32(types.int64, types.int64, types.int64)

    @numba.njit(error_model="numpy")
    def note(address, rhs, solution):
        state, record = state_at(address), doubles(record_address)
        b, x = doubles(rhs), doubles(solution)
        values, starts, columns = (
            doubles(state.jacobian),
            integers(state.row_pointers),
            integers(state.columns),
        )
        worst = 0.0
        for i in range(state.n):
            term = state.shift * x[i]
            total, size = b[i] - term, abs(b[i]) + abs(term)
            for k in range(starts[i], starts[i + 1]):
                term = values[k] * x[columns[k]]
                total += term
                size += abs(term)
            if abs(total) > TINY and abs(total) / size > worst:
                worst = abs(total) / size
        record[4] += 1.0
        if worst > BACKWARD_ERROR:
            record[2] += 1.0
        if worst > record[0]:
            record[0] = worst

    @numba.cfunc(step)
    def factor(address):
        record, accepted = doubles(record_address), state_at(address).accepted
        if accepted > record[5]:  # the attempt before has become a step
            record[1] = max(record[1], record[0])
            record[3] += record[2]
        record[0], record[2], record[5] = 0.0, 0.0, accepted
        return call_step(integers(genuine_address)[0], address)

    @numba.cfunc(solving)
    def solve(address, rhs, solution):
        code = call_solve(integers(genuine_address)[1], address, rhs, solution)
        if code == 0:
            note(address, rhs, solution)
        return code

    @numba.cfunc(solving)
    def substitute(address, rhs, solution):
        code = call_solve(integers(genuine_address)[2], address, rhs, solution)
        note(address, rhs, solution)
        return code

    @numba.cfunc(solving)
    def accept(address, rhs, solution):
        code = call_solve(integers(genuine_address)[3], address, rhs, solution)
        if code != 0:  # all stages are solved again, each with its own test
            doubles(record_address)[0], doubles(record_address)[2] = 0.0, 0.0
        return code

    return factor, solve, substitute, accept


@dataclass
class Count:
    """What one linear solver did over all systems."""

    solves: int = 0
    failures: int = 0
    steps: int = 0
    refinements: int = 0
    pivotings: int = 0
    stages: float = 0
    stages_above: float = 0
    worst: float = 0.0
    seconds: float = 0.0
    compared: int = 0
    differing: int = 0
    largest_difference: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)


def run_one(session: Session, draw: Draw, audit: Audit | None) -> tuple[Status, np.ndarray]:
    """Solve one system; its status and its end."""
    session.u[:], session.p[:], session.atol[:] = draw.u0, draw.p, ATOL
    session.begin(
        0.0, draw.end, rtol=RTOL, saveat=np.array([draw.end]), save_steps=False, dense=False, dt0=None,
        dtmax=draw.end, max_steps=100_000,
    )  # fmt: skip
    for slot in session._slots:
        slot.step = 0 if audit is not None else slot.step
    if audit is not None:
        audit.attach(session)
    status = session.run()
    saved = session.saved()[1]
    return status, saved[-1] if len(saved) else np.full(session.n, np.nan)


def trial(
    structures: Iterable[int], draws: int, solvers: tuple[str, ...], method: str = "Rodas5P"
) -> Iterator[dict[str, Count]]:
    """Run the trial; a tenth of the systems are oregonators. The counts of each solver so far."""
    counts = {name: Count() for name in solvers}
    audit = Audit()
    method_packed = [packed(registry.get(method))]
    for structure in structures:
        oregonator = structure % 10 == 9
        text = OREGONATOR if oregonator else stiff_network(structure)
        kernels = symde.Problem(symde.ode_def(text)).system.kernels
        make = functools.partial(draw_oregonator if oregonator else draw_network, kernels.n, kernels.m)
        numbers = np.random.default_rng(structure)
        systems = [make(numbers) for _ in range(draws)]
        ends: np.ndarray | None = None
        for name in solvers:
            found = _run_solver(Session(kernels, method_packed, name), systems, audit, counts[name])
            if ends is None:
                ends = found
            else:
                _compare(found, ends, counts[name])
        yield counts


def _run_solver(session: Session, systems: list[Draw], audit: Audit, count: Count) -> np.ndarray:
    audit.record[:] = 0.0
    started, ends = time.perf_counter(), []
    for draw in systems:
        audit.record[[0, 2, 5]] = 0.0
        status, end = run_one(session, draw, audit)
        work = session.counters()
        if work.accepted > audit.record[5]:
            audit.record[1] = max(audit.record[1], audit.record[0])
            audit.record[3] += audit.record[2]
        count.solves += 1
        count.failures += status != Status.DONE
        count.statuses[status.name] = count.statuses.get(status.name, 0) + 1
        count.steps += work.accepted + work.rejected
        count.refinements += work.refinements
        count.pivotings += work.pivotings
        ends.append(end if status == Status.DONE else np.full(session.n, np.nan))
    count.seconds += time.perf_counter() - started
    count.stages += audit.record[4]
    count.stages_above += audit.record[3]
    count.worst = max(count.worst, audit.record[1])
    return np.array(ends)


def _compare(found: np.ndarray, reference: np.ndarray, count: Count) -> None:
    """Differences in units of the tolerance of a step, where both reached the end."""
    both = ~(np.isnan(found).any(axis=1) | np.isnan(reference).any(axis=1))
    difference = np.abs(found - reference)[both] / (ATOL + RTOL * np.abs(reference[both]))
    largest = difference.max(axis=1, initial=0.0)
    count.compared += int(both.sum())
    count.differing += int((largest > 10.0).sum())
    count.largest_difference = max(count.largest_difference, float(largest.max(initial=0.0)))


def report(counts: dict[str, Count]) -> str:
    """The table."""
    return "\n".join(
        f"{name:10s} {count.solves} solves {count.statuses}, {count.steps} steps in {count.seconds:.0f} s"
        f", {count.refinements} refinements, {count.pivotings} pivotings"
        f" ({count.pivotings / max(count.steps, 1):.2e} of steps);"
        f" {count.stages:.0f} stages, {count.stages_above:.0f} accepted above {BACKWARD_ERROR:g}"
        f", worst {count.worst:.2e};"
        f" of {count.compared} ends {count.differing} differ by over 10 tolerances"
        f", largest {count.largest_difference:.2g}"
        for name, count in counts.items()
    )


def main() -> None:
    """Run the trial and print its table, every twenty structures what there is of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first structure")
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--method", default="Rodas5P")
    parser.add_argument("--solvers", default="lapack,generated,sparse", help="the first is the reference")
    chosen = parser.parse_args()
    structures = range(chosen.first, chosen.first + chosen.structures)
    runs = trial(structures, chosen.draws, tuple(chosen.solvers.split(",")), chosen.method)
    for done, counts in enumerate(runs, start=1):
        if done % 20 == 0 or done == chosen.structures:
            print(f"{done} structures\n{report(counts)}", flush=True)


if __name__ == "__main__":
    main()
