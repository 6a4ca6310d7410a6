"""The builder's way to implicit equations: most models have none, and do not load what reads them."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symde.model.draft import Draft
    from symde.model.equations import StateDraft
    from symde.model.implicit import MassEntry
    from symde.model.implicit_states import ImplicitSystem


def unknowns_of(draft: Draft) -> ImplicitSystem | None:
    """What the implicit equations of a model determine; None where it has none."""
    if not draft.implicit:
        return None
    from symde.model.implicit_states import collect_unknowns
    from symde.model.redundant import without_redundant

    draft.implicit, draft.redundant = without_redundant(draft.implicit)
    return collect_unknowns(draft)


def rows_of(
    draft: Draft,
    system: ImplicitSystem | None,
    states: MutableMapping[str, StateDraft],
    derivative_reads: Mapping[str, str],
) -> tuple[MassEntry, ...] | None:
    """The equations put into the rows of their unknowns, and M; what they do not determine is reported.

    Args:
        draft, system, states: the model.
        derivative_reads: derivatives that are read by name -> their states.
    """
    if system is None:
        return None
    for word, state in derivative_reads.items():
        if state + "'" in system.mass_names:  # its row gives a sum with other derivatives
            _refuse_reading(draft, word, state)
    from symde.model.determined import check_determined
    from symde.model.implicit_rows import share_out

    mass = share_out(draft, system, states)
    if not draft.found.found:
        check_determined(draft, system, states)
    if draft.redundant and not draft.found.found:
        from symde.model.redundant import warn_of_redundant

        warn_of_redundant(draft.redundant)
    return mass


def _refuse_reading(draft: Draft, word: str, state: str) -> None:
    draft.found.error(
        "E355",
        f"`{word}` is determined by implicit equations and has no value here",
        draft.states[state].name.span if state in draft.states else None,
        "the state that it differentiates",
        f"give it a name that is observed, `v = {state}'`, and read that",
    )
