"""The part of the syntax tree that events, their effects and domains make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symde.diagnostics import Span
    from symde.language.syntax import Expr, Name

RISING, FALLING = "rising", "falling"


@dataclass(frozen=True, slots=True)
class WhenClause:
    """`when condition`; `direction` is "rising", "falling" or None."""

    condition: Expr
    direction: str | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class AtClause:
    """`at t = e1, e2`."""

    times: tuple[Expr, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class EveryClause:
    """`every period from start until end`."""

    period: Expr
    start: Expr | None = None
    end: Expr | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Reset:
    """`x = e` as an effect; `x += e` is `x = x + e`."""

    target: Name
    value: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class EventStatement:
    """`name: when cond after e priority e persistent: x = e, stop`; `at` or `every` in place of `when`."""

    name: Name | None
    trigger: WhenClause | AtClause | EveryClause
    resets: tuple[Reset, ...] = ()
    stop: bool = False
    after: Expr | None = None
    priority: Expr | None = None
    persistent: bool = False
    span: Span | None = field(default=None, compare=False)

    def times(self) -> tuple[Expr, ...]:
        """The expressions that give known times."""
        match self.trigger:
            case AtClause(times=times):
                return times
            case EveryClause(period=period, start=start, end=end):
                return tuple(one for one in (period, start, end) if one is not None)
        return ()

    def values(self) -> tuple[Expr, ...]:
        """The expressions that read what holds when it happens."""
        condition = (self.trigger.condition,) if isinstance(self.trigger, WhenClause) else ()
        options = (one for one in (self.after, self.priority) if one is not None)
        return (*condition, *options, *(one.value for one in self.resets))


@dataclass(frozen=True, slots=True)
class DomainDeclaration:
    """`dom low <= x <= high`; None where there is no bound."""

    name: Name
    low: Expr | None = None
    high: Expr | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DiscreteDeclaration:
    """`discrete m = e [unit] nominal s "doc"`: constant between events."""

    name: Name
    initial: Expr | None = None
    unit: str | None = None
    nominal: Expr | None = None
    doc: str | None = None
    span: Span | None = field(default=None, compare=False)
