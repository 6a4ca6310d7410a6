"""`symde.with_integral`: integrals over time, for losses that are running costs.

An integral is one more equation, so that every method computes it with its own error control, and every
strategy differentiates it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symde.model.integrals import with_integrals
from symde.model.model import Model
from symde.problem.problem import Problem


def with_integral(model: Any, integrals: Mapping[str, str] | None = None, /, **named: str) -> Any:
    """A model or a problem with integrals over time as further states.

        problem = symde.with_integral(problem, cost="(x - 1)^2 + 0.1*u^2")
        symde.solve(problem)["cost"]                # the integral from t0 to each time

    The integrals come after the other states, before discrete variables, and are 0 at t0. They take part in
    the error test.

    Args:
        model: A model, a model text or a problem.
        integrals, named: What is integrated, by the name of the integral: an expression of the language that
            may read states, derivatives, parameters, constants, observables, functions and `t`.

    Returns:
        A `Model`, or a `Problem` with the same numbers.

    Raises:
        ModelError: an expression is wrong, with its position.
        ValueError: there is no integral, a name is taken, or the model cannot be read.
        TypeError: not a model or problem, or an integral is not a text.
    """
    wanted = {**(integrals or {}), **named}
    if not wanted:
        raise ValueError('name an integral and what is integrated: with_integral(problem, cost="x^2")')
    for name, text in wanted.items():
        if not isinstance(text, str):
            raise TypeError(f"integral {name!r} must be an expression as text, found {text!r}")
    if isinstance(model, Problem):
        return _larger_problem(model, wanted)
    if isinstance(model, str):
        from symde.model.ode_def import ode_def

        model = ode_def(model)
    if not isinstance(model, Model):
        raise TypeError(
            f"expected a model, a model text or a symde.Problem, found {type(model).__name__}: a plain "
            "function becomes one as symde.Problem(f, u0, tspan, p)"
        )
    return Model(with_integrals(model.definition, wanted))


def _larger_problem(problem: Problem, wanted: Mapping[str, str]) -> Problem:
    system: Any = problem.system
    if not system.compiled:
        raise ValueError(
            "this model is a Python function that is called back: an integral needs its equations. Write the "
            "integral into the function as one more state, or the model as text"
        )
    model = Model(with_integrals(system.definition, wanted))
    u0 = problem.given_u0
    if callable(u0):
        steady = sum(not state.discrete for state in system.definition.states)
        u0 = _longer(u0, len(wanted), steady)
    values = dict(zip(system.parameter_names, problem.p, strict=True))
    p = {name: values[name] for name in problem.given_parameters}
    return Problem(model, u0 or None, problem.given_tspan, p or None, kind=problem.kind)


def _longer(u0: Any, count: int, after: int) -> Any:
    """A function for the initial state with zeros for the integrals, after so many states."""

    def with_zeros(p: Any) -> Any:
        given = u0(p)
        # by name: the model's own initial values of the integrals are zeros
        return given if isinstance(given, Mapping) else [*given[:after], *[0.0] * count, *given[after:]]

    return with_zeros
