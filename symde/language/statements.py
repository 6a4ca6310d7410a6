"""A text cut into statements, before any of them is parsed, so that one mistake does not hide another.

A statement ends at a newline outside brackets or at `;`, and goes on after a trailing operator or comma.
Inside `{ }` newlines separate as `;` does. Comments become blanks; every offset stays what it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from symde.diagnostics import Diagnostics, Source, Span
from symde.language.limits import Limits

CLOSING = {"(": ")", "[": "]", "{": "}"}
_OPENING = {closing: opening for opening, closing in CLOSING.items()}

_NAME = r"(?![₀-₉])[^\W\d]\w*+"
_TOKEN = re.compile(
    r'"(?:[^"\\\n\r]|\\[^\n\r])*+"?|#[^\n\r]*+|[\r\n](?:[ \t]*+[\r\n])*+|[;(){}\[\]]|[^"#\r\n;(){}\[\]]++'
)
_OPERATOR_TAIL = re.compile(r"(?:[-+*/^<>=,?:&|]|\.\.)$")
_WORD_TAIL = re.compile(r"(\w+|[)\]'.])\s*(?<!\w)(?:and|or|if|else|not)$")
_BEGIN = re.compile(
    rf"\s*(?:{_NAME}\s*=\s*)?@ode_def(?:_bare|_all)?\b\s*(?:(?!begin\b){_NAME}\s*)?begin(?!\w)"
)
_END = re.compile(r"(?<![\w'.])end(?![\w'])")
_AFTER_END = re.compile(r"[ \t]*+(?:\Z|[\r\n;#]|[^\W\d])")
_CLOSES = re.compile(r"\s*+end(?![\w'])(?!\s*[=('\[])")
_WORD_BEFORE = re.compile(rf"({_NAME})\s*$")
_KEYWORDS = frozenset(
    "and or not if else in for nominal param parameter state const time model use as import at every when "
    "jump dom conserved history discrete hamiltonian extern from until after priority".split()
)
# What begins the next statement although a bracket is still open.
_NEXT_STATEMENT = re.compile(
    rf"[ \t]*(?:{_NAME}'*[ \t]*=(?![=>])|D\({_NAME}'*\)[ \t]*=(?!=)|@ode_def"
    r"|(?:model|param|state|const)[ \t]+[^\W\d]|end[ \t]*(?:[\r\n]|$))"
)
_NEXT_BLOCK = re.compile(r"[ \t]*(?:@ode_def|(?:model|param|state|const)[ \t]+[^\W\d]|end[ \t]*(?:[\r\n]|$))")
_USE = re.compile(r"\s*use\s")


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement: where it stands; `broken` where an error is known already and parsing it is no use."""

    start: int
    end: int
    broken: bool = False


class Hopeless(Exception):
    """The text is not worth reading on: nested too deeply, or full of mistakes, which are noted already."""


@dataclass(slots=True)
class Splitter:
    """Cuts one text; `clean` and `pieces` are what :meth:`split` leaves."""

    source: Source
    text: str
    limits: Limits
    found: Diagnostics
    pieces: list[Piece] = field(default_factory=list)
    _clean: list[str] = field(default_factory=list)
    _open: list[tuple[str, int]] = field(default_factory=list)
    _start: int = 0
    _tail: int = 0
    _broken: bool = False

    def split(self) -> str:
        """Fill `pieces`; the text with blanks for comments and `;` for newlines inside braces.

        Raises:
            Hopeless: brackets nest deeper than allowed, or there are too many mistakes.
        """
        for token in _TOKEN.finditer(self.text):
            first = self.text[token.start()]
            if first == "\n" or first == "\r":
                self._newline(token.start(), token.end())
            elif first == "#":
                self._clean.append(" " * (token.end() - token.start()))
            elif first in CLOSING:
                self._opened(first, token.start())
            elif first in _OPENING:
                self._closed(first, token.start())
            elif first == ";" and not self._open:
                self._clean.append(first)
                self._finish(token.end())
            elif first == '"':
                self._string(token.start(), token.end())
            else:
                self._words(token.start(), token.end())
        if self._open:
            self._unclosed()
        self._finish(len(self.text))
        return "".join(self._clean)

    def _words(self, start: int, end: int) -> None:
        self._clean.append(self.text[start:end])
        if not self._open:
            if self._tail <= self._start and (header := _BEGIN.match(self.text, start, end)):
                self._tail = header.end()
                self._finish(header.end())
            for word in _END.finditer(self.text, start, end):
                if self._ends_block(word.start()):
                    self._tail = word.start()
                    self._finish(word.start())
        if not self.text[start:end].isspace():
            self._tail = end

    def _ends_block(self, at: int) -> bool:
        """Whether `end` after a complete expression on the same line closes the block."""
        if _CLOSES.match(self.text, self._start) or not _AFTER_END.match(self.text, at + len("end")):
            return False
        before = self.text[max(self._start, at - 80) : at].rstrip()
        if not before or before.endswith("..") or not (before[-1].isalnum() or before[-1] in "_)]'\"."):
            return False
        word = _WORD_BEFORE.search(before[-40:])
        return word is None or word[1] not in _KEYWORDS

    def _string(self, start: int, end: int) -> None:
        self._clean.append(self.text[start:end])
        self._tail = end
        if end - start < 2 or self.text[end - 1] != '"' or _ends_escaped(self.text, start, end):
            span = Span(self.source, start, end)
            self.found.error(
                "E004", "string without end", span, "begins here", 'close it with `"` in the same line'
            )
            self._broken = True

    def _newline(self, start: int, end: int) -> None:
        continues = self._continues()
        if not self._open:
            self._clean.append(self.text[start:end])
            if not continues:
                self._finish(end)
            return
        inner = self._open[-1][0]
        following = _NEXT_BLOCK if inner == "{" or _USE.match(self.text, self._start) else _NEXT_STATEMENT
        begins = following.match(self.text, end)
        if begins and not (continues and begins[0].strip() == "end"):
            self._clean.append(self.text[start:end])
            self._unclosed()
            self._finish(end)
        else:
            separator = ";" if inner == "{" and not continues else " "
            self._clean.append(separator.ljust(end - start))

    def _continues(self) -> bool:
        tail = self.text[max(self._start, self._tail - 40) : self._tail].rstrip()
        word = _WORD_TAIL.search(tail)
        return bool(_OPERATOR_TAIL.search(tail) or (word and word[1] not in _KEYWORDS))

    def _opened(self, bracket: str, at: int) -> None:
        self._clean.append(bracket)
        self._open.append((bracket, at))
        self._tail = at + 1
        if len(self._open) > self.limits.nesting:
            span = Span(self.source, at, at + 1)
            message = f"brackets nest deeper than {self.limits.nesting}"
            self.found.error("E402", message, span, "too deep", "name a part and use its name")
            raise Hopeless

    def _closed(self, bracket: str, at: int) -> None:
        self._clean.append(bracket)
        self._tail = at + 1
        span = Span(self.source, at, at + 1)
        if not self._open:
            opening = _OPENING[bracket]
            self.found.error(
                "E007", f"`{bracket}` closes nothing", span, f"no `{opening}` before it", "remove it"
            )
            self._broken = True
            return
        opening, where = self._open.pop()
        if CLOSING[opening] != bracket:
            line, column = self.source.position(where)
            message = f"`{bracket}` closes `{opening}` of line {line}, column {column}"
            self.found.error("E008", message, span, f"expected `{CLOSING[opening]}`")
            self._broken = True

    def _unclosed(self) -> None:
        bracket, where = self._open[0]
        span = Span(self.source, where, where + 1)
        help_text = f"close it with `{CLOSING[bracket]}`"
        self.found.error("E006", f"`{bracket}` is never closed", span, "opened here", help_text)
        self._open.clear()
        self._broken = True

    def _finish(self, end: int) -> None:
        """A statement ends; the next begins at `end`."""
        written = self.text[self._start : self._tail]
        start = self._start + len(written) - len(written.lstrip())
        stop = self._start + len(written.rstrip())
        if self._broken and len(self.found.found) >= self.limits.errors:
            raise Hopeless
        if stop > start:
            self.pieces.append(Piece(start, stop, self._broken))
        self._start = self._tail = end
        self._broken = False


def _ends_escaped(text: str, start: int, end: int) -> bool:
    """Whether the last quote of a string is itself escaped."""
    backslashes = len(text[start + 1 : end - 1]) - len(text[start + 1 : end - 1].rstrip("\\"))
    return backslashes % 2 == 1
