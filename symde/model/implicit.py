"""What makes a model more than u' = f: mass matrix and invariants, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from symde.model.syntax_derivative import ONE, is_number

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


def mass_rows(mass: Iterable[MassEntry] | None, n: int) -> list[dict[int, Expr]]:
    """The entries of each row by column; those of the identity where `mass` is None."""
    if mass is None:
        return [{index: ONE} for index in range(n)]
    rows: list[dict[int, Expr]] = [{} for _ in range(n)]
    for entry in mass:
        rows[entry.row][entry.column] = entry.value
    return rows


def explicit_rows(mass: Iterable[MassEntry] | None, n: int) -> list[bool]:
    """For each state whether its row is x' = f, and no other row has x' in it."""
    rows = mass_rows(mass, n)
    readers = [0] * n
    for row in rows:
        for column in row:
            readers[column] += 1
    return [
        list(row) == [index] and readers[index] == 1 and is_number(row[index], 1)
        for index, row in enumerate(rows)
    ]


@dataclass(frozen=True, slots=True)
class Invariant:
    """An expression that solutions keep; its names are resolved as in equations.

    Attributes:
        value: The expression.
        at_zero: Whether it is kept at zero (a constraint), else at its value at the start.
        projected: Whether steps are brought back to it.
        span: The statement that it comes from.
        derivative: How often that statement was differentiated; more than 0 in a hidden constraint.
    """

    value: Expr
    at_zero: bool
    projected: bool
    span: Span | None = field(default=None, compare=False)
    derivative: int = 0


def inserted(mass: tuple[MassEntry, ...] | None, at: int, count: int) -> tuple[MassEntry, ...] | None:
    """M with states put in at a place, each with an equation of its own."""
    if mass is None:
        return None

    def moved(index: int) -> int:
        return index if index < at else index + count

    kept = [replace(one, row=moved(one.row), column=moved(one.column)) for one in mass]
    return (*kept, *(MassEntry(one, one, ONE) for one in range(at, at + count)))
