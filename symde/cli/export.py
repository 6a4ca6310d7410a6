"""`symde export`: a model as source of another language."""

from __future__ import annotations

import argparse

from symde.cli.models import model
from symde.export import export


def run(options: argparse.Namespace) -> int:
    """Print the source, or write it."""
    source = export(model(options.file, options.model), options.target, options.output)
    if options.output is None:
        print(source, end="" if source.endswith("\n") else "\n")
    return 0
