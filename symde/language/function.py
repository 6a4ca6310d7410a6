"""A decorated Python function -> syntax tree, by reading its source; the function is never called.

Positional arguments are states with their initial values, keyword-only arguments parameters with their
defaults; a string as annotation is a unit. The body holds `dx = e`, `x = e`, `D(x) == e` and `0 == e`; the
docstring documents the model.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from types import FunctionType

from symde.diagnostics import Diagnostics, Span
from symde.language.function_expressions import ExpressionReader
from symde.language.function_source import Places, read_definition
from symde.language.limits import Limits
from symde.language.nesting import check_nesting
from symde.language.normal import normalised
from symde.language.statements import Piece
from symde.language.syntax import (
    Assignment,
    Derivative,
    Implicit,
    ModelBlock,
    Name,
    ParameterDeclaration,
    StateDeclaration,
    Statement,
    Stratonovich,
)

DERIVATIVE = "D"

# Annotations written as strings that name a type and no unit.
_TYPES = frozenset(("float", "int"))

_CHOOSE = "choose inside the equation: `x = a if c else b`"
_AS_PARAMETER = "make it a keyword-only argument, which is a parameter"
_REFUSED: dict[type[ast.stmt], tuple[str, str]] = {
    ast.If: ("`if` as a statement", _CHOOSE),
    ast.Match: ("`match`", _CHOOSE),
    ast.For: ("a loop", "write every equation out"),
    ast.While: ("a loop", "write every equation out"),
    ast.Return: ("`return`", "leave it out: every `dx = ...` is an equation by itself"),
    ast.AugAssign: ("an assignment in place", "write the whole right side: `x = ...`"),
    ast.FunctionDef: ("a function inside another", "write the model as text: `f(a, b) = ...`"),
    ast.Import: ("an import", "leave it out: functions such as `exp` are known"),
    ast.ImportFrom: ("an import", "leave it out: functions such as `exp` are known"),
    ast.Global: ("`global`", _AS_PARAMETER),
    ast.Nonlocal: ("`nonlocal`", _AS_PARAMETER),
}
_OTHERWISE = ("this Python statement", "leave it out, or write the model as text where it needs this")


def parse_function(function: Callable[..., object]) -> ModelBlock:
    """The syntax tree of the model that a Python function describes.

    Args:
        function: a plain function whose source can be read; it is not called.

    Raises:
        ModelError: every construct without meaning in a model, with its place in the file; or the source of
            the function cannot be found.
        TypeError: not a Python function.
    """
    plain = inspect.unwrap(function)
    if not isinstance(plain, FunctionType):
        raise TypeError(f"a model is a text or a plain function, not {type(function).__name__}")
    node, places = read_definition(plain)
    found = Diagnostics()
    block = _FunctionReader(places, found).block(node)
    found.raise_if_any()
    return block


class _FunctionReader:
    """Signature and body of one function, with every mistake noted."""

    def __init__(self, places: Places, found: Diagnostics) -> None:
        self.places, self.found = places, found
        self.expressions = ExpressionReader(places, found)

    def block(self, node: ast.FunctionDef) -> ModelBlock:
        span = self.places.span(node)
        where = self.places.word(span.start + len("def") + _blanks(span.text[len("def") :]))
        name = Name(normalised(where.text), where)
        statements = (*self._signature(node.args), *self._body(node.body))
        return ModelBlock(name, ast.get_docstring(node), "function", statements, None, span)

    def _signature(self, arguments: ast.arguments) -> Iterator[Statement]:
        for star in (arguments.vararg, arguments.kwarg):
            if star is not None:
                help_text = "name every state as an argument, and every parameter as a keyword-only one"
                self._refuse(
                    "an argument for any number of values", self.places.span(star), help_text, "E153"
                )
        positional = [*arguments.posonlyargs, *arguments.args]
        missing = [None] * (len(positional) - len(arguments.defaults))
        for argument, default in zip(positional, [*missing, *arguments.defaults], strict=True):
            initial = None if default is None else self.expressions.read(default)
            span = self._entry(argument, default)
            yield StateDeclaration(self._argument(argument), initial, self._unit(argument), span=span)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            value = None if default is None else self.expressions.read(default)
            span = self._entry(argument, default)
            yield ParameterDeclaration(self._argument(argument), value, self._unit(argument), span=span)

    def _entry(self, argument: ast.arg, default: ast.expr | None) -> Span:
        span = self.places.span(argument)
        return span if default is None else span.to(self.places.span(default))

    def _argument(self, argument: ast.arg) -> Name:
        span = self.places.word(self.places.span(argument).start)
        return Name(normalised(span.text), span)

    def _unit(self, argument: ast.arg) -> str | None:
        match argument.annotation:
            case ast.Constant(value=str(text)) if text not in _TYPES:
                if set(text) & set("[]\n\r"):
                    where = self.places.span(argument.annotation)
                    help_text = 'write it plainly: `k: "1/s" = 2`'
                    self._refuse("a unit with brackets or line ends", where, help_text, "E153")
                return normalised(text.strip()) or None
        return None

    def _body(self, body: list[ast.stmt]) -> Iterator[Statement]:
        for node in body:
            statement = self._statement(node)
            if statement is not None:
                place = self.places.span(node)
                piece = Piece(place.start, place.end)
                check_nesting(place.source.text, piece, (statement,), Limits().nesting, self.found)
                yield statement

    def _statement(self, node: ast.stmt) -> Statement | None:
        """The statement of the language; None where it says nothing, or was refused."""
        span = self.places.span(node)
        match node:
            case ast.Assign(targets=[ast.Name() as target], value=value):
                return Assignment(self._name(target), self.expressions.read(value), span)
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                return Assignment(self._name(target), self.expressions.read(value), span)
            case ast.Expr(value=ast.Compare(left=left, ops=[ast.Eq()], comparators=[right])):
                return self._equation(left, right, span)
            case ast.Expr(value=ast.Name(id="stratonovich")):
                return Stratonovich(span)
            case ast.Pass() | ast.Expr(value=ast.Constant(value=str())):
                return None
            case ast.Expr(value=ast.IfExp(body=ast.Compare(ops=[ast.Eq()]))):
                help_text = "put the right side in brackets: `D(x) == (a if c else b)`"
                self._refuse("a choice between equations", span, help_text)
            case ast.Expr():
                help_text = "write `dx = ...`, `x = ...`, `D(x) == ...` or `0 == ...`"
                self._refuse("an expression that is no equation", span, help_text)
            case ast.Assign(targets=[target]) | ast.AnnAssign(target=target, value=ast.expr()):
                where = self.places.span(target)
                help_text = "write one `x = ...` for each"
                self._refuse("an assignment to something that is no name", where, help_text)
            case ast.Assign(targets=targets):
                where = self.places.span(targets[0]).to(self.places.span(targets[-1]))
                self._refuse("an assignment to several names", where, "write one `x = ...` for each")
            case ast.AnnAssign():
                self._refuse("a declaration without a value", span, "make it an argument, or write `x = ...`")
            case _:
                what, help_text = _REFUSED.get(type(node), _OTHERWISE)
                self._refuse(what, _first_line(span), help_text)
        return None

    def _equation(self, left: ast.expr, right: ast.expr, span: Span) -> Statement | None:
        """`D(x) == e`, or an equation that holds as it stands."""
        target, order = _differentiated(left)
        where = self.places.span(left)
        if isinstance(target, ast.Name) and order:
            return Derivative(self._name(target), order, self.expressions.read(right), span)
        if isinstance(target, ast.Name):
            self._refuse("`==` after a name alone", where, f"write `{where.text} = ...`, or `0 == ...`")
        elif isinstance(target, ast.Call):
            help_text = "write initial values as defaults of arguments, and everything else as text"
            self._refuse("`==` after a call", where, help_text)
        else:
            return Implicit(self.expressions.read(left), self.expressions.read(right), span)
        return None

    def _name(self, node: ast.Name) -> Name:
        span = self.places.span(node)
        return Name(normalised(span.text), span)

    def _refuse(self, what: str, span: Span, help_text: str, code: str = "E151") -> None:
        self.found.error(code, f"{what} has no meaning in a model", span, "only in Python", help_text)


def _differentiated(node: ast.expr) -> tuple[ast.expr, int]:
    """What `D(...)` stands around, and how many times."""
    order = 0
    while True:
        match node:
            case ast.Call(func=ast.Name(id="D"), args=[inner], keywords=[]):
                node, order = inner, order + 1
            case _:
                return node, order


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip(" \t\f\\\r\n"))


def _first_line(span: Span) -> Span:
    """The first line of a statement that goes over several."""
    line = span.text.split("\n", 1)[0].rstrip()
    return Span(span.source, span.start, span.start + len(line))
