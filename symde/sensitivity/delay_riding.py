"""Steps of solves with delays that are fine enough for derivatives too: see `symde.sensitivity.riding`.

With the steps goes what each delayed time had passed, so that the states alone take the same steps after.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from symde.engine.cpu.delay_recording import DelayRecording
from symde.engine.cpu.layout import Status
from symde.outcome import finish
from symde.plan import plan_like
from symde.problem.problem import Problem, with_system
from symde.sensitivity.augmented import augmented_system
from symde.sensitivity.delay_gliding import warn_of_gliding
from symde.sensitivity.riding import direction
from symde.sensitivity.run import Run
from symde.sensitivity.start import Start
from symde.sensitivity.wrt import Wrt
from symde.sessions import borrow, give_back


class Stops(Protocol):
    """Where a solve is interrupted, and its end."""

    times: np.ndarray
    end: float

    def over(self, place: int, columns: np.ndarray, by: np.ndarray) -> tuple[np.ndarray, ...]:
        """The state after a stop (n,), the columns there (n, k), and how its time changes (k,), from the
        columns before and those of the parameters (m, k)."""
        ...


def chosen_steps(
    run: Run, wrt: Wrt, start: Start, problem: Problem, stops: Stops | None = None
) -> tuple[DelayRecording, tuple[tuple[int, int], ...]]:
    """The steps of a solve whose error test includes the derivative along the direction; for each stop the
    step that came next, and the place of the discontinuity that it left.

    Raises:
        SolveError: the solve did not reach its end.
    """
    n, m = len(problem.u0), len(problem.p)
    system: Any = augmented_system(problem.system, tuple(range(m)), (), combined=True)
    plan = plan_like(run.plan, system)
    t0, t1 = problem.tspan if stops is None else (problem.tspan[0], stops.end)
    session = borrow(system, plan)
    try:
        along_u0, along_p = direction(run, wrt, start)
        session.u[:n], session.u[n:] = problem.u0, along_u0
        session.p[:m], session.p[m:] = problem.p, along_p
        session.atol[:n] = session.atol[n:] = run.atol
        steps = DelayRecording(session, starts=False)
        session.begin(
            t0, t1, rtol=plan.rtol, saveat=None, save_steps=False, dense=False, dt0=plan.dt0,
            dtmax=plan.dtmax or abs(t1 - t0), max_steps=plan.max_steps,
            stops=None if stops is None else stops.times, record=steps,
        )  # fmt: skip
        try:
            status, places = _over_stops(session, stops, along_p)
        finally:
            steps.close(session.state)
        if status != Status.DONE:
            finish(session, with_system(problem, system, session.u.copy()), status, 0.0, throw=True)
        warn_of_gliding(session)
        return steps, places
    finally:
        give_back(plan, session)


def _over_stops(
    session: Any, stops: Stops | None, along_p: np.ndarray
) -> tuple[Status, tuple[tuple[int, int], ...]]:
    """Solve to the end; the status, and the places of the stops."""
    status, places = session.run(), []
    for place in range(0 if stops is None else len(stops.times)):
        if status != Status.STOPPED:
            break
        assert stops is not None
        u = session.vector("u")
        n = len(u) // 2
        after, columns, dt = stops.over(place, u[n:, None], along_p[:, None])
        session.load_u(np.concatenate([after, columns[:, 0]]))
        places.append((session.state.record_count, session.past.note_jump(session.state.t, dt)))
        status = session.run()
    return status, tuple(places)
