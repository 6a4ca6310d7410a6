"""What single statements leave before they are gathered into models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symde.diagnostics import Span
from symde.language.syntax import Expr, Name, Statement


@dataclass(frozen=True, slots=True)
class Group:
    """An expression and the place it takes with its brackets or sign."""

    node: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Opening:
    """`model NAME "doc"` or `@ode_def NAME begin`; `begun` is False where `begin` is missing."""

    form: str
    name: Name | None
    doc: str | None
    begun: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Closing:
    """`end` with the names after it."""

    names: tuple[Name, ...]
    span: Span


Parsed = tuple[Statement, ...] | Opening | Closing


def bare(child: Any) -> Any:
    """The expression itself, without the brackets around it."""
    return child.node if type(child) is Group else child
