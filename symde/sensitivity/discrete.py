"""Discrete adjoints: the exact derivative of what a one-step method computed, by going back over its steps.

The steps are recorded and turned round one by one; their sizes are constants of the differentiation. The cost
hardly depends on the number of parameters. The steps are chosen with one direction's derivative in the error
test (`symde.sensitivity.riding`), then taken with the states alone.

Source: A. Sandu, D. N. Daescu, G. R. Carmichael, Direct and adjoint sensitivity analysis of chemical kinetic
systems with KPP: I, Atmospheric Environment 37 (2003).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from symde.engine.cpu.adjoints import FAMILIES
from symde.engine.cpu.layout import Status
from symde.engine.cpu.pullback import PullBack, PullBackError
from symde.engine.cpu.recording import Recording
from symde.engine.cpu.session import Session
from symde.outcome import finish
from symde.plan import plan_for
from symde.problem.solution import Solution
from symde.problem.traits import Traits
from symde.sensitivity.constrained import refuse_projected_steps
from symde.sensitivity.divided import without_parameters_in_mass
from symde.sensitivity.integrate import begin, consistent_start
from symde.sensitivity.kept_session import in_session
from symde.sensitivity.riding import can_ride, chosen_steps
from symde.sensitivity.run import Run
from symde.sensitivity.settling import settling
from symde.sensitivity.start import Start, start_of
from symde.sensitivity.strategy import Record
from symde.sensitivity.wrt import Wrt


@dataclass(frozen=True, eq=False)
class DiscreteRecord:
    """A solve whose steps were recorded.

    Attributes:
        run: What was solved.
        start: Derivatives of the start.
        solution: The solution.
        steps: The steps.
    """

    run: Run
    start: Start
    solution: Solution
    steps: Recording
    _pull_back: PullBack

    def pull_back(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of sum(weights * u) by all initial values (n,) and by all parameters (m,)."""
        u0, p = self._pull_back.run(self.steps, self.solution.t, weights)
        if self.run.problem.system.kernels.mass:
            u0, p = _through_consistency(self.run, u0, p)
        return u0, through_start(self.run, self.start, self.solution, weights, u0, p)

    def times_back(self, weights: np.ndarray) -> np.ndarray:
        """Derivatives of sum(weights * u) by the saved times, shape (n_times,)."""
        system: Any = self.run.problem.system
        p = self.run.problem.p
        points = zip(self.solution.t, self.solution.u, weights, strict=True)
        return np.array([w @ system.derivative(t, u, p) for t, u, w in points])

    def refinement(self) -> Callable[[], DiscreteRecord]:
        """What does the same again with each step as two halves; it raises PullBackError where one could not
        be done. It keeps nothing of this record but the steps."""
        run, start, steps = self.run, self.start, self.steps.without_states()
        return lambda: in_session(run, lambda session: _followed(run, start, session, steps.halved()))


def through_start(
    run: Run, start: Start, solution: Solution, weights: np.ndarray, u0: np.ndarray, p: np.ndarray
) -> np.ndarray:
    """Derivatives by all parameters (m,) with all that follows them, from those by the initial state and by
    the parameters of the right-hand side."""
    if start.moves:
        p = p + u0 @ start.u0
    if start.ends and solution.t[-1] == run.problem.tspan[1]:
        system: Any = run.problem.system
        slope = system.derivative(solution.t[-1], solution.u[-1], run.problem.p)
        p = p + (weights[-1] @ slope) * start.span[1]
    return p @ start.parameters if start.follows else p


def _through_consistency(run: Run, u0: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives by the given initial state and the parameters, from those by the consistent initial
    state and by the parameters of the right-hand side."""
    problem, system = run.problem, cast(Any, run.problem.system)
    t0 = problem.tspan[0]
    settled = settling(system, t0, consistent_start(run), problem.p)
    assert settled is not None
    given, through, _ = settled.backward(u0)
    return given, p + through


def record(run: Run, wrt: Wrt) -> Record:
    """Solve and record the steps.

    Args:
        run: What to solve.
        wrt: What to differentiate by.

    Raises:
        ValueError: a method has no discrete adjoint, with the reason and the alternatives.
        SolveError: the solve did not reach its end.
    """
    if run.problem.system.delays:
        from symde.sensitivity import delay_discrete

        return delay_discrete.record(able(run), wrt)
    if run.problem.system.kernels.constrained:
        refuse_projected_steps(run.problem.system)
    run = able(run)
    if run.problem.system.kernels.mass:
        run = without_parameters_in_mass(run, wrt)
    problem = run.problem
    start = start_of(problem)
    steps = chosen_steps(run, wrt, start) if can_ride(run) else None
    if steps is not None:
        try:
            return in_session(run, lambda session: _followed(run, start, session, steps))
        except PullBackError:
            # stages that were solved beside the column from the last step's, but not from their start alone
            pass
    return in_session(run, lambda session: _recorded(run, start, session))


def able(run: Run) -> Run:
    """The run with methods that have a discrete adjoint: as named, or another pair where none is named.

    Raises:
        ValueError: a method that was named has none.
    """
    unable = [method for method in run.plan.methods if method.family not in FAMILIES]
    if not unable:
        return run
    if len(run.plan.methods) == 1:
        raise ValueError(_refusal(unable[0]))
    plan, system = run.plan, run.problem.system
    options = (None, plan.rtol, plan.dt0, plan.dtmax, plan.max_steps, plan.linear_solver, plan.preconditioner)
    # the pair for a few states is one of one-step methods
    return replace(run, plan=plan_for(system, *options, traits=Traits(1, delays=system.delays)))


def with_delays(run: Run, wrt: Wrt) -> Record:
    """As `record` for a model with delays and events."""
    from symde.sensitivity import delay_moments_back

    return delay_moments_back.record(able(run), wrt)


def around(run: Run) -> tuple[Run, Run]:
    """How the events of a solve are found, and its segments solved: both by methods with an adjoint."""
    run = able(run)
    return run, run


def _companion(run: Run, session: Session) -> PullBack:
    system: Any = run.problem.system
    return session.companion(PullBack, lambda: PullBack(session, system.adjoint_kernels))


def _recorded(run: Run, start: Start, session: Session) -> DiscreteRecord:
    """A solve by its own steps."""
    record = Recording(session.n, run.memory)
    begin(session, run, run.problem, run.atol, record=record)
    started = time.perf_counter()
    solution = finish(session, run.problem, session.run(), started, throw=True)
    record.close(session.state)
    return DiscreteRecord(run, start, solution, record, _companion(run, session))


def _followed(run: Run, start: Start, session: Session, steps: Recording) -> DiscreteRecord:
    """A solve by given steps."""
    pull_back = _companion(run, session)
    session.output.reserve(steps.count + 1 if run.times is None else 0)
    begin(session, run, run.problem, run.atol)
    started = time.perf_counter()
    record = pull_back.follow(steps, run.memory)
    solution = finish(session, run.problem, Status.DONE, started, throw=True)
    if not np.isfinite(solution.u).all():  # explicit steps that are too large blow up without a word
        raise PullBackError("given steps led to states that are not finite")
    return DiscreteRecord(run, start, solution, record, pull_back)


def _refusal(method: Any) -> str:
    others = "sensealg='forward', or an adjoint of the equations, sensealg='interpolating' or 'gauss'"
    if method.family in ("bdf", "adams"):
        return (
            f"{method.name} has no discrete adjoint: with variable steps and orders the adjoint of a "
            "multistep method is not consistent with the adjoint equations (Sandu 2008). Use a one-step "
            f"method such as Rodas5P or Vern7, {others}"
        )
    return f"{method.name} has no discrete adjoint: use Tsit5, Vern7 or Rodas5P, {others}"
