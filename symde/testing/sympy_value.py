"""Sympy expressions as numbers, in 30 digits, with the size of what was added up to get them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import sympy

DIGITS = 30


class Evaluator:
    """Values of expressions at one point; shared subexpressions are evaluated once.

    Args:
        symbols: Symbol -> number.
        t: The time, the value of the symbol `t`.
    """

    def __init__(self, symbols: Mapping[Any, float], t: float) -> None:
        given = {**symbols, sympy.Symbol("t", real=True): t}
        self._values = {symbol: sympy.Float(float(value), DIGITS) for symbol, value in given.items()}
        self._sizes = {symbol: abs(float(value)) for symbol, value in given.items()}

    def __call__(self, root: Any) -> tuple[float, float]:
        """The value of an expression, and the sum of the magnitudes of its terms, for its rounding error.

        NaN where the expression is not a finite real number.
        """
        stack = [root]
        while stack:
            node = stack[-1]
            waiting = [operand for operand in self._operands(node) if operand not in self._values]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if node not in self._values:
                self._values[node], self._sizes[node] = self._evaluate(node)
        return _float(self._values[root]), self._sizes[root]

    def _operands(self, node: Any) -> tuple[Any, ...]:
        """What must be known before a node: of a `Piecewise` its conditions, then the branch they choose."""
        if not isinstance(node, sympy.Piecewise):
            return node.args
        pairs: Any = node.args
        for value, condition in pairs:
            if condition not in self._values:
                return (condition,)
            if self._values[condition] == sympy.true:
                return (value,)
        return ()

    def _evaluate(self, node: Any) -> tuple[Any, float]:
        if not node.args:
            return _leaf(node)
        if isinstance(node, sympy.Piecewise):
            (branch,) = self._operands(node) or (sympy.nan,)
            return self._values.get(branch, sympy.nan), self._sizes.get(branch, math.nan)
        value = node.func(*(self._values[operand] for operand in node.args))
        if not isinstance(value, sympy.Number | sympy.logic.boolalg.BooleanAtom):
            value = value.evalf(DIGITS)
        sizes = [self._sizes[operand] for operand in node.args]
        if isinstance(node, sympy.Add):
            return value, math.fsum(sizes)
        if isinstance(node, sympy.Mul):
            return value, math.prod(sizes)
        return value, self._amplified(node, value, sizes)

    def _amplified(self, node: Any, value: Any, sizes: list[float]) -> float:
        """The size of a function's value: its rounding error is that of its argument times its slope."""
        own = abs(_float(value))
        if not isinstance(node, sympy.Pow | sympy.Function) or isinstance(node, sympy.Piecewise):
            return own
        # Relative errors of the arguments reach the value about as often as its logarithm is large.
        spread = max((size / abs(_float(self._values[a])) for size, a in zip(sizes, node.args, strict=True)
                      if _float(self._values[a])), default=1.0)  # fmt: skip
        steep = max(1.0, abs(math.log(own))) if own > 0 else 1.0
        return own * spread * steep


def _leaf(node: Any) -> tuple[Any, float]:
    if node.is_Float or node.is_NumberSymbol:
        node = sympy.Float(node, DIGITS)
    return node, abs(_float(node))


def _float(value: Any) -> float:
    if isinstance(value, sympy.logic.boolalg.BooleanAtom):
        return float(bool(value))
    if not value.is_real or not value.is_finite:
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan
