"""Events given where a problem is solved: the problem of a larger model, remembered with its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from symde.lowering import solved_definition
from symde.problem.event import Event
from symde.problem.problem import Problem, remake, with_system
from symde.problem.system import system_of
from symde.problem.values import by_name

REMEMBERED = 64
"""Extended models remembered for each model."""


def with_call_events(problem: Problem, events: Any) -> Problem:
    """The problem with more events, after its model's own.

    A parameter that an event sets is a state of the new problem, after the others, that starts at its value.

    Raises:
        ModelError: a string of an event says nothing of the model, with the place in the string.
        TypeError: something else than events.
        ValueError: the problem is of a Python function that symde could not trace.
    """
    given = _events(events)
    if not given:
        return problem
    system: Any = problem.system
    if not hasattr(system, "extended"):
        raise ValueError(
            "events need the model's equations, and this Python function could not be traced: write the "
            "model as text"
        )
    extended = system.extended.get(given)
    if extended is None:
        extended = _extended(system, given)
    values = dict(zip(system.state_names, problem.u0.tolist(), strict=True))
    u0 = extended.initial_state(problem.p, problem.tspan[0], values)
    u0.setflags(write=False)
    given_u0 = problem.given_u0
    if callable(given_u0):
        given_u0 = _by_old_names(given_u0, system.state_names)
    given_p = {name: problem.p.item(system.parameter_names.index(name)) for name in problem.given_parameters}
    return with_system(problem, extended, u0, None, given_u0, given_p, problem.given_tspan)


def _by_old_names(function: Callable[[Any], Any], names: tuple[str, ...]) -> Callable[[Any], Any]:
    """The function of the parameters that gives the initial state, by name: there are more states now."""
    return lambda p: by_name(function(p), names, "state")


def _events(events: Any) -> tuple[Event, ...]:
    if isinstance(events, Event):
        return (events,)
    if not isinstance(events, Iterable) or isinstance(events, str):
        raise TypeError(f"events must be a list of symde.Event, found {events!r}")
    given = tuple(events)
    for one in given:
        if not isinstance(one, Event):
            raise TypeError(f"events must be symde.Event, found {one!r}")
    return given


def _extended(system: Any, events: tuple[Event, ...]) -> Any:
    """The system of a model with more events, read as that of the model is."""
    from symde.model.events import with_events

    for oldest in list(system.extended)[: 1 - REMEMBERED]:
        system.extended.pop(oldest, None)
    definition = solved_definition(with_events(system.definition, events))
    extended = type(system)(definition)
    extended.restore = functools.partial(_reduced, (*_events_of(system), *events))
    return system.extended.setdefault(events, extended)


def _events_of(system: Any) -> tuple[Event, ...]:
    """The events that a system has beside those of its model."""
    return () if system.restore is None else system.restore.args[0]


def _reduced(events: tuple[Event, ...], problem: Problem) -> tuple[Any, ...]:
    """What pickling keeps of a problem with such events: the model, and what it is made from once more."""
    names = problem.system.parameter_names
    p = {name: problem.p.item(names.index(name)) for name in problem.given_parameters}
    return _made_again, (problem.model, problem.kind, events, problem.given_u0, problem.given_tspan, p)


def _made_again(model: Any, kind: str | None, events: tuple[Event, ...], u0: Any, tspan: Any, p: Any) -> Any:
    """The problem with its events. Parameters that these have made states have no initial value there."""
    if callable(u0):
        return with_call_events(Problem(model, u0, tspan, p or None, None, kind), events)
    names = system_of(model)[0].state_names
    own = {name: value for name, value in u0.items() if name in names}
    problem = with_call_events(Problem(model, own or None, tspan, p or None, None, kind), events)
    return problem if len(own) == len(u0) else remake(problem, u0=u0)
