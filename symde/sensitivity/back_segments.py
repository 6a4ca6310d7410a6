"""Solves with events for strategies that go back: segment after segment, and moment after moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.plan import plan_like
from symde.problem.system import refuse_delays
from symde.sensitivity.discrete import through_start
from symde.sensitivity.hybrid import HybridRecord, Segment, solve
from symde.sensitivity.run import Run
from symde.sensitivity.saltation import Weights
from symde.sensitivity.strategy import Record, Strategy
from symde.sensitivity.wrt import Wrt


@dataclass(frozen=True, slots=True)
class InSegments:
    """A strategy that takes a solve with events in segments.

    A strategy's module may say how: `around(run)` gives the run in which the events are found and that of the
    segments, where these are not the run itself; `in_segments(run, wrt)` does all, where it does not go back;
    `with_delays(run, wrt)` does all of a model with delays, whose segments are no solves of their own.

    Attributes:
        strategy: The one that differentiates the segments.
    """

    strategy: Any

    def record(self, run: Run, wrt: Wrt) -> Record:
        """Solve what has events, and make it ready.

        Raises:
            ValueError: the strategy cannot differentiate this, or the solution has no derivative at an event.
            SolveError: the solve did not reach its end.
        """
        if run.problem.system.delays:  # what comes after an event reads what was before
            own = getattr(self.strategy, "with_delays", None)
            if own is not None:
                return own(run, wrt)
            refuse_delays(run.problem.system, "this strategy, with events,")
        own = getattr(self.strategy, "in_segments", None)
        if own is not None:
            return own(run, wrt)
        if run.problem.system.kernels.invariants:
            raise ValueError(
                "adjoints through events know no constraints that the states must fulfil after them: take "
                "forward sensitivities (sensealg='forward')"
            )
        around = getattr(self.strategy, "around", None)
        whole, run = (run, run) if around is None else around(run)
        found = solve(whole)
        if found.run is not whole:  # it has turned out to slide
            run = replace(run, problem=found.run.problem, plan=plan_like(run.plan, found.run.problem.system))
        return BackRecord(replace(found, run=run), self.strategy, wrt)


@dataclass(frozen=True, eq=False)
class BackRecord(HybridRecord):
    """A solve with events, of which a strategy differentiates the segments."""

    strategy: Strategy
    wrt: Wrt

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
        settled = hybrid.settled_start()
        if settled is not None:
            u0, by_p, _ = settled.backward(u0)
            p += by_p
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
        by_state, by_p = found.pull_back(rows)
        return by_state, by_p[:m]  # without those by branches
