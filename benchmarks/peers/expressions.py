"""A model's equations for libraries that compile their own: sympy expressions in x0, x1, ... and t."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def equations(problem, parameters: Sequence[Any] | None = None) -> tuple[list[Any], Any, list[Any]]:
    """Symbols of the states, the symbol of time, and the right-hand sides with the problem's parameters, or
    with symbols given for them."""
    import sympy

    model = problem.model
    symbols = [sympy.Symbol(f"x{i}", real=True) for i in range(len(model.states))]
    given = map(float, problem.p) if parameters is None else parameters
    values = dict(zip(model.parameters, given, strict=True))
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


def with_parameters(problem) -> tuple[list[Any], list[Any], Any, list[Any]]:
    """Symbols x0, x1, ... of the states and p0, p1, ... of the parameters, time, and the right-hand sides."""
    import sympy

    parameters = [sympy.Symbol(f"p{j}", real=True) for j in range(len(problem.p))]
    symbols, time, right = equations(problem, parameters)
    return symbols, parameters, time, right
