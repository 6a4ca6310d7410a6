"""What is wrong in a model, where, and what to do: sources, spans and messages with a caret."""

from __future__ import annotations

import difflib
import os
import re
import sys
import unicodedata
import warnings
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

LINE_WIDTH = 240
"""Source lines longer than this are shown in part."""

MOST_SHOWN = 100
"""Mistakes that the text of an error shows; it holds them all."""

_AROUND = 80
_LONGEST_GUESS = 80
_LINE_END = re.compile(r"\r\n?|\n")
_UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")


@dataclass(frozen=True, eq=False)
class Source:
    """A text and the name to call it by."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def line_starts(self) -> list[int]:
        """Offset of the first character of each line; lines end with `\\n`, `\\r\\n` or `\\r`."""
        return [0, *(end.end() for end in _LINE_END.finditer(self.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        line = bisect_right(self.line_starts, offset) - 1
        return line + 1, offset - self.line_starts[line] + 1

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its end."""
        starts = self.line_starts
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """From the start of this to the end of another."""
        return Span(self.source, self.start, other.end)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake; codes that begin with W are warnings."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    help: str | None = None

    def render(self) -> str:
        """The message with position, source line, caret and help."""
        kind = "warning" if self.code.startswith("W") else "error"
        lines = [f"{kind}[{self.code}]: {self.message}"]
        margin = "  "
        if self.span is not None:
            number, column = self.span.source.position(self.span.start)
            margin = " " * (len(str(number)) + 1)
            lines.append(f"{margin}--> {self.span.source.name}:{number}:{column}")
            before, marked, after = _excerpt(self.span, number, column)
            indent = "".join("\t" if character == "\t" else " " * _width(character) for character in before)
            caret = "^" * max(sum(map(_width, marked)), 1)
            lines.append(f" {number} | {before}{marked}{after}")
            lines.append(f"{margin} | {indent}{caret} {self.label}".rstrip())
        if self.help is not None:
            lines.append(f"{margin} = help: {self.help}")
        return "\n".join(lines)


def _excerpt(span: Span, number: int, column: int) -> tuple[str, str, str]:
    """The line of a span before, in and after it; a very long line is cut on both sides."""
    line = span.source.line(number)
    start = column - 1
    end = min(start + max(span.end - span.start, 0), len(line))
    before, marked, after = line[:start], line[start:end], line[end:]
    if len(line) > LINE_WIDTH:
        before = before if len(before) <= _AROUND else "..." + before[-_AROUND:]
        marked = marked if len(marked) <= _AROUND else marked[:_AROUND]
        after = after if len(after) <= _AROUND else after[:_AROUND] + "..."
    return _visible(before), _visible(marked), _visible(after)


def _visible(text: str) -> str:
    """The text with everything that would steer a terminal or reorder the line replaced."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        "\ufffd" if character != "\t" and unicodedata.category(character) in _UNSAFE else character
        for character in text
    )


def _width(character: str) -> int:
    """Columns a character takes on a terminal."""
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class ModelError(ValueError):
    """A model that cannot be read or makes no sense; all independent mistakes at once.

    Attributes:
        diagnostics: the mistakes in the order of the text.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(
            sorted(diagnostics, key=lambda one: one.span.start if one.span is not None else -1)
        )
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        shown = "\n\n".join(one.render() for one in self.diagnostics[:MOST_SHOWN])
        more = len(self.diagnostics) - MOST_SHOWN
        return "\n" + shown + (f"\n\n... and {more} more" if more > 0 else "")

    def __reduce__(self) -> tuple[type[ModelError], tuple[tuple[Diagnostic, ...]]]:
        return type(self), (self.diagnostics,)


class ModelWarning(UserWarning):
    """A model that was read, and in which something is not as it is written."""


def warn_of_model(message: str, span: Span) -> None:
    """Give a `ModelWarning` that points to the line of a file, or where the text is none to the caller's line
    from which symde was called."""
    if os.path.isfile(span.source.name):
        line, _ = span.source.position(span.start)
        warnings.warn_explicit(message, ModelWarning, span.source.name, line)
        return
    warnings.warn(message, ModelWarning, stacklevel=users_level())


def users_level() -> int:
    """The `stacklevel` of a warning, where this is called, that points to the line from which symde was
    called."""
    level, frame = 0, sys._getframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "symde":
        level, frame = level + 1, frame.f_back
    return level


@dataclass(slots=True)
class Diagnostics:
    """Mistakes collected on the way."""

    found: list[Diagnostic] = field(default_factory=list)

    def error(
        self, code: str, message: str, span: Span | None, label: str = "", help: str | None = None
    ) -> None:
        """Note a mistake and go on."""
        self.found.append(Diagnostic(code, message, span, label, help))

    def raise_if_any(self) -> None:
        """Raise all that was noted, if anything was."""
        if self.found:
            raise ModelError(self.found)


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate nearest to a name, None where none is near."""
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    lower = name.lower()
    if lower in by_lower:
        return by_lower[lower]
    if len(name) > _LONGEST_GUESS:
        return None
    near = [one for one in by_lower if abs(len(one) - len(lower)) <= 2 + len(lower) // 3]
    close = difflib.get_close_matches(lower, near, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None
