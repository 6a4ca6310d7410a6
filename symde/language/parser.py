"""From text to the syntax tree: characters, statements, one parse each, blocks."""

from __future__ import annotations

import re
import threading
from typing import Any

from symde.diagnostics import Diagnostics, ModelError, Source, Span
from symde.language.blocks import assemble
from symde.language.characters import plain
from symde.language.grammar import EXPRESSION, STATEMENT, parser_and_builder
from symde.language.limits import Limits
from symde.language.nesting import check_chains, check_nesting
from symde.language.parts import Closing, Opening, Parsed, bare
from symde.language.statements import Hopeless, Piece, Splitter
from symde.language.syntax import Expr, ModelBlock

_EDGE = re.compile(r"(?:model|end)(?![\w'])(?!\s*[=(\[])|@ode_def")

# The parser hands its nodes to one builder, which knows the statement it works on.
_ONE_AT_A_TIME = threading.RLock()


def parse(text: str, filename: str = "<string>", limits: Limits | None = None) -> tuple[ModelBlock, ...]:
    """The models of a text, in order.

    Args:
        text: one or several `model ... end` or `@ode_def ... end`, or the statements of one anonymous model.
        filename: what errors call the text.
        limits: how large it may be.

    Raises:
        ModelError: every independent mistake, with its position.
        TypeError: `text` is not a string.
    """
    if not isinstance(text, str):
        raise TypeError(f"a model text is a str, not {type(text).__name__}")
    limits = limits if limits is not None else Limits()
    source, found = Source(filename, text), Diagnostics()
    clean, pieces, refused = _split(source, found, limits)
    parts: list[tuple[Piece, Parsed | None]] = []
    with _ONE_AT_A_TIME:
        for piece in pieces:
            if len(found.found) >= limits.errors:
                raise ModelError(found.found)
            parsed = None if piece.broken else _statement(source, clean, piece, refused, found, limits)
            parts.append((piece, _recovered(source, clean, piece) if parsed is None else parsed))
    blocks = assemble(source, parts, found, limits)
    found.raise_if_any()
    return blocks


def parse_expression(text: str, filename: str = "<string>", limits: Limits | None = None) -> Expr:
    """One expression.

    Raises:
        ModelError: every mistake that can be told, with its position.
        TypeError: `text` is not a string.
    """
    if not isinstance(text, str):
        raise TypeError(f"an expression is a str, not {type(text).__name__}")
    limits = limits if limits is not None else Limits()
    source, found = Source(filename, text), Diagnostics()
    clean, pieces, refused = _split(source, found, limits)
    expression: Expr | None = None
    if not pieces:
        found.error("E103", "there is no expression", Span(source, 0, len(text)), "empty")
    elif len(pieces) > 1:
        span = Span(source, pieces[1].start, pieces[1].end)
        found.error(
            "E101", "an expression ends with its line", span, "a second one", "join them with an operator"
        )
    elif not pieces[0].broken:
        with _ONE_AT_A_TIME:
            expression = _expression(source, clean, pieces[0], refused, found, limits)
    found.raise_if_any()
    assert expression is not None
    return expression


def _split(source: Source, found: Diagnostics, limits: Limits) -> tuple[str, list[Piece], frozenset[str]]:
    length = len(source.text)
    if length > limits.characters:
        message = f"the text has {length:,} characters, and {limits.characters:,} are read at most"
        help_text = "split the model into files, or raise Limits.characters"
        found.error("E403", message, Span(source, 0, 0), "begins here", help_text)
        found.raise_if_any()
    text, refused = plain(source, found, limits)
    splitter = Splitter(source, text, limits, found)
    try:
        clean = splitter.split()
    except Hopeless:
        raise ModelError(found.found) from None
    return clean, splitter.pieces, refused


def _statement(
    source: Source, clean: str, piece: Piece, refused: frozenset[str], found: Diagnostics, limits: Limits
) -> Parsed | None:
    """What one statement says, None with an error where it says nothing of the language."""
    if not check_chains(source, clean, piece, limits.nesting, found):
        return None
    parsed = _parse(source, clean, piece, STATEMENT, refused, found)
    if isinstance(parsed, tuple) and not check_nesting(clean, piece, parsed, limits.nesting, found):
        return None
    return parsed


def _recovered(source: Source, clean: str, piece: Piece) -> Parsed | None:
    """The beginning or end of a model whose line has a mistake, so that its statements stay together."""
    span = Span(source, piece.start, piece.end)
    match = _EDGE.match(clean, piece.start, piece.end)
    if match is None:
        return None
    if match[0] == "end":
        return Closing((), span)
    return Opening("long" if match[0] == "model" else "short", None, None, True, span)


def _expression(
    source: Source, clean: str, piece: Piece, refused: frozenset[str], found: Diagnostics, limits: Limits
) -> Expr | None:
    parser, builder = parser_and_builder()
    if not check_chains(source, clean, piece, limits.nesting, found):
        return None
    parsed = bare(_parse(source, clean, piece, EXPRESSION, refused, found))
    if parsed is not None and builder.feature is not None:
        feature, sign = builder.feature
        found.error(
            "E199", f"{feature} stand in no single expression", Span(source, piece.start, piece.end), sign
        )
    elif parsed is not None and not check_nesting(clean, piece, (parsed,), limits.nesting, found):
        return None
    return parsed


def _parse(
    source: Source, clean: str, piece: Piece, start: str, refused: frozenset[str], found: Diagnostics
) -> Any:
    from lark import UnexpectedInput

    parser, builder = parser_and_builder()
    builder.read(Span(source, piece.start, piece.end), found)
    try:
        return parser.parse(clean[piece.start : piece.end], start=start)
    except UnexpectedInput as problem:
        from symde.language.explain import explain

        # A refused character is the better reason.
        if not refused or refused.isdisjoint(source.text[piece.start : piece.end]):
            found.found.append(explain(source, clean, piece, problem))
        return None
