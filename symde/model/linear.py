"""Expressions that are linear in some names: their coefficients, and what is left."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from symde.diagnostics import Span
from symde.language.syntax import Expr, Name, Negate, Product, Sum
from symde.model.syntax_derivative import ONE, Factors, negative, product, total
from symde.model.walk import children, identifiers, postorder


class NotLinearError(ValueError):
    """An expression is not linear in `names`, or a coefficient of theirs is not fixed."""

    def __init__(self, names: Collection[str]):
        super().__init__(f"not linear in {', '.join(sorted(names))}")
        self.names = frozenset(names)


@dataclass(slots=True)
class Linear:
    """sum of coefficients times names, plus a rest.

    Attributes:
        coefficients: Name -> its coefficient.
        rest: What has none of the names; None where there is nothing else.
    """

    coefficients: dict[str, Expr] = field(default_factory=dict)
    rest: Expr | None = None


def linear_in(expression: Expr, names: Collection[str], is_fixed: Callable[[Expr], bool]) -> Linear:
    """An expression as a linear one in some names.

    Args:
        expression: Without calls of functions whose bodies read the names.
        names: What it may be linear in.
        is_fixed: Whether a factor may stand in a coefficient.

    Raises:
        NotLinearError: it is not linear in some names, or a factor of theirs is not fixed.
    """
    reads: dict[int, frozenset[str]] = {}
    for node in postorder(expression):
        if isinstance(node, Name):
            reads[id(node)] = frozenset((node.id,)) if node.id in names else frozenset()
        else:
            reads[id(node)] = frozenset().union(*(reads[id(child)] for child in children(node)))
    return _linear(expression, reads, is_fixed)


def _linear(node: Expr, reads: dict[int, frozenset[str]], is_fixed: Callable[[Expr], bool]) -> Linear:
    """Recursion goes no deeper than sums and products are nested that hold the names."""
    own = reads[id(node)]
    if not own:
        return Linear(rest=node)
    match node:
        case Name(id=name):
            return Linear({name: ONE})
        case Negate(operand=operand):
            inner = _linear(operand, reads, is_fixed)
            return _scaled(inner, lambda one: negative(one, None))
        case Sum(terms=terms):
            return _sum([(sign, _linear(term, reads, is_fixed)) for sign, term in terms])
        case Product(factors=factors):
            holders = [(sign, factor) for sign, factor in factors if reads[id(factor)]]
            rest = [(sign, factor) for sign, factor in factors if not reads[id(factor)]]
            if len(holders) == 1 and holders[0][0] == "*" and all(is_fixed(factor) for _, factor in rest):
                inner = _linear(holders[0][1], reads, is_fixed)
                return _scaled(inner, lambda one: product([*rest, ("*", one)], None))
    raise NotLinearError(own)


def _scaled(inner: Linear, scale: Callable[[Expr], Expr]) -> Linear:
    coefficients = {name: scale(one) for name, one in inner.coefficients.items()}
    return Linear(coefficients, None if inner.rest is None else scale(inner.rest))


def _sum(terms: list[tuple[str, Linear]]) -> Linear:
    """What is left of a sum has no place of its own in the text: its parts have."""
    columns: dict[str, Factors] = {}
    rest: Factors = []
    for sign, term in terms:
        for name, coefficient in term.coefficients.items():
            columns.setdefault(name, []).append((sign, coefficient))
        if term.rest is not None:
            rest.append((sign, term.rest))
    coefficients = {name: total(one, None) for name, one in columns.items()}
    return Linear(coefficients, total(rest, None) if rest else None)


def difference(right: Expr, left: Expr, span: Span | None) -> Expr:
    """right - left, without zeros."""
    return total([("+", right), ("-", left)], span)


def reads_any(expression: Expr, names: Collection[str]) -> bool:
    """Whether an expression reads one of some names."""
    return not identifiers([expression]).isdisjoint(names)
