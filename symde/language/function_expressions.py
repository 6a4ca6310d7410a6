"""Python expressions -> expressions of the language, by a loop over the nodes of `ast`.

Sums and products come out as flat as the parser makes them, with brackets kept where they are written.
"""

from __future__ import annotations

import ast
import re
import sys

from symde.diagnostics import Diagnostics, Span
from symde.language.function_source import Places
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

_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_OPERATOR = re.compile(r"<<|>>|//|[@%^&|]")
_PLAIN_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

_AS_TEXT = "write the model as text where it needs this"
_BIT_BY_BIT = ("an operator on bits", "compare numbers, and join conditions by `and`, `or` and `not`")
_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.BitXor: ("`^` (in Python an operator on bits)", "write a power as `x**n`"),
    ast.Mod: ("`%`", "write `mod(a, b)`"),
    ast.FloorDiv: ("`//`", "write `floor(a/b)`"),
    ast.MatMult: ("a product of matrices", "write the sums out"),
    ast.BitAnd: _BIT_BY_BIT,
    ast.BitOr: _BIT_BY_BIT,
    ast.LShift: _BIT_BY_BIT,
    ast.RShift: _BIT_BY_BIT,
    ast.Invert: _BIT_BY_BIT,
    ast.Is: ("`is`", "write `==`"),
    ast.IsNot: ("`is not`", "write `!=`"),
    ast.In: ("`in`", "compare with numbers: `a <= x and x <= b`"),
    ast.NotIn: ("`not in`", "compare with numbers: `x < a or x > b`"),
    ast.Subscript: ("an index", "give every state and parameter a name of its own"),
    ast.Lambda: ("a function inside another", "write the model as text: `f(a, b) = ...`"),
    ast.NamedExpr: ("`:=`", "give the part a line of its own: `x = ...`"),
    ast.JoinedStr: ("a formatted string", "write a number or an expression"),
    ast.Starred: ("an argument with a star", "write every argument out"),
    ast.List: ("a list", "write one equation for each element"),
    ast.Tuple: ("several values", "write one equation for each"),
    ast.ListComp: ("a comprehension", "write the terms out"),
    ast.GeneratorExp: ("a comprehension", "write the terms out"),
}


class ExpressionReader:
    """Reads expressions of one function; what has no meaning in a model is noted in `found`."""

    def __init__(self, places: Places, found: Diagnostics) -> None:
        self.places, self.found = places, found

    def read(self, root: ast.expr) -> Expr:
        """The expression; a zero stands for the parts that were refused."""
        order: list[tuple[ast.expr, tuple[ast.expr, ...]]] = []
        stack = [root]
        while stack:
            node = stack.pop()
            operands = _operands(node)
            order.append((node, operands))
            stack.extend(operands)
        values: dict[int, Expr] = {}
        for node, operands in reversed(order):
            values[id(node)] = self._build(node, tuple(values[id(one)] for one in operands))
        return values[id(root)]

    def _build(self, node: ast.expr, operands: tuple[Expr, ...]) -> Expr:
        span = self.places.span(node)
        match node:
            case ast.Constant(value=value):
                return self._number(value, span)
            case ast.Name():
                return Name(normalised(span.text), span)
            case ast.BinOp(op=ast.Pow()):
                return Power(operands[0], operands[1], span)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return Sum(tuple(zip(_signs(node), operands, strict=True)), span)
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                return Product(tuple(zip(_signs(node), operands, strict=True)), span=span)
            case ast.UnaryOp(op=ast.USub()):
                return Negate(operands[0], span)
            case ast.UnaryOp(op=ast.UAdd()):
                return operands[0]
            case ast.UnaryOp(op=ast.Not()):
                return Not(operands[0], span)
            case ast.BoolOp(op=op):
                return Logic("and" if isinstance(op, ast.And) else "or", operands, span)
            case ast.IfExp():
                return Conditional(operands[0], operands[1], operands[2], span)
            case ast.Compare(ops=ops) if all(type(op) in _COMPARISONS for op in ops):
                return Compare(operands, tuple(_COMPARISONS[type(op)] for op in ops), span)
            case ast.Call():
                return self._call(node, operands, span)
        return self._refuse(node, span)

    def _number(self, value: object, span: Span) -> Expr:
        match value:
            case bool():
                help_text = f"write `{int(value)}`, or a comparison where a condition belongs"
                return self.refuse(f"`{value}`", span, help_text)
            case int() | float():
                problem = _out_of_range(value, span.text)
                if problem is not None:
                    self.found.error("E401", "number out of range", span, problem)
                    return Number(0, "0", span)
                # Python also writes `1_000` and `0x10`.
                return Number(value, span.text if _PLAIN_NUMBER.fullmatch(span.text) else repr(value), span)
            case complex():
                return self.refuse("a complex number", span, "write an equation for each of the two parts")
        what = "a string" if isinstance(value, (str, bytes)) else f"`{_short(span)}`"
        return self.refuse(what, span, "write a number or an expression")

    def _call(self, node: ast.Call, operands: tuple[Expr, ...], span: Span) -> Expr:
        for keyword in node.keywords:
            where = self.places.span(keyword)
            self.refuse("an argument by keyword", where, "give arguments by their position: `f(a, b)`")
        if isinstance(node.func, ast.Name):
            return Call(normalised(self.places.span(node.func).text), operands, span)
        where = self.places.span(node.func)
        if isinstance(node.func, ast.Attribute):
            return self.refuse(f"`{_short(where)}`", where, f"write `{node.func.attr}(...)`")
        help_text = "write `f(...)`, or `a*(...)` to multiply"
        return self.refuse("a call of something that is no name", where, help_text)

    def _refuse(self, node: ast.expr, span: Span) -> Expr:
        if isinstance(node, ast.Attribute):
            help_text = f"write `{node.attr}` alone, as a parameter or a number"
            return self.refuse(f"`{_short(span)}`", span, help_text)
        construct: ast.AST = node
        match node:
            case ast.BinOp(left=left, op=construct, right=right):
                span = _operator(self.places.span(left), self.places.span(right))
            case ast.UnaryOp(op=construct):
                pass
            case ast.Compare(ops=operators):
                construct = next(one for one in operators if type(one) not in _COMPARISONS)
        what, help_text = _REFUSED.get(type(construct), ("this Python expression", _AS_TEXT))
        return self.refuse(what, span, help_text)

    def refuse(self, what: str, span: Span, help_text: str) -> Expr:
        """Note a construct without meaning in a model; what stands for it is thrown away with the error."""
        self.found.error("E152", f"{what} has no meaning in a model", span, "only in Python", help_text)
        return Number(0, "0", span)


def _out_of_range(value: int | float, text: str) -> str | None:
    """What is wrong with a number that float64 does not hold."""
    if abs(value) > sys.float_info.max:
        return "larger than 1.797e308"
    if value == 0.0 and isinstance(value, float) and set(text.lower().partition("e")[0]) & set("123456789"):
        return "nearer to 0 than 5e-324"
    return None


def _operator(left: Span, right: Span) -> Span:
    """The operator between two operands, between the brackets that may stand around them."""
    between = Span(left.source, left.end, right.start)
    match = _OPERATOR.search(between.text)
    return between if match is None else Span(left.source, left.end + match.start(), left.end + match.end())


def _short(span: Span) -> str:
    text = span.text
    return text if len(text) <= 40 and "\n" not in text else "..."


def _operands(node: ast.expr) -> tuple[ast.expr, ...]:
    """The parts of a node that are read for themselves, left to right."""
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
            spine = _spine(node)
            return (spine[0].left, *(one.right for one in spine))
        case ast.BinOp(left=left, right=right):
            return (left, right)
        case ast.UnaryOp(operand=operand):
            return (operand,)
        case ast.BoolOp(values=values):
            return tuple(values)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return (test, body, orelse)
        case ast.Compare(left=left, comparators=comparators):
            return (left, *comparators)
        case ast.Call(args=arguments):
            return tuple(arguments)
    return ()


def _signs(node: ast.BinOp) -> tuple[str, ...]:
    spine = _spine(node)
    return ("+" if isinstance(node.op, (ast.Add, ast.Sub)) else "*", *(_SIGNS[type(one.op)] for one in spine))


def _spine(node: ast.BinOp) -> list[ast.BinOp]:
    """The operations that one sum or product without brackets is made of, left to right.

    Brackets leave no node, but what stands in them begins later than the operation they belong to.
    """
    kinds = (ast.Add, ast.Sub) if isinstance(node.op, (ast.Add, ast.Sub)) else (ast.Mult, ast.Div)
    spine = [node]
    while isinstance(node.left, ast.BinOp) and isinstance(node.left.op, kinds):
        if (node.left.lineno, node.left.col_offset) != (node.lineno, node.col_offset):
            break
        node = node.left
        spine.append(node)
    return spine[::-1]
