"""A model's equations for libraries that compile their own: sympy expressions in x0, x1, ... and t."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def equations(problem) -> tuple[list[Any], Any, list[Any]]:
    """Symbols of the states, the symbol of time, and the right-hand sides with the problem's parameters."""
    import sympy

    model = problem.model
    symbols = [sympy.Symbol(f"x{i}", real=True) for i in range(len(model.states))]
    values = dict(zip(model.parameters, map(float, problem.p), strict=True))
    known = values | dict(zip(model.states, symbols, strict=True))
    names = {str(state): i for i, state in enumerate(model.states)}
    right: list[Any] = [sympy.Integer(0)] * len(symbols)
    time = sympy.Symbol("t", real=True)
    for equation in model.equations:
        state, time = equation.lhs.args[0], equation.lhs.args[1][0]
        right[names[str(state)]] = equation.rhs.xreplace(known)
    return symbols, time, right


def compiled_by(problem, modules: Any) -> Callable[[Any, Any], list[Any]]:
    """f(t, states) -> list of slopes, for a library with functions of sympy's names; shared parts once."""
    import sympy

    symbols, time, right = equations(problem)
    return sympy.lambdify((time, symbols), right, modules=modules, cse=True)
