"""The members' solves: blocks of them in one thread or several, each block in a loop without Python.

Which members make a block depends on their number alone, and blocks are taken into account in their order:
what comes out is the same to the last bit for any number of threads.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu.batch import Members, Outcome
from symde.ensemble.failure import Failure
from symde.ensemble.singles import LoopOverMembers, WholeSolves
from symde.members.lanes import LaneChoice
from symde.members.loops import Loops
from symde.plan import Plan
from symde.problem.problem import Problem
from symde.problem.system import System

SMALLEST, LARGEST, BLOCKS = 32, 1024, 32
"""Least and most members of a block, and how many blocks there are between."""

AHEAD = 3
"""Blocks under way for each thread, which bounds what waits to be taken into account."""


def processors() -> int:
    """How many processors this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


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
        whole: Whether each is a whole solve, which the host sees to.
    """

    problem: Problem
    system: System
    plan: Plan
    given_atol: Any
    atol: Any
    members: Members
    lanes: LaneChoice
    whole: bool

    def blocks(self) -> list[range]:
        """The members in blocks."""
        count, least = self.members.count, self.least
        size = min(max(-(-count // BLOCKS), least), LARGEST)
        return [range(first, min(first + size, count)) for first in range(0, count, size)]

    @property
    def least(self) -> int:
        """Members of the smallest block, where there are as many."""
        return SMALLEST

    def solver(self) -> WholeSolves | LoopOverMembers:
        """What solves some of the members in one thread."""
        members = self.members
        if self.whole:
            return WholeSolves(self.problem, self.system, self.plan, self.given_atol, members)
        loops = Loops(self.system, self.plan, self.atol, members, self.lanes)
        return LoopOverMembers(loops, self.problem, members)

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
        self._solvers: list[WholeSolves | LoopOverMembers] = []
        self._idle: list[WholeSolves | LoopOverMembers] = []
        self._lock = threading.Lock()

    def _solver(self) -> WholeSolves | LoopOverMembers:
        """One that no other thread has."""
        with self._lock:
            if not self._idle:
                self._idle.append(self.work.solver())
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
        failures = solver.run(np.arange(block.start, block.stop), part, block.start, self._look_up)
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


def _bar(count: int) -> Any:
    from symde.progress import counter

    return counter(count, " members")
