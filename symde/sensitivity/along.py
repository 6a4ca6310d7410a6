"""Continuous adjoints along a kept forward solution: what `interpolating` and `gauss` share.

The model is solved forward with its interpolants kept; then the adjoint equations are solved backward by the
same engine, with jumps at the saved times.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from symde.codegen.adjoints import AdjointKernels
from symde.engine.choice import default_pair
from symde.engine.cpu.layout import Status
from symde.engine.cpu.trajectory import Checkpoint, ForwardSolution, Stretches
from symde.engine.methods import registry
from symde.outcome import finish
from symde.plan import with_methods
from symde.problem.solution import Solution
from symde.problem.traits import Traits
from symde.sensitivity.adjoint_system import AdjointSystem, adjoint_problem
from symde.sensitivity.adjoint_tolerance import adjoint_tolerance, sizes_of_states
from symde.sensitivity.discrete import through_start
from symde.sensitivity.jumps import Jumps, jumps_of
from symde.sensitivity.multipliers import Multipliers, adjoint_products, multipliers_of, through_guesses
from symde.sensitivity.run import Run
from symde.sensitivity.start import Start, start_of
from symde.sensitivity.wrt import Wrt
from symde.sessions import borrow, give_back

FORWARD = 0.1
"""Tolerances of the forward solve over those asked for. Its error enters the gradient by second derivatives,
and nothing in the backward solve can mend it: with 1, gradients of Lotka-Volterra by Tsit5 were off by 8 to
17 times rtol and those by QNDF by 14 to 25; with 0.1 by 0.4 to 1.6 and 4 to 6. At saved times the backward
solve begins anew, so that the forward one is the smaller part of the work."""


SMALLEST = 1e-14
"""Relative tolerance of the forward solve at least."""


def backward_methods(run: Run, families: tuple[str, ...], jumps: int) -> tuple[Any, ...]:
    """The methods for the adjoint equations: those of the solve, with one that does not suit them replaced by
    the one-step method of its kind.

    Args:
        run: What was solved.
        families: Families that solve the equations.
        jumps: How often the adjoint state jumps inside the span.
    """
    explicit, _ = default_pair(run.plan.rtol, ONE_STATE)
    chosen = []
    for method in run.plan.methods:
        restarts = method.family in MULTISTEP and jumps > MOST_RESTARTS
        if method.family not in families or restarts:
            method = registry.get("Rodas5P" if method.family in IMPLICIT else explicit)
        chosen.append(method)
    return tuple(chosen)


def tightened(rtol: float) -> float:
    """The relative tolerance of the forward solve."""
    return max(FORWARD * rtol, min(rtol, SMALLEST))


def tightened_around(run: Run) -> tuple[Run, Run]:
    """How the events of a solve are found, with the tolerances of the forward solves, and its segments."""
    if run.plan.rtol == 0.0:
        return run, run  # the segments refuse it
    plan = replace(run.plan, rtol=tightened(run.plan.rtol))
    return replace(run, plan=plan, atol=FORWARD * np.asarray(run.atol)), run


ONE_STATE = Traits(1)
"""Nothing is told of adjoint equations but that they are some, for the choice of an explicit method."""

MULTISTEP = ("adams", "bdf")
MOST_RESTARTS = 4
"""Jumps up to which a multistep method is kept, which begins anew at order 1 after each: with 100 jumps QNDF
takes 5682 steps and 8020 solves of linear systems for POLLU, Rodas5P 919 and 10352 in a third of the time."""

IMPLICIT = ("radau", "exponential", "additive", "gauss", "bdf", "rosenbrock", "esdirk")
"""Families for problems that may be stiff."""


def refuse_fixed(run: Run, name: str) -> None:
    """Refuse methods without an error estimate, and solves without a relative tolerance."""
    if run.plan.rtol == 0.0:
        raise ValueError(
            f"rtol = 0: sensealg={name!r} measures the errors of the adjoint equations by rtol alone: give "
            "rtol=1e-14 or more, or use sensealg='discrete' or 'forward'"
        )
    for method in run.plan.methods:
        if not method.adaptive:
            raise ValueError(
                f"{method.name} has no error estimate, and sensealg={name!r} solves the adjoint equations by "
                "error control: use an adaptive method such as Tsit5, Vern7, Rodas5P or QNDF, or "
                "sensealg='discrete'"
            )


def pulled(
    run: Run,
    solution: Solution,
    weights: np.ndarray,
    backward: Callable[[Jumps], tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives by the initial state (n,) and the parameters of the right-hand side (m,), from what solves
    backward where there is something to solve."""
    n, m = len(run.problem.u0), len(run.problem.p)
    if not np.isfinite(weights).all():  # as the loss is, not a failure of the solver
        return np.full(n, np.nan), np.full(m, np.nan)
    jumps = jumps_of(solution.t, np.asarray(weights, dtype=float))
    if not len(jumps.t):
        return np.zeros(n), np.zeros(m)
    if jumps.t[0] == run.problem.tspan[0]:
        return jumps.rows[0].copy(), np.zeros(m)
    return backward(jumps)


@dataclass(frozen=True, eq=False)
class Along:
    """How a strategy solves the adjoint equations.

    Attributes:
        system: Makes the equations, from the model's system, its products, whether there are integrals and
            whether methods are implicit.
        families: Families of methods that solve them.
        dense: Whether interpolants of the backward solve are needed.
        part: Size of a derivative that counts for nothing, see `adjoint_tolerance`.
        begin: Readies the session for a run, from (session, tolerances of the integrals, rtol), and gives a
            function that reads the integrals (m,) after it.
    """

    system: Callable[[Any, AdjointKernels, bool, bool], AdjointSystem]
    families: tuple[str, ...]
    dense: bool
    part: float
    begin: Callable[[Any, np.ndarray, float], Callable[[], np.ndarray]]


@dataclass(frozen=True, eq=False)
class AlongRecord:
    """A solve whose interpolants were kept."""

    run: Run
    start: Start
    solution: Solution
    integrals: bool
    _strategy: Along
    _forward: ForwardSolution
    _products: AdjointKernels
    _multipliers: Multipliers | None = None

    def pull_back(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of sum(weights * u) by all initial values (n,) and by all parameters (m,).

        Raises:
            SolveError: the adjoint equations were not solved to their end.
        """
        weights = np.asarray(weights, dtype=float)
        known = self._multipliers
        if known is None or not np.isfinite(weights).all():
            u0, p = pulled(self.run, self.solution, weights, self._backward)
            u0, solved_for = through_guesses(self.run, u0)
        else:
            rows, by_parameters, terms = known.jumps(self.solution.t, self.solution.u, weights)
            backward = partial(self._backward, terms=terms)
            u0, p = pulled(self.run, self.solution, rows, backward)
            u0, solved_for = known.through_start(u0)
            p = p + by_parameters
        p = p + solved_for
        return u0, through_start(self.run, self.start, self.solution, weights, u0, p)

    def refinement(self) -> None:
        """There is no estimate of the error."""

    def _backward(self, jumps: Jumps, terms: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        problem = self.run.problem
        n, t0 = len(problem.u0), problem.tspan[0]
        methods = backward_methods(self.run, self._strategy.families, len(jumps.t) - 1)
        implicit = any(method.family in IMPLICIT for method in methods)
        system = self._strategy.system(problem.system, self._products, self.integrals, implicit)
        plan = with_methods(self.run.plan, system, methods)
        session = borrow(system, plan)
        try:
            read = self._ready(session, jumps, t0, terms)
            self._solve(session, system)
            return session.vector("u")[:n] + jumps.at(t0), read()
        finally:
            give_back(plan, session)

    def _ready(
        self, session: Any, jumps: Jumps, t0: float, terms: np.ndarray | None
    ) -> Callable[[], np.ndarray]:
        """Begin the backward solve; gives what reads the integrals after it."""
        run, forward = self.run, self._forward
        n, p = len(run.problem.u0), run.problem.p
        sizes = sizes_of_states(run, forward.largest())
        if self._multipliers is not None and terms is not None:
            sizes = self._multipliers.sizes(sizes, terms)
        of_states, of_integrals = adjoint_tolerance(run, jumps, sizes, p, self._strategy.part)
        session.u[:], session.u[:n], session.p[:] = 0.0, jumps.rows[0], p
        session.atol[:n] = of_states
        if session.n > n:
            session.atol[n:] = of_integrals
        stops = jumps.stops(t0, np.array(forward.boundaries))
        pauses = (stops.marks >= 0).astype(np.int64)
        context = session.context
        context.trajectory = forward.address
        context.stop_rows, context.stop_pauses = stops.rows.ctypes.data, pauses.ctypes.data
        context.jumps, context.after_jump = jumps.rows.ctypes.data, 0.0
        kept = stops, pauses, jumps
        forward.load(jumps.t[0])
        session.begin(
            jumps.t[0],
            t0,
            rtol=run.plan.rtol,
            saveat=None,
            save_steps=False,
            dense=self._strategy.dense,
            dt0=None,
            dtmax=run.plan.dtmax or abs(jumps.t[0] - t0),
            max_steps=run.plan.max_steps,
            stops=stops.t,
        )
        read = self._strategy.begin(session, of_integrals, run.plan.rtol)
        return lambda kept=kept: read()  # what the session has addresses of lives as long

    def _solve(self, session: Any, system: AdjointSystem) -> None:
        started = time.perf_counter()
        status = session.run()
        while status == Status.STOPPED:  # the stretch in memory ends here
            self._forward.load(session.state.t)
            status = session.run()
        if status != Status.DONE:
            finish(session, adjoint_problem(self.run, system), status, started, throw=True)


def record_along(run: Run, wrt: Wrt, integrals: bool, strategy: Along) -> AlongRecord:
    """Solve and keep the interpolants.

    Args:
        run: What is solved.
        wrt: What is differentiated by.
        integrals: Whether derivatives by parameters are wanted.
        strategy: What goes back.

    Raises:
        SolveError: the solve did not reach its end. ValueError: equations without a derivative or what is
            differentiated by them do not admit it.
    """
    problem, plan = run.problem, run.plan
    products = adjoint_products(run, wrt)
    multipliers = multipliers_of(run, wrt, products)
    t0, t1 = problem.tspan
    session = borrow(problem.system, plan)
    session.u[:], session.p[:], session.atol[:] = problem.u0, problem.p, FORWARD * np.asarray(run.atol)
    stretches = Stretches(run.memory, Checkpoint(t0, problem.u0.copy(), plan.dt0))
    options = {"rtol": tightened(plan.rtol), "dtmax": plan.dtmax or abs(t1 - t0), "max_steps": plan.max_steps}
    session.begin(
        t0,
        t1,
        saveat=run.times,
        save_steps=run.times is None,
        dense=True,
        dt0=plan.dt0,
        stretches=stretches,
        **options,
    )
    started = time.perf_counter()
    status = session.run()
    session.state.keep_dense = 0  # they stay where they are
    solution = finish(session, problem, status, started, throw=True)
    forward = ForwardSolution(session, stretches, float(session.state.t), options)
    found = AlongRecord(run, start_of(problem), solution, integrals, strategy, forward, products, multipliers)
    weakref.finalize(found, give_back, plan, session)  # its memory is read
    return found
