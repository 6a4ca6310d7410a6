"""Plain Python functions traced to expressions: called once with values that write down what is done to them.

A function that branches on values, converts them to floats or hands them to foreign code cannot be traced; it
gets a :class:`TraceError` and is to be called back instead. What a function reads from elsewhere (globals,
closures) is taken as it is when the function is traced.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symde.language.syntax import Expr, Name
from symde.model.canonical import expression_key
from symde.model.definition import TIME, Definition, Parameter, State
from symde.model.traced import Traced, TraceError, as_expression

# What a function may raise because it was given traced values, its own mistakes included: those it raises
# again when it is called with numbers.
_PROBLEMS = (TypeError, ValueError, AttributeError, ArithmeticError, LookupError, RecursionError)


def trace(
    function: Callable[[np.ndarray, np.ndarray, Any], Any], n_states: int, n_parameters: int
) -> Definition:
    """The definition of `u' = function(u, p, t)` with states `u1...`, parameters `p1...`.

    Args:
        function: gets arrays of shapes (n_states,) and (n_parameters,) and the time, gives n_states values.

    Raises:
        TraceError: the function cannot be traced; the message says why.
    """
    states = [f"u{one + 1}" for one in range(n_states)]
    parameters = [f"p{one + 1}" for one in range(n_parameters)]

    def call() -> tuple[Expr, ...]:
        result = function(_array(states), _array(parameters), Traced(Name(TIME, span=None)))
        return _values(result, n_states)

    derivatives = _twice(call)
    return Definition(
        name=_function_name(function),
        doc=inspect.getdoc(function),
        states=tuple(State(name, value) for name, value in zip(states, derivatives, strict=True)),
        parameters=tuple(Parameter(name) for name in parameters),
        observables=(),
        constants=(),
        functions=(),
        tspan=None,
        source=None,
        form="traced",
    )


def trace_values(function: Callable[[np.ndarray], Any], names: Sequence[str]) -> tuple[Expr, ...]:
    """The values of `function(p)` as expressions in the parameters' names (for `u0` and `tspan`).

    Raises:
        TraceError: the function cannot be traced.
    """
    return _twice(lambda: _values(function(_array(names)), None))


def _array(names: Sequence[str]) -> np.ndarray:
    array = np.empty(len(names), dtype=object)
    array[:] = [Traced(Name(name, span=None)) for name in names]
    return array


def _twice(call: Callable[[], tuple[Expr, ...]]) -> tuple[Expr, ...]:
    """What `call` gives, if it gives the same again: random numbers and counters must not be frozen in."""
    try:
        first, second = call(), call()
    except _PROBLEMS as problem:
        raise TraceError(f"{type(problem).__name__}: {problem}") from problem
    numbers: dict[Any, int] = {}

    def number(shape: Any) -> int:
        return numbers.setdefault(shape, len(numbers))

    if [expression_key(one, number) for one in first] != [expression_key(one, number) for one in second]:
        raise TraceError("two calls with the same arguments gave different results")
    return first


def _values(result: Any, count: int | None) -> tuple[Expr, ...]:
    if isinstance(result, np.ndarray):
        if result.ndim > 1:
            raise TraceError(f"an array of shape {result.shape} was returned, not a vector")
        result = list(result.ravel())
    elif not isinstance(result, (list, tuple)):
        result = [result]
    if count is not None and len(result) != count:
        raise TraceError(f"{len(result)} values were returned, {count} were expected")
    return tuple(as_expression(one) for one in result)


def _function_name(function: Any) -> str:
    name = getattr(function, "__name__", "")
    return name if name.isidentifier() else "model"
