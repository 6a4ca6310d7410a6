"""What is wrong in a model, where, and what to do: sources, spans and messages with a caret."""

from __future__ import annotations

import difflib
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, eq=False)
class Source:
    """A text and the name to call it by."""

    name: str
    text: str

    @cached_property
    def line_starts(self) -> list[int]:
        """Offset of the first character of each line."""
        return [0, *(i + 1 for i, character in enumerate(self.text) if character == "\n")]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        line = bisect_right(self.line_starts, offset) - 1
        return line + 1, offset - self.line_starts[line] + 1

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its end."""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")


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
    """One mistake."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    help: str | None = None

    def render(self) -> str:
        """The message with position, source line, caret and help."""
        lines = [f"error[{self.code}]: {self.message}"]
        if self.span is not None:
            lines += _excerpt(self.span, self.label)
        if self.help is not None:
            lines.append(f"       = help: {self.help}")
        return "\n".join(lines)


def _excerpt(span: Span, label: str) -> list[str]:
    number, column = span.source.position(span.start)
    line = span.source.line(number)
    before = line[: column - 1]
    marked = line[column - 1 : column - 1 + max(span.end - span.start, 1)]
    indent = "".join("\t" if character == "\t" else " " * _width(character) for character in before)
    caret = "^" * max(sum(map(_width, marked)), 1)
    return [
        f"  --> {span.source.name}:{number}:{column}",
        f"{number:>4} | {line}",
        f"     | {indent}{caret}{' ' + label if label else ''}",
    ]


def _width(character: str) -> int:
    """Columns a character takes on a terminal."""
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class ModelError(ValueError):
    """A model that cannot be read or makes no sense; all independent mistakes at once."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(
            sorted(diagnostics, key=lambda one: one.span.start if one.span is not None else -1)
        )
        super().__init__("\n" + "\n\n".join(one.render() for one in self.diagnostics))

    def __reduce__(self) -> tuple[type[ModelError], tuple[tuple[Diagnostic, ...]]]:
        return type(self), (self.diagnostics,)


@dataclass(slots=True)
class Diagnostics:
    """Mistakes collected on the way."""

    found: list[Diagnostic] = field(default_factory=list)

    def error(self, code: str, message: str, span: Span | None, label: str = "", help: str | None = None) -> None:
        """Note a mistake and go on."""
        self.found.append(Diagnostic(code, message, span, label, help))

    def raise_if_any(self) -> None:
        """Raise all that was noted, if anything was."""
        if self.found:
            raise ModelError(self.found)


def suggest(name: str, candidates: Sequence[str] | Iterable[str]) -> str | None:
    """The candidate nearest to a name, None where none is near."""
    names = list(candidates)
    by_lower = {candidate.lower(): candidate for candidate in names}
    if name.lower() in by_lower:
        return by_lower[name.lower()]
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None
