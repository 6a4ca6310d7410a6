"""Why values of M u' = f were refused, at a start or after an event: the worst equation or constraint, its
residual, what to do."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.constraints import Constraints
from symde.engine.cpu.layout import Attempt
from symde.engine.cpu.session import Session
from symde.problem.problem import Problem
from symde.problem.retcode import Retcode
from symde.problem.system import Equation

MOST_NAMED = 6
"""Equations or variables in a message."""


def explain_start(session: Session, problem: Problem) -> str:
    """The message of a start, or of what an event has left, that has no consistent values, in the modeller's
    words."""
    if session.invariants is not None and session.state.outcome == Attempt.INACCURATE:
        return _contradiction(session, problem, *session.invariants.worst(session))
    return _unsolved(session, problem)


def _event(session: Session) -> str | None:
    """The name of the event that left the present state; None: none did."""
    records = () if session.executive is None else session.executive.records
    return records[-1].name if records and records[-1].t == session.state.t else None


def _own(problem: Problem) -> Any:
    """The model's own system, also of states with columns."""
    return getattr(problem.system, "base", problem.system)


def _constraints(session: Session, problem: Problem) -> Constraints:
    """Those of the model's own system, with the delayed values that were read last where it reads any."""
    system = _own(problem)
    return system.constraints if session.past is None else Constraints(system, session.past.last_read())


def _place(equation: Equation) -> str:
    return f"{equation.file}, line {equation.line}" if equation.line else "no model text"


def _contradiction(session: Session, problem: Problem, index: int, residual: float) -> str:
    constraint, event = _own(problem).constraints.words(index), _event(session)
    given = "the initial values contradict" if event is None else f"what event `{event}` sets contradicts"
    return "\n".join([
        f"{Retcode.INCONSISTENT.word}: {given} a constraint of the equations, at t = "
        f"{session.state.t:.6g}",
        f"  constraint:  {constraint.text}    ({_place(constraint)})",
        f"  residual:    {residual:.3g}, where 0 is due; the tolerance would forgive what a state's move by "
        "atol + rtol*|state| amounts to",
        f"  help: {_remedy(session, problem, index)}"
        if event is None
        else "  help: let the event set all states of the constraint so that they fulfil it afterwards",
    ])  # fmt: skip


def _remedy(session: Session, problem: Problem, index: int) -> str:
    """What to do about a contradicted constraint: some of what it reads may have been solved for."""
    system, u = _own(problem), session.vector("u")
    guesses = system.constraints.guesses_in(index)
    if not guesses:
        return (
            "give initial values that fulfil it, or more of their digits, or leave one out of the text "
            "(`state x`), which the constraint then determines"
        )
    solved = ", ".join(f"{system.state_names[i]} = {u[i]:.6g}" for i in guesses)
    begin = f"u0={{{system.state_names[guesses[0]]!r}: ...}}"
    return (
        f"{solved} as solved for, from 0 or what u0 gives: let it begin nearer to a solution, {begin}, or "
        "give other values that fulfil it"
    )


def _undetermined(constraints: Constraints, problem: Problem, t: float, u: np.ndarray) -> list[str]:
    """Which equations do not determine which variables, one line; none where that is not known."""
    system = _own(problem)
    rows, columns = constraints.dependent(t, u, problem.p)
    if not rows:
        return []
    equations = [system.equation(i) for i in rows]
    named = [f"{one.text} ({_place(one)})" if one.line else one.text for one in equations[:MOST_NAMED]]
    if len(rows) > MOST_NAMED:
        named.append(f"{len(rows) - MOST_NAMED} more")
    names = [system.state_names[i] for i in columns[:MOST_NAMED]]
    if len(columns) > MOST_NAMED:
        names.append(f"{len(columns) - MOST_NAMED} more")
    return [f"  undetermined:   {', '.join(names)} by {'; '.join(named)}"]


def _unsolved(session: Session, problem: Problem) -> str:
    state, system = session.state, _own(problem)
    n = len(system.state_names)
    u = session.vector("u")[:n]
    scale = session.atol[:n] + state.rtol * np.abs(u)
    constraints = _constraints(session, problem)
    index, residual = constraints.worst(state.t, u, problem.p, scale)
    equation = system.equation(index)
    event = _event(session)
    after = "" if event is None else f" after event `{event}`"
    lines = [f"{Retcode.INCONSISTENT.word}: {Retcode.INCONSISTENT.sentence}{after}, at t = {state.t:.6g}"]
    if residual != 0.0:
        lines.append(f"  worst equation: {equation.text}    ({_place(equation)})")
        values = ", ".join(map("{} = {:.6g}".format, system.state_names, u))
        lines.append(f"  residual:       {residual:.3g} at {values}")
    if event is not None:
        lines.append(
            "  help: the iteration began at the values before the event: let it set states to what leaves a "
            "solution, or nearer to where it was"
        )
    elif state.outcome == Attempt.SINGULAR:
        lines += _undetermined(constraints, problem, state.t, u)
        lines.append(
            "  help: the equations without a derivative do not determine the algebraic variables there: give "
            "other guesses, or check that each variable stands in one of them (if not, the index is above 1)"
        )
    elif state.outcome == Attempt.NON_FINITE and not constraints.finite(state.t, u, problem.p):
        lines.append("  help: an expression is not finite there: give guesses inside its domain")
    else:
        lines.append(f"  help: {Retcode.INCONSISTENT.remedy}")
    return "\n".join(lines)
