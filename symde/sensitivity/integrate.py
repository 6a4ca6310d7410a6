"""Solves a problem of a run with the session that is kept for it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from symde.engine.cpu.recording import Recording
from symde.engine.cpu.session import Session
from symde.outcome import finish
from symde.plan import plan_like
from symde.problem.problem import Problem
from symde.problem.solution import Solution
from symde.sensitivity.run import Run
from symde.sessions import borrow, give_back


def integrate(run: Run, problem: Problem, atol: Any, dense: bool = False) -> Solution:
    """The solution of a problem under the options of a run.

    Args:
        run: The options.
        problem: The run's own problem, or one with more states.
        atol: Absolute tolerance for all its states.
        dense: Whether to keep the continuous solution.

    Raises:
        SolveError: the solve did not reach its end.
    """
    plan = plan_like(run.plan, problem.system)
    session = borrow(problem.system, plan)
    try:
        begin(session, run, problem, atol, dense=dense)
        started = time.perf_counter()
        return finish(session, problem, session.run(), started, throw=True)
    finally:
        give_back(plan, session)


def begin(
    session: Session,
    run: Run,
    problem: Problem,
    atol: Any,
    *,
    dense: bool = False,
    record: Recording | None = None,
) -> None:
    """Ready a session for a problem under the options of a run; arguments as in `integrate`.

    Args:
        record: Where its steps are to be recorded.
    """
    session.u[...], session.p[...], session.atol[...] = problem.u0, problem.p, atol
    begin_run(session, run, problem.tspan, dense=dense, record=record)


def begin_run(
    session: Session,
    run: Run,
    tspan: tuple[float, float],
    *,
    dense: bool = False,
    record: Recording | None = None,
) -> None:
    """Ready a session, whose vectors are set, under the options of a run; arguments as above."""
    (t0, t1), plan = tspan, run.plan
    session.begin(
        t0,
        t1,
        rtol=plan.rtol,
        saveat=run.times,
        save_steps=run.times is None,
        dense=dense,
        dt0=plan.dt0,
        dtmax=plan.dtmax or abs(t1 - t0),
        max_steps=plan.max_steps,
        record=record,
    )


def consistent_start(run: Run) -> np.ndarray:
    """The state at which solves of a run begin, shape (n,), with algebraic variables solved for."""
    session = borrow(run.problem.system, run.plan)
    try:
        begin(session, run, run.problem, run.atol)
        return session.u.copy()
    finally:
        give_back(run.plan, session)
