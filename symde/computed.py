"""Quantities of a model that are computed from its states, variables that equations give outright among them:
what a user who names one of them must know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symde.language import unparse
from symde.language.syntax import Expr, Name, Negate
from symde.model.definition import Definition
from symde.model.inline import Inliner
from symde.model.walk import names


@dataclass(frozen=True, slots=True)
class Computed:
    """A quantity that is no state of what is solved.

    Attributes:
        name: Its name.
        value: What it is, as text.
        states: The states that it depends on.
        alias: The state that it is, or is the negative of; None: it is more than that.
        negative: Whether it is the negative.
        eliminated: Whether the model's text has it as a state.
    """

    name: str
    value: str
    states: tuple[str, ...]
    alias: str | None
    negative: bool
    eliminated: bool

    @property
    def words(self) -> str:
        """What it is, as the beginning of a sentence."""
        if self.eliminated:
            return f"the equations give `{self.name}` outright, as `{self.value}`, so that it is no state"
        return f"`{self.name}` is an observed quantity, `{self.value}`, and no state"

    @property
    def others(self) -> str:
        """The states it depends on."""
        return ", ".join(f"`{name}`" for name in self.states) or "no state at all"

    def without_tolerance(self) -> str:
        """Why it has no absolute tolerance, and what to do."""
        if not self.states:
            return f"{self.words}: it needs no absolute tolerance, leave it out"
        return (
            f"{self.words}: its error is what that of {self.others} makes of it; give these an absolute "
            f"tolerance in the place of `{self.name}`, as small as the error of `{self.name}` is to be"
        )

    def without_initial_value(self) -> str:
        """Why nothing is differentiated by its initial value, and what to do."""
        others = f"differentiate by initial values of {self.others}, or by parameters"
        if not self.states:
            others = "differentiate by parameters"
        return f"{self.words}: it has no initial value to differentiate by; {others}"


def computed(definition: Definition, text_names: tuple[str, ...], name: str) -> Computed | None:
    """What a name means that is no state; None where it is no quantity of the model.

    Args:
        definition: The model as it is solved.
        text_names: The states of its text.
        name: The name.
    """
    values = {one.name: one.value for one in definition.observables}
    if name not in values:
        return None
    inliner, states = Inliner(definition.functions), set(definition.state_names)
    seen, pending, found = {name}, [name], set()
    while pending:
        for one in names(inliner.inline(values[pending.pop()])):
            if one.id in states:
                found.add(one.id)
            elif one.id in values and one.id not in seen:
                seen.add(one.id)
                pending.append(one.id)
    end, negative = _end(values, name)
    ordered = tuple(state for state in definition.state_names if state in found)
    alias = end if end in states else None
    return Computed(name, unparse(values[name]), ordered, alias, negative, name in text_names)


def _end(values: Mapping[str, Expr], name: str) -> tuple[str, bool]:
    """What a name stands for at the end of a chain of aliases, and whether it is the negative of that."""
    negative = False
    while name in values:
        inner, sign = values[name], negative
        while isinstance(inner, Negate):
            inner, sign = inner.operand, not sign
        if not isinstance(inner, Name):
            break
        name, negative = inner.id, sign
    return name, negative
