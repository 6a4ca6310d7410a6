"""Which parts of a model a derivation knows; what it does not know it must not overlook."""

from __future__ import annotations

import dataclasses

from symde.model.definition import Definition

KNOWN = frozenset(
    "name doc states parameters observables constants functions tspan source form externs reactions jumps "
    "invariants".split()
)
"""Parts that the readings of reaction networks take account of, or that change nothing."""


def refuse_other_parts(definition: Definition, what: str) -> None:
    """Refuse a model with parts that change its states in ways a derivation does not know.

    Raises:
        ValueError: there are any.
    """
    for field in dataclasses.fields(definition):
        if field.name not in KNOWN and getattr(definition, field.name):
            raise ValueError(f"{what} knows nothing of {field.name}, and model `{definition.name}` has some")
