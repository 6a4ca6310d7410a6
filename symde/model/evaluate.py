"""Values of constant expressions in float64: constants, bounds, nominal scales, fixed time spans."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

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
from symde.model.functions import BUILT_IN
from symde.model.walk import fold


class NotConstantError(ValueError):
    """An expression reads something that is no constant; `node` is the part that does."""

    def __init__(self, node: Expr):
        super().__init__("not a constant expression")
        self.node = node


def evaluate(expression: Expr, values: Mapping[str, float]) -> float:
    """The value of an expression over known names, in float64 and in the order the text has.

    Raises:
        NotConstantError: a name is not in `values`, or a call is not of a built-in function.
        ArithmeticError: division by zero or overflow.
        ValueError: an argument outside a function's domain.
    """
    # A part that fails is kept as its exception, so that a branch not taken does not matter.
    return _unwrap(fold(expression, lambda node, operands: _attempt(node, operands, values)))


def value_of(node: Expr, operands: tuple[float, ...], values: Mapping[str, float]) -> float:
    """The value of one node from the values of its operands; raises as :func:`evaluate` does."""
    return _unwrap(_attempt(node, operands, values))


def _unwrap(result: float | Exception) -> float:
    if isinstance(result, Exception):
        raise result
    return result


def _attempt(
    node: Expr, operands: tuple[float | Exception, ...], values: Mapping[str, float]
) -> float | Exception:
    if _selects(node):
        return _select(node, operands)
    for operand in operands:
        if isinstance(operand, Exception):
            return operand
    try:
        return _apply(node, operands, values)  # type: ignore[arg-type]
    except (ArithmeticError, ValueError) as problem:
        return problem


def _selects(node: Expr) -> bool:
    return isinstance(node, Conditional) or (
        isinstance(node, Call) and node.function in ("ifelse", "where", "piecewise")
    )


def _select(node: Expr, operands: tuple[float | Exception, ...]) -> float | Exception:
    if isinstance(node, Call) and node.function == "piecewise":
        for value, condition in zip(operands[0:-1:2], operands[1::2], strict=True):
            if isinstance(condition, Exception) or condition:
                return condition if isinstance(condition, Exception) else value
        return operands[-1]
    condition, then, otherwise = operands
    if isinstance(condition, Exception):
        return condition
    return then if condition else otherwise


def _apply(node: Expr, operands: tuple[float, ...], values: Mapping[str, float]) -> float:
    match node:
        case Number(value=value):
            return float(value)
        case Name(id=name):
            if name not in values:
                raise NotConstantError(node)
            return values[name]
        case Sum(terms=terms):
            return _accumulate([sign for sign, _ in terms], operands, 0.0)
        case Product(factors=factors):
            return _accumulate([sign for sign, _ in factors], operands, 1.0)
        case Negate():
            return -operands[0]
        case Power():
            return math.pow(operands[0], operands[1])
        case Compare(operators=operators):
            pairs = zip(operands, operators, operands[1:], strict=False)
            return float(all(_COMPARE[symbol](left, right) for left, symbol, right in pairs))
        case Logic(operator=word):
            return float(all(operands) if word == "and" else any(operands))
        case Not():
            return float(not operands[0])
        case Call(function=function):
            if function not in BUILT_IN or not BUILT_IN[function].accepts(len(operands)):
                raise NotConstantError(node)
            return float(FLOAT_FUNCTIONS[function](*operands))
    raise TypeError(f"not an expression: {type(node).__name__}")


def _accumulate(signs: list[str], operands: tuple[float, ...], start: float) -> float:
    result = start
    for sign, operand in zip(signs, operands, strict=True):
        result = _ARITHMETIC[sign](result, operand)
    return result


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

FLOAT_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "sign": lambda x: float(x > 0) - float(x < 0),
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "atan2": math.atan2,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "erf": math.erf,
    "floor": math.floor,
    "ceil": math.ceil,
    "mod": lambda x, y: x % y,
    "heaviside": lambda x: float(x >= 0),
    "gamma": math.gamma,
    "min": min,
    "max": max,
}
