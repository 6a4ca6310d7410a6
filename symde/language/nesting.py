"""How deep signs, powers, `not` and conditionals stand inside each other. Brackets are counted before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from symde.diagnostics import Diagnostics, Source, Span
from symde.language.statements import Piece
from symde.language.syntax import Conditional, Negate, Not, Power, Product, Sum

_NESTS = (Negate, Not, Power, Conditional)
_MAY_NEST = re.compile(r"[-^?]|\*\*|\b(?:not|if)\b")


# A link of each kind of chain; nothing in it may end the chain, and it is read without going back.
_CHAINS = (
    r"[-+][ \t]*+(?=[-+])",
    r"\bnot\b\s*+(?=not\b)",
    r"(?:\^|\*\*)[ \t]*+[\w.']*+[ \t]*+(?=\^|\*\*)",
    r"\bif\b(?:(?!\b(?:if|else)\b)[^(),;])*+\belse\b(?:(?!\b(?:if|else)\b)[^(),;])*+",
    r"\?[^(),;:?]*+:[^(),;:?]*+",
)


def check_nesting(clean: str, piece: Piece, roots: tuple[Any, ...], limit: int, found: Diagnostics) -> bool:
    """Whether operators nest no deeper than `limit`; an error where they do."""
    signs = sum(1 for _ in _MAY_NEST.finditer(clean, piece.start, piece.end))
    if signs <= limit:
        return True
    stack = [(root, 0) for root in roots]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, _NESTS):
            depth += 1
            if depth > limit:
                _too_deep(node.span, limit, found)
                return False
        stack.extend((part, depth) for part in _parts(node))
    return True


def check_chains(source: Source, clean: str, piece: Piece, limit: int, found: Diagnostics) -> bool:
    """Whether a statement is worth parsing: no chain like `x^x^x...` or `- - - x` is far beyond `limit`."""
    if piece.end - piece.start <= limit:
        return True
    for chain in _CHAINS:
        match = re.compile(f"(?:{chain}){{{limit + 1}}}").search(clean, piece.start, piece.end)
        if match is not None:
            _too_deep(Span(source, match.start(), match.start() + 1), limit, found)
            return False
    return True


def _too_deep(span: Span | None, limit: int, found: Diagnostics) -> None:
    message = f"operators nest deeper than {limit}"
    help_text = "name a part and use its name; many cases in a row are one `piecewise(a, c, b, d, ...)`"
    found.error("E402", message, span, "too deep", help_text)


def _parts(node: Any) -> Iterator[Any]:
    """The nodes right below a node of any kind."""
    if isinstance(node, Sum):
        yield from (part for _, part in node.terms)
    elif isinstance(node, Product):
        yield from (part for _, part in node.factors)
    else:
        for one in fields(node):
            value = getattr(node, one.name) if one.name != "span" else None
            for part in value if isinstance(value, tuple) else (value,):
                if hasattr(part, "span"):
                    yield part
