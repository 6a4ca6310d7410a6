"""Steps that are fine enough for derivatives too: one direction's derivative rides in the error test.

The direction is fixed and irregular: each initial value and each parameter that is asked for changes by nine
tenths of its own size to all of it, up or down. The derivative along it contains that by each of them, so
where these are hard to follow the steps become small, at the cost of one column whatever their number.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from symde.engine.cpu.columns import EXPLICIT
from symde.engine.cpu.recording import Recording
from symde.outcome import finish
from symde.plan import plan_like
from symde.problem.problem import Problem, with_system
from symde.sensitivity.augmented import augmented_system
from symde.sensitivity.forward import FAMILIES
from symde.sensitivity.run import Run
from symde.sensitivity.start import Start
from symde.sensitivity.tangent import tangent_system
from symde.sensitivity.wrt import Wrt
from symde.sessions import borrow, give_back

SMALLEST = 1e-3
"""Initial values change by this part of the largest at least: one that is 0 says nothing of its size."""


OPERATIONS = 200
"""Operations of a right-hand side above which explicit methods take its derivative along the direction from
the graph. Of a network 2-50-2 (360) the Jacobian costs twice that derivative; of one with 64 inputs and
neurons it has 500,000 operations and takes a minute to compile."""


def can_ride(run: Run) -> bool:
    """Whether the methods choose their steps by an error test and solve columns beside the states."""
    return not run.problem.system.split and _ride(run.plan.methods)


@functools.lru_cache(256)
def _ride(methods: tuple[Any, ...]) -> bool:
    return all(method.adaptive and method.family in FAMILIES for method in methods)


@functools.lru_cache(64)
def signs(wrt: Wrt, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """An irregular number of size 0.9 to 1, the same always, for each of the n initial values and of the m
    parameters that is asked for, and 0 for the others. Were all sizes 1, equal states that go different ways
    (x' = 1e4 (y - x), both from 1) would look as if they could not."""
    count, generator = len(wrt.parameters), np.random.default_rng(2008)
    changes = generator.choice((-1.0, 1.0), count + len(wrt.states))
    changes *= generator.uniform(0.9, 1.0, len(changes))
    u0, p = np.zeros(n), np.zeros(m)
    p[list(wrt.parameters)], u0[list(wrt.states)] = changes[:count], changes[count:]
    return u0, p


def sizes(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """The sizes by which initial values (n,) and parameters (m,) are thought to change."""
    of_u0, of_p = np.abs(problem.u0), np.abs(problem.p)
    if np.count_nonzero(of_p) < len(of_p):
        of_p[of_p == 0.0] = 1.0
    return np.maximum(of_u0, SMALLEST * of_u0.max() or 1.0), of_p


def direction(run: Run, wrt: Wrt, start: Start) -> tuple[np.ndarray, np.ndarray]:
    """How the initial state (n,) and the parameters (m,) change along the direction, all that follows them
    included."""
    problem = run.problem
    u0, p = signs(wrt, len(problem.u0), len(problem.p))
    of_u0, of_p = sizes(problem)
    return start.along(u0 * of_u0, p * of_p)


@functools.lru_cache(64)
def _every(count: int) -> tuple[int, ...]:
    return tuple(range(count))


def chosen_steps(run: Run, wrt: Wrt, start: Start) -> Recording:
    """The steps of a solve whose error test includes the derivative along the direction.

    Raises:
        SolveError: the solve did not reach its end.
    """
    problem, n = run.problem, len(run.problem.u0)
    system = _with_direction(run)
    plan = plan_like(run.plan, system)
    session = borrow(system, plan)
    try:
        along_u0, along_p = direction(run, wrt, start)
        session.u[:n], session.u[n:] = problem.u0, along_u0
        session.p[: len(along_p)], session.p[len(along_p) :] = problem.p, along_p
        session.atol[:n] = session.atol[n:] = run.atol
        t0, t1 = problem.tspan
        steps = Recording(session.n)
        session.begin(
            t0,
            t1,
            rtol=plan.rtol,
            saveat=None,
            save_steps=False,
            dense=False,
            dt0=plan.dt0,
            dtmax=plan.dtmax or abs(t1 - t0),
            max_steps=plan.max_steps,
            record=steps,
        )
        status = session.run()
        if status != 0:
            finish(session, _augmented(problem, system, session), status, 0.0, throw=True)
        steps.close(session.state)
        return steps
    finally:
        give_back(plan, session)


def _with_direction(run: Run) -> Any:
    """The system of the states and their derivative along a direction; what explicit methods need of a large
    model is the derivative alone, and not the Jacobian it is a product with."""
    system: Any = run.problem.system
    if system.traits.operations > OPERATIONS and _explicit(run.plan.methods):
        return tangent_system(system)
    every = _every(len(run.problem.p))
    if system.kernels.mass:  # equations divided by M's parameters take other steps, and fail where one is 0
        read = system.kernels.model_graph.mass_reads(every)
        every = tuple(j for j in every if j not in read)
    return augmented_system(system, every, (), combined=True)


@functools.lru_cache(256)
def _explicit(methods: tuple[Any, ...]) -> bool:
    return all(method.family in EXPLICIT for method in methods)


def _augmented(problem: Problem, system: Any, session: Any) -> Problem:
    """The problem that failed, to tell where."""
    return with_system(problem, system, session.u.copy())
