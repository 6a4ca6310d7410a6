"""How deep signs, powers, `not` and conditionals stand inside each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from symde.diagnostics import Diagnostics
from symde.language.statements import Piece
from symde.language.syntax import Conditional, Negate, Not, Power, Product, Sum

_NESTS = (Negate, Not, Power, Conditional)
_MAY_NEST = re.compile(r"[-^?]|\*\*|\b(?:not|if)\b")


def check_nesting(clean: str, piece: Piece, roots: tuple[Any, ...], limit: int, found: Diagnostics) -> bool:
    """Whether operators nest no deeper than `limit`; an error where they do. Brackets are counted before."""
    signs = sum(1 for _ in _MAY_NEST.finditer(clean, piece.start, piece.end))
    if signs <= limit:
        return True
    stack = [(root, 0) for root in roots]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, _NESTS):
            depth += 1
            if depth > limit:
                message = f"operators nest deeper than {limit}"
                help_text = (
                    "name a part and use its name; many cases in a row are one `piecewise(a, c, b, d, ...)`"
                )
                found.error("E402", message, node.span, "too deep", help_text)
                return False
        stack.extend((part, depth) for part in _parts(node))
    return True


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
