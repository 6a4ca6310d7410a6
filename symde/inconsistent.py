"""Why a start of M u' = f was refused: the worst equation or constraint, its residual, what to do."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu.layout import Attempt
from symde.engine.cpu.session import Session
from symde.problem.problem import Problem
from symde.problem.retcode import Retcode
from symde.problem.system import Equation


def explain_start(session: Session, problem: Problem) -> str:
    """The message of a start that has no consistent values, in the modeller's words."""
    if session.invariants is not None and session.state.outcome == Attempt.INACCURATE:
        return _contradiction(session, problem, *session.invariants.worst(session))
    return _unsolved(session, problem)


def _own(problem: Problem) -> Any:
    """The model's own system, also of states with columns."""
    return getattr(problem.system, "base", problem.system)


def _place(equation: Equation) -> str:
    return f"{equation.file}, line {equation.line}" if equation.line else "no model text"


def _contradiction(session: Session, problem: Problem, index: int, residual: float) -> str:
    constraint = _own(problem).constraints.words(index)
    return "\n".join([
        f"{Retcode.INCONSISTENT.word}: the initial values contradict a constraint of the equations, at t = "
        f"{session.state.t:.6g}",
        f"  constraint:  {constraint.text}    ({_place(constraint)})",
        f"  residual:    {residual:.3g}, where 0 is due; the tolerance would forgive what a state's move by "
        "atol + rtol*|state| amounts to",
        "  help: give initial values that fulfil it, or more of their digits",
    ])  # fmt: skip


def _unsolved(session: Session, problem: Problem) -> str:
    state, system = session.state, _own(problem)
    n = len(system.state_names)
    u = session.vector("u")[:n]
    scale = session.atol[:n] + state.rtol * np.abs(u)
    index, residual = system.constraints.worst(state.t, u, problem.p, scale)
    equation = system.equation(index)
    lines = [f"{Retcode.INCONSISTENT.word}: {Retcode.INCONSISTENT.sentence}, at t = {state.t:.6g}"]
    lines.append(f"  worst equation: {equation.text}    ({_place(equation)})")
    lines.append(
        f"  residual:       {residual:.3g} at " + ", ".join(map("{} = {:.6g}".format, system.state_names, u))
    )
    if state.outcome == Attempt.SINGULAR:
        lines.append(
            "  help: the equations without a derivative do not determine the algebraic variables there: give "
            "other guesses, or check that each variable stands in one of them (if not, the index is above 1)"
        )
    elif state.outcome == Attempt.NON_FINITE:
        lines.append("  help: an expression is not finite there: give guesses inside its domain")
    else:
        lines.append(f"  help: {Retcode.INCONSISTENT.remedy}")
    return "\n".join(lines)
