"""What makes a model more than u' = f: mass matrix and invariants, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symde.diagnostics import Span
    from symde.language.syntax import Expr


@dataclass(frozen=True, slots=True)
class MassEntry:
    """An entry of the matrix M in M u' = f: of the row of one state's equation, for another's derivative.

    `value` reads parameters and constants only.
    """

    row: int
    column: int
    value: Expr


@dataclass(frozen=True, slots=True)
class Invariant:
    """An expression of the states, t and parameters that solutions keep.

    Attributes:
        value: The expression.
        at_zero: Whether it is kept at zero (a constraint), else at its value at the start.
        projected: Whether steps are brought back to it.
    """

    value: Expr
    at_zero: bool
    projected: bool
    span: Span | None = field(default=None, compare=False)
