"""Partial derivatives of sympy expressions, branch by branch and without recursion.

`sympy.diff` turns kinks into Dirac deltas and unevaluated derivatives and recurses as deep as the expression.
Here a kink has the derivative of the branch that is active, which is what the compiled derivatives have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy

from symde.model.sympy_view import piecewise

UNKNOWN = (sympy.Derivative, sympy.Subs)
"""Derivatives of undefined functions: sympy differentiates them itself."""

FLAT = (sympy.floor, sympy.ceiling, sympy.sign, sympy.Heaviside)


def differentiate(expression: Any, variable: Any, memo: dict[Any, Any] | None = None) -> Any:
    """The partial derivative of `expression` with respect to the symbol `variable`.

    Args:
        expression: any sympy expression that the sympy view of a model makes.
        variable: a symbol.
        memo: derivatives with respect to the same variable found before; extended.

    Source: chain rule; at a kink the branch that the conditions choose.
    """
    known: dict[Any, Any] = memo if memo is not None else {}
    for node in _postorder(expression, known):
        known[node] = _derivative(node, variable, known)
    return known[expression]


def _postorder(root: Any, known: dict[Any, Any]) -> Iterator[Any]:
    """Expressions under `root` whose derivative is not known yet, operands first; conditions left out."""
    stack = [(root, False)]
    waiting: set[Any] = set()
    while stack:
        node, expanded = stack.pop()
        if expanded:
            yield node
        elif node not in known and node not in waiting:
            waiting.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child in _operands(node))


def _operands(node: Any) -> tuple[Any, ...]:
    if isinstance(node, UNKNOWN):
        return ()
    if isinstance(node, sympy.Piecewise):
        return tuple(pair.args[0] for pair in node.args)
    return node.args


def _derivative(node: Any, variable: Any, known: dict[Any, Any]) -> Any:
    if node == variable:
        return sympy.S.One
    if isinstance(node, UNKNOWN):
        return node.diff(variable)
    inner = [known[operand] for operand in _operands(node)]
    if isinstance(node, FLAT) or all(change == 0 for change in inner):
        return sympy.S.Zero
    match node:
        case sympy.Add():
            return sympy.Add(*inner)
        case sympy.Mul():
            return sympy.Add(*_product_terms(node.args, inner))
        case sympy.Pow():
            return _power(node, *inner)
        case sympy.Piecewise():
            conditions = [pair.args[1] for pair in node.args]
            return piecewise(*zip(inner, conditions, strict=True))
        case sympy.Max() | sympy.Min():
            return _extremum(node, inner)
        case sympy.Abs():
            return sympy.sign(node.args[0]) * inner[0]
        case sympy.Mod():
            return inner[0] - _quotient(*node.args) * inner[1]
    partials = (node.fdiff(position + 1) for position in range(len(node.args)))
    pairs = zip(partials, inner, strict=True)
    return sympy.Add(*(partial * change for partial, change in pairs if change != 0))


def _product_terms(factors: tuple[Any, ...], inner: list[Any]) -> Iterator[Any]:
    for position, change in enumerate(inner):
        if change != 0:
            yield sympy.Mul(*factors[:position], change, *factors[position + 1 :])


def _quotient(dividend: Any, divisor: Any) -> Any:
    return sympy.floor(dividend / divisor)


def _power(node: Any, base_change: Any, exponent_change: Any) -> Any:
    base, exponent = node.args
    result = sympy.S.Zero
    if base_change != 0:
        result += exponent * sympy.Pow(base, exponent - 1) * base_change
    if exponent_change != 0:
        result += node * sympy.log(base) * exponent_change
    return result


def _extremum(node: Any, inner: list[Any]) -> Any:
    """The derivative of the argument that is chosen (of the first in a tie)."""
    relation = sympy.Ge if isinstance(node, sympy.Max) else sympy.Le
    pieces = []
    for position, (operand, change) in enumerate(zip(node.args, inner, strict=True)):
        others = node.args[position + 1 :]
        pieces.append((change, sympy.And(*(relation(operand, other) for other in others))))
    return _chosen(pieces)


def _chosen(pieces: list[tuple[Any, Any]]) -> Any:
    if all(change == pieces[0][0] for change, _ in pieces):
        return pieces[0][0]
    return piecewise(*pieces)
