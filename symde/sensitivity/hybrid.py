"""Solves with events, differentiated: smooth segments between moments, and the moments.

A solve with events is done once, for its saved states and its moments. Each segment between two moments is
then a solve of the model without events, from the state that the events before have left, and any strategy
differentiates it; derivatives pass the moments by `symde.sensitivity.saltation`. Going back, segments are
solved again one by one as they are reached, so that no more is kept of the solution than one of them needs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symde.engine.cpu.layout import Status
from symde.outcome import finish
from symde.plan import plan_like
from symde.problem.problem import with_system
from symde.problem.retcode import Retcode
from symde.problem.solution import Solution
from symde.sensitivity.integrate import begin
from symde.sensitivity.modes import (
    branches_are_modes,
    smooth_system,
    tells_of_sliding,
    warn_of_release,
    with_sliding,
)
from symde.sensitivity.moments import moments_of
from symde.sensitivity.run import Run
from symde.sensitivity.saltation import Moment
from symde.sensitivity.settling import Settling, settling
from symde.sensitivity.start import Start, start_of
from symde.sessions import borrow, give_back

RESOLVED = 16 * 2.0**-52
"""Length of a segment, relative to its time, up to which no step can be taken."""


def has_events(run: Run) -> bool:
    """Whether what is solved has events."""
    return bool(run.problem.system.kernels.has_events)


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A stretch without events.

    Attributes:
        t0, t1: From where to where; equal where a moment is at the start or at the end.
        u0: The state at its start, shape (n,).
        rows: Rows of the saved states that lie in it.
        times: Their times.
        modes: Branches of the right-hand side in it, where these are modes; empty where there are none.
    """

    t0: float
    t1: float
    u0: np.ndarray
    rows: slice
    times: np.ndarray
    modes: np.ndarray = field(default_factory=lambda: np.empty(0))

    @property
    def empty(self) -> bool:
        """Whether nothing is to be solved."""
        return self.t1 - self.t0 <= RESOLVED * max(abs(self.t0), abs(self.t1))


@dataclass(frozen=True, eq=False)
class Hybrid:
    """A solve with events in segments: each but the last ends at a moment, after which the next begins.

    Attributes:
        run: What was solved.
        start: Derivatives of the start.
        solution: The solution; where an event ended the solve, and its end alone was to be saved, that is
            saved.
        moments, segments: In order; there is one segment more.
        ended: Whether an event ended the solve at a saved time, the last, which moves with it.
    """

    run: Run
    start: Start
    solution: Solution
    moments: tuple[Moment, ...]
    segments: tuple[Segment, ...]
    ended: bool

    def segment_run(self, segment: Segment) -> Run:
        """A segment as a solve of its own, saved at its saved times and at its end."""
        run, problem = self.run, self.run.problem
        system = smooth_system(problem.system)
        given = dict.fromkeys(system.state_names, 0.0), dict.fromkeys(system.parameter_names, 0.0)
        p = np.concatenate([problem.p, segment.modes]) if len(segment.modes) else None
        own = with_system(problem, system, segment.u0, p, *given, tspan=(segment.t0, segment.t1))
        times = np.append(segment.times[segment.times != segment.t1], segment.t1)
        return replace(run, problem=own, plan=plan_like(run.plan, system), times=times)

    def settled_start(self) -> Settling | None:
        """What makes the start of a solve consistent where its first segment, which would see to that, is
        empty."""
        if not (self.segments[0].empty and self.moments):
            return None
        problem, modes = self.run.problem, self.segments[0].modes
        p = np.concatenate([problem.p, modes])
        return settling(
            smooth_system(problem.system), problem.tspan[0], self.moments[0].before, p, len(problem.p)
        )


def solve(run: Run) -> Hybrid:
    """Solve what has events.

    Raises:
        SolveError: the solve did not reach its end.
        ValueError: the solution has no derivative at an event, with the reason; or it goes backwards in time.
    """
    problem, plan = run.problem, run.plan
    t0, t1 = problem.tspan
    if t1 < t0:
        raise ValueError(
            "derivatives of solves with events go forwards in time: give a time span that ascends"
        )
    session, locked = borrow(problem.system, plan), branches_are_modes(problem.system)
    executive: Any = session.executive
    try:
        executive.report(locked)
        begin(session, run, problem, run.atol, dense=problem.system.delays)
        executive.memory.data.asking = tells_of_sliding(problem.system)
        started = time.perf_counter()
        status = session.run()
        if status == Status.SLIDING:
            return solve(with_sliding(run, executive.memory.data.found))
        solution = finish(session, problem, status, started, throw=True)
        journal, reached = tuple(executive.log.happenings()), float(session.state.t)
        modes, last = executive.modes, executive.modes_now() if locked else np.empty(0)
        if executive.releases:
            warn_of_release(problem)
    finally:
        executive.report(False)
        give_back(plan, session)
    start = start_of(problem)
    ended = solution.retcode == Retcode.TERMINATED
    past = solution if problem.system.delays else None
    moments = moments_of(run, start, journal, reached if ended else None, modes, past)
    if past is not None:
        solution.dense = None  # nobody asked for it
    if ended and run.times is not None and run.times.tolist() == [t1] != [reached]:
        solution.t, solution.u = np.array([reached]), moments[-1].after[None].copy()
    before = [modes[moment.t][0] if locked else last for moment in moments]
    segments = tuple(_segments(problem.u0, t0, reached, moments, solution.t, [*before, last]))
    ended = ended and len(solution.t) > 0 and solution.t[-1] == reached
    return Hybrid(run, start, solution, moments, segments, ended)


def _segments(
    u0: np.ndarray,
    t0: float,
    t1: float,
    moments: tuple[Moment, ...],
    times: np.ndarray,
    modes: list[np.ndarray],
) -> Iterator[Segment]:
    """The stretches between moments, with the saved rows of each: of two at a moment the second comes after
    it, and so does one alone where the state jumps."""
    first = 0
    for place, moment in enumerate(moments):
        last = int(np.searchsorted(times, moment.t, "left"))
        end = int(np.searchsorted(times, moment.t, "right"))
        if end - last > 1:
            last = end - 1
        yield Segment(t0, moment.t, u0, slice(first, last), times[first:last], modes[place])
        first, t0, u0 = last, moment.t, moment.after
    yield Segment(t0, t1, u0, slice(first, len(times)), times[first:], modes[-1])


@dataclass(frozen=True, eq=False)
class HybridRecord:
    """A solve with events that is gone back over; what records of such solves have in common."""

    hybrid: Hybrid

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
