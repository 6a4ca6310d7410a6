"""What solves with the same options share: methods, checked numbers, and sessions kept between them.

Most solves ask for the same again, a fit thousands of times: a plan is remembered with its system.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symde.engine.choice import methods_for
from symde.engine.cpu import linear_solvers
from symde.engine.cpu.session import Session
from symde.problem import options
from symde.problem.system import Equations, System
from symde.problem.traits import Traits

REMEMBERED = 64
"""Plans remembered for each system."""

CHOICES = 64
"""Choices of methods whose sessions a system keeps: more come of method objects made for each solve."""

_UNCHANGING = (float, int, np.number, str, type(None))


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The options of a solve that do not depend on its problem's numbers, checked.

    Attributes:
        methods: One method, or two and a switch between them.
        linear_solver, preconditioner, rtol, dt0, dtmax, max_steps: As in `symde.solve`.
        sessions: Sessions not in use, shared by all plans of the same methods and linear solver.
        likes: The same plan for other systems or with other methods, by these.
    """

    methods: tuple[Any, ...]
    linear_solver: str
    preconditioner: Any
    rtol: float
    dt0: float | None
    dtmax: float | None
    max_steps: int
    sessions: list[Session]
    likes: dict[Any, Plan] = field(default_factory=dict, init=False, repr=False)


def plan_for(system: System, *given: Any, traits: Traits | None = None) -> Plan:
    """The plan of options given in the order of `make_plan`, for a system.

    Args:
        traits: What the methods are chosen by where none is named. Default: the system's own.

    Raises:
        ValueError, TypeError: an option is not what it should be.
    """
    if system.plans is None:
        make = functools.partial(_plan_of_values, system.sessions, system.split, system.traits)
        # typed, so that True is never taken for a 1.0 that was checked
        system.plans = functools.lru_cache(REMEMBERED, typed=True)(make)
    try:
        return system.plans(traits, *given)
    except TypeError:  # an object that may change, or no number: the checks themselves tell which
        pass
    return make_plan(system.sessions, system.split, traits or system.traits, *given)


def _plan_of_values(
    sessions: dict[Any, list[Session]],
    split: bool,
    own: Traits,
    traits: Traits | None,
    method: Any,
    *given: Any,
) -> Plan:
    """A plan that may be remembered: of values that cannot change, and nothing of the user kept alive."""
    if not all(isinstance(option, _UNCHANGING) for option in given):
        raise TypeError
    return make_plan(sessions, split, traits or own, method, *given)


def make_plan(
    sessions: dict[Any, list[Session]],
    split: bool,
    traits: Traits,
    method: Any,
    rtol: Any,
    dt0: Any,
    dtmax: Any,
    max_steps: Any,
    linear_solver: Any,
    preconditioner: Any,
) -> Plan:
    """Check the options.

    Args:
        sessions: Kept sessions of the system, by methods, linear solver and preconditioner.
        split: Whether the system marks its stiff part.
        traits: What the model is.
        method, rtol, dt0, dtmax, max_steps, linear_solver, preconditioner: As in `symde.solve`.
    """
    linear_solvers.check(linear_solver, preconditioner)
    methods = methods_for(method, rtol, traits, split)
    plan = Plan(
        methods,
        linear_solver,
        preconditioner,
        options.relative_tolerance(rtol),
        options.step_size(dt0, "dt0"),
        options.step_size(dtmax, "dtmax"),
        options.step_limit(max_steps),
        # a session with a function of the user is not kept: that one may not come again
        [] if callable(preconditioner) else kept_sessions(sessions, (methods, linear_solver, preconditioner)),
    )
    if plan.dt0 is None and not methods[0].adaptive:
        raise ValueError(f"{methods[0].name} has no error estimate: give its step size as dt0=...")
    return plan


def plan_like(plan: Plan, system: Equations) -> Plan:
    """The same plan for another system, with its sessions."""
    return with_methods(plan, system, plan.methods)


def with_methods(plan: Plan, system: Equations, methods: tuple[Any, ...]) -> Plan:
    """The same plan for a system with some methods, with their sessions; remembered with the plan."""
    key = system, methods
    like = plan.likes.get(key)
    if like is None:
        choice = methods, plan.linear_solver, plan.preconditioner
        like = replace(plan, methods=methods, sessions=kept_sessions(system.sessions, choice))
        for oldest in list(plan.likes)[: 1 - REMEMBERED]:
            plan.likes.pop(oldest, None)
        plan.likes[key] = like
    return like


def kept_sessions(sessions: dict[Any, list[Session]], key: tuple[Any, ...]) -> list[Session]:
    """The sessions of one choice of methods; the oldest choices give way to new ones."""
    kept = sessions.get(key)
    if kept is None:
        for oldest in list(sessions)[: 1 - CHOICES]:
            sessions.pop(oldest, None)
        kept = sessions.setdefault(key, [])
    return kept
