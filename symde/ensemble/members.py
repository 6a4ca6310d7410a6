"""From what a caller gives to the numbers of every member: parameters, initial states and the time span."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.ensemble.draws import Draws, Purpose, seed_of
from symde.ensemble.given import Column, Columns, columns_of, drawn_columns
from symde.problem.problem import Problem, remake
from symde.problem.values import of_aliases


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """Where the members start.

    Attributes:
        p: Parameters, shape (n, m).
        u0: Initial states, shape (n, n_states).
        seed: What the functions drew with, None where nothing is drawn.
    """

    p: np.ndarray
    u0: np.ndarray
    seed: int | None

    @property
    def n(self) -> int:
        """How many members."""
        return len(self.p)


def starts_of(problem: Problem, n: Any, p: Any, u0: Any, seed: Any) -> Starts:
    """The members' numbers; arguments as of `symde.ensemble`.

    Raises:
        ValueError, TypeError: a value is not what it should be, or nothing tells how many members there are.
    """
    drawn = callable(p) or callable(u0)
    if seed is not None and not drawn:
        raise ValueError("nothing is drawn, so that seed has nothing to do: give p or u0 as functions")
    system = problem.system
    parameters = Columns() if callable(p) else columns_of(p, system.parameter_names, "parameter")
    names = state_names_for(u0, system)
    states = Columns() if callable(u0) else columns_of(u0, names, "state")
    count = _count(n, parameters, states)
    draws = Draws(seed_of(seed)) if drawn else None
    if draws is not None and callable(p):
        parameters = drawn_columns(p, system.parameter_names, "parameter", count, draws, Purpose.PARAMETERS)
    if draws is not None and callable(u0):
        states = drawn_columns(u0, system.state_names, "state", count, draws, Purpose.INITIAL_STATE)
    if len(names) > len(system.state_names):
        guesses = of_aliases(states.values, system) | states.values
        states.values = {name: guesses[name] for name in guesses if name in system.state_names}
    rows = _rows(problem, parameters.values, states.values, count)
    _require_finite(rows[0], system.parameter_names, "parameter")
    _require_finite(rows[1], system.state_names, "initial value of state")
    return Starts(*rows, None if draws is None else draws.seed)


def state_names_for(u0: Any, system: Any) -> tuple[str, ...]:
    """The names that values of states may have: by name also those of algebraic variables that equations give
    outright, which are guesses."""
    names, text = system.state_names, getattr(system, "text_names", None)
    if text is None or not hasattr(u0, "items"):
        return names
    return (*names, *(name for name in text if name not in names))


def _count(given: Any, *columns: Columns) -> int:
    """How many members there are."""
    both = Columns()
    for one in columns:
        if one.n is not None:
            both.count(one.n, one.source)
    if given is None:
        if both.n is None:
            raise ValueError(
                "nothing tells how many members there are: give n=..., or values with one for each member, "
                "such as p={'k': np.linspace(0, 1, 100)}"
            )
        count = both.n
    else:
        try:
            count = operator.index(given)
        except TypeError:
            raise TypeError(f"n must be a whole number, found {given!r}") from None
        if isinstance(given, bool):
            raise TypeError(f"n must be a whole number, found {given!r}")
        if both.n is not None and both.n != count:
            raise ValueError(f"n = {count}, and {both.source} has values of {both.n} members")
    if count < 1:
        raise ValueError(f"n = {count}: an ensemble has one member at least")
    return count


def _rows(
    problem: Problem, p: Mapping[str, Column], u0: Mapping[str, Column], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Parameters and initial states of all members, at once where the system can do that."""
    system: Any = problem.system
    together = hasattr(system, "start_of_members") and not callable(problem.given_u0)
    moving = callable(problem.given_tspan) or (
        problem.given_tspan is None and not getattr(system, "span_is_fixed", False)
    )
    if not together or moving:
        return _rows_one_by_one(problem, p, u0, count)
    old = dict(zip(system.parameter_names, problem.p.tolist(), strict=True))
    parameters = {**{name: old[name] for name in problem.given_parameters}, **p}
    given: Any = problem.given_u0
    states = {**given, **u0}
    return system.start_of_members(parameters, states, problem.tspan[0], count)


def _rows_one_by_one(
    problem: Problem, p: Mapping[str, Column], u0: Mapping[str, Column], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The same by `remake`.

    Raises:
        ValueError: the members' time spans differ.
    """
    parameters, states = np.empty((count, len(problem.p))), np.empty((count, len(problem.u0)))
    for member in range(count):
        changed = {"p": _values(p, member), "u0": _values(u0, member)}
        made = remake(problem, **{what: values for what, values in changed.items() if values})
        if made.tspan != problem.tspan:
            raise ValueError(
                f"the time span follows the parameters: it is {made.tspan} in member {member}, and "
                f"{problem.tspan} in the problem, but all members are saved at the same times: give the "
                "problem a tspan of two numbers"
            )
        parameters[member], states[member] = made.p, made.u0
    return parameters, states


def _values(columns: Mapping[str, Column], member: int) -> dict[str, float]:
    """The values of one member."""
    return {
        name: float(column[member]) if isinstance(column, np.ndarray) else column
        for name, column in columns.items()
    }


def _require_finite(rows: np.ndarray, names: tuple[str, ...], what: str) -> None:
    if np.isfinite(rows).all():
        return
    member, index = np.argwhere(~np.isfinite(rows))[0]
    raise ValueError(
        f"{what} `{names[index]}` is {rows[member, index]} in member {member}: it must be finite"
    )
