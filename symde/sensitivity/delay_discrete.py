"""Discrete adjoints of models with delays: the exact derivative of what the method of steps computed.

The interpolants of all steps are kept, since later steps read them: what a number changes by with them is
gathered while going back (`symde.engine.cpu.compiled.delay_pullback`). The sizes of steps are constants of
the differentiation, and so is on which side of a discontinuity each delayed value lies; where the right-hand
side jumps as a delayed time passes one, the jump moves as it does for forward sensitivities. The steps are
chosen with one direction's derivative in the error test (`symde.sensitivity.delay_riding`), then taken with
the states alone.

Source: A. Bellen, M. Zennaro, Numerical Methods for Delay Differential Equations (2003), chapter 3, for the
method; C. T. H. Baker, C. A. H. Paul, SIAM J. Sci. Comput. 18 (1997) 305-314, for the jumps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu.delay_pullback import DelayProducts, DelayPullBack
from symde.engine.cpu.delay_recording import DelayRecording
from symde.engine.cpu.delays import BREAKS
from symde.engine.cpu.layout import Status
from symde.engine.cpu.pullback import PullBackError
from symde.engine.cpu.session import Session
from symde.outcome import finish
from symde.problem.solution import Solution
from symde.sensitivity.delay_gliding import warn_of_gliding
from symde.sensitivity.delay_riding import chosen_steps
from symde.sensitivity.discrete import through_start
from symde.sensitivity.integrate import begin
from symde.sensitivity.kept_session import in_session
from symde.sensitivity.riding import can_ride
from symde.sensitivity.run import Run
from symde.sensitivity.start import Start, start_of
from symde.sensitivity.wrt import Wrt


@dataclass(frozen=True, eq=False)
class DelayDiscreteRecord:
    """A solve of a model with delays whose steps were recorded.

    Attributes:
        run: What was solved.
        start: Derivatives of the start.
        solution: The solution.
        steps: The steps.
    """

    run: Run
    start: Start
    solution: Solution
    steps: DelayRecording
    _pull_back: DelayPullBack

    def pull_back(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of sum(weights * u) by all initial values (n,) and by all parameters (m,).

        Raises:
            PullBackError: a step could not be turned round.
        """
        u0, p = self._pull_back.run_delayed(self.steps, self.solution.t, weights)
        return u0, through_start(self.run, self.start, self.solution, weights, u0, p)

    def refinement(self) -> Callable[[], DelayDiscreteRecord]:
        """What does the same again with each step as two halves; it raises PullBackError where one could not
        be done. It keeps nothing of this record but the steps."""
        run, start, steps = self.run, self.start, self.steps.halved()
        return lambda: in_session(run, lambda session: _followed(run, start, session, steps))


def record(run: Run, wrt: Wrt) -> DelayDiscreteRecord:
    """Solve and record the steps with their interpolants.

    Args:
        run: What to solve, by methods that have a discrete adjoint.
        wrt: What to differentiate by.

    Raises:
        ValueError: the span follows parameters, there is not memory enough, or there are too many
            discontinuities.
        SolveError: the solve did not reach its end.
    """
    start = start_of(run.problem)
    if start.span.any():
        raise ValueError(
            "the time span follows parameters, and derivatives through the ends of a model with delays are "
            "not known: give tspan=(t0, t1) as numbers"
        )
    if can_ride(run):
        steps, _ = chosen_steps(run, wrt, start, run.problem)
        try:
            return in_session(run, lambda session: _followed(run, start, session, steps))
        except PullBackError:
            # stages that were solved beside the column from the last step's, but not from their start alone
            pass
    return in_session(run, lambda session: _recorded(run, start, session))


def _followed(run: Run, start: Start, session: Session, given: DelayRecording) -> DelayDiscreteRecord:
    """A solve by given steps."""
    pull_back = companion(session, run.problem.system)
    pull_back.reserve(given, run.times is None)
    begin(session, run, run.problem, run.atol, dense=True)
    refuse_too_much(run, session, given)
    started = time.perf_counter()
    steps = pull_back.follow_delayed(given)
    session.dense_asked = False  # the interpolants are kept here
    solution = finish(session, run.problem, Status.DONE, started, throw=True)
    if not np.isfinite(solution.u).all():  # explicit steps that are too large blow up without a word
        raise PullBackError("given steps led to states that are not finite")
    rows_of(session, steps)
    return DelayDiscreteRecord(run, start, solution, steps, pull_back)


def _recorded(run: Run, start: Start, session: Session) -> DelayDiscreteRecord:
    pull_back, steps = companion(session, run.problem.system), DelayRecording(session)
    begin(session, run, run.problem, run.atol, dense=True, record=steps)
    started = time.perf_counter()
    try:
        status = session.run()
    finally:
        steps.close(session.state)
    session.dense_asked = False  # the interpolants are kept here
    solution = finish(session, run.problem, status, started, throw=True)
    warn_of_gliding(session)
    rows_of(session, steps)
    refuse_too_much(run, session, steps)
    return DelayDiscreteRecord(run, start, solution, steps, pull_back)


def companion(session: Session, system: Any) -> DelayPullBack:
    """What goes back over a session's steps."""
    return session.companion(
        DelayPullBack, lambda: DelayPullBack(session, DelayProducts(system.adjoint_kernels))
    )


def rows_of(session: Session, steps: DelayRecording) -> None:
    """Leave the interpolants of the steps to their record: they stay in the session's memory."""
    steps.rows = session.output.rows[: steps.count]


def refuse_too_much(run: Run, session: Session, steps: DelayRecording) -> None:
    """Refuse what is too large to be kept.

    Raises:
        ValueError: the interpolants, or the discontinuities.
    """
    size = 16 * steps.count * session.state.dense_width  # with what is gathered of them
    if size > run.memory:
        raise ValueError(
            f"the interpolants of the solution take {size:,} bytes, and memory={run.memory:,} are allowed: "
            "allow more, or use sensealg='forward'"
        )
    if steps.forgotten:
        raise ValueError(
            f"the solution has more than {BREAKS:,} discontinuities, which the discrete adjoint cannot keep: "
            "use sensealg='forward'"
        )
