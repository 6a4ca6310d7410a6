"""Where a Python function is written: its definition as `ast`, and spans in the real file for its nodes."""

from __future__ import annotations

import ast
import inspect
import tokenize
from types import CodeType, FunctionType
from typing import Protocol

from symde.diagnostics import Diagnostic, ModelError, Source, Span


class Node(Protocol):
    """Any `ast` node that knows where it stands."""

    lineno: int
    col_offset: int
    end_lineno: int | None
    end_col_offset: int | None


class Places:
    """Spans in a file for the nodes of a part of it that was parsed alone.

    Args:
        source: the whole file.
        lines: its lines with their ends.
        shift: what to add to a node's line number to get the file's.
    """

    def __init__(self, source: Source, lines: list[str], shift: int) -> None:
        self.source, self.lines, self.shift = source, lines, shift
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line))

    def span(self, node: Node) -> Span:
        """The characters of a node."""
        start = self._offset(node.lineno, node.col_offset)
        if node.end_lineno is None or node.end_col_offset is None:
            return Span(self.source, start, start)
        return Span(self.source, start, self._offset(node.end_lineno, node.end_col_offset))

    def _offset(self, line: int, column: int) -> int:
        """Offset in the file; `ast` counts columns in bytes of UTF-8."""
        index = line + self.shift - 1
        text = self.lines[index]
        if not text.isascii():
            column = len(text.encode()[:column].decode())
        return self.starts[index] + column

    def word(self, start: int) -> Span:
        """The identifier that begins at an offset of the file, as written (Python's own reading is NFKC)."""
        end, text = start, self.source.text
        while end < len(text) and text[start : end + 1].isidentifier():
            end += 1
        return Span(self.source, start, end)


def read_definition(function: FunctionType) -> tuple[ast.FunctionDef, Places]:
    """A function's definition and the places of its nodes.

    Raises:
        ModelError: its source cannot be found, or it is no plain `def`.
    """
    code = function.__code__
    try:
        lines, _ = inspect.findsource(code)
        block, first = inspect.getsourcelines(code)
    except (OSError, IndexError, SyntaxError, tokenize.TokenError) as problem:
        raise _no_source(code, "cannot be found") from problem
    places = Places(Source(code.co_filename, "".join(lines)), lines, first - 1)
    if code.co_name == "<lambda>":
        raise _no_definition("a lambda holds no equations", places, code)
    if block[0][:1].isspace():
        # An indented function is read as the body of a block, so that its lines stay what they are.
        block = ["if True:\n", *block]
        places.shift -= 1
    try:
        (node,) = ast.parse("".join(block)).body
    except (SyntaxError, ValueError) as problem:
        raise _no_source(code, "is not where Python says it is") from problem
    except (RecursionError, MemoryError) as problem:
        message = f"the equations of `{code.co_name}` are nested too deeply"
        help_text = "give inner parts a name of their own"
        raise ModelError([Diagnostic("E402", message, _first_line(places, code), "", help_text)]) from problem
    if isinstance(node, ast.If):
        node = node.body[0]
    if isinstance(node, ast.AsyncFunctionDef):
        raise _no_definition("an `async` function holds no equations", places, code)
    if not isinstance(node, ast.FunctionDef) or node.name != code.co_name:
        raise _no_source(code, "is not where Python says it is")
    return node, places


def _first_line(places: Places, code: CodeType) -> Span:
    start = places.starts[min(code.co_firstlineno, len(places.lines)) - 1]
    line = places.lines[min(code.co_firstlineno, len(places.lines)) - 1]
    indent = len(line) - len(line.lstrip())
    return Span(places.source, start + indent, start + max(len(line.rstrip()), indent))


def _no_definition(message: str, places: Places, code: CodeType) -> ModelError:
    help_text = "write the model as a plain `def`, one equation a line"
    return ModelError([Diagnostic("E153", message, _first_line(places, code), "no plain `def`", help_text)])


def _no_source(code: CodeType, what: str) -> ModelError:
    where = f"{code.co_filename}, line {code.co_firstlineno}"
    message = f"the source of the function `{code.co_name}` {what} ({where})"
    help_text = "define it in a file or a notebook cell and import it afresh, or give the model as text"
    return ModelError([Diagnostic("E154", message, None, "", help_text)])
