"""Sessions kept between solves: the next solve of the same system and methods allocates nothing.

Each solve has a session to itself while it runs, so threads never share one.
"""

from __future__ import annotations

from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import packed
from symde.plan import Plan
from symde.problem.system import Equations

KEPT = 4
"""Sessions kept for each system and choice of methods."""


def borrow(system: Equations, plan: Plan) -> Session:
    """A session for a system under a plan, to give back after use."""
    try:
        return plan.sessions.pop()
    except IndexError:
        return make_session(system, plan)


def make_session(system: Equations, plan: Plan) -> Session:
    """A session of one's own."""
    methods = [packed(method) for method in plan.methods]
    return Session(system.kernels, methods, plan.linear_solver, plan.preconditioner)


def give_back(plan: Plan, session: Session) -> None:
    """Keep a session for the next solve."""
    if len(plan.sessions) < KEPT:
        plan.sessions.append(session)
