"""Members by another engine than the compiled one: many side by side, in the thread of the caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.backends import members_backend
from symde.engine.cpu import linear_solvers
from symde.engine.cpu.batch import Members, Outcome
from symde.engine.cpu.layout import COUNTERS
from symde.ensemble.failure import Failure, retcodes_of, succeeded
from symde.ensemble.work import Work
from symde.members.lanes import NONE
from symde.problem.problem import Problem

TOGETHER = 4096
"""Members that are solved at once: what an operation takes beside its arithmetic is then little, and memory
is bounded."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """An engine in the place of a plan."""

    engine: Any

    @property
    def methods(self) -> tuple[Any, ...]:
        """The method, as plans of other solves tell theirs."""
        return (self.engine.method,)


class _SideBySide:
    """Members by an engine. Arguments as of `Work`."""

    def __init__(self, engine: Any, members: Members) -> None:
        self._engine, self._members = engine, members

    def run(self, ids: np.ndarray, part: Outcome, first: int, look_up: Callable[[], None]) -> list[Failure]:
        """Solve members with consecutive numbers; their failures. Arguments as of `BatchRun.run`."""
        members, rows = self._members, slice(first, first + len(ids))
        found = self._engine.solve(members.u0[rows], members.p[rows], members.times[0])
        part.u[...], part.codes[...], part.ends[...], part.counters[...] = found.u, found.codes, found.ends, 0
        part.counters[:, COUNTERS.index("accepted")] = found.accepted
        part.counters[:, COUNTERS.index("rejected")] = found.rejected
        for row in range(len(ids)):
            part.events[row] = found.events(row)
        failed, retcodes = np.flatnonzero(~succeeded(found.codes)), retcodes_of(found.codes)
        return [
            Failure(first + row, retcodes[row], self._engine.explain(found, row), float(found.ends[row]))
            for row in failed.tolist()
        ]

    def close(self) -> None:
        """There is nothing to give back."""


class OtherWork(Work):
    """`Work` of another engine."""

    __slots__ = ()

    def blocks(self) -> list[range]:
        """The members in blocks."""
        count = self.members.count
        return [range(first, min(first + TOGETHER, count)) for first in range(0, count, TOGETHER)]

    def solver(self) -> Any:
        """What solves some of the members."""
        plan: Any = self.plan
        return _SideBySide(plan.engine, self.members)


def work_of(
    problem: Problem, backend: str, method: Any, members: Members, solving: Mapping[str, Any], lanes: bool,
    threads: int,
) -> Work:  # fmt: skip
    """The work of an ensemble by another engine.

    Args:
        problem, backend, method: As of `symde.ensemble`.
        members: What they start from.
        solving: rtol, atol, dt0, dtmax, max_steps and linear_solver.
        lanes, threads: Options of the compiled engine.

    Raises:
        ValueError, TypeError: an option is not what it should be, or means nothing to that engine.
        ImportError: what it is made of is not installed.
    """
    engine_of = members_backend(backend)
    for what, given in (
        ("lanes", lanes is not True),
        ("workers", threads != 1),
        ("linear_solver", solving["linear_solver"] != linear_solvers.AUTO),
    ):
        if given:
            raise ValueError(f"{what} belongs to backend='cpu': leave it out with backend={backend!r}")
    if problem.kind in ("jump", "sde"):
        raise ValueError("paths of jumps and of noise are followed by the compiled engine: leave out backend")
    steps = {name: solving[name] for name in ("dt0", "dtmax", "max_steps")}
    given: Any = _Plan(engine_of(problem, method, solving["rtol"], solving["atol"], steps))
    return OtherWork(problem, problem.system, given, solving["atol"], 0.0, members, NONE, False)
