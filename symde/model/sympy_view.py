"""Expressions as sympy objects: the mathematical face of a model.

Symbols are real and nothing more. Kinks keep their names (`Abs`, `floor`, `Mod`, `Min`, ...); conditionals
become `Piecewise` that sympy is told not to rearrange.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import sympy

from symde.diagnostics import Diagnostic, ModelError
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
from symde.model.definition import PI, TIME, Definition
from symde.model.expansion import tree_size
from symde.model.inline import Inliner
from symde.model.sympy_externs import SympyExterns
from symde.model.walk import calls, fold

# A sympy expression is walked as a tree, shared parts again and again: beyond this it does not come back.
TREE_LIMIT = 1_000_000
# Largest integer power that sympy works out by itself; floats hold no more digits than that anyway.
POWER_BITS = 1100


@cache
def symbol(name: str) -> sympy.Symbol:
    """The sympy symbol of a name of the model: real, without further assumptions."""
    return sympy.Symbol(name, real=True)


class SympyView:
    """The expressions of one definition as sympy objects, observed quantities and functions written out."""

    def __init__(self, definition: Definition):
        self._inliner = Inliner(definition.functions)
        self._externs = SympyExterns(definition.externs, symbol)
        delays = definition.delays
        # a state at another time is an undefined function there
        self._past = () if delays is None else (*delays.states, *(f"{name}'" for name in delays.slopes))
        self._values: dict[str, Any] = {PI: sympy.pi, TIME: symbol(TIME)}
        self._values |= {name: symbol(name) for name in definition.state_names + definition.parameter_names}
        self._values |= {one.name: number(one.value) for one in definition.constants}
        self._sizes: dict[str, int] = {}
        for one in definition.observables:
            value = self._inliner.inline(one.value)
            self._sizes[one.name] = self._size(value)
            if self._sizes[one.name] <= TREE_LIMIT:
                self._values[one.name] = self._convert(value)

    def expression(self, root: Expr) -> Any:
        """`root` in states, parameters and `t` alone.

        Raises:
            ModelError: written out, it is too large for sympy, or a part of it is never a real number.
        """
        written = self._inliner.inline(root)
        size = self._size(written)
        if size > TREE_LIMIT:
            message = f"written out, this has more than {TREE_LIMIT:,} operations: too many for sympy"
            help_text = "it can be solved all the same; `model.text()` keeps observed quantities by name"
            raise ModelError([Diagnostic("E319", message, root.span, "too large", help_text)])
        return self._convert(written)

    def _size(self, root: Expr) -> int:
        networks = sum(
            self._externs.size(one.function) for one in calls(root) if one.function in self._externs
        )
        return tree_size(root, self._sizes) + networks

    def _convert(self, root: Expr) -> Any:
        return fold(root, self._node)

    def _node(self, node: Expr, operands: tuple[Any, ...]) -> Any:
        if isinstance(node, Name):
            return self._values[node.id] if node.id in self._values else symbol(node.id)
        if isinstance(node, Call) and node.function in self._externs:
            return self._externs.value(node.function, operands)
        if isinstance(node, Call) and node.function in self._past:
            return sympy.Function(node.function, real=True)(*operands)
        try:
            return apply(node, operands)
        except (TypeError, ValueError, ArithmeticError) as problem:
            # sympy works constants out at once and refuses to compare what is not real (`min(x, log(0*y))`).
            message = f"sympy cannot show this: {problem}"
            raise ModelError([Diagnostic("E331", message, node.span, "not a real number")]) from problem


def number(value: int | float) -> Any:
    """A number of the text: integers exact, others as the float64 they are."""
    return sympy.Integer(value) if isinstance(value, int) else sympy.Float(value)


def apply(node: Expr, operands: tuple[Any, ...]) -> Any:
    """The sympy object of one node that is no name and no call of a user's function."""
    match node:
        case Number(value=value):
            return number(value)
        case Sum(terms=terms):
            pairs = zip(terms, operands, strict=True)
            return sympy.Add(*(operand if sign == "+" else -operand for (sign, _), operand in pairs))
        case Product(factors=factors):
            pairs = zip(factors, operands, strict=True)
            return sympy.Mul(
                *(operand if sign == "*" else power(operand, -1) for (sign, _), operand in pairs)
            )
        case Negate():
            return -operands[0]
        case Power():
            return power(*operands)
        case Compare(operators=operators):
            pairs = zip(operands, operators, operands[1:], strict=False)
            return sympy.And(*(_RELATIONS[name](left, right) for left, name, right in pairs))
        case Logic(operator=word):
            return sympy.And(*operands) if word == "and" else sympy.Or(*operands)
        case Not():
            return sympy.Not(operands[0])
        case Conditional():
            condition, then, otherwise = operands
            return piecewise((then, condition), (otherwise, sympy.true))
        case Call(function=function):
            return _FUNCTIONS[function](*operands)
    raise TypeError(f"not an expression: {type(node).__name__}")


def power(base: Any, exponent: Any) -> Any:
    """`base**exponent`, with numbers of absurd length kept as floats."""
    base, exponent = sympy.sympify(base, strict=True), sympy.sympify(exponent, strict=True)
    if base.is_Rational and exponent.is_Rational and base not in (0, 1, -1):
        bits = math.log2(max(abs(base.p), base.q))
        if abs(exponent) * bits > POWER_BITS:
            return sympy.Pow(sympy.Float(base), sympy.Float(exponent))
    return sympy.Pow(base, exponent)


def piecewise(*pieces: tuple[Any, Any]) -> Any:
    """Values with their conditions, tried in order; decided conditions are taken out."""
    kept = []
    for value, condition in pieces:
        if condition == sympy.false:
            continue
        kept.append((value, condition))
        if condition == sympy.true:
            break
    if len(kept) == 1 and kept[0][1] == sympy.true:
        return kept[0][0]
    return sympy.Piecewise(*kept, evaluate=False)


def _pieces(*arguments: Any) -> Any:
    pairs = list(zip(arguments[0:-1:2], arguments[1::2], strict=True))
    return piecewise(*pairs, (arguments[-1], sympy.true))


def _heaviside(argument: Any) -> Any:
    at_zero: Any = 1
    return sympy.Heaviside(argument, at_zero)


def _gamma(argument: Any) -> Any:
    if argument.is_Integer and argument > 171:
        return sympy.gamma(sympy.Float(argument))
    return sympy.gamma(argument)


_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": sympy.Lt,
    "<=": sympy.Le,
    ">": sympy.Gt,
    ">=": sympy.Ge,
    "==": sympy.Eq,
    "!=": sympy.Ne,
}

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": sympy.Abs,
    "sign": sympy.sign,
    "exp": sympy.exp,
    "log": sympy.log,
    "log10": lambda x: sympy.log(x) / sympy.log(10),
    "log2": lambda x: sympy.log(x) / sympy.log(2),
    "sqrt": sympy.sqrt,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "asin": sympy.asin,
    "acos": sympy.acos,
    "atan": sympy.atan,
    "atan2": sympy.atan2,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "erf": sympy.erf,
    "floor": sympy.floor,
    "ceil": sympy.ceiling,
    "mod": lambda x, y: sympy.nan if y.is_zero else sympy.Mod(x, y),
    "heaviside": _heaviside,
    "gamma": _gamma,
    "min": sympy.Min,
    "max": sympy.Max,
    "ifelse": lambda condition, then, otherwise: piecewise((then, condition), (otherwise, sympy.true)),
    "where": lambda condition, then, otherwise: piecewise((then, condition), (otherwise, sympy.true)),
    "piecewise": _pieces,
}
