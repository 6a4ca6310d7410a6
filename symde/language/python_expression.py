"""Python expressions as expressions of the language."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass

from symde.diagnostics import Diagnostics, Span
from symde.language.limits import Limits
from symde.language.normal import normalised
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

_TERMS = {ast.Add: "+", ast.Sub: "-"}
_FACTORS = {ast.Mult: "*", ast.Div: "/"}
_COMPARISONS = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_OPERATOR_REMEDIES = {
    ast.BitXor: ("^", "a power is `**` in Python"),
    ast.Mod: ("%", "write `mod(a, b)`"),
    ast.FloorDiv: ("//", "write `floor(a/b)`"),
    ast.MatMult: ("@", "write the sum of products"),
    ast.BitAnd: ("&", "write `and`"),
    ast.BitOr: ("|", "write `or`"),
}


@dataclass(slots=True)
class Expressions:
    """Reads expressions of one function; mistakes go to `found`, with 0 in their place."""

    span: Callable[[ast.AST], Span]
    found: Diagnostics
    limits: Limits

    def read(self, node: ast.expr, depth: int = 0) -> Expr:
        """The expression in the language's terms."""
        span = self.span(node)
        if depth > self.limits.nesting:
            message = f"expressions nest deeper than {self.limits.nesting}"
            return self._refuse("E402", message, span, "too deep", "name a part and use its name")
        match node:
            case ast.Constant(value=value):
                return self._number(value, span)
            case ast.Name(id=name):
                return Name(normalised(name), span=span)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return Sum(self._chain(node, _TERMS, depth), span=span)
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                return Product(self._chain(node, _FACTORS, depth), span=span)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return Power(self.read(left, depth + 1), self.read(right, depth + 1), span=span)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Negate(self.read(operand, depth + 1), span=span)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand, depth + 1)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(self.read(operand, depth + 1), span=span)
            case ast.BoolOp(op=operator, values=values):
                word = "and" if isinstance(operator, ast.And) else "or"
                return Logic(word, tuple(self.read(one, depth + 1) for one in values), span=span)
            case ast.Compare(left=left, ops=operators, comparators=others):
                return self._comparison([left, *others], operators, span, depth)
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                parts = (self.read(one, depth + 1) for one in (test, body, otherwise))
                return Conditional(*parts, span=span)
            case ast.Call():
                return self._call(node, span, depth)
            case ast.BinOp(op=operator):
                sign, remedy = _OPERATOR_REMEDIES.get(type(operator), ("...", "write it with + - * / **"))
                return self._refuse("E152", f"`{sign}` is no operator of a model", span, "operator", remedy)
        kind = type(node).__name__.lower()
        remedy = "use names, numbers, calls, operators and conditionals, or give the model as text"
        return self._refuse("E152", f"`{kind}` in an expression of a model", span, "not known here", remedy)

    def _refuse(self, code: str, message: str, span: Span, label: str, remedy: str) -> Number:
        self.found.error(code, message, span, label, remedy)
        return Number(0, "0", span=span)

    def _chain(
        self, node: ast.expr, signs: dict[type[ast.operator], str], depth: int
    ) -> tuple[tuple[str, Expr], ...]:
        """Terms or factors from left to right; Python nests them to the left, here they are flat."""
        parts: list[tuple[str, ast.expr]] = []
        while isinstance(node, ast.BinOp) and type(node.op) in signs:
            parts.append((signs[type(node.op)], node.right))
            node = node.left
        parts.append((next(iter(signs.values())), node))
        return tuple((sign, self.read(part, depth + 1)) for sign, part in reversed(parts))

    def _number(self, value: object, span: Span) -> Expr:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            message = f"`{value!r:.40}` is no number"
            return self._refuse("E152", message, span, type(value).__name__, "write a number")
        try:
            size = float(value)
        except OverflowError:
            size = math.inf
        if math.isinf(size):
            self.found.error("E401", "number out of range", span, "larger than 1.797e308")
            return Number(0, "0", span=span)
        return Number(value, repr(value), span=span)

    def _comparison(
        self, operands: list[ast.expr], operators: list[ast.cmpop], span: Span, depth: int
    ) -> Expr:
        signs = [_COMPARISONS.get(type(one)) for one in operators]
        known = tuple(one for one in signs if one is not None)
        if len(known) < len(signs):
            remedy = "compare with < <= > >= == !="
            return self._refuse(
                "E152", "this comparison is not one of numbers", span, "not known here", remedy
            )
        return Compare(tuple(self.read(one, depth + 1) for one in operands), known, span=span)

    def _call(self, node: ast.Call, span: Span, depth: int) -> Expr:
        function = node.func
        if isinstance(function, ast.Attribute):
            remedy = f"the functions of the language stand alone: `{function.attr}(...)`"
            where = self.span(function)
            return self._refuse("E152", "a function of another module", where, "not known here", remedy)
        if not isinstance(function, ast.Name):
            return self._refuse("E152", "only a name can be called", self.span(function), "called", "name it")
        if node.keywords:
            where = self.span(node.keywords[0])
            return self._refuse("E152", "an argument with a name", where, "named", "give it by its place")
        starred = [one for one in node.args if isinstance(one, ast.Starred)]
        if starred:
            return self._refuse(
                "E152", "`*` before an argument", self.span(starred[0]), "starred", "write each"
            )
        arguments = tuple(self.read(one, depth + 1) for one in node.args)
        return Call(normalised(function.id), arguments, span=span)
