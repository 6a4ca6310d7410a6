"""Forward sensitivities of solves with events: columns along segments, and over the moments between them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from symde.sensitivity import forward
from symde.sensitivity.constrained import ConstraintChanges, keep_constraints, refuse_broken_constraints
from symde.sensitivity.forward import Begun, ForwardRecord, solved_whole, with_followers
from symde.sensitivity.hybrid import Hybrid, Segment, solve
from symde.sensitivity.integrate import consistent_start
from symde.sensitivity.run import Run
from symde.sensitivity.saltation import Delayed, Moment
from symde.sensitivity.wrt import Wrt


def record(run: Run, wrt: Wrt) -> ForwardRecord:
    """A solve with events, with its columns.

    Raises:
        ValueError: a method cannot, or the solution has no derivative at an event.
        SolveError: the solve did not reach its end.
    """
    solved_whole(run.plan.methods)  # what cannot be is refused before anything is solved
    hybrid = solve(run)
    start, solution = hybrid.start, hybrid.solution
    parameters = with_followers(start, wrt)
    n, m, count = len(run.problem.u0), len(run.problem.p), len(parameters) + len(wrt.states)
    columns, by = np.zeros((n, count)), np.zeros((m, count))
    columns[:, : len(parameters)] = start.u0[:, list(parameters)]
    columns[list(wrt.states), range(len(parameters), count)] = 1.0
    by[list(parameters), range(len(parameters))] = 1.0
    keeper = _Keeper(run, wrt, parameters) if run.problem.system.kernels.invariants else None
    if keeper is not None:
        keeper.begin(columns)
    settled = hybrid.settled_start()
    if settled is not None:
        columns = settled.forward(columns, by, np.zeros(count))
    every, kept = np.zeros((len(solution.t), n, count)), Delayed()
    moving, end = columns, np.zeros(count)
    for place, segment in enumerate(hybrid.segments):
        columns = _along(hybrid, segment, wrt, Begun(columns, parameters, run), every)
        if place < len(hybrid.moments):
            columns, moving, end = hybrid.moments[place].forward(columns, by, kept)
            if keeper is not None:
                keeper.check(hybrid.moments[place], columns)
    if hybrid.ended:
        every[-1] = moving
    return ForwardRecord(run, wrt, start, parameters, every, solution, end if hybrid.ended else None)


class _Keeper:
    """Sees to it that columns lead along the constraints that are kept at zero."""

    def __init__(self, run: Run, wrt: Wrt, parameters: tuple[int, ...]) -> None:
        self.run, self.wrt, self.system = run, wrt, cast(Any, run.problem.system)
        self.parameters = parameters
        self.names = [self.system.parameter_names[j] for j in parameters]
        self.names += [f"{self.system.state_names[i]}(0)" for i in wrt.states]

    def begin(self, columns: np.ndarray) -> None:
        """Those at the start; initial values that constraints determine follow the others."""
        keep_constraints(self.run, self.wrt, self.parameters, consistent_start(self.run), columns)

    def check(self, moment: Moment, columns: np.ndarray) -> None:
        """Those after events."""
        changes = ConstraintChanges(self.system, moment.t, moment.after, self.run.problem.p, self.parameters)
        refuse_broken_constraints(changes, columns, self.names, moment.event)


def _along(hybrid: Hybrid, segment: Segment, wrt: Wrt, begun: Begun, every: np.ndarray) -> np.ndarray:
    """The columns at the end of a segment; those at its saved times are filled in."""
    columns, rows = begun.columns, segment.rows
    if segment.empty or not columns.shape[1]:
        every[rows] = columns
        return columns
    found = forward.record(hybrid.segment_run(segment), wrt, begun).columns
    every[rows] = found[: rows.stop - rows.start]
    return found[-1]
