"""The trial of the linear solvers: random stiff networks and oregonators by the thousand.

    python -m benchmarks.robustness                               3,000 systems, minutes
    python -m benchmarks.robustness --structures 200 --draws 500  100,000 systems

Every system is solved with each linear solver. Counted are the stages of accepted steps whose componentwise
backward error is above the bound, the steps that had to pivot, and the ends that are not LAPACK's.

An end is LAPACK's when both runs stopped for the same reason and, where they reached the end, differ by at
most `SAME` tolerances of a step in each component. Where they do not, it is computed whose fault that is:

- *Rounding decides*: LAPACK alone, given the same system with every number moved by at most one unit in its
  last place (`NEIGHBOURS` times), does not get its own end again; or the solver does not get its own where
  the states are moved by at most one unit in the last place of the largest, which is what a solve with
  partial pivoting may leave in each. Then no answer is determined, and no solver can be asked for LAPACK's.
  The networks are of this kind where a species that dies out is left slightly negative, from where reactions
  of second order run away, or one that was never there feeds on itself once it is.
- *Other*: both repeat themselves and differ.

For both it is told whether LAPACK or the solver has the end of an accurate reference: solved with tolerances
a thousand times (relative) and 1e8 times (absolute) finer, by two methods that have the same end.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

import symde
from benchmarks.audit import Audit, the_audit
from benchmarks.stiff_systems import Draw, draws, structure
from symde.engine.cpu.layout import BACKWARD_ERROR, Status
from symde.engine.cpu.linear_solver import Kernels
from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import packed
from symde.engine.methods import registry

RTOL, ATOL = 1e-6, 1e-10

REFERENCES = ("Rodas5P", "Radau")
"""Methods that must have the same end at the fine tolerances. Radau owes little to its linear solver, which
only finds corrections: what counts are values of f."""

FINE_RTOL, FINE_ATOL = 1e-9, 1e-18

SAME = 10.0
"""Tolerances of a step by which ends may differ and still be the same."""

NEIGHBOURS = 64
"""Systems next to one that are tried before a solver is believed."""


@dataclass(frozen=True)
class Run:
    """What became of one system."""

    status: Status
    end: np.ndarray

    def distance(self, other: Run) -> float:
        """The largest difference of the ends in tolerances of a step; infinite where one was not reached."""
        if self.status != Status.DONE or other.status != Status.DONE:
            return 0.0 if self.status == other.status else np.inf
        scale = ATOL + RTOL * np.maximum(np.abs(self.end), np.abs(other.end))
        return float(np.max(np.abs(self.end - other.end) / scale))

    def is_same(self, other: Run) -> bool:
        """Whether two runs stopped for the same reason, at the same end if they reached one."""
        return self.distance(other) <= SAME


@dataclass
class Count:
    """What one linear solver did over all systems."""

    solves: int = 0
    failures: int = 0
    steps: int = 0
    refinements: int = 0
    pivotings: int = 0
    stages: int = 0
    stages_above: int = 0
    worst: float = 0.0
    seconds: float = 0.0
    differing: int = 0  # ends that are not LAPACK's
    undecided: int = 0  # of them: rounding decides
    others: list[str] = field(default_factory=list)  # the rest: which systems, and what became of them
    known: int = 0  # of those that differ: with a reference
    right: int = 0  # the solver has the reference's end
    first_right: int = 0  # LAPACK has it
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def other(self) -> int:
        """Ends that differ although both solvers repeat theirs."""
        return self.differing - self.undecided


class Bench:
    """One model and its sessions, one for each method and linear solver, made when first asked for."""

    def __init__(self, kernels: Kernels, method: str) -> None:
        self._kernels, self._method = kernels, method
        self._sessions: dict[tuple[str, str], Session] = {}

    def session(self, solver: str, method: str = "") -> Session:
        """The session of a linear solver, of the trial's method where no other is named."""
        key = solver, method or self._method
        if key not in self._sessions:
            self._sessions[key] = Session(self._kernels, [packed(registry.get(key[1]))], solver)
        return self._sessions[key]

    def run(self, solver: str, draw: Draw, audit: Audit | None = None) -> Run:
        """Solve one system at the trial's tolerances."""
        return _solve(self.session(solver), draw, RTOL, ATOL, audit)

    def repeats_itself(self, solver: str, draw: Draw, run: Run, absolute: bool = False) -> bool:
        """Whether a solver has the same end again from all neighbours of a system."""
        numbers = np.random.default_rng(0)
        neighbours = (draw.neighbour(numbers, absolute) for _ in range(NEIGHBOURS))
        return all(self.run(solver, neighbour).is_same(run) for neighbour in neighbours)

    def reference(self, draw: Draw) -> Run | None:
        """An accurate run, None where there is none."""
        first, second = (
            _solve(self.session("generated", method), draw, FINE_RTOL, FINE_ATOL, None)
            for method in REFERENCES
        )
        return first if first.status == Status.DONE and first.is_same(second) else None


def _solve(session: Session, draw: Draw, rtol: float, atol: float, audit: Audit | None) -> Run:
    session.u[:], session.p[:], session.atol[:] = draw.u0, draw.p, atol
    session.begin(
        0.0, draw.end, rtol=rtol, saveat=np.array([draw.end]), save_steps=False, dense=False, dt0=None,
        dtmax=draw.end, max_steps=100_000,
    )  # fmt: skip
    if audit is not None:
        audit.attach(session)
    status = session.run()
    return Run(status, session.output.saved()[1][-1].copy() if status == Status.DONE else np.empty(0))


def trial(
    numbers: Iterable[int], count: int, solvers: tuple[str, ...], method: str = "Rodas5P"
) -> Iterator[dict[str, Count]]:
    """Run the trial on `count` systems of each structure; the counts of each solver so far. The ends are
    compared with those of the first solver."""
    counts = {name: Count() for name in solvers}
    audit = the_audit()
    for number in numbers:
        kernels = symde.Problem(symde.ode_def(structure(number)[0])).system.kernels
        bench, systems = Bench(kernels, method), draws(number, kernels.n, kernels.m, count)
        runs = {name: _run_all(bench, name, systems, audit, counts[name]) for name in solvers}
        _compare(number, bench, systems, runs, counts)
        yield counts


def _run_all(bench: Bench, solver: str, systems: list[Draw], audit: Audit, count: Count) -> list[Run]:
    started, runs = time.perf_counter(), []
    for draw in systems:
        run = bench.run(solver, draw, audit=audit)
        work = bench.session(solver).counters()
        worst, above, stages = audit.result(work.accepted)
        count.solves += 1
        count.failures += run.status != Status.DONE
        count.statuses[run.status.name] = count.statuses.get(run.status.name, 0) + 1
        count.steps += work.accepted + work.rejected
        count.refinements += work.refinements
        count.pivotings += work.pivotings
        count.stages += stages
        count.stages_above += above
        count.worst = max(count.worst, worst)
        runs.append(run)
    count.seconds += time.perf_counter() - started
    return runs


def _compare(
    number: int, bench: Bench, systems: list[Draw], runs: dict[str, list[Run]], counts: dict[str, Count]
) -> None:
    """Judge the ends that are not those of the first solver."""
    first, *others = runs
    for k, draw in enumerate(systems):
        expected = runs[first][k]
        differing = [name for name in others if not runs[name][k].is_same(expected)]
        if not differing:
            continue
        steady = bench.repeats_itself(first, draw, expected)
        reference = bench.reference(draw)
        for name in differing:
            count, run = counts[name], runs[name][k]
            count.differing += 1
            if not steady or not bench.repeats_itself(name, draw, run, absolute=True):
                count.undecided += 1
            else:
                count.others.append(_told(number, k, {first: expected, name: run}, reference))
            if reference is not None:
                count.known += 1
                count.right += run.is_same(reference)
                count.first_right += expected.is_same(reference)


def _told(number: int, place: int, runs: dict[str, Run], reference: Run | None) -> str:
    """What became of a system, by solver."""
    words = []
    for name, run in runs.items():
        away = "" if reference is None else f", {run.distance(reference):.2g} tolerances from the reference"
        words.append(f"{name} {run.status.name}{away}")
    return f"structure {number}, draw {place}: {'; '.join(words)}"


def report(counts: dict[str, Count]) -> str:
    """The table, in Markdown."""
    columns = tuple(counts)
    rows = {
        "systems solved": [f"{c.solves:,}" for c in counts.values()],
        "of them given up": [f"{c.failures:,}" for c in counts.values()],
        "steps": [f"{c.steps:,}" for c in counts.values()],
        "steps that pivoted anew": [f"{c.pivotings:,}" for c in counts.values()],
        "refinements": [f"{c.refinements:,}" for c in counts.values()],
        "stages": [f"{c.stages:,}" for c in counts.values()],
        f"accepted above {BACKWARD_ERROR:g}": [f"{c.stages_above:,}" for c in counts.values()],
        "largest backward error": [f"{c.worst:.1e}" for c in counts.values()],
        f"ends that are not those with {columns[0]}": _others(counts, "differing"),
        "of them: rounding decides": _others(counts, "undecided"),
        "of them: other": _others(counts, "other"),
        "differing ends with a reference": _others(counts, "known"),
        "this solver has it": _others(counts, "right"),
        f"{columns[0]} has it": _others(counts, "first_right"),
    }
    lines = [
        ["", *columns],
        ["---", *("---:" for _ in columns)],
        *([name, *row] for name, row in rows.items()),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _others(counts: dict[str, Count], name: str) -> list[str]:
    """A row that says nothing of the first solver."""
    return ["", *(f"{getattr(count, name):,}" for count in itertools.islice(counts.values(), 1, None))]


def main() -> None:
    """Run the trial and print its table, every fifty structures what there is of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--structures", type=int, default=60)
    parser.add_argument("--first", type=int, default=0, help="number of the first structure")
    parser.add_argument("--draws", type=int, default=50)
    parser.add_argument("--method", default="Rodas5P", help="a Rosenbrock method")
    parser.add_argument("--solvers", default="lapack,generated,sparse", help="the first is the reference")
    chosen = parser.parse_args()
    structures = range(chosen.first, chosen.first + chosen.structures)
    runs = trial(structures, chosen.draws, tuple(chosen.solvers.split(",")), chosen.method)
    for done, counts in enumerate(runs, start=1):
        if done % 50 == 0 or done == chosen.structures:
            print(f"\n{done} structures\n\n{report(counts)}\n", flush=True)
            for name, count in counts.items():
                print(f"{name}: {count.seconds:.0f} s, {count.statuses}", *count.others, sep="\n    ")


if __name__ == "__main__":
    main()
