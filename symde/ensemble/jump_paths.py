"""Members of a process with jumps: each is the path of its number, one after the other in a thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symde.engine.cpu.batch import Members, Outcome
from symde.engine.cpu.layout import COUNTERS
from symde.engine.jumps.choice import method_for
from symde.engine.jumps.session import JumpSession
from symde.ensemble.failure import Failure, code_of
from symde.ensemble.singles import in_member, problem_of
from symde.ensemble.work import Work
from symde.jump_system import JumpSystem
from symde.jumps import JumpPath, check_problem, limit_of, refuse_others
from symde.members.lanes import NONE
from symde.piecewise import Path, plan_of, tolerance_of
from symde.piecewise_system import PiecewiseSystem
from symde.plan import Plan
from symde.problem import options
from symde.problem.problem import Problem
from symde.problem.retcode import Retcode
from symde.sessions import borrow, give_back


class _Followed:
    """What follows some of the members in one thread."""

    def __init__(self, problem: Problem, members: Members, seed: int) -> None:
        self.problem, self.members, self.seed = problem, members, seed

    def one(self, problem: Problem, member: int, times: np.ndarray, look_up: Callable[[], None]) -> Any:
        """The path of one member, a solution."""
        raise NotImplementedError

    def run(self, ids: np.ndarray, part: Outcome, first: int, look_up: Callable[[], None]) -> list[Failure]:
        """Follow some members; their failures. Arguments as of `BatchRun.run`."""
        failures, times = [], self.members.times[0]
        for member in ids.tolist():
            look_up()
            row = member - first
            with in_member(member):
                solution = self.one(problem_of(self.problem, self.members, member), member, times, look_up)
            if solution.retcode is Retcode.INTERRUPTED:
                raise KeyboardInterrupt
            saved = len(solution.t)
            part.u[row, :saved], part.u[row, saved:] = solution.u, np.nan
            part.codes[row], part.ends[row] = code_of(solution.retcode), self.end()
            part.counters[row] = self.counts(solution)
            part.events[row] = solution.happened
            if not solution.success:
                failures.append(Failure(member, solution.retcode, solution.message, self.end()))
        return failures

    def end(self) -> float:
        """The time that the last path reached."""
        raise NotImplementedError

    def counts(self, solution: Any) -> Any:
        """Its counts of work in the order of those of solves."""
        raise NotImplementedError

    def close(self) -> None:
        """Keep the session for the next solve."""
        raise NotImplementedError


class JumpsAlone(_Followed):
    """Paths of jumps alone."""

    def __init__(self, problem: Problem, plan: Any, members: Members, seed: int) -> None:
        super().__init__(problem, members, seed)
        system: Any = problem.system
        self._plan, self._session = plan, JumpSession(system.arrays, plan.methods[0])

    def one(self, problem: Problem, member: int, times: np.ndarray, look_up: Callable[[], None]) -> Any:
        path = JumpPath(problem, self._plan.methods[0], self._session, self._plan.limit)
        return path.follow(self.seed, member, times, False, throw=False, look_up=look_up)

    def end(self) -> float:
        return self._session.state.t

    def counts(self, solution: Any) -> Any:
        return [solution.stats.events, *(len(COUNTERS) - 1) * (0,)]

    def close(self) -> None:
        """Sessions of jumps are made anew."""


class BesideEquations(_Followed):
    """Paths of jumps beside differential equations."""

    def __init__(self, problem: Problem, plan: Plan, atol: Any, members: Members, seed: int) -> None:
        super().__init__(problem, members, seed)
        system: Any = problem.system
        self._plan, self._atol, self._session = plan, atol, borrow(system.inner, plan)

    def one(self, problem: Problem, member: int, times: np.ndarray, look_up: Callable[[], None]) -> Any:
        path = Path(problem, self._plan, self._session, self._atol)
        return path.follow(self.seed, member, times, False, False, throw=False, look_up=look_up)

    def end(self) -> float:
        return self._session.state.t

    def counts(self, solution: Any) -> Any:
        found = solution.stats.as_dict()
        return [found[name] for name in COUNTERS]

    def close(self) -> None:
        give_back(self._plan, self._session)


class JumpWork(Work):
    """`Work` whose members are paths; `given_atol` is their seed."""

    __slots__ = ()

    def solver(self) -> Any:
        """What follows some of the paths in one thread."""
        if isinstance(self.problem.system, PiecewiseSystem):
            return BesideEquations(self.problem, self.plan, self.atol, self.members, self.given_atol)
        return JumpsAlone(self.problem, self.plan, self.members, self.given_atol)


class _JumpPlan:
    """A method for jumps, and a limit on their number."""

    def __init__(self, method: Any, limit: int | None) -> None:
        self.methods, self.limit = (method,), limit


def work_of(
    problem: Problem, method: Any, max_steps: int, members: Members, seed: int, others: Mapping[str, Any]
) -> Work:
    """The work of an ensemble of paths with jumps.

    Args:
        problem, method, max_steps: As of `symde.ensemble`.
        members: What they start from.
        seed: Of their random numbers.
        others: Options that differ from their defaults.

    Raises:
        ValueError, TypeError: an option is not what it should be.
    """
    system = problem.system
    if isinstance(system, JumpSystem):
        chosen = method_for(method, system.arrays.m, system.has_laws)
        refuse_others(others)
        check_problem(problem, chosen)
        given: Any = _JumpPlan(chosen, limit_of(max_steps))
        return JumpWork(problem, system, given, seed, 0.0, members, NONE, False)
    chosen = [
        others.get(name, default)
        for name, default in (
            ("rtol", options.DEFAULT_RTOL),
            ("dt0", None),
            ("dtmax", None),
        )
    ]
    linear_solver = others.get("linear_solver", "auto")
    plan = plan_of(problem, method, *chosen, max_steps, linear_solver, None)
    atol = tolerance_of(problem, plan, others.get("atol", options.DEFAULT_ATOL))
    return JumpWork(problem, system, plan, seed, atol, members, NONE, False)
