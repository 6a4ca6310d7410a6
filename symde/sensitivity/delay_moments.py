"""Derivatives of solves with delays and events.

What an event leaves comes back one delay later, so the segments between events are no solves of their own, as
they are without delays (`symde.sensitivity.hybrid`). Once the moments are known the model is solved again
without its events, the solve stops at each moment, and there the state, and what is differentiated, is
replaced. When the jump comes back the right-hand side jumps, at a time that moves with the moment.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.engine.cpu.delay_pullback import DelayPullBack, DelayRecording, Interruption
from symde.engine.cpu.layout import Status
from symde.engine.cpu.pullback import PullBackError
from symde.outcome import finish
from symde.plan import plan_like
from symde.problem.problem import Problem, with_system
from symde.problem.solution import Solution
from symde.sensitivity.augmented import augmented_problem, augmented_start, augmented_system
from symde.sensitivity.delay_discrete import companion, in_session, refuse_too_much, rows_of
from symde.sensitivity.delay_riding import chosen_steps
from symde.sensitivity.discrete import through_start
from symde.sensitivity.forward import ForwardRecord, solved_whole, with_followers
from symde.sensitivity.hybrid import Hybrid, smooth_system, solve
from symde.sensitivity.riding import can_ride
from symde.sensitivity.run import Run
from symde.sensitivity.saltation import Delayed, Moment, Weights
from symde.sensitivity.scales import columns_tolerance
from symde.sensitivity.start import Start
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
    session: Any, hybrid: Hybrid, plan: Any, saveat: np.ndarray | None, dense: bool = False, record: Any = None
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
        return ForwardRecord(
            hybrid.run, self.wrt, hybrid.start, self.parameters, every, hybrid.solution, end
        )

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
            t, u = session.saved()
        finally:
            give_back(plan, session)
        return dict(zip(t.tolist(), u[:, self.n :].reshape(len(u), self.n, -1)[:, :, : self.count], strict=True))

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


class _Stops:
    """How one column goes over the moments of a solve, for `chosen_steps`.

    Args:
        hybrid: The solve.
    """

    def __init__(self, hybrid: Hybrid) -> None:
        self.times, self.end = inner_times(hybrid), hybrid.segments[-1].t1
        self._moments, self._kept = hybrid.moments, Delayed()

    def over(self, place: int, columns: np.ndarray, by: np.ndarray) -> tuple[np.ndarray, ...]:
        """The state after a moment (n,), the columns there (n, k), and how its time changes (k,)."""
        moment = self._moments[place]
        found, _, dt = moment.forward(columns, by, self._kept)
        return moment.after, found, dt


@dataclass(frozen=True, eq=False)
class DelayMomentsRecord:
    """A solve with events and delays whose steps were recorded.

    Attributes:
        hybrid: The solve.
        steps: The steps.
        places: For each moment before the end the step that came next, and the place of the discontinuity.
    """

    hybrid: Hybrid
    steps: DelayRecording
    places: tuple[tuple[int, int], ...]
    _pull_back: DelayPullBack

    @property
    def solution(self) -> Solution:
        """The solution."""
        return self.hybrid.solution

    @property
    def run(self) -> Run:
        """What was solved."""
        return self.hybrid.run

    @property
    def start(self) -> Start:
        """Derivatives of the start."""
        return self.hybrid.start

    def refinement(self) -> None:
        """There is no estimate of the error."""

    def pull_back(self, weights: np.ndarray, by_end: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of sum(weights * u) by all initial values (n,) and by all parameters (m,).

        Args:
            weights: Shape (n_times, n).
            by_end: Derivative by the time of the end itself, where an event ended the solve.

        Raises:
            PullBackError: a step could not be turned round.
        """
        hybrid, problem = self.hybrid, self.run.problem
        n, m = len(problem.u0), len(problem.p)
        if not np.isfinite(weights).all():
            return np.full(n, np.nan), np.full(m, np.nan)
        own, moving = np.array(weights, dtype=float), np.zeros(n)
        if hybrid.ended:
            moving, own[-1] = own[-1].copy(), 0.0
        kept = Weights()
        times, rows, after = self._sides(own)
        at_end, by_p = np.zeros(n), np.zeros(m)
        if len(self.places) < len(hybrid.moments):  # the last one is the end
            at_end, by_p = hybrid.moments[-1].backward(
                after[-1], moving, by_end if hybrid.ended else 0.0, kept
            )
        times, rows = np.append(times, hybrid.segments[-1].t1), np.vstack([rows, at_end])

        def over(place: int) -> Interruption:
            moment, (step, jump) = hybrid.moments[place], self.places[place]
            return Interruption(
                step, jump, moment.before,
                lambda w, by_time: moment.backward(w + after[place], np.zeros(n), by_time, kept),
            )  # fmt: skip

        interruptions = [over(place) for place in range(len(self.places))]
        u0, p = self._pull_back.run_delayed(self.steps, times, rows, interruptions)
        return u0, through_start(self.run, self.start, self.solution, weights, u0, p + by_p)

    def _sides(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """Times and weights of what was saved before moments, and the weights of what was after each."""
        hybrid = self.hybrid
        left, after = np.ones(len(weights), bool), []
        for moment, segment in zip(hybrid.moments, hybrid.segments[1:], strict=True):
            behind = np.zeros(len(weights), bool)
            behind[segment.rows] = segment.times == moment.t
            after.append(weights[behind].sum(axis=0))
            left &= ~behind
        return hybrid.solution.t[left], weights[left], after


def discrete(run: Run, wrt: Wrt) -> DelayMomentsRecord:
    """Solve what has events, and record the steps.

    Args:
        run: What to solve, by methods that have a discrete adjoint.
        wrt: What to differentiate by.

    Raises:
        ValueError: the time span follows parameters, there is not memory enough, or the solution has no
            derivative at an event.
        SolveError: the solve did not reach its end.
    """
    hybrid = solve(run)
    refuse_span(hybrid)
    problem = smooth_problem(run)
    own = replace(run, problem=problem, plan=plan_like(run.plan, problem.system), times=None)
    if can_ride(own):
        steps, places = chosen_steps(own, wrt, hybrid.start, problem, _Stops(hybrid))
        try:
            return in_session(own, lambda session: _followed(hybrid, own, session, steps, places))
        except PullBackError:
            pass  # as without events
    return in_session(own, lambda session: _recorded(hybrid, own, session))


def _followed(
    hybrid: Hybrid, run: Run, session: Any, given: DelayRecording, places: tuple[tuple[int, int], ...]
) -> DelayMomentsRecord:
    """A solve by given steps."""
    pull_back = companion(session, run.problem.system)
    pull_back.reserve(given, False)
    _begin(hybrid, run, session)
    refuse_too_much(run, session, given)
    moments = hybrid.moments[: len(places)]
    stops = [(step, moment.after) for moment, (step, _) in zip(moments, places, strict=True)]
    steps = pull_back.follow_delayed(given, stops)
    session.dense_asked = False  # the interpolants are kept here
    rows_of(session, steps)
    if not np.isfinite(steps.rows).all():  # explicit steps that are too large blow up without a word
        raise PullBackError("given steps led to states that are not finite")
    return DelayMomentsRecord(hybrid, steps, places, pull_back)


def _begin(hybrid: Hybrid, run: Run, session: Any, record: DelayRecording | None = None) -> None:
    problem = run.problem
    session.u[:], session.p[:], session.atol[:] = problem.u0, problem.p, run.atol
    begin_between(session, hybrid, run.plan, None, dense=True, record=record)


def _recorded(hybrid: Hybrid, run: Run, session: Any) -> DelayMomentsRecord:
    """A solve by its own steps."""
    places: list[tuple[int, int]] = []
    problem = run.problem
    pull_back, steps = companion(session, problem.system), DelayRecording(session)
    _begin(hybrid, run, session, steps)
    started = time.perf_counter()
    try:
        status = session.run()
        for moment in hybrid.moments[: len(inner_times(hybrid))]:
            if status == Status.STOPPED:
                session.load_u(moment.after)
                places.append((session.state.record_count, session.past.note_jump(session.state.t)))
                status = session.run()
    finally:
        steps.close(session.state)
    session.dense_asked = False  # the interpolants are kept here
    finish(session, problem, status, started, throw=True)
    rows_of(session, steps)
    refuse_too_much(run, session, steps)
    return DelayMomentsRecord(hybrid, steps, tuple(places), pull_back)
