"""Expressions of network files as expressions of the language."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection

from symde.diagnostics import ModelError, Span
from symde.language import parse_expression
from symde.language.syntax import Expr
from symde.model.walk import children, fold, with_children

_CALLED: dict[str, str | None] = {
    "ln": "log", "if": "ifelse", "log": None, "rint": None, "avg": None, "sum": None, "mratio": None,
}  # fmt: skip
"""What functions are called here; None where there is none of that meaning, or the meaning is not sure."""

_CONSTANTS = {"_pi": "pi", "_e": "exp(1)"}
_TIME = ("time", "t")
_SIGNS = {"&&": " and ", "||": " or "}
_NUMBER = r"\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?"
_TOKEN = re.compile(rf"(\s+)|({_NUMBER})|([A-Za-z_]\w*)|(&&|\|\||[<>=!]=|.)")
_CALL = re.compile(r"\s*\(\s*(\))?")


class NotUnderstood(ValueError):
    """What a file says has no counterpart, with the reason."""


def expression(text: str, span: Span, functions: Collection[str]) -> Expr:
    """An expression, every part of it placed at `span`.

    Args:
        text: As written in the file.
        span: The line.
        functions: Names of the file's functions, which are called as `name()` or read as `name`.

    Raises:
        NotUnderstood: it has no counterpart in the language.
    """
    try:
        parsed = parse_expression(_translated(text, functions))
    except ModelError as problem:
        reason = problem.diagnostics[0].message
        raise NotUnderstood(f"the expression `{text}` is not understood: {reason}") from problem

    def placed(node: Expr, operands: tuple[Expr, ...]) -> Expr:
        return dataclasses.replace(with_children(node, operands) if children(node) else node, span=span)

    return fold(parsed, placed)


def _translated(text: str, functions: Collection[str]) -> str:
    """The expression in the language's words; what this does not know, the parser judges."""
    pieces: list[str] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None
        position = match.end()
        word = match[3]
        if word is None:
            pieces.append(_SIGNS.get(match[0], match[0]))
            continue
        call = _CALL.match(text, position)
        if call is None:
            pieces.append(_CONSTANTS.get(word, word))
        elif call[1] and (word in functions or word in _TIME):
            pieces.append(word if word in functions else "t")
            position = call.end()
        else:
            pieces.append(_function(word, text))
    return "".join(pieces)


def _function(word: str, text: str) -> str:
    name = _CALLED.get(word, word)
    if name is None:
        raise NotUnderstood(f"the function `{word}` of `{text}` is not read")
    return name
