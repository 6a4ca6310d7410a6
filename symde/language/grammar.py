"""The grammar file, and the parser that lark makes of it when a text is first read."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lark import Lark

    from symde.language.tree import TreeBuilder

FILE = "symde.lark"
STATEMENT, EXPRESSION = "statement", "expression"


def grammar_text() -> str:
    """The grammar as text: from the installed package, else from the folder `grammar` of a checkout.

    Raises:
        FileNotFoundError: it is in neither place.
    """
    package = resources.files("symde")
    checkout = Path(__file__).resolve().parents[2] / "grammar" / FILE
    for place in (package / "grammar" / FILE, checkout):
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise FileNotFoundError(
        f"the grammar {FILE} is neither in {package / 'grammar'} nor in {checkout.parent}"
    )


@functools.cache
def parser_and_builder() -> tuple[Lark, TreeBuilder]:
    """The parser of single statements and expressions, and the builder that it calls; made once, in 0.1 s."""
    from lark import Lark

    from symde.language.tree import TreeBuilder

    builder = TreeBuilder()
    parser = Lark(
        grammar_text(),
        parser="lalr",
        lexer="contextual",
        start=[STATEMENT, EXPRESSION],
        transformer=builder,
        propagate_positions=False,
    )
    return parser, builder
