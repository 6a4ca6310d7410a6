"""Solves that are differentiated, on numpy arrays: one member, or a batch of them one after another.

Arrays have a leading axis of the batch, all of them or none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.layers.bridge.parts import Failures, in_parts
from symde.layers.bridge.plain import solve
from symde.layers.bridge.points import Points, check, require_rows
from symde.layers.bridge.specification import AnySpecification, Point, Specification
from symde.problem.solution import SolveError
from symde.sensitivity import forward, forward_members
from symde.sensitivity.forward_members import ForwardMembers, MembersColumns
from symde.sensitivity.run import Run
from symde.sensitivity.strategy import Record
from symde.sessions import KEPT

Wanted = tuple[bool, bool]
"""Whether derivatives by initial values and by parameters are wanted."""

HOLD_NOTHING = ("forward",)
"""Strategies whose records are arrays alone. The others keep a session, and to make one takes longer than to
record a small solve again (270 us against 180 for Lotka-Volterra over 100 steps)."""


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Solves that were recorded.

    Attributes:
        u: Saved states, shape (n_times, n), with the axis of a batch before.
        points: What was solved.
        wanted: What they can be differentiated by.
        kept: The records of each, or the columns of all; empty where they are to be made again.
    """

    u: np.ndarray
    points: Points
    wanted: Wanted
    kept: Sequence[Record] | MembersColumns

    def covers(self, wanted: Wanted) -> bool:
        """Whether they are good for what is wanted."""
        (states, parameters), (have_states, have_parameters) = wanted, self.wanted
        return self.kept != () and states <= have_states and parameters <= have_parameters

    def serve(self, points: Points, wanted: Wanted) -> bool:
        """Whether these are the records of such points, good for what is wanted."""
        mine, theirs = self.points, points
        return self.covers(wanted) and (
            mine is theirs
            or np.array_equal(mine.u0, theirs.u0)
            and np.array_equal(mine.p, theirs.p)
            and np.array_equal(mine.span, theirs.span)
            and np.array_equal(mine.times, theirs.times)
        )


def record(specification: AnySpecification, points: Points, wanted: Wanted) -> Records:
    """The same, recorded.

    Raises:
        ValueError: also where the strategy cannot differentiate such a solve.
    """
    check(specification, points)
    columns = None if points.batch is None else _columns(specification, points, wanted)
    if columns is not None:
        return Records(columns.u, points, wanted, columns)
    if (points.batch or 1) > KEPT and specification.sensealg not in HOLD_NOTHING:
        u = solve(specification, points, checked=True)
        specification.record(points.member(0), wanted)  # what cannot be differentiated is refused now
        return Records(u, points, wanted, ())
    kept: list[Any] = [None] * (1 if points.batch is None else points.batch)
    events = specification.problem.system.kernels.has_events

    def recorded(place: int, point: Point) -> None:
        one = kept[place] = specification.record(point, wanted)
        if events:
            require_rows(point.times, one.solution.t)

    _each(specification, points, recorded)
    return Records(_stacked([one.solution.u for one in kept], points), points, wanted, kept)


def pull_back(
    specification: AnySpecification,
    points: Points,
    wanted: Wanted,
    weights: np.ndarray,
    records: Records | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of sum(weights * u) by the initial states and by the parameters; what is not wanted is 0.

    Args:
        weights: Shape (n_times, n), with the axis of the batch before; one more axis before that holds
            several weights for each.
        records: Made before, where they may serve.

    Returns:
        Shapes (n,) and (m,), with the axes that stand before those of the weights.
    """
    leading = weights.shape[:-2]
    rows = weights.reshape(-1, max(points.batch or 1, 1), *weights.shape[-2:])
    u0 = np.zeros((*rows.shape[:2], specification.n))
    p = np.zeros((*rows.shape[:2], specification.m))
    kept = records.kept if records is not None and records.serve(points, wanted) else None
    if kept is None:
        check(specification, points)
        kept = _columns(specification, points, wanted)
    if isinstance(kept, MembersColumns):
        kept.pull_back(rows, u0, p)
    else:

        def pulled(place: int, point: Point) -> None:
            one = specification.record(point, wanted) if kept is None else kept[place]
            for several, row in enumerate(rows[:, place]):
                u0[several, place], p[several, place] = one.pull_back(row)

        _each(specification, points, pulled)
    # what a strategy found beyond what was asked for is not to be relied on
    if not wanted[0]:
        u0[:] = 0.0
    if not wanted[1]:
        p[:] = 0.0
    return u0.reshape(*leading, specification.n), p.reshape(*leading, specification.m)


def _columns(specification: AnySpecification, points: Points, wanted: Wanted) -> MembersColumns | None:
    """The columns of all members of a batch, where these are how it is differentiated, and fit in memory
    if no one asked for them; else None.

    Raises:
        BatchSolveError: some solves did not reach their end, after all have been tried.
        ValueError: the strategy cannot differentiate such a solve.
    """
    if not points.batch or not isinstance(specification, Specification):
        return None
    if specification.problem.system.kernels.has_events:  # each in segments of its own
        return None
    wrt = specification.wrt(wanted)
    sensealg, run = specification.strategy(points.member(0), wrt)
    if sensealg != "forward" or not forward_members.together(run, wrt):
        return None
    numbers = (len(wrt.parameters) + len(wrt.states)) * points.u0.size * points.times.shape[1]
    if sensealg != specification.sensealg and 8 * numbers > run.memory:
        return None

    def run_of(place: int) -> Run:
        return replace(specification.run(points.member(place)), plan=run.plan)

    solving = ForwardMembers(run, wrt, points.members(), run_of)

    def part(places: range, failures: Failures) -> None:
        for place in solving.run(np.arange(places.start, places.stop, places.step)):
            try:
                forward.record(run_of(place), wrt)  # once more by itself, for what is told of it
            except SolveError as error:
                failures[place] = error

    in_parts(points.batch, specification.workers, part)
    return solving.found()


def _each(specification: AnySpecification, points: Points, work: Callable[[int, Point], None]) -> None:
    """Do work for each member, or for the only one.

    Raises:
        SolveError: the only solve did not reach its end; `BatchSolveError` where there is a batch.
    """
    if points.batch is None:
        return work(0, points.only())

    def part(places: range, failures: Failures) -> None:
        for place in places:
            try:
                work(place, points.member(place))
            except SolveError as error:
                failures[place] = error

    in_parts(points.batch, specification.workers, part)


def _stacked(found: list[np.ndarray], points: Points) -> np.ndarray:
    if points.batch is None:
        return found[0]
    if not found:
        return np.empty((0, points.times.shape[-1], points.u0.shape[-1]))
    return np.stack(found)
