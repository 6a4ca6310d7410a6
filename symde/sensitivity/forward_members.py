"""Forward sensitivities of many members, without Python between them.

Each member's states and columns are those of `symde.sensitivity.forward`, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu.batch import Members, Outcome
from symde.members.lanes import NONE
from symde.members.loops import Loops, hosted
from symde.plan import Plan, plan_like
from symde.sensitivity.augmented import augmented_system
from symde.sensitivity.forward import solved_whole
from symde.sensitivity.run import Run
from symde.sensitivity.scales import columns_tolerance, columns_tolerances
from symde.sensitivity.start import start_of
from symde.sensitivity.wrt import Wrt


@dataclass(frozen=True, slots=True, eq=False)
class MembersColumns:
    """Members with the columns of their states.

    Attributes:
        wrt: What was differentiated by.
        u: Saved states, shape (count, n_times, n).
        columns: Saved columns, shape (count, n_times*n, number of columns), parameters first.
    """

    wrt: Wrt
    u: np.ndarray
    columns: np.ndarray

    def pull_back(self, weights: np.ndarray, u0: np.ndarray, p: np.ndarray) -> None:
        """Derivatives of sum(weights * u) by initial values and parameters, where `wrt` asks.

        Args:
            weights: Several for each member, shape (several, count, n_times, n).
            u0, p: For the derivatives, shapes (several, count, n) and (several, count, m).
        """
        parameters, states = list(self.wrt.parameters), list(self.wrt.states)
        flat = np.ascontiguousarray(weights).reshape(*weights.shape[:2], -1)
        pulled = np.empty((*flat.shape[:2], self.columns.shape[2]))
        for several in range(len(flat)):
            for place, columns in enumerate(self.columns):  # sums in the order of single solves
                np.dot(flat[several, place], columns, out=pulled[several, place])
        p[:, :, parameters] = pulled[:, :, : len(parameters)]
        u0[:, :, states] = pulled[:, :, len(parameters) :]


class ForwardMembers:
    """Solves members with their columns.

    Args:
        run: That of one member; the others differ in the numbers of `members` alone.
        wrt: What to differentiate by.
        members: What the states start from.
        run_of: The run of each member.
    """

    def __init__(self, run: Run, wrt: Wrt, members: Members, run_of: Callable[[int], Run]) -> None:
        self._wrt, self._n = wrt, members.u0.shape[1]
        self._system, self._plan = _augmented(run, wrt)
        states, parameters = np.array(wrt.states, np.intp), np.array(wrt.parameters, np.intp)
        u0 = np.zeros((len(members.u0), self._system.kernels.n))
        u0[:, : self._n] = members.u0
        columns = u0[:, self._n :].reshape(len(u0), self._n, -1)
        columns[:, states, len(parameters) + np.arange(len(states))] = 1.0
        atol = np.zeros((members.count, u0.shape[1]))
        sizes = members.u0, members.p
        for member in columns_tolerances(run, *sizes, parameters, states, atol):
            columns_tolerance(run_of(member), self._system, parameters, states, atol[member])
        self._members = Members(u0, members.p, members.spans, members.times, members.count, atol)
        self._outcome = Outcome.empty(members.count, members.times.shape[1], u0.shape[1])

    def run(self, ids: np.ndarray) -> list[int]:
        """Solve some members; those that did not reach their end."""
        failed: list[int] = []
        loops = Loops(self._system, self._plan, None, self._members, NONE)
        try:
            loops.run(ids, self._outcome, 0, lambda member, status: failed.append(member), lambda: None)
        finally:
            loops.close()
        return failed

    def found(self) -> MembersColumns:
        """The members, once all were solved."""
        every, n = self._outcome.u, self._n
        count = len(self._wrt.parameters) + len(self._wrt.states)
        columns = every[:, :, n:].reshape(*every.shape[:2], n, -1)[..., :count]
        u = np.ascontiguousarray(every[:, :, :n])
        return MembersColumns(self._wrt, u, np.ascontiguousarray(columns).reshape(len(u), -1, count))


def together(run: Run, wrt: Wrt) -> bool:
    """Whether members with their columns are no more than the compiled loop, and nothing of their starts
    follows parameters."""
    system: Any = run.problem.system
    if system.delays or system.kernels.constrained or system.kernels.has_events:  # or branches that are modes
        return False
    start = start_of(run.problem)
    return not (start.follows or start.moves or start.span.any()) and not hosted(*_augmented(run, wrt))


def _augmented(run: Run, wrt: Wrt) -> tuple[Any, Plan]:
    whole = solved_whole(run.plan.methods)
    system = augmented_system(run.problem.system, wrt.parameters, wrt.states, whole)
    return system, plan_like(run.plan, system)
