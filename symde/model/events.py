"""Events of a model as plain data: what triggers one, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from symde.model.walk import identifiers

if TYPE_CHECKING:
    from symde.diagnostics import Span
    from symde.language.syntax import Expr
    from symde.model.definition import Definition
    from symde.problem.event import Event

RISING, FALLING, BOTH = "rising", "falling", "both"
"""Which crossings of zero count."""


@dataclass(frozen=True, slots=True)
class When:
    """`when cond`: the moment at which a condition turns from false to true, never the start itself."""

    condition: Expr


@dataclass(frozen=True, slots=True)
class Crossing:
    """`when a == b`, `when rising a == b`, `when falling a == b`: a - b crosses zero.

    Attributes:
        value: a - b.
        direction: `RISING`, `FALLING` or `BOTH`.
    """

    value: Expr
    direction: str = BOTH


@dataclass(frozen=True, slots=True)
class At:
    """`at t = e1, e2`: known times; they may read parameters, constants and t0."""

    times: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Every:
    """`every period from start until end`: start, start + period, ... up to and with the end.

    Attributes:
        period: Positive; this and the others may read parameters, constants and t0.
        start: None: one period after t0.
        end: None: the end of the solve.
    """

    period: Expr
    start: Expr | None = None
    end: Expr | None = None


_INITIAL_TIME = "t0"

Trigger = When | Crossing | At | Every


@dataclass(frozen=True, slots=True)
class Effect:
    """`target = value`: what a state or a discrete variable is set to; `value` reads what was just before
    (with a delay: at the time of the trigger)."""

    target: str
    value: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ModelEvent:
    """An event of a model; names resolved as in equations.

    Attributes:
        name: Its own, or one made from its place (`event 1`).
        effects: All take place at once.
        stop: Whether the solve ends with it.
        after: Delay between trigger and effects; None: none.
        priority: Of events at the same time the one with the larger number comes first; None: 0. Equal ones
            come in the order of the text.
        persistent: With a delay: takes place even if the condition has turned false meanwhile.
    """

    name: str
    trigger: Trigger
    effects: tuple[Effect, ...] = ()
    stop: bool = False
    after: Expr | None = None
    priority: Expr | None = None
    persistent: bool = False
    span: Span | None = field(default=None, compare=False)


def event_expressions(event: ModelEvent) -> tuple[Expr, ...]:
    """Every expression of an event: trigger, delay, priority, values of its effects."""
    match event.trigger:
        case When(condition=condition):
            first: tuple[Expr | None, ...] = (condition,)
        case Crossing(value=value):
            first = (value,)
        case At(times=times):
            first = times
        case Every(period=period, start=start, end=end):
            first = (period, start, end)
    rest = (event.after, event.priority, *(effect.value for effect in event.effects))
    return tuple(one for one in (*first, *rest) if one is not None)


def follows_start(event: ModelEvent) -> bool:
    """Whether the known times of an event depend on t0."""
    match event.trigger:
        case At(times=times):
            read = times
        case Every(period=period, start=start, end=end):
            if start is None:
                return True
            read = tuple(one for one in (period, start, end) if one is not None)
        case _:
            return False
    return _INITIAL_TIME in identifiers(read)


def map_expressions(event: ModelEvent, change: Callable[[Expr], Expr]) -> ModelEvent:
    """The event with every expression changed."""

    def maybe(one: Expr | None) -> Expr | None:
        return None if one is None else change(one)

    match event.trigger:
        case When(condition=condition):
            trigger: Trigger = When(change(condition))
        case Crossing(value=value, direction=direction):
            trigger = Crossing(change(value), direction)
        case At(times=times):
            trigger = At(tuple(change(one) for one in times))
        case Every(period=period, start=start, end=end):
            trigger = Every(change(period), maybe(start), maybe(end))
    effects = tuple(replace(one, value=change(one.value)) for one in event.effects)
    after, priority = maybe(event.after), maybe(event.priority)
    return replace(event, trigger=trigger, effects=effects, after=after, priority=priority)


def with_events(definition: Definition, events: Iterable[Event]) -> Definition:
    """The model with more events, given in strings: see :func:`symde.model.call_events.extended`."""
    from symde.model.call_events import extended

    return extended(definition, tuple(events))
