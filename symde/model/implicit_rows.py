"""Implicit equations shared out among the unknowns that have none of their own: one row of M u' = f each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping

from symde.language.syntax import Expr
from symde.model.bipartite import FREE, maximum_matching
from symde.model.draft import Draft
from symde.model.equations import StateDraft
from symde.model.implicit import MassEntry
from symde.model.implicit_states import PENDING, ImplicitSystem
from symde.model.syntax_derivative import ONE, is_number
from symde.model.walk import calls, names


class Reads:
    """Which of some names expressions read, also through observed quantities, functions and derivatives.

    Args:
        draft: The model.
        leaves: Name -> what it counts as; other names are followed.
    """

    def __init__(self, draft: Draft, leaves: Mapping[str, str]):
        self._leaves = leaves
        self._values: dict[str, tuple[Expr, frozenset[str]]] = {}
        for name, one in draft.observables.items():
            self._values[name] = one.value, frozenset()
        for name, one in draft.functions.items():
            self._values[f"{name}()"] = one.body, frozenset(parameter.id for parameter in one.parameters)
        for one in draft.equations:
            if one.value is not PENDING:
                self._values[one.name + "'" * one.order] = one.value, frozenset()
                if one.order == 1:
                    self._values.setdefault(f"d{one.name}", (one.value, frozenset()))
        self._below: dict[str, list[str]] = {}

    def of(self, *expressions: Expr) -> dict[str, None]:
        """What they read, in order of appearance."""
        found: dict[str, None] = {}
        seen: set[str] = set()
        pending = list(reversed(_words(expressions)))
        while pending:
            word = pending.pop()
            if word in seen:
                continue
            seen.add(word)
            if word in self._leaves:
                found[self._leaves[word]] = None
            elif word in self._values:
                pending += reversed(self._words_of(word))
        return found

    def _words_of(self, word: str) -> list[str]:
        if word not in self._below:
            value, own = self._values[word]
            self._below[word] = [one for one in _words([value]) if one not in own]
        return self._below[word]


def _words(expressions: Iterable[Expr]) -> list[str]:
    """Names, and functions as `f()`."""
    roots = tuple(expressions)
    return [*(one.id for one in names(*roots)), *(f"{one.function}()" for one in calls(*roots))]


def share_out(
    draft: Draft, system: ImplicitSystem, states: MutableMapping[str, StateDraft]
) -> tuple[MassEntry, ...] | None:
    """Put the implicit equations in the rows of their unknowns; gives the mass matrix, None: the identity.

    A row belongs to an unknown that it reads, as far as that goes. Where there are fewer equations than
    unknowns, which is an error and reported elsewhere, rows stay pending.
    """
    if not system.unknowns:
        return None
    slots = [one.slot for one in system.unknowns.values() if one.slot in states]
    chosen = _choose(draft, system, slots)
    place = {name: index for index, name in enumerate(states)}
    rows: dict[str, int] = {}
    for row, column in enumerate(chosen):
        if column != FREE:
            state = states[slots[column]]
            state.derivative = system.rows[row].rest or PENDING
            state.equation = draft.implicit[row].span
            rows[state.name] = row
    entries: list[MassEntry] = []
    algebraic = system.algebraic
    for name, index in place.items():
        if name in rows:
            coefficients = system.rows[rows[name]].coefficients
            entries += (
                MassEntry(index, place[derivative[:-1]], value)
                for derivative, value in coefficients.items()
                if derivative[:-1] in place and not is_number(value, 0)
            )
        elif name not in algebraic:
            entries.append(MassEntry(index, index, ONE))
    identity = len(entries) == len(states) and all(
        one.row == one.column and is_number(one.value, 1) for one in entries
    )
    return None if identity else tuple(sorted(entries, key=lambda one: (one.row, one.column)))


def _choose(draft: Draft, system: ImplicitSystem, slots: list[str]) -> list[int]:
    """The slot of each implicit equation.

    Equations with derivatives go to one of these, others to an algebraic variable that they read; then what
    is left to anything that it reads, and the rest, constraints of a higher index, to what is free.
    """
    place = {name: index for index, name in enumerate(slots)}
    reads = Reads(draft, {name: name for name in slots})
    wanted: list[list[int]] = []
    others: list[list[int]] = []
    for index, row in enumerate(system.rows):
        differentiated = [place[one[:-1]] for one in row.coefficients if one[:-1] in place]
        read = [place[name] for name in (reads.of(row.rest) if row.rest is not None else ())]
        algebraic = [column for column in read if slots[column] in system.algebraic]
        wanted.append(_own_first(index, differentiated or algebraic))
        others.append(_own_first(index, read))
    matching = maximum_matching(wanted, len(slots))
    rows = [row for row, column in enumerate(matching.column_of) if column == FREE]
    free = [column for column, row in enumerate(matching.row_of) if row == FREE]
    narrow = [[free.index(column) for column in others[row] if column in free] for row in rows]
    for row, column in zip(rows, maximum_matching(narrow, len(free)).column_of, strict=True):
        if column != FREE:
            matching.pair(row, free[column])
    rows = [row for row, column in enumerate(matching.column_of) if column == FREE]
    free = [column for column, row in enumerate(matching.row_of) if row == FREE]
    for row, column in zip(rows, free, strict=False):
        matching.pair(row, column)
    return matching.column_of


def _own_first(index: int, columns: list[int]) -> list[int]:
    """Texts that `model.text()` writes keep their order."""
    return sorted(columns, key=lambda column: column != index)


def base_reads(draft: Draft, system: ImplicitSystem) -> dict[str, str]:
    """Every name of a state or a derivative -> the unknown whose it is, derivatives of any order alike."""
    leaves: dict[str, str] = {}
    for equation in draft.equations:
        top = equation.order if equation.value is not PENDING else equation.order + 1
        leaves |= {equation.name + "'" * order: equation.name for order in range(top)}
        if top > 1:
            leaves.setdefault(f"d{equation.name}", equation.name)
    return leaves
