"""Members one after the other: in the compiled loop over members, or by whole solves where the host sees to
something within a solve, such as events, of which that loop knows nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from symde.engine.cpu.batch import Members, Outcome
from symde.engine.cpu.layout import Status
from symde.ensemble.failure import Failure, code_of
from symde.ensemble.member import member_problem
from symde.lowering import let_slide
from symde.members.loops import Loops
from symde.outcome import RETCODES, explain, finish
from symde.plan import Plan, plan_like
from symde.problem.problem import Problem
from symde.problem.retcode import Retcode
from symde.problem.solution import Solution
from symde.problem.system import System
from symde.sessions import borrow, give_back
from symde.solve import begin

EXPLAINED = 10
"""Failures of a block that are explained in full: to find what is not finite takes longer than a solve."""


class LoopOverMembers:
    """Members in the compiled loops.

    Args:
        loops: These, at work on them.
        problem, members: Whose members they are, and what they start from.
    """

    def __init__(self, loops: Loops, problem: Problem, members: Members) -> None:
        self._loops, self._problem, self._members = loops, problem, members

    def run(self, ids: np.ndarray, part: Outcome, first: int, look_up: Callable[[], None]) -> list[Failure]:
        """Solve some members; their failures. Arguments as of `BatchRun.run`."""
        failures: list[Failure] = []

        def failed(member: int, status: Status) -> None:
            failures.append(self._failure(member, status, in_full=len(failures) < EXPLAINED))

        self._loops.run(ids, part, first, failed, look_up)
        self._raise_error()
        return failures

    def close(self) -> None:
        """Keep the sessions for the next solve."""
        self._loops.close()

    def _raise_error(self) -> None:
        """Raise what a user's function raised within a solve."""
        system = self._problem.system
        error = (None if system.compiled else system.take_error()) or self._loops.take_error()
        if error is not None:
            raise error

    def _failure(self, member: int, status: Status, in_full: bool) -> Failure:
        session, retcode = self._loops.singles.session, RETCODES.get(status)
        if retcode is None:
            self._raise_error()
            raise RuntimeError("a model kernel failed without saying why")
        t = session.state.t
        message = f"{retcode.word}: {retcode.sentence}, at t = {t:.6g}"
        if in_full:
            message = explain(session, problem_of(self._problem, self._members, member), retcode)
        return Failure(member, retcode, message, t)


class WholeSolves:
    """Members as `symde.solve` solves them.

    Args:
        problem, system, plan: As of `symde.ensemble.work.Work`.
        atol: As it was given.
        members: What they start from.
    """

    def __init__(self, problem: Problem, system: System, plan: Plan, atol: Any, members: Members) -> None:
        self._session: Any = borrow(system, plan)
        self._system: Any = system
        self._problem, self._plan = problem, plan
        self._atol, self._members = atol, members

    def run(self, ids: np.ndarray, part: Outcome, first: int, look_up: Callable[[], None]) -> list[Failure]:
        """Solve some members; their failures. Arguments as of `BatchRun.run`."""
        failures = []
        for member in ids.tolist():
            look_up()
            with in_member(member):
                solution = self._solve(member, look_up)
            if solution.retcode is Retcode.INTERRUPTED:
                raise KeyboardInterrupt
            end = self._session.state.t
            self._put(solution, end, part, member - first)
            if not solution.success:
                failures.append(Failure(member, solution.retcode, solution.message, end))
        return failures

    def _solve(self, member: int, look_up: Callable[[], None]) -> Solution:
        problem = problem_of(self._problem, self._members, member)
        while True:
            session: Any = self._session
            begin(session, problem, self._plan, self._atol, self._members.times[0], False, False)
            tells = getattr(self._system, "asks", False)  # of sliding
            if tells:
                session.executive.memory.data.asking = True
            started = time.perf_counter()
            status = session.run(look_up)
            if status != Status.SLIDING:
                return finish(session, problem, status, started, throw=False)
            self._slide(session.executive.memory.data.found)

    def _slide(self, place: int) -> None:
        """Let this solution and those to come slide along a switch."""
        let_slide(self._problem.system, place)
        give_back(self._plan, self._session)
        self._system = self._problem.system.solved
        self._plan = plan_like(self._plan, self._system)
        self._session = borrow(self._system, self._plan)

    def _put(self, solution: Solution, end: float, part: Outcome, row: int) -> None:
        """A solution's numbers in their row; of a time that it saved twice, the later state."""
        times = self._members.times[0]
        direction = 1.0 if times[-1] >= times[0] else -1.0
        part.u[row] = np.nan
        if len(solution.t):
            place = np.searchsorted(direction * solution.t, direction * times, side="right") - 1
            found = (place >= 0) & (solution.t[place] == times)
            part.u[row, found] = solution.u[place[found]]
        part.counters[row] = np.frombuffer(self._session.counters(), np.int64)
        part.codes[row], part.ends[row] = code_of(solution.retcode), end
        part.events[row] = solution.happened

    def close(self) -> None:
        """Keep the session for the next solve."""
        give_back(self._plan, self._session)


@contextmanager
def in_member(member: int) -> Iterator[None]:
    """Note on an exception of which member it tells."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in member {member} of the ensemble")
        raise


def problem_of(problem: Problem, members: Members, member: int) -> Problem:
    """The problem of one member."""
    u0, p = (rows[member if len(rows) > 1 else 0] for rows in (members.u0, members.p))
    return member_problem(problem, u0, p)
