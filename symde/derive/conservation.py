"""What the reactions of a network keep: sums of its species, found exactly.

The laws are the left null space of the stoichiometric matrix N, c N = 0, in rational arithmetic (theory: M.
Feinberg, Foundations of Chemical Reaction Network Theory (2019), chapter 3). Rates do not matter.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symde.model.definition import Definition
from symde.model.model import Model
from symde.model.reactions import governed, stoichiometry

Vector = dict[int, Fraction]
"""A sparse vector: its entries that are not zero."""


@dataclass(frozen=True, slots=True)
class ConservationLaw:
    """A sum of species that stays what it is.

    Attributes:
        coefficients: whole numbers without common divisor by species, the first positive.
    """

    coefficients: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        words = []
        for name, count in self.coefficients:
            sign = "- " if count < 0 else "+ " if words else ""
            words.append(f"{sign}{name}" if abs(count) == 1 else f"{sign}{abs(count)}*{name}")
        return " ".join(words)


def conservation_laws(model: Model) -> tuple[ConservationLaw, ...]:
    """The sums of species that all reactions of a model keep: as many as are independent.

    Species that a jump or an event changes are in none.

    Raises:
        TypeError: it is no model.
    """
    return laws_of(definition_of(model))


def definition_of(model: Any) -> Definition:
    """What a model says.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(model, Model):
        found = type(model).__name__
        raise TypeError(f"expected a model (symde.ode_def(text) or symde.load(path)), found {found}")
    return model.definition


def laws_of(definition: Definition) -> tuple[ConservationLaw, ...]:
    """The laws of a definition, each led by a species that is in no other law."""
    names = species_of(definition)
    if not names:
        return ()
    rows = row_space(_distinct(stoichiometry(definition.reactions, names)), len(names))
    return tuple(_law(names, vector) for vector in orthogonal(rows, len(names)))


def _distinct(changes: Iterable[dict[int, int]]) -> Iterator[Vector]:
    """The changes, those that differ by their direction alone once."""
    seen: set[tuple[tuple[int, int], ...]] = set()
    for one in changes:
        key = tuple(sorted(one.items()))
        if key and key not in seen:
            seen |= {key, tuple((place, -count) for place, count in key)}
            yield {place: Fraction(count) for place, count in key}


def species_of(definition: Definition) -> list[str]:
    """The species that nothing but reactions changes."""
    values = {state.name: state.derivative for state in definition.states}
    others = {effect.state for jump in definition.jumps for effect in jump.effects}
    others |= {effect.target for event in definition.events for effect in event.effects}
    named = governed(definition.reactions, (), values)
    return [name for name in definition.state_names if name in named - others]


def row_space(vectors: Iterable[Vector], length: int) -> dict[int, Vector]:
    """A basis in reduced echelon form by the place of each vector's leading one."""
    basis: dict[int, Vector] = {}
    # by place: the vectors of the basis that have an entry there, their leading ones apart
    holders: defaultdict[int, set[int]] = defaultdict(set)
    for vector in vectors:
        if len(basis) == length:
            break
        rest = dict(vector)
        for place in [one for one in rest if one in basis]:
            # reduced rows have no entry at other leading places, so one pass clears them all
            subtract(rest, basis[place], rest[place])
        if not rest:
            continue
        lead = max(rest)
        size = rest[lead]
        rest = {place: value / size for place, value in rest.items()}
        for other in holders.pop(lead, ()):
            row = basis[other]
            subtract(row, rest, row[lead])
            for place in rest:
                (holders[place].add if place in row else holders[place].discard)(other)
        holders.pop(lead, None)
        for place in rest.keys() - {lead}:
            holders[place].add(lead)
        basis[lead] = rest
    return basis


def subtract(vector: Vector, other: Vector, factor: Fraction) -> None:
    """vector -= factor*other, without the entries that become zero."""
    for place, value in other.items():
        left = vector.get(place, Fraction(0)) - factor * value
        if left:
            vector[place] = left
        else:
            vector.pop(place, None)


def orthogonal(rows: dict[int, Vector], length: int) -> list[Vector]:
    """A basis of what is orthogonal to rows in reduced echelon form, one vector for each other place."""
    free = [place for place in range(length) if place not in rows]
    vectors: dict[int, Vector] = {place: {place: Fraction(1)} for place in free}
    for lead, row in rows.items():
        for place, value in row.items():
            if place != lead:
                vectors[place][lead] = -value
    return [vectors[place] for place in free]


def _law(names: Sequence[str], vector: Vector) -> ConservationLaw:
    """Whole numbers without common divisor, positive at the place that only this law has."""
    own = min(vector)
    scale = math.lcm(*(value.denominator for value in vector.values()))
    whole = {place: int(value * scale) for place, value in vector.items()}
    divisor = math.gcd(*whole.values())
    sign = 1 if whole[own] > 0 else -1
    return ConservationLaw(tuple((names[i], sign * whole[i] // divisor) for i in sorted(whole)))
