"""What makes a model more than u' = f: mass matrix and invariants, as plain data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from symde.model.syntax_derivative import ONE, is_number

if TYPE_CHECKING:
    from symde.diagnostics import Span
    from symde.language.syntax import Expr
    from symde.model.definition import Definition


@dataclass(frozen=True, slots=True)
class MassEntry:
    """An entry of the matrix M in M u' = f: of the row of one state's equation, for another's derivative.

    `value` reads parameters and constants only.
    """

    row: int
    column: int
    value: Expr


def mass_rows(definition: Definition) -> list[dict[int, Expr]]:
    """The entries of M by rows: column -> value.

    Discrete variables have equations of their own, also where they joined the model after M was made.
    """
    if definition.mass is None:
        return [{index: ONE} for index in range(len(definition.states))]
    rows: list[dict[int, Expr]] = [{} for _ in definition.states]
    for entry in definition.mass:
        rows[entry.row][entry.column] = entry.value
    for index, state in enumerate(definition.states):
        if state.discrete:
            rows[index] = {index: ONE}
    return rows


def explicit_rows(definition: Definition) -> list[bool]:
    """For each state whether its row is x' = f, and no other row has x' in it."""
    rows = mass_rows(definition)
    readers = [0] * len(rows)
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


def projected(definition: Definition) -> Definition:
    """The model with every invariant as one that steps are projected onto.

    Raises:
        ValueError: it has none of its own.
    """
    if all(one.at_zero for one in definition.invariants):
        raise ValueError(f"`{definition.name}` states nothing as conserved: write `conserved e`")
    invariants = tuple(dataclasses.replace(one, projected=True) for one in definition.invariants)
    return dataclasses.replace(definition, invariants=invariants)
