"""What events may not change in a model with implicit equations."""

from __future__ import annotations

from symde.diagnostics import Diagnostic, ModelError
from symde.model.definition import Definition


def refuse_events(definition: Definition) -> None:
    """Refuse events that set algebraic variables: equations give their values, before an event and after.

    Raises:
        ModelError: with every effect that does.
    """
    algebraic = {state.name for state in definition.states if state.algebraic}
    wrong = [
        Diagnostic(
            "E354",
            f"an event cannot set `{effect.target}`",
            effect.span,
            "determined by equations without its derivative",
            "set a state or a discrete variable that stands in these equations",
        )
        for event in definition.events
        for effect in event.effects
        if effect.target in algebraic
    ]
    if wrong:
        raise ModelError(wrong)
