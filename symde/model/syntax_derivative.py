"""Derivatives on the syntax tree, for equations that a user shall read.

Zeros, ones and whole numbers are folded, so that p^2/(2*m) has the derivative p/m; nothing else is
rearranged. Kinks have the derivative of the active branch, as everywhere (`symde.codegen.rules` has the same
rules for graphs). Each part carries the place of what it comes from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from symde.diagnostics import Span
from symde.language.syntax import (
    Call,
    Compare,
    Conditional,
    Expr,
    Logic,
    Name,
    Negate,
    Not,
    Number,
    Power,
    Product,
    Sum,
)
from symde.model.walk import children, postorder


class NoDerivativeError(ValueError):
    """A part of an expression, `node`, has no derivative that the language can say."""

    def __init__(self, node: Call):
        super().__init__(f"the derivative of `{node.function}` cannot be written in the language")
        self.node = node


ALONG = "d/d"
"""Stands for the direction in the place of a variable; no name of a model is like it."""


class Differentiator:
    """Derivatives of expressions that may read named quantities.

    Args:
        values: value of each named quantity that depends on others, without calls of the modeller's
            functions.
        variables: names to differentiate by.
        slopes: the direction of `along`: names -> their derivatives along it. They are no variables.
    """

    def __init__(
        self, values: Mapping[str, Expr], variables: tuple[str, ...], slopes: Mapping[str, Expr] | None = None
    ):
        self._values = values
        self._slopes = slopes or {}
        self._bits = {name: 1 << place for place, name in enumerate((*variables, ALONG))}
        self._bits |= dict.fromkeys(self._slopes, self._bits[ALONG])
        self._reads: dict[int, int] = {}
        self._named: dict[tuple[str, str], Expr] = {}
        self._known: dict[str, int] = {}

    def derivative(self, root: Expr, variable: str) -> Expr:
        """The derivative by a variable, all else but the quantities that depend on it held."""
        bit = self._bits[variable]
        self._note(root)
        found: dict[int, Expr] = {}
        for node in self._dependent(root, bit):
            found[id(node)] = self._of(node, variable, bit, found)
        return found.get(id(root), ZERO)

    def along(self, root: Expr) -> Expr:
        """The derivative along the direction: the total one by time, where slopes are derivatives by time."""
        return self.derivative(root, ALONG)

    def _note(self, root: Expr) -> None:
        """Which variables each part reads, as bits."""
        for node in postorder(root):
            if id(node) in self._reads:
                continue
            if isinstance(node, Name):
                self._reads[id(node)] = self._bits.get(node.id, 0) or self._named_reads(node.id)
            else:
                bits = 0
                for child in children(node):
                    bits |= self._reads[id(child)]
                self._reads[id(node)] = bits

    def _named_reads(self, name: str) -> int:
        if name not in self._values:
            return 0
        if name not in self._known:
            self._note(self._values[name])
            self._known[name] = self._reads[id(self._values[name])]
        return self._known[name]

    def _dependent(self, root: Expr, bit: int) -> list[Expr]:
        """The parts that read a variable, operands first."""
        order: list[Expr] = []
        seen: set[int] = set()
        stack = [(root, False)]
        while stack:
            node, expanded = stack.pop()
            if expanded:
                order.append(node)
            elif id(node) not in seen and self._reads[id(node)] & bit:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((child, False) for child in reversed(children(node)))
        return order

    def _of(self, node: Expr, variable: str, bit: int, found: Mapping[int, Expr]) -> Expr:
        def change(operand: Expr) -> Expr:
            return found.get(id(operand), ZERO)

        span = node.span
        match node:
            case Name(id=name) if variable == ALONG and name in self._slopes:
                return self._slopes[name]
            case Name(id=name):
                return ONE if name == variable else self._quantity(name, variable)
            case Sum(terms=terms):
                return total([(sign, change(term)) for sign, term in terms], span)
            case Product(factors=factors):
                return _product_rule(node, [change(factor) for _, factor in factors])
            case Negate(operand=operand):
                return negative(change(operand), span)
            case Power(base=base, exponent=exponent):
                return _power_rule(node, change(base), change(exponent))
            case Conditional(condition=condition, then=then, otherwise=otherwise):
                return Conditional(condition, change(then), change(otherwise), span)
            case Call(arguments=arguments):
                return _chain_rule(node, [change(argument) for argument in arguments])
            case Compare() | Logic() | Not() | Number():
                return ZERO
        raise TypeError(f"not an expression: {type(node).__name__}")

    def _quantity(self, name: str, variable: str) -> Expr:
        key = name, variable
        if key not in self._named:
            self._named[key] = self.derivative(self._values[name], variable)
        return self._named[key]


ZERO, ONE = Number(0, "0", span=None), Number(1, "1", span=None)

Factors = list[tuple[str, Expr]]


def number(value: int | float, span: Span | None = None) -> Expr:
    """A number, negative ones with a sign before them."""
    written = Number(abs(value), repr(abs(value)), span)
    return Negate(written, span) if value < 0 else written


def is_number(node: Expr, value: float) -> bool:
    """Whether a node is this number."""
    return isinstance(node, Number) and node.value == value


def total(terms: Factors, span: Span | None) -> Expr:
    """A sum without its zeros."""
    kept: Factors = []
    for sign, term in terms:
        if isinstance(term, Negate):
            sign, term = "-" if sign == "+" else "+", term.operand
        if not is_number(term, 0):
            kept.append((sign, term))
    if not kept:
        return ZERO
    if len(kept) == 1:
        sign, term = kept[0]
        return term if sign == "+" else negative(term, span)
    if kept[0][0] == "-":
        kept[0] = ("+", negative(kept[0][1], span))
    return Sum(tuple(kept), span)


def negative(node: Expr, span: Span | None) -> Expr:
    """-node."""
    if is_number(node, 0):
        return ZERO
    return node.operand if isinstance(node, Negate) else Negate(node, span)


def product(factors: Factors, span: Span | None) -> Expr:
    """A product with signs before it and whole numbers reduced; 0 where a factor is."""
    minus, above, below = False, 1, 1
    rest: Factors = []
    pending = list(reversed(factors))
    while pending:
        sign, factor = pending.pop()
        match factor:
            case Negate(operand=operand):
                minus = not minus
                pending.append((sign, operand))
            case Product(factors=inner):
                flipped = [(one if sign == "*" else _INVERSE[one], part) for one, part in inner]
                pending.extend(reversed(flipped))
            case Number(value=int(value)) if value != 0 or sign == "*":
                if sign == "*":
                    above *= value
                else:
                    below *= value
            case _:
                rest.append((sign, factor))
    if above == 0:
        return ZERO
    result = _assembled(above, below, rest, span)
    return negative(result, span) if minus else result


_INVERSE = {"*": "/", "/": "*"}


def _assembled(above: int, below: int, rest: Factors, span: Span | None) -> Expr:
    shared = math.gcd(above, below)
    above, below = above // shared, below // shared
    numerator = [one for one in rest if one[0] == "*"]
    denominator = [one for one in rest if one[0] == "/"]
    if above != 1 or not numerator:
        numerator.insert(0, ("*", number(above, span)))
    if below != 1:
        denominator.insert(0, ("/", number(below, span)))
    if len(denominator) > 1:  # one division
        denominator = [("/", Product(tuple(("*", part) for _, part in denominator), span=span))]
    factors = numerator + denominator
    return factors[0][1] if len(factors) == 1 else Product(tuple(factors), span=span)


def _product_rule(node: Product, changes: list[Expr]) -> Expr:
    terms: Factors = []
    for place, ((sign, factor), change) in enumerate(zip(node.factors, changes, strict=True)):
        if is_number(change, 0):
            continue
        factors = list(node.factors)
        if sign == "*":
            factors[place] = ("*", change)
        else:
            factors[place + 1 : place + 1] = [("*", change), ("/", factor)]
        terms.append(("+" if sign == "*" else "-", product(factors, node.span)))
    return total(terms, node.span)


def _power_rule(node: Power, by_base: Expr, by_exponent: Expr) -> Expr:
    base, exponent, span = node.base, node.exponent, node.span
    terms: Factors = []
    if not is_number(by_base, 0):
        terms.append(("+", product([("*", exponent), ("*", _lowered(node)), ("*", by_base)], span)))
    if not is_number(by_exponent, 0):
        logarithm = Call("log", (base,), span)
        terms.append(("+", product([("*", node), ("*", logarithm), ("*", by_exponent)], span)))
    return total(terms, span)


def _lowered(node: Power) -> Expr:
    """base^(exponent - 1)."""
    exponent, span = node.exponent, node.span
    sign, value = (-1, exponent.operand) if isinstance(exponent, Negate) else (1, exponent)
    if isinstance(value, Number):
        lower = sign * value.value - 1
        if lower == 0:
            return ONE
        return node.base if lower == 1 else Power(node.base, number(lower, span), span)
    return Power(node.base, Sum((("+", exponent), ("-", ONE)), span), span)


def _chain_rule(node: Call, changes: list[Expr]) -> Expr:
    span, arguments = node.span, node.arguments
    if node.function in _CHOICES:
        return _CHOICES[node.function](node, changes)
    if node.function not in _PARTIALS:
        raise NoDerivativeError(node)
    terms: Factors = []
    for partial, change in zip(_PARTIALS[node.function](node, span, *arguments), changes, strict=True):
        if not is_number(change, 0) and not is_number(partial, 0):
            terms.append(("+", product([("*", partial), ("*", change)], span)))
    return total(terms, span)


def _conditional(node: Call, changes: list[Expr]) -> Expr:
    return Conditional(node.arguments[0], changes[1], changes[2], node.span)


def _pieces(node: Call, changes: list[Expr]) -> Expr:
    mixed = tuple(
        argument if place % 2 else change
        for place, (argument, change) in enumerate(zip(node.arguments, changes, strict=True))
    )
    return Call("piecewise", mixed, node.span)


def _extreme(node: Call, changes: list[Expr]) -> Expr:
    """Of min or max folded from the left, as it is computed."""
    sign, span = "<=" if node.function == "min" else ">=", node.span
    value, change = node.arguments[0], changes[0]
    for argument, other in zip(node.arguments[1:], changes[1:], strict=True):
        condition = Compare((value, argument), (sign,), span)
        change = Conditional(condition, change, other, span)
        value = Call(node.function, (value, argument), span)
    return change


_CHOICES: dict[str, Callable[[Call, list[Expr]], Expr]] = {
    "ifelse": _conditional,
    "where": _conditional,
    "piecewise": _pieces,
    "min": _extreme,
    "max": _extreme,
}


def _over(above: Expr, below: Expr, span: Span | None) -> Expr:
    return product([("*", above), ("/", below)], span)


def _one_plus_square(sign: str, x: Expr, span: Span | None) -> Expr:
    return Sum((("+", ONE), (sign, Power(x, number(2), span))), span)


def _of_logarithm(base: int | None) -> Callable[..., tuple[Expr, ...]]:
    def partials(node: Call, span: Span | None, x: Expr) -> tuple[Expr, ...]:
        scale: Factors = [] if base is None else [("/", Call("log", (number(base),), span))]
        return (product([("*", ONE), ("/", x), *scale], span),)

    return partials


def _of_erf(node: Call, span: Span | None, x: Expr) -> tuple[Expr, ...]:
    bell = Call("exp", (Negate(Power(x, number(2), span), span),), span)
    root = Call("sqrt", (Name("pi", span),), span)
    return (product([("*", number(2)), ("*", bell), ("/", root)], span),)


def _of_angle(node: Call, span: Span | None, y: Expr, x: Expr) -> tuple[Expr, ...]:
    square = Sum((("+", Power(x, number(2), span)), ("+", Power(y, number(2), span))), span)
    return _over(x, square, span), negative(_over(y, square, span), span)


def _of_mod(node: Call, span: Span | None, x: Expr, y: Expr) -> tuple[Expr, ...]:
    return ONE, negative(Call("floor", (_over(x, y, span),), span), span)


def _call(function: str) -> Callable[..., tuple[Expr, ...]]:
    return lambda node, span, x: (Call(function, (x,), span),)


def _arc(sign: int) -> Callable[..., tuple[Expr, ...]]:
    def partials(node: Call, span: Span | None, x: Expr) -> tuple[Expr, ...]:
        return (_over(number(sign), Call("sqrt", (_one_plus_square("-", x, span),), span), span),)

    return partials


def _flat(node: Call, span: Span | None, *arguments: Expr) -> tuple[Expr, ...]:
    return (ZERO,) * len(arguments)


_PARTIALS: dict[str, Callable[..., Any]] = {
    "exp": lambda node, span, x: (node,),
    "log": _of_logarithm(None),
    "log2": _of_logarithm(2),
    "log10": _of_logarithm(10),
    "sqrt": lambda node, span, x: (product([("*", ONE), ("/", number(2)), ("/", node)], span),),
    "sin": _call("cos"),
    "cos": lambda node, span, x: (Negate(Call("sin", (x,), span), span),),
    "tan": lambda node, span, x: (_one_plus_square("+", node, span),),
    "asin": _arc(1),
    "acos": _arc(-1),
    "atan": lambda node, span, x: (_over(ONE, _one_plus_square("+", x, span), span),),
    "atan2": _of_angle,
    "sinh": _call("cosh"),
    "cosh": _call("sinh"),
    "tanh": lambda node, span, x: (_one_plus_square("-", node, span),),
    "erf": _of_erf,
    "abs": _call("sign"),
    "mod": _of_mod,
    **dict.fromkeys(("sign", "floor", "ceil", "heaviside"), _flat),
}
