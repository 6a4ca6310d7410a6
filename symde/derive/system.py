"""A model's equations while they are reworked: what is explicit, what is not, and who reads what."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from symde.diagnostics import Span
from symde.language.syntax import Expr, Name
from symde.model.definition import Definition, Observable, State
from symde.model.implicit import explicit_rows, mass_rows
from symde.model.inline import Inliner
from symde.model.structure import Bits, positions
from symde.model.walk import names


@dataclass(slots=True)
class Row:
    """An implicit equation: sum of `mass` times derivatives of states = `value`.

    Attributes:
        mass: State -> factor of its derivative; empty: `value` is kept at zero.
        value: The right side, as in the model.
        span: Where it stands.
        home: The state in whose row it stands in the model.
        lower: What it was before it was differentiated, the equation itself first.
        settled: Whether it determines its home and is differentiated no more.
    """

    mass: dict[str, Expr]
    value: Expr
    span: Span | None
    home: str
    lower: list[Expr] = field(default_factory=list)
    settled: bool = False

    @property
    def algebraic(self) -> bool:
        """Whether no derivative stands in it."""
        return not self.mass


@dataclass(slots=True)
class EquationSystem:
    """The equations of a model.

    Attributes:
        definition: The model.
        states: In order; those of `explicit` have their own equations, `rows` determine the others.
        explicit: State -> its derivative, where its equation is x' = f and no row has x' in it.
        rows: The implicit equations.
        observables: Observed quantities, in any order.
        constraints: Rows that were differentiated and are no more.
        raised: Algebraic variable -> the one that is its derivative, where constraints give both.
    """

    definition: Definition
    states: dict[str, State]
    explicit: dict[str, Expr]
    rows: list[Row]
    observables: dict[str, Observable]
    constraints: list[Row] = field(default_factory=list)
    raised: dict[str, str] = field(default_factory=dict)

    @property
    def implicit(self) -> list[str]:
        """The states that have no equation of their own."""
        return [name for name in self.states if name not in self.explicit]

    @property
    def algebraic(self) -> list[str]:
        """The states whose derivatives stand nowhere."""
        differentiated = {name for row in self.rows for name in row.mass}
        return [name for name in self.implicit if name not in differentiated]

    def retire(self, row: Row) -> None:
        """Keep what a row was before it was differentiated, since it becomes another or goes."""
        if row.lower:
            self.constraints.append(dataclasses.replace(row))
            row.lower = []

    @property
    def slopes(self) -> dict[str, str]:
        """Algebraic variables that are derivatives -> what they are derivatives of: x' = v."""
        found = {name + "'": name for name, value in self.explicit.items() if value == Name(name + "'")}
        algebraic = set(self.algebraic)
        return {slope: name for slope, name in found.items() if slope in algebraic}


def system_of(definition: Definition) -> EquationSystem:
    """The equations of a model."""
    rows = mass_rows(definition)
    own = explicit_rows(definition)
    labels = definition.state_names
    explicit = {
        state.name: state.derivative for state, plain in zip(definition.states, own, strict=True) if plain
    }
    implicit = [
        Row(
            {labels[column]: value for column, value in row.items()},
            state.derivative,
            state.equation,
            state.name,
        )
        for state, row, plain in zip(definition.states, rows, own, strict=True)
        if not plain
    ]
    states = {state.name: state for state in definition.states}
    observables = {one.name: one for one in definition.observables}
    return EquationSystem(definition, states, explicit, implicit, observables)


class Incidence:
    """Which of some names expressions read, also through observed quantities and functions.

    Args:
        system: The equations; observed quantities and functions as they are now.
        columns: The names, in order.
    """

    def __init__(self, system: EquationSystem, columns: Iterable[str]):
        self._inliner = Inliner(system.definition.functions)
        self._known: dict[str, Bits] = {name: 1 << place for place, name in enumerate(columns)}
        self._pending = dict(system.observables)

    def of(self, expression: Expr) -> list[int]:
        """The columns that an expression reads, in rising order."""
        return list(positions(self._bits(expression)))

    def _bits(self, expression: Expr) -> Bits:
        """By a loop: chains of observed quantities may be longer than Python recurses."""
        stack: list[tuple[str | None, Iterator[str]]] = [(None, self._read(expression))]
        totals: list[Bits] = [0]
        while True:
            name, pending = stack[-1]
            for word in pending:
                if word in self._known:
                    totals[-1] |= self._known[word]
                elif word in self._pending:
                    stack.append((word, self._read(self._pending.pop(word).value)))
                    totals.append(0)
                    break
            else:
                stack.pop()
                total = totals.pop()
                if name is None:
                    return total
                self._known[name] = total
                totals[-1] |= total

    def _read(self, expression: Expr) -> Iterator[str]:
        return iter([name.id for name in names(self._inliner.inline(expression))])
