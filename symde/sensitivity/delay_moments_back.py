"""Discrete adjoints of solves with delays and events: `symde.sensitivity.delay_moments`, going back."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.engine.cpu.delay_pullback import DelayPullBack, Interruption
from symde.engine.cpu.delay_recording import DelayRecording
from symde.engine.cpu.layout import Status
from symde.engine.cpu.pullback import PullBackError
from symde.outcome import finish
from symde.plan import plan_like
from symde.sensitivity.delay_discrete import companion, refuse_too_much, rows_of
from symde.sensitivity.delay_moments import begin_between, inner_times, refuse_span, smooth_problem
from symde.sensitivity.delay_riding import chosen_steps
from symde.sensitivity.discrete import through_start
from symde.sensitivity.hybrid import Hybrid, HybridRecord, solve
from symde.sensitivity.kept_session import in_session
from symde.sensitivity.riding import can_ride
from symde.sensitivity.run import Run
from symde.sensitivity.saltation import Delayed, Weights
from symde.sensitivity.wrt import Wrt


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
class DelayMomentsRecord(HybridRecord):
    """A solve with events and delays whose steps were recorded.

    Attributes:
        hybrid: The solve.
        steps: The steps.
        places: For each moment before the end the step that came next, and the place of the discontinuity.
    """

    steps: DelayRecording
    places: tuple[tuple[int, int], ...]
    _pull_back: DelayPullBack

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


def record(run: Run, wrt: Wrt) -> DelayMomentsRecord:
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
