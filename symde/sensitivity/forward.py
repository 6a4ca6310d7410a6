"""Forward sensitivities: the columns du/dx solved beside the states, one factorisation for all of them.

Every method is applied to the states and the columns together, so the columns are the exact derivative of
what an explicit or a Rosenbrock method computes with these steps, and of what an implicit one computes up to
the tolerance of its iteration. Every column takes part in the error test.

Source: T. Maly, L. R. Petzold, Numerical methods and software for sensitivity analysis of differential-
algebraic systems, Applied Numerical Mathematics 20 (1996), for solving them together.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from symde.engine.cpu.layout import Status
from symde.engine.cpu.session import Session
from symde.outcome import finish
from symde.plan import plan_like
from symde.problem.solution import Solution
from symde.sensitivity.augmented import augmented_problem, augmented_start, augmented_system
from symde.sensitivity.constrained import keep_constraints, refuse_zero_mass
from symde.sensitivity.delay_curvature import refuse_flat_interpolants
from symde.sensitivity.delay_gliding import warn_of_gliding
from symde.sensitivity.integrate import begin_run
from symde.sensitivity.run import Run
from symde.sensitivity.scales import columns_tolerance
from symde.sensitivity.start import Start, start_of
from symde.sensitivity.wrt import Wrt
from symde.sessions import borrow, give_back

FAMILIES = ("explicit", "explicit_two_estimates", "adams", "rosenbrock", "esdirk", "bdf", "radau")
"""Families whose methods solve states and columns together by the columns' own kernels."""

WHOLE = ("taylor", "symplectic", "nystrom", "stabilised", "exponential", "gauss")
"""Families whose methods take states and columns as one model, all generated from its graph."""


@dataclass(frozen=True, eq=False)
class ForwardRecord:
    """A solve with its columns.

    Attributes:
        run: What was solved.
        wrt: What was differentiated by.
        start: Derivatives of the start.
        parameters: Indices of the parameters that have a column.
        columns: All saved columns, shape (n_times, n, number of columns), parameters first.
        solution: The solution of the states alone.
        end: Derivatives of the time of the end, shape (number of columns,), where an event ended the solve;
            None: none did.
    """

    run: Run
    wrt: Wrt
    start: Start
    parameters: tuple[int, ...]
    columns: np.ndarray
    solution: Solution
    end: np.ndarray | None = None

    @cached_property
    def dp(self) -> np.ndarray:
        """Derivatives by the parameters of `wrt`, shape (n_times, n, number of parameters): each with those
        that follow it, and with the end time where that is saved and follows it."""
        raw = self.columns[:, :, : len(self.parameters)]
        moved = _moved_end(self.run, self.start, self.solution)
        if moved is not None:
            raw = raw.copy()
            raw[-1] += moved[:, list(self.parameters)]
        if not self.start.follows:
            return raw
        return raw @ self.start.parameters[np.ix_(self.parameters, self.wrt.parameters)]

    def refinement(self) -> None:
        """There is no estimate of the error."""

    @property
    def du0(self) -> np.ndarray:
        """Derivatives by the initial values of `wrt`, shape (n_times, n, number of initial values)."""
        return self.columns[:, :, len(self.parameters) : len(self.parameters) + len(self.wrt.states)]

    def pull_back(self, weights: np.ndarray, by_end: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of sum(weights * u) by all initial values (n,) and parameters (m,), zero where `wrt`
        does not ask.

        Args:
            weights: Shape (n_times, n).
            by_end: Derivative by the time of the end itself, where an event ended the solve.
        """
        problem, start, wrt, count = self.run.problem, self.start, self.wrt, len(self.parameters)
        pulled = weights.reshape(-1).dot(self.columns.reshape(weights.size, -1))
        if self.end is not None:
            pulled = pulled + by_end * self.end
        by_parameters = pulled[:count]
        moved = _moved_end(self.run, start, self.solution)
        if moved is not None:
            by_parameters = by_parameters + weights[-1] @ moved[:, list(self.parameters)]
        if start.follows:
            by_parameters = by_parameters @ start.parameters[np.ix_(self.parameters, wrt.parameters)]
        u0, p = np.zeros(len(problem.u0)), np.zeros(len(problem.p))
        u0[indices(wrt.states)], p[indices(wrt.parameters)] = pulled[count:], by_parameters
        return u0, p


def least_work(run: Run, wrt: Wrt) -> int:
    """Multiplications with additions at each evaluation that no way of solving the columns avoids: those of J
    with them, and of each with a few stages before."""
    system: Any = run.problem.system
    entries, n = len(system.kernels.pattern[1]), system.kernels.n
    return (entries + 4 * n) * (len(wrt.parameters) + len(wrt.states))


def _moved_end(run: Run, start: Start, solution: Solution) -> np.ndarray | None:
    """What the end time's dependence on the parameters adds to the derivative of the last saved state, shape
    (n, m); None where it does not depend on them."""
    if not start.ends or solution.t[-1] != run.problem.tspan[1]:
        return None
    system: Any = run.problem.system
    slope = system.derivative(solution.t[-1], solution.u[-1], run.problem.p)
    return np.outer(slope, start.span[1])


def record(run: Run, wrt: Wrt, begun: Begun | None = None) -> ForwardRecord:
    """Solve the states and the columns.

    Args:
        run: What to solve.
        wrt: What to differentiate by.
        begun: The columns at the start, where the solve goes on from another; None: those of the start.

    Raises:
        ValueError: a method cannot, with the alternatives.
        SolveError: the solve did not reach its end.
    """
    problem = run.problem
    whole = not problem.system.delays and solved_whole(run.plan.methods)
    if begun is None:
        start, sizes, parameters = start_of(problem), run, wrt.parameters
        if start.follows:
            parameters = with_followers(start, wrt)
        if problem.system.delays and start.span.any():
            raise ValueError(
                "the time span follows parameters, and derivatives through the ends of a model with delays "
                "are not known: give tspan=(t0, t1) as numbers"
            )
    else:
        start, sizes, parameters = begun.start, begun.sizes, begun.parameters
    if problem.system.kernels.mass:
        refuse_zero_mass(problem.system, problem.p, parameters)
    system: Any = augmented_system(problem.system, parameters, wrt.states, whole)
    if problem.system.delays:
        refuse_flat_interpolants(system, run.plan.methods)
    plan = plan_like(run.plan, system)
    session = borrow(system, plan)
    try:
        columns_tolerance(sizes, system, indices(parameters), indices(wrt.states), session.atol)
        augmented_start(problem, system, start, session.u)
        if begun is not None:
            begun.put(session.u)
        session.p[...] = problem.p
        if begun is None and problem.system.kernels.invariants:
            _keep_constraints(session, run, wrt, parameters)
        begin_run(session, run, problem.tspan)
        started = time.perf_counter()
        status = session.run()
        if status != Status.DONE:
            finish(session, augmented_problem(problem, system, start), status, started, throw=True)
        if problem.system.delays:
            warn_of_gliding(session)
        solution = finish(session, problem, status, started, throw=True)
    finally:
        give_back(plan, session)
    n, count, every = len(problem.u0), len(parameters) + len(wrt.states), solution.u
    columns = every[:, n:].reshape(len(every), n, -1)[:, :, :count]
    solution.u = np.ascontiguousarray(every[:, :n])
    return ForwardRecord(run, wrt, start, parameters, columns, solution)


def _keep_constraints(session: Session, run: Run, wrt: Wrt, parameters: tuple[int, ...]) -> None:
    """The columns of the session at the start along its constraints; refused where there are none."""
    u, n, count = session.u, len(run.problem.u0), len(parameters) + len(wrt.states)
    columns = u[n:].reshape(n, -1)
    if any(run.problem.system.kernels.guesses):  # what no solution is found for the run itself will tell
        given = columns.copy()
        begin_run(session, run, run.problem.tspan)
        columns[...] = given
        if session.state.refused:
            return
    keep_constraints(run, wrt, parameters, u[:n].copy(), columns[:, :count])


def in_segments(run: Run, wrt: Wrt) -> ForwardRecord:
    """As `record` for a model with events: all in one run, or segment by segment where what events set has to
    be made consistent."""
    from symde.sensitivity import carrying, forward_segments

    kernels: Any = run.problem.system.kernels
    apart = kernels.mass or kernels.invariants or not (wrt.parameters or wrt.states)
    return (forward_segments if apart else carrying).record(run, wrt)


def with_delays(run: Run, wrt: Wrt) -> ForwardRecord:
    """As `record` for a model with delays and events."""
    from symde.sensitivity import delay_moments

    return delay_moments.forward(run, wrt)


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """Columns that a solve goes on with.

    Attributes:
        columns: Shape (n, number of columns), parameters first.
        parameters: Indices of the parameters that have a column.
        sizes: The run whose initial values and parameters tell what a column must say.
    """

    columns: np.ndarray
    parameters: tuple[int, ...]
    sizes: Run

    @property
    def start(self) -> Start:
        """A start of which nothing follows anything."""
        m = len(self.sizes.problem.p)
        return Start(np.eye(m), np.zeros((len(self.columns), m)), np.zeros((2, m)), constant=True)

    def put(self, u: np.ndarray) -> None:
        """Set the columns in the vector of states and columns."""
        n, count = self.columns.shape
        u[n:].reshape(n, -1)[:, :count] = self.columns


def with_followers(start: Start, wrt: Wrt) -> tuple[int, ...]:
    """The parameters that need a column: those asked for, and those that follow them."""
    return tuple(np.flatnonzero(start.parameters[:, list(wrt.parameters)].any(axis=1)).tolist())


@lru_cache(maxsize=256)
def indices(chosen: tuple[int, ...]) -> np.ndarray:
    """Indices as an array, made once."""
    return np.array(chosen, dtype=np.intp)


@lru_cache(maxsize=256)
def solved_whole(methods: tuple[Any, ...]) -> bool:
    """Whether these methods take states and columns as one model.

    Raises:
        ValueError: one of them does not solve states and columns together.
    """
    for method in methods:
        if method.family not in (*FAMILIES, *WHOLE):
            raise ValueError(
                f"{method.name} has no forward sensitivities: use a Runge-Kutta, Rosenbrock, ESDIRK, Adams "
                "or BDF method, such as Tsit5, Vern7, Rodas5P, KenCarp4 or QNDF"
            )
    return any(method.family in WHOLE for method in methods)
