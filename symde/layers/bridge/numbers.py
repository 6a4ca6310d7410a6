"""Solves that are differentiated, on numpy arrays: one member, or a batch of them one after another.

Arrays have a leading axis of the batch, all of them or none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.layers.bridge.parts import Failures, in_parts
from symde.layers.bridge.plain import solve
from symde.layers.bridge.points import Points, check, require_rows
from symde.layers.bridge.specification import AnySpecification, Point
from symde.problem.solution import SolveError
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
        kept: The records; empty where they are to be made again.
    """

    u: np.ndarray
    points: Points
    wanted: Wanted
    kept: Sequence[Record]

    def covers(self, wanted: Wanted) -> bool:
        """Whether they are good for what is wanted."""
        (states, parameters), (have_states, have_parameters) = wanted, self.wanted
        return bool(self.kept) and states <= have_states and parameters <= have_parameters

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
    if not _all_kept(specification, points):
        u = solve(specification, points)
        specification.record(points.member(0), wanted)  # what cannot be differentiated is refused now
        return Records(u, points, wanted, ())
    check(specification, points)
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

    def pulled(place: int, point: Point) -> None:
        one = specification.record(point, wanted) if kept is None else kept[place]
        for several, row in enumerate(rows[:, place]):
            u0[several, place], p[several, place] = one.pull_back(row)

    if points.batch != 0:
        if kept is None:
            check(specification, points)
        _each(specification, points, pulled)
    # what a strategy found beyond what was asked for is not to be relied on
    if not wanted[0]:
        u0[:] = 0.0
    if not wanted[1]:
        p[:] = 0.0
    return u0.reshape(*leading, specification.n), p.reshape(*leading, specification.m)


def _all_kept(specification: AnySpecification, points: Points) -> bool:
    return (points.batch or 1) <= KEPT or specification.sensealg in HOLD_NOTHING


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
