"""The jumps of a model: reactions and `jump` statements as channels, each with a rate and what it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symde.derive.parts import refuse_domain, refuse_other_parts
from symde.diagnostics import Span
from symde.language.syntax import Expr, Name, Product, Sum
from symde.model.definition import Definition
from symde.model.evaluate import evaluate
from symde.model.reactions import Jump, JumpEffect, governed, propensity, stoichiometry
from symde.model.reactions import whole as _whole_number

_WHAT = "a jump process"


@dataclass(frozen=True, slots=True)
class Channel:
    """One way in which the states jump.

    Attributes:
        rate: the rate constant of mass action; the whole propensity where there is none.
        propensity: the whole propensity.
        reactants: index and number of what mass action takes; None for a law.
        changes: index and change of each state that changes by a whole number.
        span: the statement.
        effects: index and new value of each state, where the jump is anything but whole numbers.
        jump: whether it is a `jump` statement, and no reaction.
    """

    rate: Expr
    propensity: Expr
    reactants: tuple[tuple[int, int], ...] | None
    changes: tuple[tuple[int, int], ...]
    span: Span | None
    effects: tuple[tuple[int, Expr], ...] = ()
    jump: bool = False

    @property
    def words(self) -> str:
        """The statement, for messages."""
        return "a reaction" if self.span is None else f"`{' '.join(self.span.text.split())}`{self.place}"

    @property
    def place(self) -> str:
        """Its line, for messages."""
        return "" if self.span is None else f" (line {self.span.source.position(self.span.start)[0]})"

    @property
    def targets(self) -> tuple[int, ...]:
        """The states that it changes."""
        return tuple(i for i, _ in self.effects or self.changes)

    def new_values(self, names: Sequence[str]) -> tuple[tuple[int, Expr], ...]:
        """Index and new value of each state that it changes, also by whole numbers.

        Args:
            names: of the states.
        """
        if self.effects:
            return self.effects
        return tuple((i, _changed(names[i], "+=", _whole_number(change, None))) for i, change in self.changes)


@dataclass(frozen=True, slots=True)
class JumpNetwork:
    """A jump process.

    Attributes:
        channels: the reactions, then the jumps.
        counted: for each state whether it is a number of molecules, which is never negative.
        whole: for each state whether every jump changes it by whole numbers.
    """

    channels: tuple[Channel, ...]
    counted: tuple[bool, ...]
    whole: tuple[bool, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the channels, as logs of what happened tell them: `reaction 1`, ..., `jump 1`, ..."""
        jumps = sum(one.jump for one in self.channels)
        reactions = len(self.channels) - jumps
        return (
            *(f"reaction {place + 1}" for place in range(reactions)),
            *(f"jump {place + 1}" for place in range(jumps)),
        )


def channels_of(definition: Definition) -> JumpNetwork:
    """The reactions and jumps of a model, whatever else it has.

    Raises:
        ValueError: it has neither.
    """
    if not definition.reactions and not definition.jumps:
        raise ValueError(
            f"model `{definition.name}` has no reactions and no jumps, so kind='jump' means nothing: write "
            "`k, A --> B` or `jump rate: A -= 1, B += 1`"
        )
    names = definition.state_names
    species = {name for one in definition.reactions for name in one.species}
    places = {name: i for i, name in enumerate(names)}
    channels = []
    changes = stoichiometry(definition.reactions, names)
    for one, change in zip(definition.reactions, changes, strict=True):
        reactants = tuple((places[name], count) for name, count in one.reactants) if one.mass_action else None
        whole_law = propensity(one)
        channels.append(Channel(one.rate, whole_law, reactants, tuple(change.items()), one.span))
    constants = {one.name: one.value for one in definition.constants}
    for jump in definition.jumps:
        channels.append(_channel(jump, places, constants))
    broken = {i for one in channels for i, _ in one.effects}
    counted = tuple(name in species for name in names)
    return JumpNetwork(tuple(channels), counted, tuple(i not in broken for i in range(len(names))))


def jump_network(definition: Definition) -> JumpNetwork:
    """The jump process of a model whose states jumps alone change.

    Raises:
        ValueError: the model has no reactions and jumps, or has algebraic equations or delays.
    """
    refuse_other_parts(definition, _WHAT)
    network = channels_of(definition)
    for state, counted in zip(definition.states, network.counted, strict=True):
        refuse_domain(state, _WHAT, 0.0 if counted else float("-inf"))
    return network


def is_piecewise(definition: Definition) -> bool:
    """Whether something besides jumps changes a model's states, or must be seen to on the way: differential
    equations, events, domains."""
    species = {name for one in definition.reactions for name in one.species}
    values = {state.name: state.derivative for state in definition.states}
    elsewhere = governed(definition.reactions, definition.jumps, values)
    if definition.events or any(state.name not in elsewhere for state in definition.states):
        return True
    for state in definition.states:
        low, high = state.domain or (None, None)
        inside = low is None or (low <= 0.0 and state.name in species) or low == float("-inf")
        if state.discrete or not (inside and high in (None, float("inf"))):
            return True
    return False


def _channel(jump: Jump, places: dict[str, int], constants: dict[str, float]) -> Channel:
    moves = [(places[one.state], _move(one, constants)) for one in jump.effects]
    whole = tuple((i, size) for i, size in moves if size is not None)
    if len(whole) == len(moves):
        return Channel(jump.rate, jump.rate, None, whole, jump.span, jump=True)
    effects = tuple((places[one.state], _changed(one.state, one.operator, one.value)) for one in jump.effects)
    return Channel(jump.rate, jump.rate, None, (), jump.span, effects, jump=True)


def _move(effect: JumpEffect, constants: dict[str, float]) -> int | None:
    """The whole number by which a jump changes a state; None where it is anything else."""
    try:
        size = evaluate(effect.value, constants) if effect.operator in ("+=", "-=") else None
    except (ArithmeticError, ValueError):
        size = None
    if size is None or size != int(size):
        return None
    return int(size) if effect.operator == "+=" else -int(size)


def _changed(state: str, operator: str, value: Expr) -> Expr:
    """What a state is after `state operator value`."""
    if operator == "=":
        return value
    sign, name = operator[0], Name(state, span=value.span)
    if sign in "+-":
        return Sum((("+", name), (sign, value)), span=value.span)
    return Product((("*", name), (sign, value)), span=value.span)
