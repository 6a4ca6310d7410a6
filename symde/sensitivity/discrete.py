"""Discrete adjoints: the exact derivative of what a one-step method computed, by going back over its steps.

The accepted steps are recorded and turned round one by one; their sizes are constants of the differentiation.
The cost hardly depends on the number of parameters.

Source: A. Sandu, D. N. Daescu, G. R. Carmichael, Direct and adjoint sensitivity analysis of chemical kinetic
systems with KPP: I, Atmospheric Environment 37 (2003).
"""

from __future__ import annotations

import time
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu.adjoints import FAMILIES
from symde.engine.cpu.pullback import PullBack
from symde.engine.cpu.recording import Recording
from symde.outcome import finish
from symde.problem.solution import Solution
from symde.sensitivity.run import Run
from symde.sensitivity.start import Start, start_of
from symde.sensitivity.wrt import Wrt
from symde.sessions import borrow, give_back


@dataclass(frozen=True, eq=False)
class DiscreteRecord:
    """A solve whose steps were recorded."""

    run: Run
    start: Start
    solution: Solution
    _pull_back: PullBack
    _record: Recording

    def pull_back(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of sum(weights * u) by all initial values (n,) and by all parameters (m,)."""
        u0, p = self._pull_back.run(self._record, self.solution.t, weights)
        return u0, through_start(self.run, self.start, self.solution, weights, u0, p)


def through_start(
    run: Run, start: Start, solution: Solution, weights: np.ndarray, u0: np.ndarray, p: np.ndarray
) -> np.ndarray:
    """Derivatives by all parameters (m,) with all that follows them, from those by the initial state and by
    the parameters of the right-hand side."""
    p = p + u0 @ start.u0
    if start.span[1].any() and solution.t[-1] == run.problem.tspan[1]:
        slope = run.problem.system.slope(solution.t[-1], solution.u[-1], run.problem.p)
        p = p + (weights[-1] @ slope) * start.span[1]
    return p @ start.parameters


def record(run: Run, wrt: Wrt) -> DiscreteRecord:
    """Solve and record the steps.

    Raises:
        ValueError: a method has no discrete adjoint, with the reason and the alternatives.
        SolveError: the solve did not reach its end.
    """
    for method in run.plan.methods:
        if method.family not in FAMILIES:
            raise ValueError(_refusal(method))
    problem, plan = run.problem, run.plan
    t0, t1 = problem.tspan
    session = borrow(problem.system, plan)
    recording = Recording(session.n)
    session.u[:], session.p[:], session.atol[:] = problem.u0, problem.p, run.atol
    session.begin(
        t0,
        t1,
        rtol=plan.rtol,
        saveat=run.times,
        save_steps=run.times is None,
        dense=False,
        dt0=plan.dt0,
        dtmax=plan.dtmax or abs(t1 - t0),
        max_steps=plan.max_steps,
        record=recording,
    )
    started = time.perf_counter()
    solution = finish(session, problem, session.run(), started, throw=True)
    system: Any = problem.system
    pull_back = session.companion(PullBack, lambda: PullBack(session, system.adjoint_kernels))
    found = DiscreteRecord(run, start_of(problem), solution, pull_back, recording)
    weakref.finalize(found, give_back, plan, session)  # the steps are done again in its memory
    return found


def _refusal(method: Any) -> str:
    if method.family in ("bdf", "adams"):
        return (
            f"{method.name} has no discrete adjoint: with variable steps and orders the adjoint of a "
            "multistep method is not consistent with the adjoint equations (Sandu 2008). Use a one-step "
            "method such as Rodas5P or Vern7, or sensealg='forward'"
        )
    return f"{method.name} has no discrete adjoint: use Tsit5, Vern7 or Rodas5P, or sensealg='forward'"
