"""Strings of the language: one line between `"`, with `\\"`, `\\\\`, `\\n`, `\\r` and `\\t`."""

from __future__ import annotations

import re

_MEANING = {"n": "\n", "r": "\r", "t": "\t"}
_WRITTEN = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = re.compile(r'[\n\r\t"\\]')


def unquote(text: str) -> str:
    """What a string with its quotes says; a backslash before any other character stands for itself."""
    return _ESCAPE.sub(_unescape, text[1:-1])


def quote(text: str) -> str:
    """A text as a string with quotes."""
    return '"' + _SPECIAL.sub(lambda match: _WRITTEN[match[0]], text) + '"'


def _unescape(match: re.Match[str]) -> str:
    character = match[1]
    if character in _MEANING:
        return _MEANING[character]
    return character if character in '"\\' else match[0]
