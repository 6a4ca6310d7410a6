"""Records of solves with events: forward through segments and moments, or back through them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.problem.solution import Solution
from symde.sensitivity import forward
from symde.sensitivity.along import FORWARD, tightened
from symde.sensitivity.discrete import able, through_start
from symde.sensitivity.forward import Begun, ForwardRecord, solved_whole, with_followers
from symde.sensitivity.hybrid import Hybrid, Segment, solve
from symde.sensitivity.run import Run
from symde.sensitivity.saltation import Delayed, Weights
from symde.sensitivity.start import Start
from symde.sensitivity.strategy import Record, Strategy
from symde.sensitivity.wrt import Wrt

ALONG = ("interpolating", "gauss", "backsolve")
"""Strategies that solve forward with tighter tolerances than those asked for, the events included."""


@dataclass(frozen=True, slots=True)
class InSegments:
    """A strategy that takes a solve with events in segments.

    Attributes:
        name: The name of the one that differentiates the segments.
        strategy: That.
    """

    name: str
    strategy: Strategy

    def record(self, run: Run, wrt: Wrt) -> Record:
        """Solve what has events, and make it ready.

        Raises:
            ValueError: the strategy cannot differentiate this, or the solution has no derivative at an event.
            SolveError: the solve did not reach its end.
        """
        if self.name == "forward":
            return record_forward(run, wrt)
        if self.name == "discrete":
            run = able(run)
        elif self.name in ALONG and run.plan.rtol:
            atol = FORWARD * np.asarray(run.atol)
            found = solve(replace(run, plan=replace(run.plan, rtol=tightened(run.plan.rtol)), atol=atol))
            return BackRecord(replace(found, run=run), self.strategy, wrt)
        return BackRecord(solve(run), self.strategy, wrt)


def record_forward(run: Run, wrt: Wrt) -> ForwardRecord:
    """A solve with its columns; arguments and errors as above."""
    solved_whole(run.plan.methods)  # what cannot be is refused before anything is solved
    hybrid = solve(run)
    start, solution = hybrid.start, hybrid.solution
    parameters = with_followers(start, wrt)
    n, m, count = len(run.problem.u0), len(run.problem.p), len(parameters) + len(wrt.states)
    columns, by = np.zeros((n, count)), np.zeros((m, count))
    columns[:, : len(parameters)] = start.u0[:, list(parameters)]
    columns[list(wrt.states), range(len(parameters), count)] = 1.0
    by[list(parameters), range(len(parameters))] = 1.0
    every, kept = np.zeros((len(solution.t), n, count)), Delayed()
    moving, end = columns, np.zeros(count)
    for place, segment in enumerate(hybrid.segments):
        columns = _along(hybrid, segment, wrt, Begun(columns, parameters, run), every)
        if place < len(hybrid.moments):
            columns, moving, end = hybrid.moments[place].forward(columns, by, kept)
    if hybrid.ended:
        every[-1] = moving
    return ForwardRecord(run, wrt, start, parameters, every, solution, end if hybrid.ended else None)


def _along(hybrid: Hybrid, segment: Segment, wrt: Wrt, begun: Begun, every: np.ndarray) -> np.ndarray:
    """The columns at the end of a segment; those at its saved times are filled in."""
    columns, rows = begun.columns, segment.rows
    if segment.empty or not columns.shape[1]:
        every[rows] = columns
        return columns
    found = forward.record(hybrid.segment_run(segment), wrt, begun).columns
    every[rows] = found[: rows.stop - rows.start]
    return found[-1]


@dataclass(frozen=True, eq=False)
class BackRecord:
    """A solve with events, of which a strategy differentiates the segments."""

    hybrid: Hybrid
    strategy: Strategy
    wrt: Wrt

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
            SolveError, PullBackError: as the strategy, on a segment.
        """
        hybrid, problem = self.hybrid, self.hybrid.run.problem
        n, m = len(problem.u0), len(problem.p)
        if not np.isfinite(weights).all():
            return np.full(n, np.nan), np.full(m, np.nan)
        u0, moving, p, kept = np.zeros(n), np.zeros(n), np.zeros(m), Weights()
        own = np.array(weights, dtype=float)
        if hybrid.ended:
            moving, own[-1] = own[-1].copy(), 0.0
        else:
            by_end = 0.0
        inner = self._inner(n, m)
        for place in reversed(range(len(hybrid.segments))):
            u0, by_p = self._back(hybrid.segments[place], own, u0, inner)
            p += by_p
            if place:
                u0, by_p = hybrid.moments[place - 1].backward(u0, moving, by_end, kept)
                p, moving, by_end = p + by_p, np.zeros(n), 0.0
        return u0, through_start(hybrid.run, hybrid.start, hybrid.solution, weights, u0, p)

    def _inner(self, n: int, m: int) -> Wrt:
        """What segments are differentiated by: all initial values, and the parameters if any is asked for."""
        parameters = tuple(range(m)) if self.wrt.parameters else ()
        return Wrt((), parameters, tuple(range(n)))

    def _back(
        self, segment: Segment, weights: np.ndarray, at_end: np.ndarray, inner: Wrt
    ) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives by the state at the start of a segment and by the parameters, from those by its saved
        states and by the state at its end."""
        own, m = weights[segment.rows], len(self.hybrid.run.problem.p)
        if segment.empty:
            return at_end + own.sum(axis=0), np.zeros(m)
        if not (own.any() or at_end.any()):
            return np.zeros(len(at_end)), np.zeros(m)
        run = self.hybrid.segment_run(segment)
        found: Any = self.strategy.record(run, inner)
        assert run.times is not None
        rows = np.zeros((len(run.times), len(at_end)))
        rows[: len(own)] = own
        rows[-1] += at_end
        return found.pull_back(rows)
