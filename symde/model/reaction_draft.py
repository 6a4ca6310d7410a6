"""Reactions and jumps of a text: species become states, and their equations follow from the reactions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from symde.diagnostics import Span
from symde.language.reaction_syntax import JumpStatement, ReactionStatement, Term
from symde.language.reactions import BOTH_WAYS
from symde.model.draft import (
    DERIVED,
    DISCRETE,
    RESERVED,
    STATE,
    Draft,
    Equation,
    is_reserved,
    line_of,
    primes_of,
)
from symde.model.equations import StateDraft
from symde.model.reactions import LARGEST_ORDER, Jump, JumpEffect, Reaction, changed_by, derivatives, side


def add_species(draft: Draft) -> None:
    """An equation, to be derived, for every state that reactions or jumps alone change."""
    known = {equation.name: equation for equation in draft.equations}
    derived: dict[str, Equation] = {}
    refused: set[str] = set()
    for statement in draft.reactions:
        is_reaction = isinstance(statement, ReactionStatement)
        for target in changed_by(statement):
            name, span = target.id, target.span
            if name in derived or name in refused:
                continue
            if not _may_change(draft, name, span, is_reaction):
                refused.add(name)
            elif name in known and is_reaction:
                refused.add(name)
                _refuse_equation(draft, name, span, known[name])
            elif name not in known and name not in draft.discretes:
                derived[name] = Equation(name, 1, DERIVED, span, statement.span)
    draft.equations += derived.values()
    draft.derived |= derived.keys()


def _may_change(draft: Draft, name: str, span: Span | None, is_reaction: bool) -> bool:
    """Whether a name may stand for a state here; an error where it may not."""
    kind = draft.kind_of(name)
    does = "takes part in a reaction" if is_reaction else "is changed by a jump"
    if is_reserved(name):
        draft.found.error("E204", f"`{name}` is reserved", span, f"always {RESERVED[name]}", "rename it")
    elif primes_of(name):
        help_text = "name what changes as a state of its own"
        draft.found.error("E360", f"`{name}` is a derivative, and {does}", span, "no state", help_text)
    elif kind == DISCRETE and not is_reaction:
        return True
    elif kind not in (None, STATE) and name not in draft.disputed:
        label = f"declared in line {line_of(draft.declared[name][1])}"
        help_text = f"declare it as a state instead: `state {name} = ...`"
        article = "an" if kind is not None and kind[0] in "aeiou" else "a"
        draft.found.error("E360", f"`{name}` is {article} {kind}, and {does}", span, label, help_text)
    else:
        return True
    return False


def _refuse_equation(draft: Draft, name: str, span: Span | None, equation: Equation) -> None:
    line = line_of(equation.target)
    message = f"`{name}` takes part in a reaction and has a differential equation in line {line}"
    help_text = f"write what flows into it as a reaction: `rate, 0 => {name}`"
    draft.found.error("E361", message, span, "changed by both", help_text)


def reactions_of(draft: Draft) -> tuple[Reaction, ...]:
    """The reactions, those that go both ways as two."""
    found = []
    for one in draft.reactions:
        if isinstance(one, ReactionStatement):
            sides = _side(one.reactants), _side(one.products)
            mass_action = "-" in one.arrow
            for rate, (taken, given) in zip(one.rates, (sides, sides[::-1]), strict=False):
                known = mass_action and _order_is_known(draft, taken, one)
                found.append(Reaction(rate, taken, given, known, one.span))
    return tuple(found)


def _side(terms: tuple[Term, ...]) -> tuple[tuple[str, int], ...]:
    return side((one.species.id, one.count) for one in terms)


def _order_is_known(draft: Draft, taken: tuple[tuple[str, int], ...], one: ReactionStatement) -> bool:
    """Whether mass action is written out for so many molecules; an error where it is not."""
    for name, count in taken:
        if count > LARGEST_ORDER:
            label = f"takes {count:,} of `{name}`"
            arrow = "<=>" if one.arrow in BOTH_WAYS else "=>"
            help_text = f"give its whole law with `{arrow}` in place of `{one.arrow}`"
            message = f"mass action of more than {LARGEST_ORDER} molecules of one species"
            draft.found.error("E362", message, one.span, label, help_text)
            return False
    return True


def jumps_of(draft: Draft) -> tuple[Jump, ...]:
    """The jumps."""
    found = []
    for one in draft.reactions:
        if isinstance(one, JumpStatement):
            effects = tuple(JumpEffect(c.target.id, c.operator, c.value) for c in one.changes)
            found.append(Jump(one.rate, effects, one.span))
    return tuple(found)


def derive_species(draft: Draft, states: Mapping[str, StateDraft], reactions: Sequence[Reaction]) -> None:
    """Put the derivatives that follow from the reactions in their places."""
    values = derivatives(reactions, states)
    derived = draft.derived & states.keys()
    for name in derived:
        states[name].derivative = values[name]
    if draft.implicit:  # which unknowns hang together is read off the draft's equations
        draft.equations = [
            dataclasses.replace(one, value=values[one.name]) if one.name in derived else one
            for one in draft.equations
        ]
