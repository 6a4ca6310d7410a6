"""The modelling language: text to syntax tree and back.

`parse` reads a text, `symde.language.function.parse_function` a decorated Python function, `unparse` writes a
tree as text. The nodes are in :mod:`symde.language.syntax`, the grammar in the folder `grammar`.
"""

from __future__ import annotations

from symde.diagnostics import suggest as nearest
from symde.language.limits import Limits
from symde.language.parser import parse, parse_expression
from symde.language.unparse import unparse

__all__ = ["Limits", "nearest", "parse", "parse_expression", "unparse"]
