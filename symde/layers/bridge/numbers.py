"""Solves and their derivatives on numpy arrays: one member, or a batch of them one after another.

Arrays have a leading axis of the batch, all of them or none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from symde.engine.cpu.layout import Status
from symde.engine.cpu.session import Session
from symde.layers.bridge.interface import threads
from symde.layers.bridge.specification import AnySpecification, Point
from symde.layers.failures import BatchSolveError
from symde.outcome import finish
from symde.problem import options
from symde.problem.solution import SolveError
from symde.sensitivity.run import Run
from symde.sensitivity.strategy import Record
from symde.sessions import KEPT, borrow, give_back

Wanted = tuple[bool, bool]
"""Whether derivatives by initial values and by parameters are wanted."""

HOLD_NOTHING = ("forward",)
"""Strategies whose records are arrays alone. The others keep a session, and to make one takes longer than to
record a small solve again (270 us against 180 for Lotka-Volterra over 100 steps)."""


FEWEST = 32
"""Members for each thread at least: to begin one takes as long as a few small solves."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The numbers of one solve or of a batch.

    Attributes:
        u0, p, span, times: As in `Point`, with an axis of the batch before.
        batch: Number of members; None where there is no such axis.
    """

    u0: np.ndarray
    p: np.ndarray
    span: np.ndarray
    times: np.ndarray
    batch: int | None

    def only(self) -> Point:
        """The one solve where there is no batch."""
        return Point(self.u0, self.p, self.span, self.times)

    def members(self) -> list[Point]:
        """The solves of a batch."""
        return [Point(*rows) for rows in zip(self.u0, self.p, self.span, self.times, strict=True)]


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


def solve(specification: AnySpecification, points: Points) -> np.ndarray:
    """The saved states, shape (n_times, n), with the axis of a batch before.

    Raises:
        SolveError: a solve did not reach its end.
        ValueError: a number is not finite, or times are not in order.
    """
    check(specification, points)
    u = np.empty((*points.u0.shape[:-1], points.times.shape[-1], specification.n))
    if points.batch is None:
        point = points.only()
        run = specification.plain(point)
        session = borrow(run.problem.system, run.plan)
        try:
            _solve(session, specification, run, point, u)
        finally:
            give_back(run.plan, session)
        return u

    def solved(places: range, members: Sequence[Point], failures: dict[int, SolveError]) -> None:
        # one session for all of them: to borrow one, to copy what it saved, and to count work take as long as
        # a small solve; and so does a problem for each, where its numbers are those of the point
        run = specification.plain(members[places[0]])
        plan = run.plan
        session = borrow(run.problem.system, plan)
        try:
            for place in places:
                point = members[place]
                if not specification.pointwise:
                    run = specification.plain(point)
                try:
                    _solve(session, specification, run, point, u[place])
                except SolveError as error:
                    failures[place] = error
        finally:
            give_back(plan, session)

    _in_parts(points, solved)
    return u


def record(specification: AnySpecification, points: Points, wanted: Wanted) -> Records:
    """The same, recorded.

    Raises:
        ValueError: also where the strategy cannot differentiate such a solve.
    """
    if not _all_kept(specification, points):
        u = solve(specification, points)
        specification.record(points.members()[0], wanted)  # what cannot be differentiated is refused now
        return Records(u, points, wanted, ())
    check(specification, points)
    kept: list[Any] = [None] * (1 if points.batch is None else points.batch)
    events = specification.problem.system.kernels.has_events

    def recorded(place: int, point: Point) -> None:
        one = kept[place] = specification.record(point, wanted)
        if events:
            require_rows(point.times, one.solution.t)

    _each(points, recorded)
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
        _each(points, pulled)
    # what a strategy found beyond what was asked for is not to be relied on
    if not wanted[0]:
        u0[:] = 0.0
    if not wanted[1]:
        p[:] = 0.0
    return u0.reshape(*leading, specification.n), p.reshape(*leading, specification.m)


def _all_kept(specification: AnySpecification, points: Points) -> bool:
    return (points.batch or 1) <= KEPT or specification.sensealg in HOLD_NOTHING


def _each(points: Points, work: Callable[[int, Point], None]) -> None:
    """Do work for each member, or for the only one.

    Raises:
        SolveError: the only solve did not reach its end. BatchSolveError: as `_in_parts`.
    """
    if points.batch is None:
        return work(0, points.only())

    def part(places: range, members: Sequence[Point], failures: dict[int, SolveError]) -> None:
        for place in places:
            try:
                work(place, members[place])
            except SolveError as error:
                failures[place] = error

    _in_parts(points, part)


def _in_parts(points: Points, work: Callable[[range, Sequence[Point], dict[int, SolveError]], None]) -> None:
    """Do work for all members of a batch, in as many threads as torch has; the compiled loop does without
    Python's lock.

    Args:
        work: Takes places of members, all members, and where to put the errors of those that fail.

    Raises:
        BatchSolveError: some solves did not reach their end, after all have been tried.
    """
    members = points.members()
    failures: dict[int, SolveError] = {}
    count = len(members)
    parts = min(torch.get_num_threads(), count // FEWEST)
    if parts > 1:
        work(range(1), members, failures)  # whatever is compiled or chosen once
        submit = threads("batch").submit
        places = [range(1 + part, count, parts) for part in range(parts)]
        for future in [submit(work, part, members, failures) for part in places]:
            future.result()
    else:
        work(range(count), members, failures)
    if failures:
        raise BatchSolveError(dict(sorted(failures.items())), count)


def _stacked(found: list[np.ndarray], points: Points) -> np.ndarray:
    if points.batch is None:
        return found[0]
    if not found:
        return np.empty((0, points.times.shape[-1], points.u0.shape[-1]))
    return np.stack(found)


def _solve(session: Session, specification: AnySpecification, run: Run, point: Point, u: np.ndarray) -> None:
    """One solve, as `symde.solve` does it.

    Args:
        session: Where it is solved.
        specification: How it is solved.
        run: Its options, and its numbers too unless the specification is `pointwise`.
        point: Its numbers.
        u: For the saved states, shape (n_times, n).

    Raises:
        SolveError: it did not reach its end.
    """
    plan, (t0, t1), numbers = run.plan, point.span.tolist(), point if specification.pointwise else run.problem
    session.u[...], session.p[...], session.atol[...] = numbers.u0, numbers.p, run.atol
    session.begin(
        t0,
        t1,
        rtol=plan.rtol,
        saveat=point.times,
        save_steps=False,
        dense=False,
        dt0=plan.dt0,
        dtmax=plan.dtmax or abs(t1 - t0),
        max_steps=plan.max_steps,
    )
    status = session.run()
    if status != Status.DONE or not run.problem.system.compiled:
        finish(session, specification.plain(point).problem, status, time.perf_counter(), throw=True)
        require_rows(run.times, session.saved()[0])
    u[...] = session.out_u[: len(u)]


def require_rows(times: np.ndarray | None, saved: np.ndarray) -> None:
    """Refuse a solve that an event ended before all was saved: a tensor has as many rows as there are times.

    Raises:
        ValueError: there are fewer.
    """
    if times is not None and (len(saved) < len(times) or saved[-1] != times[-1]):
        raise ValueError(
            f"an event ended the solve before t = {times[-1]:g}, which was to be saved: save earlier times, "
            "or let the model go on"
        )


def check(specification: AnySpecification, points: Points) -> None:
    """Refuse numbers that are not finite, empty spans, and times that are not in order within them.

    Raises:
        ValueError: there are such, with the member of the batch.
    """
    system = specification.problem.system
    names = (system.state_names, "initial value of state"), (system.parameter_names, "parameter")
    for values, (known, what) in zip((points.u0, points.p), names, strict=True):
        require_finite(values, known, what)
    for span, times in _different(points):
        t0, t1 = span.tolist()
        require_span(t0, t1)
        options.save_times(times, t0, t1)


def require_finite(values: np.ndarray, names: Sequence[str], what: str) -> None:
    """Refuse numbers that are not finite, of shape (n,) or (B, n).

    Raises:
        ValueError: there is one, with its name and its member of the batch.
    """
    if np.isfinite(values).all():
        return
    place = np.argwhere(~np.isfinite(values))[0]
    index = int(place[-1])
    of = "the derivative of " if index >= len(names) else ""
    member = f" in member {place[0]} of the batch" if len(place) > 1 else ""
    value = values[tuple(place)]
    raise ValueError(f"{of}{what} `{names[index % len(names)]}` is {value}{member}: it must be finite")


def require_span(t0: float, t1: float) -> None:
    """Refuse an empty or endless time span.

    Raises:
        ValueError: it is one.
    """
    if not abs(t1 - t0) < np.inf or t0 == t1:
        raise ValueError(f"tspan goes from {t0:g} to {t1:g}: it must be two different finite times")


def _different(points: Points) -> list[tuple[np.ndarray, np.ndarray]]:
    """Spans and times of all members; once where all share them."""
    if points.batch is None:
        return [(points.span, points.times)]
    if points.span.strides[0] == points.times.strides[0] == 0 and points.batch:
        return [(points.span[0], points.times[0])]
    return list(zip(points.span, points.times, strict=True))
