"""Why a statement does not parse: a known mistake, else what was expected and what is there."""

from __future__ import annotations

import re

from lark import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from symde.diagnostics import Diagnostic, Source, Span, suggest
from symde.language.mistakes import FOREIGN_WORDS, MISTAKES, NAME, NUMBER, WORDS
from symde.language.statements import Piece

_WINDOW = 2000
"""Characters before and after the place of a mistake in which patterns are looked for."""

_FIRST_WORD = re.compile(rf"\A(?P<here>{NAME})[^\S\n]+(?=[\w\"])")
_OPERAND_BEFORE = re.compile(rf"(?:{NAME}|{NUMBER}|[)\]])\s*\Z")
_OPERAND = re.compile(rf"{NAME}|{NUMBER}|\(")
_WORD = re.compile(r"[\w']+|.", re.DOTALL)
_COMPILED = tuple((one, re.compile(one.pattern, re.DOTALL)) for one in MISTAKES)
_SHORTEST_GUESS = 3


def explain(source: Source, clean: str, piece: Piece, problem: UnexpectedInput) -> Diagnostic:
    """What is wrong in a statement at which the parser stopped."""
    position, expected = _where(piece, problem)
    start, end = max(piece.start, position - _WINDOW), min(piece.end, position + _WINDOW)
    window = clean[start:end]
    word = _word(source, window, start, position)
    known = word or _known(source, window, start, position, whole=start == piece.start)
    return known or _general(source, clean, piece, position, expected)


def _where(piece: Piece, problem: UnexpectedInput) -> tuple[int, frozenset[str]]:
    """Where the parser stopped, and the terminals it would have taken there."""
    if isinstance(problem, UnexpectedToken):
        token = problem.token
        at_end = token.type == "$END" or token.start_pos is None
        return piece.end if at_end else piece.start + int(token.start_pos or 0), frozenset(problem.expected)
    assert isinstance(problem, UnexpectedCharacters)
    return piece.start + problem.pos_in_stream, frozenset(problem.allowed or ())


def _known(source: Source, window: str, offset: int, position: int, whole: bool) -> Diagnostic | None:
    for mistake, pattern in _COMPILED:
        if not whole and mistake.pattern.startswith(r"\A"):
            continue
        for match in pattern.finditer(window):
            if mistake.anywhere or match.start() <= position - offset <= match.end():
                words = {name: text or "" for name, text in match.groupdict().items()}
                span = Span(source, offset + match.start("here"), offset + match.end("here"))
                message, help_text = mistake.message.format(**words), mistake.help.format(**words)
                return Diagnostic(mistake.code, message, span, mistake.label, help_text)
    return None


def _word(source: Source, window: str, offset: int, position: int) -> Diagnostic | None:
    """A statement that begins with two words side by side, the first nearly one that begins statements."""
    match = _FIRST_WORD.match(window)
    if match is None or offset + match.end() != position:
        return None
    word = match["here"]
    near = FOREIGN_WORDS.get(word.lower())
    if near is None and len(word) >= _SHORTEST_GUESS:
        near = suggest(word, WORDS)
    if near is None or near == word:
        return None
    span = Span(source, offset, offset + len(word))
    return Diagnostic(
        "E107", f"no statement begins with `{word}`", span, "unknown", f"did you mean `{near}`?"
    )


def _general(source: Source, clean: str, piece: Piece, position: int, expected: frozenset[str]) -> Diagnostic:
    """What was expected and what is there."""
    operator_expected = "SIGN" in expected
    if position >= piece.end:
        end = Span(source, piece.end, piece.end)
        if "EQUALS" in expected:
            span = Span(source, piece.start, piece.end)
            help_text = "write `x' = ...`, `name = ...` or `0 = ...`"
            return Diagnostic("E113", "an expression alone is no statement", span, "no `=`", help_text)
        return Diagnostic("E103", "the statement stops too early", end, f"expected {_describe(expected)}")
    before = _OPERAND_BEFORE.search(clean, max(piece.start, position - _WINDOW), position)
    after = _OPERAND.match(clean, position)
    if operator_expected and before and after:
        return _missing_operator(source, before, after)
    word = _WORD.match(source.text, position, piece.end)
    end = word.end() if word else position + 1
    span = Span(source, position, end)
    label = f"expected {_describe(expected)}"
    if clean[position] == '"':
        help_text = "a string documents a declaration or a model"
        return Diagnostic(
            "E124", "a string has no place here", Span(source, position, position + 1), label, help_text
        )
    return Diagnostic("E101", f"unexpected `{span.text}`", span, label)


def _missing_operator(source: Source, before: re.Match[str], after: re.Match[str]) -> Diagnostic:
    left, right = before[0].rstrip(), after[0]
    shown_left = left if left not in ")]" else "(...)" if left == ")" else "[...]"
    shown_right = "(...)" if right == "(" else right
    span = Span(source, after.start(), after.end())
    message = f"missing operator between `{shown_left}` and `{shown_right}`"
    return Diagnostic(
        "E102", message, span, "side by side", f"to multiply write `{shown_left}*{shown_right}`"
    )


def _describe(expected: frozenset[str]) -> str:
    """The expected terminals in words."""
    if "NUMBER" in expected:
        return "a value"
    if "SIGN" in expected:
        closing = " or `)`" if "RIGHT" in expected else ""
        return f"an operator{closing}" + (" or `=`" if "EQUALS" in expected else "")
    for terminal, words in _TERMINALS:
        if terminal in expected:
            return words
    return "the end of the statement"


_TERMINALS = (
    ("EQUALS", "`=`"),
    ("NAME", "a name"),
    ("LEFT", "`(`"),
    ("RIGHT", "`)`"),
    ("COLON", "`:`"),
    ("_IN", "`in`"),
    ("_ELSE", "`else`"),
    ("BEGIN", "`begin`"),
    ("STRING", "a string, or the end of the statement"),
)
