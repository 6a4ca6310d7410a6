"""Sphinx configuration."""

import tomllib
from pathlib import Path

from pygments.lexers.special import TextLexer

_root = Path(__file__).parents[1]

project = "symde"
author = "The symde developers"
copyright = "2026, The symde developers"
release = tomllib.loads((_root / "pyproject.toml").read_text())["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"symde {release}"
autodoc_typehints = "none"
napoleon_use_ivar = True


def setup(app):
    """Model texts are shown as they are: no lexer knows the language."""
    app.add_lexer("symde", TextLexer)
