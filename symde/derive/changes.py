"""What events may not change in a model with implicit equations."""

from __future__ import annotations

from symde.diagnostics import Diagnostic, ModelError
from symde.model.definition import Definition
from symde.model.walk import identifiers


def refuse_events(definition: Definition) -> None:
    """Refuse events that set algebraic variables, whose values equations give before an event and after, and
    factors of derivatives, which are constant for a whole solve.

    Raises:
        ModelError: with every effect that does.
    """
    algebraic = {state.name for state in definition.states if state.algebraic}
    factors = identifiers(entry.value for entry in definition.mass or ())
    wrong: list[Diagnostic] = []
    for event in definition.events:
        for effect in event.effects:
            name, message = effect.target, f"an event cannot set `{effect.target}`"
            if name in algebraic:
                label = "determined by equations without its derivative"
                help_text = "set a state or a discrete variable that stands in these equations"
                wrong.append(Diagnostic("E354", message, effect.span, label, help_text))
            elif name in factors:
                label = "a factor of a derivative in an implicit equation"
                help_text = f"divide the equation by it, or write `x' = ...` with `{name}` on the right side"
                wrong.append(Diagnostic("E354", message, effect.span, label, help_text))
    if wrong:
        raise ModelError(wrong)
