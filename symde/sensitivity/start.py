"""How the start of a solve depends on its parameters: initial values, time span, and parameters that follow
others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from symde.codegen.start_derivatives import StartDerivatives, parameter_derivative
from symde.model.definition import Definition
from symde.problem.problem import Problem
from symde.problem.values import by_name


@dataclass(frozen=True, eq=False)
class Start:
    """Derivatives of a problem's start by its parameters.

    Attributes:
        parameters: Change of all parameters with each, those that follow others included, shape (m, m).
        u0: Change of the initial state with each parameter, all else fixed, the change of t0 included as if
            the solution were continued: du0/dp + (du0/dt0 - f) dt0/dp, shape (n, m).
        span: Change of t0 and t1 with each parameter, shape (2, m).
        constant: Whether nothing depends on a parameter.
    """

    parameters: np.ndarray
    u0: np.ndarray
    span: np.ndarray
    constant: bool = False

    @cached_property
    def follows(self) -> bool:
        """Whether some parameter takes others along."""
        return bool((self.parameters != np.eye(len(self.parameters))).any())

    @cached_property
    def moves(self) -> bool:
        """Whether the initial state depends on a parameter."""
        return bool(self.u0.any())

    @cached_property
    def ends(self) -> bool:
        """Whether the end time depends on a parameter."""
        return bool(self.span[1].any())

    def along(self, u0: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The changes of the initial state (n,) and of all parameters (m,) when these are set to change."""
        if self.follows:
            p = self.parameters @ p
        return (u0 + self.u0 @ p if self.moves else u0), p


def start_of(problem: Problem) -> Start:
    """The derivatives of a problem's start.

    Raises:
        ValueError: `u0` or `tspan` is a function of p that cannot be traced, so that no derivative of it is
            known.
    """
    system: Any = problem.system
    derivatives = system.start_derivatives
    p, (t0, _) = problem.p, problem.tspan
    if derivatives.constant and not (callable(problem.given_u0) or callable(problem.given_tspan)):
        return _constant(len(problem.u0), len(p))
    given = {system.parameter_names.index(name) for name in problem.given_parameters}
    span = _span(problem, derivatives)
    u0 = problem.given_u0
    if callable(u0):
        by_p, by_t = (
            _traced(_of_states(u0, system), problem, system.state_names, "u0"),
            np.zeros(len(problem.u0)),
        )
    else:
        fixed = {system.state_names.index(name) for name in u0}
        by_p, by_t = derivatives.initial(p, t0, fixed)
    if span[0].any():
        by_p = by_p + np.outer(by_t - system.derivative(t0, problem.u0, p), span[0])
    return Start(derivatives.parameters(p, given), by_p, span)


@lru_cache(maxsize=64)
def _constant(n: int, m: int) -> Start:
    """The start of n states that depends on none of m parameters."""
    start = Start(np.eye(m), np.zeros((n, m)), np.zeros((2, m)), constant=True)
    for matrix in (start.parameters, start.u0, start.span):
        matrix.flags.writeable = False
    return start


def _span(problem: Problem, derivatives: StartDerivatives) -> np.ndarray:
    given = problem.given_tspan
    if given is None:
        return derivatives.tspan(problem.p)
    if callable(given):
        return _traced(given, problem, ("t0", "t1"), "tspan")
    return np.zeros((2, len(problem.p)))


def _of_states(function: Callable[..., Any], system: Any) -> Callable[..., Any]:
    """A function of p that may give values of all states of a text, for those alone that are solved for."""
    names, text = system.state_names, getattr(system, "text_names", None)
    if text is None or hasattr(function, "derivative"):
        return function

    def values(p: Any) -> Any:
        found = function(p)
        if hasattr(found, "items"):
            return {name: value for name, value in found.items() if name in names}
        return [found[text.index(name)] for name in names] if len(found) == len(text) else found

    return values


def _traced(function: Callable[..., Any], problem: Problem, names: tuple[str, ...], what: str) -> np.ndarray:
    """The derivative of a function of p, its own or by tracing it, shape (len(names), m)."""
    derivative = getattr(function, "derivative", None)
    if derivative is not None:
        return derivative(problem.p)
    traced, matrix = parameter_derivative(traced_start(function, problem.p, names, what), problem.p)
    called = function(problem.p.copy())
    expected = np.array([by_name(called, names, what)[name] for name in names])
    if not np.allclose(traced, expected, rtol=1e-12, atol=0.0):
        raise ValueError(_refused(what))
    return matrix


def traced_start(
    function: Callable[..., Any], p: np.ndarray, names: tuple[str, ...], what: str
) -> Definition:
    """A function of p as right-hand sides that read parameters alone, one for each name.

    Raises:
        ValueError: it cannot be traced.
    """
    from symde.model.trace import TraceError, trace

    def values(u: Any, p: Any, t: Any) -> Any:
        result = function(p)
        return [result[name] for name in names] if isinstance(result, dict) else result

    try:
        return trace(values, len(names), len(p))
    except (TraceError, KeyError) as error:
        raise ValueError(f"{_refused(what)} ({error})") from error


def _refused(what: str) -> str:
    return (
        f"the derivative of the function given as {what} is not known: it cannot be traced. Write it with "
        "operators and numpy functions of p alone, or write the dependence in the model text"
    )
