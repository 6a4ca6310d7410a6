"""The reading of a model as a jump process: populations of whole numbers that reactions and jumps change."""

from __future__ import annotations

from dataclasses import dataclass

from symde.derive.parts import refuse_domain, refuse_other_parts
from symde.diagnostics import Span
from symde.language.syntax import Expr
from symde.model.definition import Definition
from symde.model.evaluate import evaluate
from symde.model.reactions import Jump, JumpEffect, governed, propensity, stoichiometry

_WHAT = "a jump process of this version"


@dataclass(frozen=True, slots=True)
class Channel:
    """One way in which the populations change.

    Attributes:
        rate: the rate constant of mass action; the whole propensity where there is none.
        propensity: the whole propensity.
        reactants: index and number of what mass action takes; None for a law.
        changes: index and change of each state that changes.
        span: the statement.
    """

    rate: Expr
    propensity: Expr
    reactants: tuple[tuple[int, int], ...] | None
    changes: tuple[tuple[int, int], ...]
    span: Span | None

    @property
    def words(self) -> str:
        """The statement, for messages."""
        return "a reaction" if self.span is None else f"`{' '.join(self.span.text.split())}`{self.place}"

    @property
    def place(self) -> str:
        """Its line, for messages."""
        return "" if self.span is None else f" (line {self.span.source.position(self.span.start)[0]})"


@dataclass(frozen=True, slots=True)
class JumpNetwork:
    """A jump process.

    Attributes:
        channels: the reactions, then the jumps.
        counted: for each state whether it is a number of molecules, which is never negative.
    """

    channels: tuple[Channel, ...]
    counted: tuple[bool, ...]


def jump_network(definition: Definition) -> JumpNetwork:
    """The jump process that a model describes.

    Raises:
        ValueError: the model has no reactions and jumps, a differential equation beside them, or a jump by
            anything but whole numbers, or events, algebraic equations, delays or domains.
    """
    _refuse_events(definition)
    refuse_other_parts(definition, _WHAT)
    _refuse_equations(definition)
    species = {name for one in definition.reactions for name in one.species}
    for state in definition.states:
        refuse_domain(state, _WHAT, 0.0 if state.name in species else float("-inf"))
    places = {name: i for i, name in enumerate(definition.state_names)}
    channels = []
    changes = stoichiometry(definition.reactions, definition.state_names)
    for one, change in zip(definition.reactions, changes, strict=True):
        reactants = tuple((places[name], count) for name, count in one.reactants) if one.mass_action else None
        whole_law = propensity(one)
        channels.append(Channel(one.rate, whole_law, reactants, tuple(change.items()), one.span))
    constants = {one.name: one.value for one in definition.constants}
    for jump in definition.jumps:
        moves = tuple((places[one.state], _move(one, jump, constants)) for one in jump.effects)
        channels.append(Channel(jump.rate, jump.rate, None, moves, jump.span))
    return JumpNetwork(tuple(channels), tuple(name in species for name in definition.state_names))


def _refuse_events(definition: Definition) -> None:
    if definition.events:
        first = definition.events[0]
        otherwise = "" if definition.jumps else "solve it as differential equations, kind='ode', or "
        raise ValueError(
            f"a jump process of this version has no events, and model `{definition.name}` has "
            f"`{first.name}`{_line(first.span)}: {otherwise}leave the events out and go on at their times, "
            "remake(problem, u0=..., tspan=...)"
        )


def _refuse_equations(definition: Definition) -> None:
    if not definition.reactions and not definition.jumps:
        raise ValueError(
            f"model `{definition.name}` has no reactions and no jumps, so kind='jump' means nothing: write "
            "`k, A --> B` or `jump rate: A -= 1, B += 1`"
        )
    values = {state.name: state.derivative for state in definition.states}
    elsewhere = governed(definition.reactions, definition.jumps, values)
    for state in definition.states:
        if state.discrete:
            raise ValueError(
                f"`{state.name}` is a discrete variable, which only events change, and a jump process of "
                f"this version has no events: write `param {state.name} = ...`"
            )
        if state.name not in elsewhere:
            line = _line(state.equation)
            raise ValueError(
                f"`{state.name}` has a differential equation{line}, and a jump process of this version "
                "changes by reactions and jumps alone: write the equation as a reaction, or leave out "
                "kind='jump' where there are no jumps"
            )


def _move(effect: JumpEffect, jump: Jump, constants: dict[str, float]) -> int:
    """The whole number by which a jump changes a state."""
    try:
        size = evaluate(effect.value, constants) if effect.operator in ("+=", "-=") else None
    except (ArithmeticError, ValueError):
        size = None
    if size is None or size != int(size):
        line = _line(jump.span)
        raise ValueError(
            f"the jump of `{effect.state}`{line} is not by a whole number: this version solves jumps such as "
            f"`{effect.state} += 1`, whose size is a number"
        )
    return int(size) if effect.operator == "+=" else -int(size)


def _line(span: Span | None) -> str:
    return "" if span is None else f" (line {span.source.position(span.start)[0]})"
