"""The decorator form: a model read from the source of a Python function, which is never run.

Positional arguments are states with their initial values, keyword-only arguments parameters (an annotation
that is a string is the unit), the docstring documents. Spans point into the function's own file.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable
from dataclasses import dataclass

from symde.diagnostics import Diagnostic, Diagnostics, ModelError, Source, Span
from symde.language.equations import differentiated
from symde.language.limits import Limits
from symde.language.normal import normalised
from symde.language.python_expression import Expressions
from symde.language.syntax import (
    Assignment,
    Derivative,
    Expr,
    Implicit,
    ModelBlock,
    Name,
    Number,
    ParameterDeclaration,
    StateDeclaration,
    Statement,
)

_REMEDIES = {
    ast.Return: "write the equations: `dx = ...`; nothing is returned",
    ast.For: "write every equation, or the model as text",
    ast.While: "write every equation, or the model as text",
    ast.If: "write `y = a if condition else b`",
    ast.AugAssign: "write `x = ...` for an observed quantity, `dx = ...` for an equation",
    ast.AnnAssign: "write `x = ...` without an annotation",
    ast.Import: "the functions of the language need no import: `exp(x)`",
    ast.ImportFrom: "the functions of the language need no import: `exp(x)`",
    ast.FunctionDef: "put the expression where it is used, or write the model as text",
    ast.Pass: "remove it",
}
_ONLY = "a model function holds `dx = ...`, `x = ...`, `D(x) == ...` and `0 == ...`"


def parse_function(function: Callable[..., object], limits: Limits | None = None) -> ModelBlock:
    """The model that a function describes; only its source is read.

    Raises:
        ModelError: every independent mistake, with its position in the function's file.
        TypeError: `function` is not a Python function written with `def`.
    """
    if not inspect.isfunction(function):
        raise TypeError(
            f"a model is read from a function written with def, not from {type(function).__name__}"
        )
    definition, place = _located(function)
    found = Diagnostics()
    reader = _Reader(place, found, Expressions(place.span, found, limits or Limits()))
    block = reader.block(definition)
    found.raise_if_any()
    return block


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the lines of a parsed function stand in its source."""

    source: Source
    first_line: int

    def offset(self, line: int, column: int) -> int:
        """Offset in the source of a line and a column in bytes, as `ast` counts them."""
        number = line + self.first_line
        text = self.source.line(number).encode()
        return self.source.line_starts[number - 1] + len(text[:column].decode(errors="replace"))

    def span(self, node: ast.AST) -> Span:
        """The place of a node."""
        line, column = getattr(node, "lineno"), getattr(node, "col_offset")  # noqa: B009
        last, end = getattr(node, "end_lineno"), getattr(node, "end_col_offset")  # noqa: B009
        return Span(self.source, self.offset(line, column), self.offset(last, end))


def _located(function: Callable[..., object]) -> tuple[ast.FunctionDef, _Place]:
    name = getattr(function, "__name__", "function")
    if name == "<lambda>":
        raise TypeError("a model is read from a function written with def, not from a lambda")
    try:
        lines, first = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function) or "<function>"
    except (OSError, TypeError) as problem:
        message = f"the source of `{name}` cannot be read ({problem})"
        help_text = "write the function in a file or a notebook, or give the model as text"
        raise ModelError([Diagnostic("E154", message, None, "", help_text)]) from problem
    whole = linecache.getlines(file)
    if whole[first - 1 : first - 1 + len(lines)] == lines:
        source, before = Source(file, "".join(whole)), first - 1
    else:
        source, before = Source(file, "".join(lines)), 0
    # An indented function is the body of an `if`, so that columns stay as they are.
    indented = lines[0][:1].isspace()
    try:
        tree = ast.parse(("if True:\n" if indented else "") + "".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        message = f"the source of `{name}` is not the function that was loaded"
        raise ModelError([Diagnostic("E154", message, None, "", "load the file again")]) from problem
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node, _Place(source, before - indented)
    message = f"`{name}` is not written with `def`"
    raise ModelError([Diagnostic("E154", message, None, "", "write `def` and the equations below it")])


@dataclass(slots=True)
class _Reader:
    place: _Place
    found: Diagnostics
    expressions: Expressions

    def block(self, definition: ast.FunctionDef) -> ModelBlock:
        span = self.place.span(definition)
        doc = ast.get_docstring(definition)
        statements: list[Statement] = [*self.states(definition.args), *self.parameters(definition.args)]
        body = definition.body[1:] if doc is not None else definition.body
        for node in body:
            statement = self.statement(node)
            if statement is not None:
                statements.append(statement)
        name = Name(definition.name, span=span)
        return ModelBlock(name, doc, "function", tuple(statements), None, span=span)

    def states(self, arguments: ast.arguments) -> list[Statement]:
        for star, what in ((arguments.vararg, "*"), (arguments.kwarg, "**")):
            if star is not None:
                help_text = "name every state and parameter"
                message = f"`{what}{star.arg}` says nothing about a model"
                self.found.error("E153", message, self.place.span(star), "unnamed arguments", help_text)
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = [None] * (len(positional) - len(arguments.defaults)) + [*arguments.defaults]
        return [
            StateDeclaration(self.name(one), self.value(default), self.unit(one), span=self.place.span(one))
            for one, default in zip(positional, defaults, strict=True)
        ]

    def parameters(self, arguments: ast.arguments) -> list[Statement]:
        return [
            ParameterDeclaration(
                self.name(one), self.value(default), self.unit(one), span=self.place.span(one)
            )
            for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        ]

    def name(self, argument: ast.arg) -> Name:
        span = self.place.span(argument)
        return Name(
            normalised(argument.arg), span=Span(span.source, span.start, span.start + len(argument.arg))
        )

    def unit(self, argument: ast.arg) -> str | None:
        annotation = argument.annotation
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return annotation.value.strip() or None
        return None

    def value(self, default: ast.expr | None) -> Expr | None:
        return None if default is None else self.expressions.read(default)

    def statement(self, node: ast.stmt) -> Statement | None:
        span = self.place.span(node)
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            target = node.targets[0]
            value = self.expressions.read(node.value)
            return Assignment(Name(normalised(target.id), span=self.place.span(target)), value, span=span)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Compare):
            return self.equation(node.value, span)
        kind = type(node).__name__.lower()
        label = "not a model statement"
        self.found.error(
            "E151", f"`{kind}` in a model function", span, label, _REMEDIES.get(type(node), _ONLY)
        )
        return None

    def equation(self, node: ast.Compare, span: Span) -> Statement | None:
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq):
            self.found.error(
                "E151", "a comparison alone is no equation", span, "not a model statement", _ONLY
            )
            return None
        left = self.expressions.read(node.left)
        right = self.expressions.read(node.comparators[0])
        target = differentiated(left)
        if target is not None:
            return Derivative(*target, right, span=span)
        if isinstance(left, Number) and left.value == 0:
            return Implicit(left, right, span=span)
        help_text = "write `dx = ...`, `x = ...`, `D(x) == ...`, or `0 == ...` for an implicit equation"
        self.found.error(
            "E151", "an equation of a model function begins otherwise", left.span, "here", help_text
        )
        return None
