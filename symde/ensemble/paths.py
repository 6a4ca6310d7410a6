"""Members of a stochastic differential equation: each is the path of its number, in the compiled loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symde.engine.cpu.batch import Members, Outcome
from symde.engine.cpu.layout import Status
from symde.engine.noise.session import Adaptive
from symde.ensemble.failure import Failure
from symde.ensemble.work import LARGEST, SMALLEST, Work
from symde.members.lanes import NONE
from symde.noise import RETCODES, NoisePlan, borrow, explained, give_back, limit_of, plan_of, refuse_others
from symde.noise_log import raise_of_events
from symde.problem.problem import Problem

LEAST_STEPS = 1 << 16
"""Steps of all paths of a block, where there are as many: some 0.5 ms, beside 0.03 ms of its own."""


class Paths:
    """What follows some of the paths in one thread. Arguments as of `paths_of`."""

    def __init__(self, problem: Problem, plan: NoisePlan, members: Members, seed: int) -> None:
        self._problem, self._plan, self._members, self._seed = problem, plan, members, seed
        self._session = borrow(problem.system, plan)

    def run(self, ids: np.ndarray, part: Outcome, first: int, look_up: Callable[[], None]) -> list[Failure]:
        """Follow members with consecutive numbers; their failures. Arguments as of `BatchRun.run`."""
        members, rows = self._members, slice(first, first + len(ids))
        u0, p = (one if len(one) == 1 else one[rows] for one in (members.u0, members.p))
        events = self._session.events
        codes, ends, taken = self._session.run(
            self._plan.grid, u0, p, self._seed, first, members.times[0], part.u, look_up,
            log=events is not None,
        )  # fmt: skip
        raise_of_events(self._session, codes)
        if events is not None:
            for row, happened in enumerate(events.happened().of_each(len(ids))):
                part.events[row] = happened
        part.codes[...], part.ends[...], part.counters[...] = codes, ends, 0
        part.counters[:, 0] = taken
        system: Any = self._problem.system
        jumping = system.network is not None
        return [
            Failure(first + row, retcode, explained(retcode, ends[row], jumping), float(ends[row]))
            for row in np.flatnonzero(codes != Status.DONE).tolist()
            if not (retcode := RETCODES[Status(codes[row])]).success
        ]

    def close(self) -> None:
        """Keep the session for the next solve."""
        give_back(self._problem.system, self._session)


class PathWork(Work):
    """`Work` whose members are paths; `given_atol` is their seed."""

    __slots__ = ()

    @property
    def least(self) -> int:
        """Paths of the smallest block, so that it has some work where steps are few."""
        plan: Any = self.plan
        if isinstance(plan.grid, Adaptive):
            return SMALLEST
        return min(max(LEAST_STEPS // plan.grid.steps, SMALLEST), LARGEST)

    def solver(self) -> Any:
        """What follows some of the paths in one thread."""
        plan: Any = self.plan
        return Paths(self.problem, plan, self.members, self.given_atol)


def work_of(
    problem: Problem, method: Any, max_steps: int, members: Members, seed: int, others: Mapping[str, Any]
) -> Work:
    """The work of an ensemble of paths.

    Args:
        problem, method, max_steps: As of `symde.ensemble`.
        members: What they start from.
        seed: Of their random numbers.
        others: Options that differ from their defaults.

    Raises:
        ValueError, TypeError: an option is not what it should be.
    """
    own = {name: others[name] for name in ("rtol", "atol") if name in others}
    dt0 = others.get("dt0")
    refuse_others({name: one for name, one in others.items() if name not in own and name != "dt0"})
    given: Any = plan_of(problem, method, dt0, limit_of(max_steps), **own)
    give_back(problem.system, borrow(problem.system, given))  # made here once, so that threads find all of it
    return PathWork(problem, problem.system, given, seed, 0.0, members, NONE, False)
