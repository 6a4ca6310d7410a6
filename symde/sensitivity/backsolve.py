"""Continuous adjoints without a kept solution: states, adjoint states and integral solved backward together.

A solve that is run backward does not find its way back where the problem forgets its past: what decays
forward grows backward. So it is compared with `CHECKPOINTS` states of the forward solve, set right at each,
and given up with an explanation where it was further from one than `LIMIT` times the tolerance.

Source: R. T. Q. Chen, Y. Rubanova, J. Bettencourt, D. Duvenaud, Neural Ordinary Differential Equations
(2018), for the reverse solve; A. Gholami, K. Keutzer, G. Biros, ANODE (2019), doi:10.24963/ijcai.2019/103,
for its failure.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.engine.choice import default_pair
from symde.engine.cpu import linear_solvers
from symde.engine.cpu.backsolve import BacksolveSystem
from symde.engine.cpu.layout import Status
from symde.engine.cpu.recording import Recording
from symde.engine.methods import registry
from symde.outcome import finish
from symde.plan import plan_like
from symde.problem.solution import Solution
from symde.sensitivity.adjoint_system import AdjointSystem, adjoint_system
from symde.sensitivity.adjoint_tolerance import BESIDE, adjoint_tolerance, sizes_of_states
from symde.sensitivity.along import (
    FORWARD,
    MOST_RESTARTS,
    MULTISTEP,
    ONE_STATE,
    pulled,
    refuse_fixed,
    tightened,
)
from symde.sensitivity.constrained import refuse_constrained
from symde.sensitivity.discrete import through_start
from symde.sensitivity.jumps import Jumps
from symde.sensitivity.run import Run
from symde.sensitivity.start import Start, start_of
from symde.sensitivity.wrt import Wrt
from symde.sessions import borrow, give_back

CHECKPOINTS = 64
"""States of the forward solve that are kept at most, evenly over its steps; at least half as many, where it
took so many steps."""

LIMIT = 100.0
"""Distance from a checkpoint that is let pass, root mean square over atol + rtol*|u|."""

EXPLICIT = ("explicit", "explicit_two_estimates", "adams")
"""Families of explicit methods. Backward a stiff problem is unstable, not stiff: an implicit method would
damp what grows, and agreement would be luck."""


class ReverseError(ArithmeticError):
    """A reverse solve that did not find its way back."""


@dataclass(frozen=True, eq=False)
class BacksolveRecord:
    """A solve of which a few states were kept.

    Attributes:
        checkpoint_times, checkpoints: Times (k,) in the order of integration, and rows with the states.
    """

    run: Run
    start: Start
    solution: Solution
    integrals: bool
    checkpoint_times: np.ndarray
    checkpoints: np.ndarray

    def pull_back(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of sum(weights * u) by all initial values (n,) and by all parameters (m,).

        Raises:
            ReverseError: the reverse solve drifted from the forward one, or could not be done.
        """
        u0, p = pulled(self.run, self.solution, weights, self._reverse)
        return u0, through_start(self.run, self.start, self.solution, weights, u0, p)

    def refinement(self) -> None:
        """There is no estimate of the error."""

    def _reverse(self, jumps: Jumps) -> tuple[np.ndarray, np.ndarray]:
        problem = self.run.problem
        n, m, t0 = len(problem.u0), len(problem.p), problem.tspan[0]
        system = _system(self.run.problem.system, self.integrals)
        method = _explicit_method(self.run, len(jumps.t) - 1)
        plan = replace(self.run.plan, methods=(method,), linear_solver=linear_solvers.AUTO)
        plan = plan_like(plan, system)
        session = borrow(system, plan)
        try:
            kept = self._ready(session, jumps, n, t0)
            status = session.run()
            context, state = session.context, session.state
            if status != Status.DONE:
                raise ReverseError(self._explain(status, float(state.t), context.distance, jumps.t[0]))
            del kept
            y = session.vector("u")
            distance = _distance(y[:n], self.run.problem.u0, self.run)
            if not distance <= LIMIT:
                raise ReverseError(self._explain(Status.STOPPED, t0, distance, jumps.t[0]))
            return y[n : 2 * n] + jumps.at(t0), y[2 * n :] if self.integrals else np.zeros(m)
        finally:
            give_back(plan, session)

    def _ready(self, session: Any, jumps: Jumps, n: int, t0: float) -> tuple[Any, ...]:
        """Begin the reverse solve; what the session has addresses of."""
        run, problem = self.run, self.run.problem
        first = jumps.t[0]
        sizes = sizes_of_states(run, np.abs(self.checkpoints[:, :n]).max(axis=0))
        of_states, of_integrals = adjoint_tolerance(run, jumps, sizes, problem.p, BESIDE)
        atol = np.array(np.broadcast_to(np.asarray(run.atol, dtype=float), (n,)))
        session.u[:] = 0.0
        session.u[:n] = self.solution.u[np.flatnonzero(self.solution.t == first)[-1]]
        session.u[n : 2 * n], session.p[:] = jumps.rows[0], problem.p
        session.atol[:n], session.atol[n : 2 * n] = FORWARD * atol, of_states
        session.atol[2 * n :] = of_integrals[: session.n - 2 * n]
        stops = jumps.stops(t0, self.checkpoint_times)
        context = session.context
        context.stop_rows, context.stop_checks = stops.rows.ctypes.data, stops.marks.ctypes.data
        context.jumps, context.checkpoints = jumps.rows.ctypes.data, self.checkpoints.ctypes.data
        context.stride = self.checkpoints.shape[1]
        context.rtol, context.atol, context.limit = run.plan.rtol, atol.ctypes.data, LIMIT
        context.distance = context.largest = 0.0
        session.begin(
            first,
            t0,
            rtol=tightened(run.plan.rtol),
            saveat=None,
            save_steps=False,
            dense=False,
            dt0=None,
            dtmax=run.plan.dtmax or abs(first - t0),
            max_steps=run.plan.max_steps,
            stops=stops.t,
        )
        return stops, jumps, atol

    def _explain(self, status: Status, t: float, distance: float, start: float) -> str:
        what = f"the reverse solve from t = {start:g} "
        if status == Status.STOPPED:
            what += (
                f"is {distance:.3g} times the tolerance away from the forward solution at t = {t:g} "
                f"({LIMIT:g} times is let pass)"
            )
        else:
            what += f"broke down at t = {t:g} ({status.name.lower().replace('_', ' ')})"
        return (
            f"{what}: what decays forward grows backward, so that this problem cannot be solved back over "
            "such a span. Use sensealg='interpolating', which keeps the forward solution, or 'discrete' or "
            "'forward'"
        )


def _system(system: Any, integrals: bool) -> AdjointSystem:
    def make() -> AdjointSystem:
        kernels = BacksolveSystem(system.kernels, system.adjoint_kernels, integrals)
        return AdjointSystem(system, kernels, system.state_names)

    return adjoint_system(system, ("backsolve", integrals), make)


def _explicit_method(run: Run, jumps: int) -> Any:
    """The explicit method of the solve, or the default one."""
    for method in run.plan.methods:
        if method.family in EXPLICIT and not (method.family in MULTISTEP and jumps > MOST_RESTARTS):
            return method
    return registry.get(default_pair(run.plan.rtol, ONE_STATE)[0])


def _distance(u: np.ndarray, kept: np.ndarray, run: Run) -> float:
    """Root mean square of what two states differ by, in units of the tolerance."""
    scale = np.asarray(run.atol) + run.plan.rtol * np.abs(kept)
    return float(np.sqrt(np.mean(((u - kept) / np.where(scale > 0.0, scale, 1e-300)) ** 2)))


def record(run: Run, wrt: Wrt) -> BacksolveRecord:
    """Solve and keep a few states.

    Raises:
        ValueError: a method has no error estimate. SolveError: the solve did not reach its end.
    """
    refuse_fixed(run, "backsolve")
    if run.problem.system.kernels.constrained:
        refuse_constrained(run.problem.system, "sensealg='backsolve' knows no adjoint equations")
    problem = run.problem
    t0, t1 = problem.tspan
    session = borrow(problem.system, run.plan)
    try:
        recording = Recording(session.n, 16 * session.n * CHECKPOINTS, again=False)
        session.u[:], session.p[:] = problem.u0, problem.p
        session.atol[:] = FORWARD * np.asarray(run.atol)
        session.begin(
            t0,
            t1,
            rtol=tightened(run.plan.rtol),
            saveat=run.times,
            save_steps=run.times is None,
            dense=False,
            dt0=run.plan.dt0,
            dtmax=run.plan.dtmax or abs(t1 - t0),
            max_steps=run.plan.max_steps,
            record=recording,
        )
        started = time.perf_counter()
        solution = finish(session, problem, session.run(), started, throw=True)
        steps = session.state.record_count
    finally:
        give_back(run.plan, session)
    rows = -(-steps // recording.stride)
    times = recording.t[: steps : recording.stride, 0].copy()
    checkpoints = recording.u[:rows].copy() if rows else np.concatenate([problem.u0, 0 * problem.u0])[None]
    return BacksolveRecord(run, start_of(problem), solution, bool(wrt.parameters), times, checkpoints)
