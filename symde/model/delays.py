"""Delays of a model as plain data: which states are read at other times, and what was before the start.

A delayed value stands in expressions as a call of its state, `x(t - tau)`, a delayed derivative as `x'(t -
tau)`; the argument may be any expression that gives a time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symde.diagnostics import Span
    from symde.language.syntax import Expr


@dataclass(frozen=True, slots=True)
class History:
    """`history x = e`: x before t0; `value` reads t, parameters and constants."""

    state: str
    value: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Delays:
    """What a model reads of the past.

    Attributes:
        states: States that are read at other times than t.
        slopes: States whose derivative is read at other times: the model is neutral where there are any.
        histories: What was before t0; a state without one had its initial value all the time.
    """

    states: tuple[str, ...]
    slopes: tuple[str, ...] = ()
    histories: tuple[History, ...] = ()

    @property
    def read(self) -> bool:
        """Whether anything is read at other times, so that the equations are no ordinary ones."""
        return bool(self.states or self.slopes)


def delayed(function: str, states: Collection[str]) -> tuple[str, int] | None:
    """The state that a call of this name reads at another time, and how often it is differentiated; None
    where the name is no state's."""
    if function in states:
        return function, 0
    if function.endswith("'") and function[:-1] in states:
        return function[:-1], 1
    return None
