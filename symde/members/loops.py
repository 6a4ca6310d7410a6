"""One thread's loops over members: lanes first, and one by one what these leave."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from symde.engine.cpu.batch import BatchRun, Members, Outcome, Steps
from symde.engine.cpu.lanes import LaneRun
from symde.engine.cpu.lanes_layout import STIFF, UNFINISHED
from symde.engine.cpu.layout import Status
from symde.engine.cpu.session import Session
from symde.members.lanes import LaneChoice
from symde.plan import Plan, with_methods
from symde.problem.system import Equations
from symde.sessions import borrow, give_back

HOSTED = ("executive", "mass", "invariants", "past")
"""Parts of a session that the host sees to when a run begins and within it: events, algebraic equations, what
is conserved, and the past. A session that has none of them runs by itself."""


def needs_host(session: Session) -> bool:
    """Whether a solve in a session is more than its compiled loop."""
    return any(getattr(session, part, None) is not None for part in HOSTED)


def hosted(system: Equations, plan: Plan) -> bool:
    """Whether the solves of a system are more than the compiled loop."""
    session = borrow(system, plan)
    give_back(plan, session)
    return needs_host(session)


class Loops:
    """Loops over members, each with a session of its own from when it is needed; `close` gives these back.

    Args:
        system: What is solved, not `hosted`.
        plan: How.
        atol: Absolute tolerance, a number or shape (n,); None where members have their own.
        members: What they start from.
        lanes: The methods that solve them side by side.
    """

    def __init__(self, system: Equations, plan: Plan, atol: Any, members: Members, lanes: LaneChoice) -> None:
        self._system, self._plan, self._atol, self._members = system, plan, atol, members
        self._lanes = lanes
        self._steps = Steps(plan.rtol, plan.dt0, plan.dtmax, plan.max_steps)
        self._borrowed: list[tuple[Plan, Session]] = []
        self._lane_runs: dict[Any, LaneRun] = {}

    @cached_property
    def singles(self) -> BatchRun:
        """The loop over members one by one."""
        return self._run(self._plan)

    def _run(self, plan: Plan) -> BatchRun:
        session = borrow(self._system, plan)
        self._borrowed.append((plan, session))
        if self._atol is not None:
            session.atol[...] = self._atol
        return BatchRun(session, self._members, self._steps)

    def _lane_run(self, method: Any) -> LaneRun:
        known = self._lane_runs.get(method)
        if known is None:
            run = self._run(with_methods(self._plan, self._system, (method,)))
            known = LaneRun(run, self._lanes.kernels[method], self._lanes.switches(method))
            self._lane_runs[method] = known
        return known

    def run(
        self,
        ids: np.ndarray,
        outcome: Outcome,
        first: int,
        on_failure: Callable[[int, Status], None],
        on_slice: Callable[[], None],
    ) -> None:
        """Solve some members; arguments as of `BatchRun.run`."""
        left = [ids[:0]]
        for method in self._lanes.methods:
            if not len(ids):
                break
            self._lane_run(method).run(ids, outcome, first, on_slice)
            codes = outcome.codes[ids - first]
            left.append(ids[codes == UNFINISHED])
            ids = ids[codes == STIFF]
        ids = np.sort(np.concatenate([*left, ids]))
        if len(ids):
            self.singles.run(ids, outcome, first, on_failure, on_slice)

    def take_error(self) -> BaseException | None:
        """The exception that a function of the user raised, once."""
        return next(filter(None, (session.take_error() for _, session in self._borrowed)), None)

    def close(self) -> None:
        """Keep the sessions for the next solve."""
        for plan, session in self._borrowed:
            give_back(plan, session)
