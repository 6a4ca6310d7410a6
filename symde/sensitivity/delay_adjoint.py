"""Continuous adjoints of models with constant delays: `interpolating` for these.

The model is solved forward and its interpolants are kept; the adjoint equations, whose delays are the same in
reversed time, are solved back by the engine of delay equations, with jumps at the saved times. Where the
state jumps at t0, f jumps a delay later, and the derivative by that delay has a term of its own there.

Source: see `symde.codegen.delay_adjoint`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.codegen.delay_adjoint import DelayAdjointKernels, shared_states
from symde.codegen.delay_graph import DelayGraph
from symde.codegen.delays import DELAYED
from symde.codegen.derivatives import tangents
from symde.codegen.evaluate import evaluate
from symde.engine.cpu.delays import FAMILIES, DelaySystem
from symde.engine.cpu.layout import Status
from symde.outcome import finish
from symde.plan import with_methods
from symde.problem.dense import DenseOutput
from symde.problem.solution import Solution
from symde.sensitivity.adjoint_system import AdjointSystem, adjoint_problem, adjoint_system
from symde.sensitivity.adjoint_tolerance import BESIDE, adjoint_tolerance, sizes_of_states
from symde.sensitivity.along import FORWARD, backward_methods, pulled, tightened
from symde.sensitivity.discrete import through_start
from symde.sensitivity.jumps import Jumps
from symde.sensitivity.run import Run
from symde.sensitivity.start import Start, start_of
from symde.sessions import borrow, give_back

SMOOTH = 4
"""Order from which the adjoint equations' steps need not end at a discontinuity of the forward solution."""


MOST_STOPS = 2_000_000
"""Times, discontinuities by pairs of delays, above which the adjoint equations are not solved."""


@dataclass(frozen=True, eq=False)
class DelayAdjointRecord:
    """A solve of a model with delays whose interpolants were kept.

    Attributes:
        run: What was solved.
        start: Derivatives of the start.
        solution: The solution at the saved times.
        rows: Interpolants of all steps.
        breaks: Discontinuities of low order.
        jumps: Whether the state jumps at t0.
    """

    run: Run
    start: Start
    solution: Solution
    rows: np.ndarray
    breaks: np.ndarray
    jumps: bool

    def pull_back(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of sum(weights * u) by all initial values (n,) and by all parameters (m,).

        Raises:
            SolveError: the adjoint equations were not solved to their end.
        """
        u0, p = pulled(self.run, self.solution, weights, self._backward)
        return u0, through_start(self.run, self.start, self.solution, weights, u0, p)

    def refinement(self) -> None:
        """There is no estimate of the error."""

    def _backward(self, jumps: Jumps) -> tuple[np.ndarray, np.ndarray]:
        problem = self.run.problem
        n, m, t0 = len(problem.u0), len(problem.p), problem.tspan[0]
        system = adjoint_system(problem.system, "delays", lambda: _adjoint_of(problem.system))
        methods = backward_methods(self.run, FAMILIES, len(jumps.t) - 1)
        plan = with_methods(self.run.plan, system, methods)
        session = borrow(system, plan)
        try:
            lags = _lags(problem)
            self._begin(session, jumps, lags)
            by_lags = self._solve(session, system, jumps, lags)
            found = session.vector("u")
        finally:
            give_back(plan, session)
        u0, p = found[:n] + jumps.at(t0), found[n : n + m] + by_lags
        u0[list(shared_states(problem.system.kernels.model_graph))] += found[n + m :]
        return u0, p

    def _begin(self, session: Any, jumps: Jumps, lags: np.ndarray) -> None:
        """Ready the solve of the adjoint equations, in reversed time."""
        run, problem = self.run, self.run.problem
        n, (t0, t1) = len(problem.u0), problem.tspan
        sizes = sizes_of_states(run, np.abs(self.rows[:, 2 : n + 2]).max(axis=0, initial=0.0))
        of_states, of_sums = adjoint_tolerance(run, jumps, sizes, problem.p, BESIDE)
        shared = list(shared_states(problem.system.kernels.model_graph))
        session.atol[:] = np.concatenate([of_states, of_sums, of_states[shared]])
        session.u[:] = 0.0
        session.u[:n] = jumps.rows[0]
        session.p[:] = np.concatenate([problem.p, [t0], problem.u0])
        session.past.keep(self.rows, n, t0, session.n)
        session.begin(
            -jumps.t[0],
            -t0,
            rtol=run.plan.rtol,
            saveat=None,
            save_steps=False,
            dense=False,
            dt0=None,
            dtmax=run.plan.dtmax or abs(t1 - t0),
            max_steps=run.plan.max_steps,
            stops=self._stops(jumps, lags),
        )

    def _stops(self, jumps: Jumps, lags: np.ndarray) -> np.ndarray:
        """Reversed times at which steps end: where the state jumps, and where what is read of the forward
        solution does or has a kink."""
        t0 = self.run.problem.tspan[0]
        shifts = np.concatenate([[0.0], lags, -lags, np.subtract.outer(lags, lags).ravel()])
        moved = np.add.outer(self.breaks, shifts).ravel()
        every = np.union1d(jumps.t[jumps.inside(t0)], moved)
        every = every[(every > t0) & (every < jumps.t[0])]
        # one of those that are the same but for rounding; the saved times themselves are kept as they are
        near = np.abs(every[:, None] - jumps.t[None, :]).min(axis=1) <= 1e-13 * np.abs(every)
        kept = near & np.isin(every, jumps.t)
        rest = every[~near]
        rest = rest[np.append(np.diff(rest) > 1e-13 * np.abs(rest[1:]), True)] if len(rest) else rest
        return np.ascontiguousarray(-np.union1d(every[kept], rest)[::-1])

    def _solve(self, session: Any, system: AdjointSystem, jumps: Jumps, lags: np.ndarray) -> np.ndarray:
        """Solve the adjoint equations; what delays add where f jumps, shape (m,)."""
        n, t0 = len(self.run.problem.u0), self.run.problem.tspan[0]
        added = np.zeros(len(self.run.problem.p))
        rows = dict(zip(jumps.t.tolist(), jumps.rows, strict=True))
        started = time.perf_counter()
        status = session.run()
        while status == Status.STOPPED:
            t = -session.state.t
            if self.jumps and np.isclose(t, t0 + lags, rtol=1e-13, atol=0.0).any():
                added += self._where_f_jumps(t, session.vector("u")[:n], lags)
            row = rows.get(t)
            if row is not None:
                u = session.vector("u")
                u[:n] += row
                session.load_u(u)
                session.past.note_jump(session.state.t)
            status = session.run()
        if status != Status.DONE:
            finish(session, adjoint_problem(self.run, system), status, started, throw=True)
        return added

    def _where_f_jumps(self, t: float, adjoint: np.ndarray, lags: np.ndarray) -> np.ndarray:
        """l'(f- - f+) dt/dp of the delays that reach t0 at t, shape (m,)."""
        problem = self.run.problem
        graph, lowered = problem.system.kernels.graph, problem.system.kernels.lowered
        u, delayed = self._values(t, lags)
        total = np.zeros(len(problem.p))
        seeds = {node: {j: graph.constant(1.0)} for j, node in enumerate(lowered.parameters)}
        reaching = np.flatnonzero(np.isclose(t, problem.tspan[0] + lags, rtol=1e-13, atol=0.0))
        for time_index in reaching:
            sides = []
            for values in (self._history(), problem.u0):
                for j, pair in enumerate(lowered.delays.pairs):
                    if pair.time == time_index:
                        delayed[2 * j] = values[pair.state]
                inputs = {"u": u, "p": problem.p, DELAYED: delayed}
                found = evaluate(graph, lowered.rhs, t, inputs)
                sides.append(np.array([found[node] for node in lowered.rhs], dtype=float))
            (row,) = tangents(graph, [lowered.delays.times[time_index]], seeds)
            found = evaluate(graph, list(row.values()), t, {"u": u, "p": problem.p, DELAYED: delayed})
            for j, node in row.items():
                total[j] -= adjoint @ (sides[0] - sides[1]) * float(found[node])
        return total

    def _history(self) -> np.ndarray:
        """The state just before t0."""
        problem = self.run.problem
        graph, lowered = problem.system.kernels.graph, problem.system.kernels.lowered
        values = evaluate(graph, lowered.delays.history, problem.tspan[0], {"u": problem.u0, "p": problem.p})
        return np.array([values[node] for node in lowered.delays.history], dtype=float)

    def _values(self, t: float, lags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The state and the delayed values at t; those of delays that reach t0 there are of the history."""
        problem = self.run.problem
        n, t0, lowered = len(problem.u0), problem.tspan[0], problem.system.kernels.lowered
        dense = DenseOutput(self.rows, n, float(self.rows[-1, 0] + self.rows[-1, 1]))
        delayed = np.zeros(2 * len(lowered.delays.pairs))
        for j, pair in enumerate(lowered.delays.pairs):
            s = t - lags[pair.time]
            if s > t0 and not np.isclose(s, t0, rtol=0.0, atol=1e-13 * abs(t)):
                delayed[2 * j] = dense(np.array([s]))[0, pair.state]
            else:
                node = lowered.delays.history[pair.state]
                found = evaluate(
                    problem.system.kernels.graph, [node], min(s, t0), {"u": problem.u0, "p": problem.p}
                )
                delayed[2 * j] = float(found[node])
        return dense(np.array([t]))[0], delayed


def _adjoint_of(system: Any) -> AdjointSystem:
    return AdjointSystem(system, DelaySystem(DelayAdjointKernels(system.kernels.model)))


def _lags(problem: Any) -> np.ndarray:
    """The delays, all constant, shape (times,)."""
    lowered = problem.system.kernels.lowered
    found = evaluate(lowered.graph, lowered.delays.times, 0.0, {"p": problem.p})
    return -np.array([float(found[node]) for node in lowered.delays.times])


def refuse_moving(run: Run, name: str) -> None:
    """Refuse delays whose adjoint equations are not known.

    Raises:
        ValueError: a delay depends on the time or on states, a derivative is delayed, or the span follows
            parameters.
    """
    graph: DelayGraph = run.problem.system.kernels.model_graph
    remedy = "use sensealg='forward' or 'discrete', or leave the choice to 'auto'"
    if not graph.plan.constant.all():
        raise ValueError(f"sensealg={name!r} knows constant delays alone, and one depends on more: {remedy}")
    if graph.plan.neutral:
        raise ValueError(f"sensealg={name!r} does not know delayed derivatives: {remedy}")
    if start_of(run.problem).span.any():
        raise ValueError(
            "the time span follows parameters, and derivatives through the ends of a model with delays are "
            "not known: give tspan=(t0, t1) as numbers"
        )


def record_delayed(run: Run) -> DelayAdjointRecord:
    """Solve and keep the interpolants.

    Raises:
        ValueError: the adjoint equations of such delays are not known, there is not memory enough, or there
            are too many delays.
        SolveError: the solve did not reach its end.
    """
    refuse_moving(run, "interpolating")
    problem, plan = run.problem, run.plan
    t0, t1 = problem.tspan
    session = borrow(problem.system, plan)
    try:
        session.u[:], session.p[:], session.atol[:] = problem.u0, problem.p, FORWARD * np.asarray(run.atol)
        session.begin(
            t0, t1, rtol=tightened(plan.rtol), saveat=run.times, save_steps=run.times is None, dense=True,
            dt0=plan.dt0, dtmax=plan.dtmax or abs(t1 - t0), max_steps=plan.max_steps,
        )  # fmt: skip
        started = time.perf_counter()
        status = session.run()
        rows = session.output.interpolants()
        session.dense_asked = False  # they are kept here
        solution = finish(session, problem, status, started, throw=True)
        breaks, orders = session.past.discontinuities()
        jumps = bool(session.context.jump)
    finally:
        give_back(plan, session)
    if rows.nbytes > run.memory:
        raise ValueError(
            f"the interpolants of the forward solution take {rows.nbytes:,} bytes, and memory={run.memory:,} "
            "are allowed: allow more, or use sensealg='forward'"
        )
    breaks = breaks[orders < SMOOTH]
    count = len(_lags(problem))
    if len(breaks) * count**2 > MOST_STOPS:
        raise ValueError(
            f"the adjoint equations of {count:,} delays would stop at too many discontinuities: use "
            "sensealg='discrete' or 'forward'"
        )
    return DelayAdjointRecord(run, start_of(problem), solution, rows, breaks, jumps)
