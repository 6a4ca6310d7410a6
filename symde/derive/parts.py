"""Which parts of a model a derivation knows; what it does not know it must not overlook."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from symde.model.definition import Definition, State

KNOWN = frozenset(
    "name doc states parameters observables constants functions tspan source form externs reactions jumps "
    "invariants".split()
)
"""Parts that the readings of reaction networks take account of, or that change nothing."""

_WORDS = {"mass": "algebraic equations", "delays": "delays and histories"}
"""What a modeller calls parts that have another name in a definition."""


def refuse_other_parts(definition: Definition, what: str, known: Collection[str] = KNOWN) -> None:
    """Refuse a model with parts that change its states in ways a derivation does not know.

    Args:
        what: The derivation.
        known: The parts that it knows.

    Raises:
        ValueError: there are any.
    """
    for field in dataclasses.fields(definition):
        if field.name not in known and getattr(definition, field.name):
            words = _WORDS.get(field.name, field.name)
            raise ValueError(
                f"{what} knows nothing of {words}, and model `{definition.name}` has some: leave them out"
            )
    for invariant in definition.invariants:
        if invariant.projected:
            raise ValueError(
                f"{what} does not keep what a model conserves by projection: give it the model that "
                "`with_projection` was called on"
            )


def refuse_domain(state: State, what: str, low: float = float("-inf")) -> None:
    """Refuse a state with a domain that a derivation does not see to.

    Args:
        what: The derivation.
        low: Where the state stays above in any case.

    Raises:
        ValueError: it has one.
    """
    if state.domain is None:
        return
    lower, upper = state.domain
    if not ((lower is None or lower <= low) and upper in (None, float("inf"))):
        raise ValueError(f"{what} does not see to the domain of `{state.name}`: leave out `dom` for it")
