"""Solves without derivatives, on numpy arrays: one, or a batch in the compiled loops over members."""

from __future__ import annotations

import time

import numpy as np

from symde.engine.cpu.batch import Members, Outcome
from symde.engine.cpu.layout import Status
from symde.engine.cpu.session import Session
from symde.layers.bridge.parts import Failures, in_parts
from symde.layers.bridge.points import Points, check, require_rows
from symde.layers.bridge.specification import AnySpecification, Point
from symde.members.lanes import LaneChoice
from symde.members.loops import Loops
from symde.outcome import finish
from symde.problem.solution import SolveError
from symde.sensitivity.run import Run
from symde.sessions import borrow, give_back


def solve(specification: AnySpecification, points: Points, checked: bool = False) -> np.ndarray:
    """The saved states, shape (n_times, n), with the axis of a batch before.

    Args:
        specification, points: What to solve.
        checked: Whether the points' numbers have been checked.

    Raises:
        SolveError: a solve did not reach its end; `BatchSolveError` where there is a batch.
        ValueError: a number is not finite, or times are not in order.
    """
    if not checked:
        check(specification, points)
    if points.batch is None:
        u = np.empty((points.times.shape[-1], specification.n))
        point = points.only()
        run = specification.plain(point)
        session = borrow(run.problem.system, run.plan)
        try:
            _solve(session, specification, run, point, u)
        finally:
            give_back(run.plan, session)
        return u
    outcome = Outcome.empty(points.batch, points.times.shape[-1], specification.n)
    lanes = specification.lanes if points.batch else None

    if lanes is None:

        def part(places: range, failures: Failures) -> None:
            _solve_each(specification, points, places, outcome.u, failures)

    else:
        members = points.members()

        def part(places: range, failures: Failures) -> None:
            _solve_in_loops(specification, points, members, lanes, places, outcome, failures)

    in_parts(points.batch, specification.workers, part)
    return outcome.u


def _solve_in_loops(
    specification: AnySpecification,
    points: Points,
    members: Members,
    lanes: LaneChoice,
    places: range,
    outcome: Outcome,
    failures: Failures,
) -> None:
    """Solve some members without Python between them."""
    run = specification.plain(points.member(places[0]))
    loops = Loops(run.problem.system, run.plan, run.atol, members, lanes)
    failed: list[int] = []
    try:
        ids = np.arange(places.start, places.stop, places.step)
        loops.run(ids, outcome, 0, lambda member, status: failed.append(member), lambda: None)
    finally:
        loops.close()
    if failed:  # once more by themselves, for what is told of them
        _solve_each(specification, points, failed, outcome.u, failures)


def _solve_each(
    specification: AnySpecification,
    points: Points,
    places: range | list[int],
    u: np.ndarray,
    failures: Failures,
) -> None:
    """Solve some members one after another."""
    # one session for all of them: to borrow one, to copy what it saved, and to count work take as long as
    # a small solve; and so does a problem for each, where its numbers are those of the point
    run = specification.plain(points.member(places[0]))
    plan = run.plan
    session = borrow(run.problem.system, plan)
    try:
        for place in places:
            point = points.member(place)
            if not specification.pointwise:
                run = specification.plain(point)
            try:
                _solve(session, specification, run, point, u[place])
            except SolveError as error:
                failures[place] = error
    finally:
        give_back(plan, session)


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
        require_rows(run.times, session.output.saved()[0])
    u[...] = session.output.u[: len(u)]
