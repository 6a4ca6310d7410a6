"""Reactions and jumps: what their statements may say, told from the expressions the parser gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from symde.diagnostics import Diagnostics, Span
from symde.language.reaction_syntax import Change, JumpStatement, ReactionStatement, Term
from symde.language.syntax import Expr, Name, Number, Product, Sum

BOTH_WAYS = {"<-->", "<=>"}
LARGEST_COEFFICIENT = 1_000_000

_NUMBER_LIKE_SPECIES = re.compile(r"(\d+)([eE]\d+)")


def reaction(
    rates: tuple[Expr, ...], arrow: str, left: Expr, right: Expr, span: Span, found: Diagnostics
) -> tuple[ReactionStatement, ...]:
    """The statement, none with an error where it says nothing of the language."""
    both_ways = arrow in BOTH_WAYS
    if len(rates) != 1 + both_ways:
        _refuse_rates(len(rates), arrow, left, right, span, found)
        return ()
    sides = [_side(one, found) for one in (left, right)]
    reactants, products = sides
    if reactants is None or products is None:
        return ()
    if not reactants and not products:
        message = "a reaction of nothing to nothing"
        found.error("E160", message, span, "no species", "name a species on one side")
        return ()
    return (ReactionStatement(rates, arrow, reactants, products, span=span),)


def _refuse_rates(count: int, arrow: str, left: Expr, right: Expr, span: Span, found: Diagnostics) -> None:
    sides = " ".join((_words(left, "A"), arrow, _words(right, "B")))
    if not count:
        first = "(kf, kr)" if arrow in BOTH_WAYS else "k"
        help_text = f"write the rate, a comma, the reaction: `{first}, {sides}`"
        found.error("E161", "a reaction without its rate", span, "no rate before it", help_text)
    elif arrow in BOTH_WAYS:
        message = f"`{arrow}` takes two rates, and {count} {'is' if count == 1 else 'are'} given"
        help_text = f"write both in brackets: `(kf, kr), {sides}`"
        found.error("E161", message, span, f"{count} given", help_text)
    else:
        help_text = f"write one rate, or `(kf, kr), {sides.replace(arrow, '<' + arrow)}`"
        found.error("E161", f"`{arrow}` takes one rate, and {count} are given", span, "too many", help_text)


def _words(side: Expr, otherwise: str) -> str:
    return side.span.text if side.span is not None and len(side.span.text) <= 40 else otherwise


def _side(side: Expr, found: Diagnostics) -> tuple[Term, ...] | None:
    """The species of a side; None with an error where something else stands there."""
    if isinstance(side, Number) and side.value == 0:
        return ()
    parts = side.terms if isinstance(side, Sum) else (("+", side),)
    terms: list[Term] = []
    for sign, part in parts:
        term = _term(part, found) if sign == "+" else _refuse_minus(part, found)
        if term is None:
            return None
        terms.append(term)
    return tuple(terms)


def _refuse_minus(part: Expr, found: Diagnostics) -> None:
    help_text = "join the species of a side with `+`"
    found.error("E160", "a side of a reaction subtracts nothing", part.span, "behind a minus", help_text)


def _term(part: Expr, found: Diagnostics) -> Term | None:
    if isinstance(part, Name) and not part.id.endswith("'"):
        return Term(1, part, span=part.span)
    match part:
        case Number(text=text):
            split = _NUMBER_LIKE_SPECIES.fullmatch(text)
            offered = f"`{split[1]}*{split[2]}`" if split else f"a species with it: `{text}*A`"
            message = f"`{text}` is a number, and a side of a reaction names species"
            help_text = f"write {offered}" + ("" if split else ", or `0` alone for nothing")
            found.error("E160", message, part.span, "a number", help_text)
        case Product(factors=(("*", Number() as number), ("*", Name() as species))) if not (
            species.id.endswith("'")
        ):
            return _counted(number, species, part, found)
        case _:
            message = "a side of a reaction is made of species and how many there are of each"
            found.error("E160", message, part.span, "no species", "write it as in `A + 2B`, or `0`")
    return None


def _counted(number: Number, species: Name, part: Expr, found: Diagnostics) -> Term | None:
    if isinstance(number.value, int) and 1 <= number.value <= LARGEST_COEFFICIENT:
        return Term(number.value, species, span=part.span)
    message = f"`{number.text}` is no number of molecules"
    label = f"a whole number from 1 to {LARGEST_COEFFICIENT:,} is expected"
    help_text = "multiply the reaction to whole numbers, and divide its rate by the same"
    found.error("E162", message, number.span, label, help_text)
    return None


def jump(
    rate: Expr, changes: Iterable[Change | None], span: Span, found: Diagnostics
) -> tuple[JumpStatement, ...]:
    """`jump rate: S -= 1, I += 1`; a change that was refused is None."""
    kept = tuple(one for one in changes if one is not None)
    seen: dict[str, Span | None] = {}
    for one in kept:
        if one.target.id in seen:
            message = f"the jump changes `{one.target.id}` twice"
            found.error("E163", message, one.span, "changed before", "write its change once")
        seen[one.target.id] = one.span
    return (JumpStatement(rate, kept, span=span),) if kept else ()


def statement_text(
    node: ReactionStatement | JumpStatement, text: Callable[[Expr], str], opens: Callable[[str], object]
) -> str:
    """The text of a statement.

    Args:
        node: The statement.
        text: What writes an expression.
        opens: Whether a text begins like a statement of another kind.
    """
    if isinstance(node, JumpStatement):
        changes = ", ".join(f"{one.target.id} {one.operator} {text(one.value)}" for one in node.changes)
        rate = text(node.rate)
        plain = rate[0].isalnum() or rate[0] == "_"
        return f"jump {rate if plain else f'({rate})'}: {changes}"
    rates = ", ".join(map(text, node.rates))
    if len(node.rates) > 1 or opens(rates):
        rates = f"({rates})"
    return f"{rates}, {_side_text(node.reactants)} {node.arrow} {_side_text(node.products)}"


def _side_text(terms: tuple[Term, ...]) -> str:
    return " + ".join(map(_term_text, terms)) or "0"


def _term_text(term: Term) -> str:
    """`2A`, or `2*e1` where the number would take the name in."""
    name = term.species.id
    if term.count == 1:
        return name
    return f"{term.count}*{name}" if re.match(r"[eE][0-9]|_", name) else f"{term.count}{name}"
