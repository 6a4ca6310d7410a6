"""Models M u' = f made of a text u' = f and the entries of M, for tests of the solving side alone."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

import symde
from symde import lowering
from symde.language.syntax import Expr, Name, Number
from symde.model.definition import Definition
from symde.model.implicit import Invariant, MassEntry
from symde.model.model import Model

METHODS = (
    "Rodas5P", "Rodas4", "Rosenbrock23", "RadauIIA5", "Radau", "QNDF", "FBDF", "KenCarp3", "KenCarp4",
    "KenCarp5", "KenCarp47", "KenCarp58", "Kvaerno3", "Kvaerno4", "Kvaerno5", "TRBDF2",
)  # fmt: skip
"""All methods that solve such models."""

SOLVERS = ("generated", "dense", "lapack", "banded", "sparse", "klu")
"""All linear solvers that take M."""

_counter = itertools.count()


def with_mass(
    text: str,
    entries: Iterable[tuple[str, str, float | str]] | None = None,
    algebraic: Iterable[str] = (),
    invariants: Iterable[tuple[str, bool, bool]] = (),
) -> Model:
    """The model of a text with M in front of its derivatives.

    Args:
        text: In the long or the short form; the right side of an algebraic variable's equation is what is
            kept at zero.
        entries: (state of the row, state of the column, number or parameter) of M; default: ones on the
            diagonal of all that are not algebraic.
        algebraic: Names of states whose rows have no entry.
        invariants: (observable, at zero?, projected?).
    """
    algebraic = tuple(algebraic)
    definition = symde.ode_def(text).definition
    names = definition.state_names
    if entries is None:
        entries = [(name, name, 1.0) for name in names if name not in algebraic]
    values = {one.name: one for one in definition.observables}
    return unreduced(
        dataclasses.replace(
            definition,
            name=f"{definition.name}{next(_counter)}",
            states=tuple(dataclasses.replace(s, algebraic=s.name in algebraic) for s in definition.states),
            mass=tuple(MassEntry(names.index(r), names.index(c), _value(v)) for r, c, v in entries),
            invariants=tuple(
                Invariant(values[name].value, zero, projected, values[name].span)
                for name, zero, projected in invariants
            ),
        )
    )


def unreduced(definition: Definition) -> Model:
    """A model that is solved as it stands: what `symde.derive` would make of it is not tested here."""
    model = Model(definition)
    lowering._systems[model] = lowering.ModelSystem(definition)
    return model


def _value(value: float | str) -> Expr:
    return Name(value) if isinstance(value, str) else Number(float(value), repr(value))
