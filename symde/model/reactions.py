"""Reactions and jumps as data, and the rate at which a reaction goes on in the reading as an ODE.

Mass action: a reaction with rate constant k that takes n of A and m of B goes at k*A^n/n! * B^m/m!
(D. T. Gillespie, A general method for numerically simulating the stochastic time evolution of coupled
chemical reactions, J. Comput. Phys. 22 (1976), 403-434: k counts distinct combinations of molecules; the
convention of Catalyst's combinatoric rate laws). Counted molecules have A*(A-1)*...*(A-n+1)/n! in place of
A^n/n!, which for many molecules is the same.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from symde.diagnostics import Span
from symde.language.reaction_syntax import Change, JumpStatement, ReactionStatement, Term
from symde.language.syntax import Expr, Name, Negate, Number, Power, Product, Sum
from symde.language.unparse import unparse

Side = tuple[tuple[str, int], ...]
"""Species with their numbers, each once, in the order of the text."""

LARGEST_ORDER = 100
"""Molecules of one species that a mass action reaction may take: 100! is 9e157."""


@dataclass(frozen=True, slots=True, repr=False)
class Reaction:
    """A reaction in one direction; one that goes both ways is two. `str()` gives it as a text has it.

    Attributes:
        rate: the rate constant, which may read states, parameters and `t`; without mass action the whole law.
        reactants, products: what it takes and gives.
        mass_action: whether the rate is multiplied by the reactants.
        span: the statement.
    """

    rate: Expr
    reactants: Side
    products: Side
    mass_action: bool = True
    span: Span | None = field(default=None, compare=False)

    def __str__(self) -> str:
        arrow = "-->" if self.mass_action else "=>"
        return unparse(ReactionStatement((self.rate,), arrow, _terms(self.reactants), _terms(self.products)))

    def __repr__(self) -> str:
        return f"<Reaction {self}>"

    @property
    def net(self) -> dict[str, int]:
        """The change of each species that changes."""
        change = dict.fromkeys((name for name, _ in (*self.reactants, *self.products)), 0)
        for name, count in self.reactants:
            change[name] -= count
        for name, count in self.products:
            change[name] += count
        return {name: count for name, count in change.items() if count}

    @property
    def species(self) -> tuple[str, ...]:
        """Every species that takes part, in order."""
        return tuple(dict.fromkeys(name for name, _ in (*self.reactants, *self.products)))


@dataclass(frozen=True, slots=True)
class JumpEffect:
    """What a jump does to a state: `operator` is `=`, `+=`, `-=`, `*=` or `/=`."""

    state: str
    operator: str
    value: Expr


@dataclass(frozen=True, slots=True, repr=False)
class Jump:
    """States that change at once, `rate` times per unit of time on average. `str()` gives it as a text has
    it."""

    rate: Expr
    effects: tuple[JumpEffect, ...]
    span: Span | None = field(default=None, compare=False)

    def __str__(self) -> str:
        changes = tuple(Change(Name(one.state), one.operator, one.value) for one in self.effects)
        return unparse(JumpStatement(self.rate, changes))

    def __repr__(self) -> str:
        return f"<Jump {self}>"


def _terms(side: Side) -> tuple[Term, ...]:
    return tuple(Term(count, Name(name)) for name, count in side)


def flux(reaction: Reaction) -> Expr:
    """The rate of a reaction in the reading as an ODE: the law, or rate constant times A^n/n!."""
    if not reaction.mass_action:
        return reaction.rate
    span, divisor = reaction.span, 1
    factors: list[tuple[str, Expr]] = [("*", reaction.rate)]
    for name, count in reaction.reactants:
        species = Name(name, span=span)
        factors.append(("*", species if count == 1 else Power(species, whole(count, span), span=span)))
        divisor *= math.factorial(count)
    if divisor > 1:
        factors.append(("/", whole(divisor, span)))
    return Product(tuple(factors), span=span) if len(factors) > 1 else reaction.rate


def propensity(reaction: Reaction) -> Expr:
    """The rate of a reaction between counted molecules: k times the ways to choose them,
    A*(A-1)*...*(A-n+1)/n!; the law, where there is one."""
    if not reaction.mass_action:
        return reaction.rate
    span, divisor = reaction.span, 1
    factors: list[tuple[str, Expr]] = [("*", reaction.rate)]
    for name, count in reaction.reactants:
        species = Name(name, span=span)
        factors.append(("*", species))
        for taken in range(1, count):
            factors.append(("*", Sum((("+", species), ("-", whole(taken, span))), span=span)))
        divisor *= math.factorial(count)
    if divisor > 1:
        factors.append(("/", whole(divisor, span)))
    return Product(tuple(factors), span=span) if len(factors) > 1 else reaction.rate


def stoichiometry(reactions: Sequence[Reaction], states: Sequence[str]) -> list[dict[int, int]]:
    """For each reaction the change of each of `states` that changes, by its index."""
    places = {name: i for i, name in enumerate(states)}
    return [{places[name]: count for name, count in one.net.items() if name in places} for one in reactions]


def derivatives(reactions: Iterable[Reaction], states: Iterable[str]) -> dict[str, Expr]:
    """The rate of change of each of `states` by the reactions: of each its flux, times what it gives less
    what it takes."""
    terms: dict[str, list[tuple[str, Expr]]] = {name: [] for name in states}
    for reaction in reactions:
        rate = flux(reaction)
        for name, count in reaction.net.items():
            size = abs(count)
            times = (("*", whole(size, reaction.span)), ("*", rate))
            term = rate if size == 1 else Product(times, span=reaction.span)
            if name in terms:
                terms[name].append(("+" if count > 0 else "-", term))
    return {name: _sum(parts) for name, parts in terms.items()}


def _sum(terms: Sequence[tuple[str, Expr]]) -> Expr:
    if not terms:
        return whole(0, None)
    sign, first = terms[0]
    if len(terms) == 1:
        return first if sign == "+" else Negate(first, span=first.span)
    return Sum(tuple(terms), span=first.span)


def whole(value: int, span: Span | None) -> Number:
    """A whole number as an expression."""
    return Number(value, str(value), span=span)


def side(terms: Iterable[tuple[str, int]]) -> Side:
    """Species with their numbers, those that are named again added up."""
    counts: dict[str, int] = {}
    for name, count in terms:
        counts[name] = counts.get(name, 0) + count
    return tuple(counts.items())


def governed(reactions: Iterable[Reaction], jumps: Iterable[Jump], states: Mapping[str, Expr]) -> set[str]:
    """The states without an equation in the text: species, and what jumps alone change.

    Args:
        reactions, jumps: of the model.
        states: derivative of each state.
    """
    names = {name for one in reactions for name in one.species}
    for effect in (effect for jump in jumps for effect in jump.effects):
        value = states[effect.state]
        if isinstance(value, Number) and value.value == 0:
            names.add(effect.state)
    return names


def read_by(reactions: Iterable[Reaction], jumps: Iterable[Jump]) -> Iterator[Expr]:
    """Every expression of the reactions and jumps of a model."""
    yield from (one.rate for one in reactions)
    for one in jumps:
        yield one.rate
        yield from (effect.value for effect in one.effects)


def with_rate(reaction: Reaction, change: Callable[[Expr], Expr]) -> Reaction:
    """The reaction with its rate changed."""
    rate = change(reaction.rate)
    return reaction if rate is reaction.rate else dataclasses.replace(reaction, rate=rate)


def map_expressions(jump: Jump, change: Callable[[Expr], Expr]) -> Jump:
    """The jump with every expression changed."""
    effects = tuple(dataclasses.replace(one, value=change(one.value)) for one in jump.effects)
    return dataclasses.replace(jump, rate=change(jump.rate), effects=effects)


def expressions_of(statements: Iterable[ReactionStatement | JumpStatement]) -> Iterator[Expr]:
    """The expressions of reactions and jumps."""
    for one in statements:
        yield from rates_of([one])
        yield from effects_of([one])


def rates_of(statements: Iterable[ReactionStatement | JumpStatement]) -> Iterator[Expr]:
    """The rates of reactions and jumps."""
    for one in statements:
        yield from one.rates if isinstance(one, ReactionStatement) else (one.rate,)


def effects_of(statements: Iterable[ReactionStatement | JumpStatement]) -> Iterator[Expr]:
    """What jumps set, or change by."""
    for one in statements:
        if isinstance(one, JumpStatement):
            yield from (change.value for change in one.changes)


def changed_by(statement: ReactionStatement | JumpStatement) -> Iterator[Name]:
    """The names of what takes part in a reaction, or of what a jump changes, in order."""
    if isinstance(statement, ReactionStatement):
        yield from (one.species for one in (*statement.reactants, *statement.products))
    else:
        yield from (one.target for one in statement.changes)
