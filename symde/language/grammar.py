"""The grammar file, and the parser that lark makes of it when a text is first read."""

from __future__ import annotations

import functools
import hashlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from symde import store

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
    package = Path(__file__).resolve().parents[1]
    for place in (package / "grammar" / FILE, package.parent / "grammar" / FILE):
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise FileNotFoundError(
        f"the grammar {FILE} is neither in {package / 'grammar'} nor in {package.parent / 'grammar'}"
    )


@functools.cache
def parser_and_builder() -> tuple[Lark, TreeBuilder]:
    """The parser of single statements and expressions, and the builder that it calls; made once a process."""
    from symde.language.tree import TreeBuilder

    builder = TreeBuilder()
    return _parser(grammar_text(), builder), builder


def _parser(grammar: str, builder: TreeBuilder) -> Lark:
    """The parser, from tables kept by an earlier process (0.02 s) or made now (0.1 s)."""
    import lark

    key = "\0".join((grammar, lark.__version__, sys.version))
    name = f"grammar-{hashlib.sha256(key.encode()).hexdigest()}"
    tables = store.read(name)
    if tables is not None:
        # what Lark's own cache does; its public `load` takes no transformer
        return lark.Lark.__new__(lark.Lark)._load(io.BytesIO(tables), transformer=builder)
    parser = lark.Lark(
        grammar,
        parser="lalr",
        lexer="contextual",
        start=[STATEMENT, EXPRESSION],
        transformer=builder,
        propagate_positions=False,
    )
    made = io.BytesIO()
    parser.save(made, exclude_options=("transformer",))
    store.write(name, made.getvalue())
    return parser
