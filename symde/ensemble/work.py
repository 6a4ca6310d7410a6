"""The members' solves: blocks of them in one thread or several, each block in a loop without Python.

Which members make a block depends on their number alone, and blocks are taken into account in their order:
what comes out is the same to the last bit for any number of threads.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu.batch import BatchRun, Members, Outcome, Steps
from symde.engine.cpu.lanes import LaneRun
from symde.engine.cpu.lanes_layout import STIFF, UNFINISHED
from symde.engine.cpu.session import Session
from symde.ensemble.failure import Failure
from symde.ensemble.lanes import LaneChoice
from symde.ensemble.singles import LoopOverMembers, WholeSolves, needs_host
from symde.plan import Plan, with_methods
from symde.problem.problem import Problem
from symde.problem.system import System
from symde.sessions import borrow, give_back

SMALLEST, LARGEST, BLOCKS = 32, 1024, 32
"""Least and most members of a block, and how many blocks there are between."""

AHEAD = 3
"""Blocks under way for each thread, which bounds what waits to be taken into account."""


class _Stop(Exception):
    """The caller was interrupted: this thread's members are wanted no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """Members to solve.

    Attributes:
        problem: Whose members they are.
        system: What is solved of its system.
        plan: The options, checked.
        given_atol, atol: Absolute tolerance as it was given, and as a number or an array of shape
            (n_states,).
        members: What they start from.
        lanes: The methods that solve them side by side.
    """

    problem: Problem
    system: System
    plan: Plan
    given_atol: Any
    atol: Any
    members: Members
    lanes: LaneChoice

    def blocks(self) -> list[range]:
        """The members in blocks."""
        count = self.members.count
        size = min(max(-(-count // BLOCKS), SMALLEST), LARGEST)
        return [range(first, min(first + size, count)) for first in range(0, count, size)]

    def solve(
        self,
        outcome: Outcome | None,
        take: Callable[[range, Outcome], None],
        workers: int,
        progress: bool,
    ) -> list[Failure]:
        """Solve all members.

        Args:
            outcome: Where the results go; None: each block gets room of its own, which is let go.
            take: Called with each block and its results, in order.
            workers: Threads.
            progress: Show a bar.

        Returns:
            The failures, in order.
        """
        failures: list[Failure] = []
        with _bar(self.members.count) if progress else nullcontext() as on_block:
            # closed at once where `take` raises, so that no thread goes on
            with closing(self._solved(outcome, workers)) as solved:
                for block, part, failed in solved:
                    failures += failed
                    take(block, part)
                    if on_block is not None:
                        on_block(len(block), "")
        return failures

    def _solved(
        self, outcome: Outcome | None, workers: int
    ) -> Generator[tuple[range, Outcome, list[Failure]]]:
        """Each block with its results and failures, in order."""
        blocks = self.blocks()
        bench = _Bench(self)
        try:
            if workers == 1:
                for block in blocks:
                    yield block, *bench.solve(block, outcome)
            else:
                yield from _in_threads(bench, blocks, outcome, workers)
        finally:
            bench.close()


def _in_threads(
    bench: _Bench, blocks: list[range], outcome: Outcome | None, workers: int
) -> Generator[tuple[range, Outcome, list[Failure]]]:
    waiting: deque[tuple[range, Future[tuple[Outcome, list[Failure]]]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="symde-ensemble") as pool:
        try:
            for block in blocks:
                waiting.append((block, pool.submit(bench.solve, block, outcome)))
                if len(waiting) > AHEAD * workers:
                    done, future = waiting.popleft()
                    yield done, *future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, *future.result()
        finally:
            bench.stopped = True
            for _, future in waiting:
                future.cancel()


class _Bench:
    """What solves members, one for each thread that asks."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.stopped = False
        self._solvers: list[_Solver] = []
        self._idle: list[_Solver] = []
        self._lock = threading.Lock()

    def _solver(self) -> _Solver:
        """One that no other thread has."""
        with self._lock:
            if not self._idle:
                self._idle.append(_Solver(self.work))
                self._solvers.append(self._idle[-1])
            return self._idle.pop()

    def solve(self, block: range, outcome: Outcome | None) -> tuple[Outcome, list[Failure]]:
        """Solve a block; its part of the outcome, and its failures."""
        solver = self._solver()
        if outcome is None:
            members = self.work.members
            part = Outcome.empty(len(block), members.times.shape[1], members.u0.shape[1])
        else:
            part = outcome.rows(block.start, block.stop)
        failures = solver.solve(block, part, self._look_up)
        with self._lock:
            self._idle.append(solver)
        return part, failures

    def _look_up(self) -> None:
        if self.stopped:
            raise _Stop

    def close(self) -> None:
        """Keep the sessions for the next solve."""
        for solver in self._solvers:
            solver.close()


class _Solver:
    """Solves blocks in one thread: in lanes where there are any, and one by one what these leave."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._borrowed: list[tuple[Plan, Session]] = []
        session = self._session(work.plan)
        self.lanes: list[LaneRun] = []
        if needs_host(session):
            self.singles = WholeSolves(session, work.problem, work.plan, work.given_atol, work.members)
        else:
            self.singles = LoopOverMembers(self._run(session), work.problem)
            self.lanes = [self._lane_run(method) for method in work.lanes.methods]

    def _session(self, plan: Plan) -> Session:
        session = borrow(self.work.system, plan)
        self._borrowed.append((plan, session))
        return session

    def _run(self, session: Session) -> BatchRun:
        session.atol[...] = self.work.atol
        plan = self.work.plan
        return BatchRun(session, self.work.members, Steps(plan.rtol, plan.dt0, plan.dtmax, plan.max_steps))

    def _lane_run(self, method: Any) -> LaneRun:
        lanes = self.work.lanes
        session = self._session(with_methods(self.work.plan, self.work.system, (method,)))
        return LaneRun(self._run(session), session.methods[0], lanes.kernels[method], lanes.switches(method))

    def solve(self, block: range, part: Outcome, look_up: Callable[[], None]) -> list[Failure]:
        """Solve a block; its failures."""
        ids = np.arange(block.start, block.stop)
        left = [ids[:0]]
        for lanes in self.lanes:
            lanes.run(ids, part, block.start, look_up)
            codes = part.codes[ids - block.start]
            left.append(ids[codes == UNFINISHED])
            ids = ids[codes == STIFF]
        ids = np.sort(np.concatenate([*left, ids]))
        return self.singles.run(ids, part, block.start, look_up) if len(ids) else []

    def close(self) -> None:
        """Keep the sessions for the next solve."""
        for plan, session in self._borrowed:
            give_back(plan, session)


def _bar(count: int) -> Any:
    from symde.progress import counter

    return counter(count, " members")
