"""Events as sympy objects: what triggers them and what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import sympy

from symde.language.syntax import Expr
from symde.model.events import BOTH, At, Crossing, Every, ModelEvent, When
from symde.model.sympy_view import symbol


@dataclass(frozen=True, slots=True)
class SymbolicEvent:
    """An event of a model for reading.

    Attributes:
        name: Its name, or one made from its place.
        condition: What turns true, a relational or a combination of such; an `Eq` for a crossing; None where
            the times are known.
        direction: "rising", "falling" or "both" for a crossing `a == b` (of a - b); None for others.
        times: Known times, one by one.
        period, start, end: Of a repeated event; None where there is none.
        effects: Symbol -> its new value.
        stop: Whether the solve ends.
        after: Delay between trigger and effects, None for none.
        priority: None for none.
        persistent: Whether a delayed event takes place though its condition has turned false.
    """

    name: str
    condition: Any | None = None
    direction: str | None = None
    times: tuple[Any, ...] = ()
    period: Any | None = None
    start: Any | None = None
    end: Any | None = None
    effects: dict[Any, Any] = field(default_factory=dict)
    stop: bool = False
    after: Any | None = None
    priority: Any | None = None
    persistent: bool = False

    def __str__(self) -> str:
        if self.condition is not None:
            direction = f"{self.direction} " if self.direction not in (None, BOTH) else ""
            trigger = f"when {direction}{_crossing(self.condition)}"
        elif self.period is not None:
            trigger = f"every {self.period}"
            trigger += "" if self.start is None else f" from {self.start}"
            trigger += "" if self.end is None else f" until {self.end}"
        else:
            trigger = f"at t = {', '.join(map(str, self.times))}"
        trigger += "" if self.after is None else f" after {self.after}"
        trigger += " persistent" if self.persistent else ""
        trigger += "" if self.priority is None else f" priority {self.priority}"
        effects = [f"{target} = {value}" for target, value in self.effects.items()]
        return f"{self.name}: {trigger}: {', '.join(effects + ['stop'] * self.stop)}"


def _crossing(condition: Any) -> str:
    if isinstance(condition, sympy.Eq):
        return f"{condition.lhs} == {condition.rhs}"
    return str(condition)


def symbolic_events(
    events: Iterable[ModelEvent], expression: Callable[[Expr], Any]
) -> tuple[SymbolicEvent, ...]:
    """The events as sympy objects.

    Args:
        events: Events of a model.
        expression: Turns an expression into a sympy object.
    """

    def maybe(one: Expr | None) -> Any | None:
        return None if one is None else expression(one)

    def symbolic(event: ModelEvent) -> SymbolicEvent:
        fields: dict[str, Any] = {}
        match event.trigger:
            case When(condition=condition):
                fields = {"condition": expression(condition)}
            case Crossing(value=value, direction=direction):
                equation = sympy.Eq(expression(value), 0, evaluate=False)
                fields = {"condition": equation, "direction": direction}
            case At(times=times):
                fields = {"times": tuple(map(expression, times))}
            case Every(period=period, start=start, end=end):
                fields = {"period": expression(period), "start": maybe(start), "end": maybe(end)}
        effects = {symbol(one.target): expression(one.value) for one in event.effects}
        return SymbolicEvent(
            event.name,
            **fields,
            effects=effects,
            stop=event.stop,
            after=maybe(event.after),
            priority=maybe(event.priority),
            persistent=event.persistent,
        )

    return tuple(map(symbolic, events))
