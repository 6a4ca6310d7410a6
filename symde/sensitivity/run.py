"""What is solved when a solve is differentiated: the options, checked, as numbers."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.engine.choice import methods_for
from symde.engine.cpu import linear_solvers
from symde.plan import Plan, make_plan, plan_for, with_methods
from symde.problem import options
from symde.problem.problem import Problem, expected_problem
from symde.problem.traits import Traits
from symde.problem.values import tolerances_by_name


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A problem and how it is to be solved.

    Attributes:
        problem: The problem.
        plan: Methods, relative tolerance and step sizes.
        atol: Absolute tolerance, a number or shape (n,).
        times: Times to save, in the order of integration; None for every step.
        memory: Bytes that what an adjoint keeps of the solution may take.
    """

    problem: Problem
    plan: Plan
    atol: Any
    times: np.ndarray | None
    memory: int = options.DEFAULT_MEMORY


def refuse_path_options(problem: Any, **given: Any) -> None:
    """Refuse options of paths with noise where there is none.

    Raises:
        ValueError: one is given, or the problem is of jumps, which have no derivatives.
    """
    if isinstance(problem, Problem) and problem.kind == "jump":
        system: Any = problem.system
        raise ValueError(system.unread)
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"{name}={value!r} belongs to problems with noise: symde.Problem(model, kind='sde')"
            )


def prepare(
    problem: Any,
    method: Any,
    *,
    rtol: Any = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    saveat: Any = None,
    dt0: Any = None,
    dtmax: Any = None,
    max_steps: Any = options.DEFAULT_MAX_STEPS,
    linear_solver: str = linear_solvers.AUTO,
    memory: Any = options.DEFAULT_MEMORY,
    events: bool = False,
) -> Run:
    """The options of a solve that is to be differentiated.

    Args:
        events: Whether what is made of the solve knows what events do to derivatives.

    Raises:
    ValueError, TypeError: as `symde.solve`; or the model is a function that cannot be differentiated, or
        has delays and equations without a derivative, or events where they are not known.
    """
    system: Any = expected_problem(problem).system
    if not system.compiled:
        raise ValueError(
            "this model is a Python function that is called back, and no exact derivative of it is known: "
            "write it so that it can be traced (operators and numpy functions of u, p and t, no branches on "
            "values), or as a model text"
        )
    if system.delays:
        refuse_algebraic_delays(system)
    if not events:
        refuse_events(system)
    traits = _states_alone(system.kernels.n, system.kernels.mass, system.delays)
    given = method, rtol, dt0, dtmax, max_steps, linear_solver, None
    if system.split:  # solved as a whole: no derivative of a step of an additive pair is known
        plan = make_plan(system.sessions, False, traits, *given)
    else:
        plan = plan_for(system, *given, traits=traits)
    times = options.save_times(saveat, *problem.tspan)
    if times is saveat and times is not None:
        times = times.copy()  # a record outlives the call, and what the caller does to their array
    return Run(
        problem,
        plan,
        options.absolute_tolerance(
            atol if type(atol) is float else tolerances_by_name(atol, system),
            system.state_names,
            system.nominal,
            plan.rtol,
        ),
        times,
        options.memory_bound(memory),
    )


def refuse_algebraic_delays(system: Any) -> None:
    """Refuse equations without a derivative in models with delays.

    Raises:
        ValueError: there are some.
    """
    if system.delays and system.kernels.mass:
        raise ValueError(
            "derivatives of solutions are not known for models with delays and equations without a "
            "derivative in this version: solve these equations for their variables, or take central "
            "differences"
        )


def refuse_events(system: Any) -> None:
    """Refuse models with events where nothing is known of what they do to a derivative.

    Raises:
        ValueError: the model has events.
    """
    if getattr(system.kernels, "has_events", False):
        raise ValueError(
            "the model has events, and derivatives of this kind do not know them: use symde.value_and_grad "
            "or symde.sensitivities, which do, and take central differences of these for second derivatives"
        )


def tightened(run: Run, factor: float) -> Run:
    """The same with both tolerances times a factor, and the default methods for these."""
    plan, system = run.plan, run.problem.system
    rtol = plan.rtol * factor
    plan = replace(plan, rtol=rtol, dt0=None, max_steps=max(plan.max_steps, options.DEFAULT_MAX_STEPS))
    methods = methods_for(None, rtol, _states_alone(system.kernels.n, system.kernels.mass, system.delays))
    return replace(run, plan=with_methods(plan, system, methods), atol=np.asarray(run.atol) * factor)


@functools.lru_cache(64)
def _states_alone(n: int, mass: bool, delays: bool) -> Traits:
    """Traits of a model of which no more is to be used: series and second-order form are its own, not those
    of what is differentiated with it. The same object each time: comparing it takes no call."""
    return Traits(n, mass=mass, delays=delays)
