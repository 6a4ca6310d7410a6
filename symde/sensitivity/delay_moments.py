"""Derivatives of solves with delays and events.

What an event leaves comes back one delay later, so the segments between events are no solves of their own, as
they are without delays (`symde.sensitivity.hybrid`). Once the moments are known the model is solved again
without its events, the solve stops at each moment, and there the state, and what is differentiated, is
replaced. When the jump comes back the right-hand side jumps, at a time that moves with the moment.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from symde.engine.cpu.layout import Status
from symde.outcome import finish
from symde.plan import plan_like
from symde.problem.problem import Problem, with_system
from symde.sensitivity.augmented import augmented_problem, augmented_start, augmented_system
from symde.sensitivity.forward import ForwardRecord, solved_whole, with_followers
from symde.sensitivity.hybrid import Hybrid, smooth_system, solve
from symde.sensitivity.run import Run
from symde.sensitivity.saltation import Delayed, Moment
from symde.sensitivity.scales import columns_tolerance
from symde.sensitivity.wrt import Wrt
from symde.sessions import borrow, give_back


def smooth_problem(run: Run) -> Problem:
    """The problem without its events."""
    problem = run.problem
    system = smooth_system(problem.system)
    given = dict.fromkeys(system.state_names, 0.0), dict.fromkeys(system.parameter_names, 0.0)
    return with_system(problem, system, problem.u0, None, *given, tspan=problem.tspan)


def refuse_span(hybrid: Hybrid) -> None:
    """Refuse ends that follow parameters.

    Raises:
        ValueError: they do.
    """
    if hybrid.start.span.any():
        raise ValueError(
            "the time span follows parameters, and derivatives through the ends of a model with delays are "
            "not known: give tspan=(t0, t1) as numbers"
        )


def begin_between(
    session: Any,
    hybrid: Hybrid,
    plan: Any,
    saveat: np.ndarray | None,
    dense: bool = False,
    record: Any = None,
) -> None:
    """Ready a session, whose vectors are set, for a solve that stops at all moments.

    Args:
        saveat: Times to save, ascending.
        dense: Whether to keep all interpolants.
        record: Where the steps are to be recorded.
    """
    t0, end = hybrid.run.problem.tspan[0], hybrid.segments[-1].t1
    session.begin(
        t0, end, rtol=plan.rtol, saveat=saveat, save_steps=False, dense=dense, dt0=plan.dt0,
        dtmax=plan.dtmax or abs(end - t0), max_steps=plan.max_steps, stops=inner_times(hybrid), record=record,
    )  # fmt: skip


def inner_times(hybrid: Hybrid) -> np.ndarray:
    """The times of the moments before the end."""
    return np.array([moment.t for moment in hybrid.moments if moment.t < hybrid.segments[-1].t1])


def forward(run: Run, wrt: Wrt) -> ForwardRecord:
    """A solve with events, with its columns.

    Raises:
        ValueError: a method cannot, the time span follows parameters, or the solution has no derivative at an
            event.
        SolveError: the solve did not reach its end.
    """
    solved_whole(run.plan.methods)
    hybrid = solve(run)
    refuse_span(hybrid)
    columns = _Columns(hybrid, wrt)
    return columns.record()


class _Columns:
    """The columns of a solve with events.

    Args:
        hybrid: The solve.
        wrt: What to differentiate by.
    """

    def __init__(self, hybrid: Hybrid, wrt: Wrt) -> None:
        self.hybrid, self.wrt = hybrid, wrt
        self.parameters = with_followers(hybrid.start, wrt)
        n, m, own = len(hybrid.run.problem.u0), len(hybrid.run.problem.p), len(self.parameters)
        self.n, self.count = n, own + len(wrt.states)
        self.by = np.zeros((m, self.count))
        self.by[list(self.parameters), range(own)] = 1.0
        self.kept = Delayed()
        # those after each moment, and those that move with the last
        self.after: list[np.ndarray] = []
        self.moving, self.end = np.zeros((n, self.count)), np.zeros(self.count)

    def record(self) -> ForwardRecord:
        """Solve the states and the columns."""
        hybrid = self.hybrid
        saved = self._solve() if self.count else {}
        every = np.zeros((len(hybrid.solution.t), self.n, self.count))
        for place, segment in enumerate(hybrid.segments) if self.count else ():
            for row, t in zip(range(segment.rows.start, segment.rows.stop), segment.times, strict=True):
                begins = place > 0 and t == segment.t0
                every[row] = self.after[place - 1] if begins else saved[t]
        if hybrid.ended:
            every[-1] = self.moving
        end = self.end if hybrid.ended else None
        return ForwardRecord(hybrid.run, self.wrt, hybrid.start, self.parameters, every, hybrid.solution, end)

    def _solve(self) -> dict[float, np.ndarray]:
        """The columns at all saved times, from the left."""
        hybrid, run, start = self.hybrid, self.hybrid.run, self.hybrid.start
        problem = smooth_problem(run)
        system: Any = augmented_system(problem.system, self.parameters, self.wrt.states)
        plan = plan_like(run.plan, system)
        session = borrow(system, plan)
        try:
            indices = np.array(self.parameters, dtype=np.intp), np.array(self.wrt.states, dtype=np.intp)
            columns_tolerance(run, system, *indices, session.atol)
            augmented_start(problem, system, start, session.u)
            session.p[...] = problem.p
            begin_between(session, hybrid, plan, np.unique(hybrid.solution.t))
            started = time.perf_counter()
            status = session.run()
            for moment in hybrid.moments:
                if status == (Status.STOPPED if moment.t < hybrid.segments[-1].t1 else Status.DONE):
                    status = self._over(session, moment, status)
            if status != Status.DONE:
                finish(session, augmented_problem(problem, system, start), status, started, throw=True)
            t, u = session.output.saved()
        finally:
            give_back(plan, session)
        return dict(
            zip(t.tolist(), u[:, self.n :].reshape(len(u), self.n, -1)[:, :, : self.count], strict=True)
        )

    def _over(self, session: Any, moment: Moment, status: Status) -> Status:
        """Go over a moment, and on to the next."""
        u = session.vector("u")
        columns = u[self.n :].reshape(self.n, -1)
        found, self.moving, self.end = moment.forward(columns[:, : self.count], self.by, self.kept)
        self.after.append(found)
        if status == Status.DONE:
            return status
        u[: self.n], columns[:, : self.count] = moment.after, found
        session.load_u(u)
        session.past.note_jump(session.state.t, self.end)
        return session.run()
