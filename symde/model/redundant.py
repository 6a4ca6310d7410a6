"""Implicit equations that say what another one says: left - right is the same sum of terms, times a number.

Terms are told apart as they are written: `2*(x + y) = 2` says what `x + y = 1` says, `(x + y)^2 = 1` and
`x^2 + 2*x*y + y^2 = 1` are two equations. What only numbers tell is found where the start is solved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symde.diagnostics import Span, warn_of_model
from symde.language import unparse
from symde.language.syntax import Expr, Implicit, Negate, Number, Product, Sum

Terms = dict[tuple[str, ...], Fraction]
"""Factors of a term, each with its operator, in order -> the number before it."""


@dataclass(frozen=True, slots=True)
class Redundant:
    """An equation that is left out, and the one that says the same."""

    span: Span | None
    of: Span | None


def without_redundant(equations: Sequence[Implicit]) -> tuple[list[Implicit], list[Redundant]]:
    """The equations, each once, and those that are left out."""
    kept: list[Implicit] = []
    left_out: list[Redundant] = []
    seen: dict[tuple[tuple[tuple[str, ...], Fraction], ...], Implicit] = {}
    for one in equations:
        key = _normal(one)
        if key and key in seen:
            left_out.append(Redundant(one.span, seen[key].span))
        else:
            seen.setdefault(key, one)
            kept.append(one)
    return kept, left_out


def warn_of_redundant(left_out: Sequence[Redundant]) -> None:
    """Tell which equations were left out."""
    for one in left_out:
        if one.span is not None and one.of is not None:
            warn_of_model(
                f"{one.span.source.name}, line {_line(one.span)}: `{one.span.text}` says what line "
                f"{_line(one.of)} says, and is left out",
                one.span,
            )


def _line(span: Span) -> int:
    return span.source.position(span.start)[0]


def _normal(equation: Implicit) -> tuple[tuple[tuple[str, ...], Fraction], ...]:
    """The terms of left - right, divided by the number before the first; empty where nothing is left."""
    terms: Terms = {}
    for sign, side in ((1, equation.left), (-1, equation.right)):
        for factors, number in _terms(side, Fraction(sign)):
            terms[factors] = terms.get(factors, Fraction(0)) + number
    ordered = sorted((factors, number) for factors, number in terms.items() if number)
    return tuple((factors, number / ordered[0][1]) for factors, number in ordered)


def _terms(root: Expr, scale: Fraction) -> Iterator[tuple[tuple[str, ...], Fraction]]:
    """The terms of an expression times a number: by a loop, since sums may be nested deeply."""
    pending = [(root, scale)]
    while pending:
        expression, factor = pending.pop()
        if isinstance(expression, Negate):
            pending.append((expression.operand, -factor))
        elif isinstance(expression, Sum):
            pending += [(term, factor if sign == "+" else -factor) for sign, term in expression.terms]
        elif isinstance(expression, Number) and _finite(expression):
            yield (), factor * Fraction(expression.value)
        elif isinstance(expression, Product):
            numbers = [
                (operator, one.value)
                for operator, one in expression.factors
                if isinstance(one, Number) and _finite(one)
            ]
            others = [
                (operator, one)
                for operator, one in expression.factors
                if not (isinstance(one, Number) and _finite(one))
            ]
            if any(operator == "/" and value == 0 for operator, value in numbers):
                yield (unparse(expression),), factor
                continue
            for operator, value in numbers:
                factor = factor * Fraction(value) if operator == "*" else factor / Fraction(value)
            if len(others) == 1 and others[0][0] == "*":
                pending.append((others[0][1], factor))
            else:
                yield tuple(sorted(f"{operator}{unparse(one)}" for operator, one in others)), factor
        else:
            yield (f"*{unparse(expression)}",), factor


def _finite(number: Number) -> bool:
    return abs(number.value) < float("inf")
