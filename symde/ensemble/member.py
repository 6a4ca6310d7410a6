"""One member as a problem and as a solution of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu.layout import COUNTERS
from symde.problem.event_record import EventRecord
from symde.problem.problem import Problem, with_system
from symde.problem.retcode import Retcode
from symde.problem.solution import Solution


def member_problem(problem: Problem, u0: np.ndarray, p: np.ndarray) -> Problem:
    """The problem of a member with these initial states and parameters, all of which count as given."""
    system = problem.system
    given_u0 = dict(zip(system.state_names, u0.tolist(), strict=True))
    given_p = dict(zip(system.parameter_names, p.tolist(), strict=True))
    u0, p = u0.copy(), p.copy()
    u0.setflags(write=False)
    p.setflags(write=False)
    return with_system(problem, system, u0, p, given_u0, given_p)


def member_solution(
    problem: Problem,
    t: np.ndarray,
    u: np.ndarray,
    retcode: Retcode,
    counters: np.ndarray,
    method: tuple[Any, ...],
    message: str = "",
    events: tuple[EventRecord, ...] | None = None,
) -> Solution:
    """The solution of a member's problem; of one that ended early without the times it did not reach."""
    if retcode is not Retcode.SUCCESS:
        reached = ~np.isnan(u).all(axis=1)
        t, u = t[reached], u[reached]
    return Solution(problem, t, u, retcode, None, _Counts(counters), 0.0, method, message, events or ())


class _Counts:
    """A member's counts as a solution keeps them."""

    __slots__ = ("_row",)

    def __init__(self, row: np.ndarray) -> None:
        self._row = row

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return dict(zip(COUNTERS, self._row.tolist(), strict=True))
