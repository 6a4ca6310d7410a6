"""Events given in strings, read with the names of a model that exists already."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from symde.diagnostics import Diagnostics, ModelError, Source, Span
from symde.language import parse_expression
from symde.language.event_syntax import AtClause, EventStatement, EveryClause, Reset, WhenClause
from symde.language.syntax import Expr, Name, Negate, Number
from symde.model.definition import Definition, State
from symde.model.discretes import ZERO
from symde.model.draft import CONSTANT, DISCRETE, EXTERN, FUNCTION, OBSERVABLE, PARAMETER, STATE
from symde.model.event_builder import check_events, resolved, unnamed
from symde.model.events import map_expressions
from symde.model.externs import output_names
from symde.model.kinds import check_expression
from symde.model.names import is_name, normalised
from symde.model.scope import Context, Scope
from symde.model.walk import calls, identifiers, substitute
from symde.problem.event import Event, Text, require_text


def extended(definition: Definition, events: tuple[Event, ...]) -> Definition:
    """The model with more events, after its own.

    A parameter that one of them sets gets a discrete variable of its name, which starts at its value.

    Raises:
        ModelError: every mistake in the strings, with its place in the string.
        TypeError: one of `events` is no `symde.Event`.
    """
    for one in events:
        if not isinstance(one, Event):
            raise TypeError(f"events are a list of symde.Event, and {one!r} is a {type(one).__name__}")
        require_text(one)
    if not events:
        return definition
    found = Diagnostics()
    first = len(definition.events) + 1
    statements = [_statement(one, unnamed(number), found) for number, one in enumerate(events, first)]
    found.raise_if_any()
    definition = _with_followers(definition, statements)
    scope = scope_of(definition, found)
    arities = {one.name: len(one.parameters) for one in definition.functions}
    arities |= {
        output: len(one.parameters)
        for one in definition.externs
        for output in output_names(one.name, one.outputs)
    }
    values = {one.name: one.value for one in definition.constants}

    def check(expression: Expr, context: Context, kind: str) -> None:
        scope.check(expression, context)
        check_expression(expression, found, scope.kinds, arities, values, kind=kind)

    check_events(statements, scope, check, values)
    _check_known_names(definition, statements, found)
    found.raise_if_any()
    more = resolved(statements, definition, found, scope.derivative_reads)
    found.raise_if_any()
    derivatives = {state.name: state.derivative for state in definition.states}
    read = {word: derivatives[state] for word, state in scope.derivative_reads.items()}
    more = tuple(map_expressions(one, lambda value: substitute(value, read)) for one in more)
    return dataclasses.replace(definition, events=definition.events + more)


def scope_of(definition: Definition, found: Diagnostics) -> Scope:
    """The names of a model that is built, and what they mean in equations."""
    kinds: dict[str, str] = {one.name: FUNCTION for one in definition.functions}
    kinds |= {one.name: EXTERN for one in definition.externs}
    kinds |= {one.name: CONSTANT for one in definition.constants}
    kinds |= dict.fromkeys(definition.observable_names, OBSERVABLE)
    kinds |= dict.fromkeys(definition.parameter_names, PARAMETER)
    kinds |= {one.name: DISCRETE if one.discrete else STATE for one in definition.states}
    bodies = {
        one.name: (
            sorted(identifiers([one.body]) - set(one.parameters)),
            [call.function for call in calls(one.body)],
        )
        for one in definition.functions
    }
    followed = frozenset(definition.parameter_names) & frozenset(definition.state_names)
    hint = "an event reads what the model has"
    return Scope(found, kinds, bodies=bodies, unknown_help=hint, followed=followed)


def _with_followers(definition: Definition, statements: Iterable[EventStatement]) -> Definition:
    """The model with a discrete variable for every parameter that an event sets."""
    parameters = {one.name: one for one in definition.parameters}
    states = set(definition.state_names)
    targets = dict.fromkeys(reset.target.id for one in statements for reset in one.resets)
    more = [
        State(
            name, ZERO, Name(name, span=None), parameters[name].unit, parameters[name].nominal, discrete=True
        )
        for name in targets
        if name in parameters and name not in states
    ]
    return dataclasses.replace(definition, states=(*definition.states, *more)) if more else definition


def _check_known_names(
    definition: Definition, statements: Iterable[EventStatement], found: Diagnostics
) -> None:
    known = {one.name for one in definition.events}
    for one in statements:
        if one.name is not None and one.name.id in known:
            message = f"the model has an event `{one.name.id}` already"
            found.error("E343", message, one.name.span, "taken", "choose another name")


def _statement(event: Event, name: str, found: Diagnostics) -> EventStatement:
    """The event as a statement of the language, each expression in a text of its own."""
    called = f"event {event.name}" if event.name is not None else name

    def read(value: Any, what: str) -> Expr | None:
        return None if value is None else _expression(value, f"<{called}: {what}>", found)

    if event.condition is not None:
        condition = read(event.condition, "condition") or ZERO
        trigger = WhenClause(condition, event.direction, span=condition.span)
    elif event.at is not None:
        trigger = AtClause(tuple(read(one, "at") or ZERO for one in event.at))
    else:
        trigger = EveryClause(
            read(event.every, "every") or ZERO, read(event.start, "start"), read(event.until, "until")
        )
    effects: Any = event.effects
    resets = tuple(
        Reset(_name(target, f"<{called}: effects>", found), read(value, target) or ZERO)
        for target, value in effects
    )
    own = None if event.name is None else _name(event.name, f"<{called}: name>", found)
    after, priority = read(event.after, "after"), read(event.priority, "priority")
    return EventStatement(own, trigger, resets, event.stop, after, priority, event.persistent)


def _name(text: str, where: str, found: Diagnostics) -> Name:
    name, span = normalised(text.strip()), Span(Source(where, text), 0, len(text))
    if not is_name(name):
        found.error(
            "E101", f"{text!r} is no name", span, "not a name", "write the plain name of one variable"
        )
    return Name(name, span=span)


def _expression(value: Text, where: str, found: Diagnostics) -> Expr | None:
    """What a string or a number says; None, with the errors noted, where it says nothing."""
    if not isinstance(value, str):
        short = int(value) if value == int(value) and abs(value) < 1e15 else value
        text = repr(short)
        span = Span(Source(where, text), 0, len(text))
        number = Number(abs(short), repr(abs(short)), span=span)
        return Negate(number, span=span) if short < 0 else number
    try:
        return parse_expression(value, where)
    except ModelError as problem:
        found.found.extend(problem.diagnostics)
        return None
