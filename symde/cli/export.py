"""`symde export`: a model as source of another language."""

from __future__ import annotations

import argparse
from pathlib import Path

from symde.cli.models import model
from symde.export import export


def run(options: argparse.Namespace) -> int:
    """Print the source, or write it."""
    source = export(model(options.file, options.model), target=options.target)
    if options.output is None:
        print(source)
    else:
        Path(options.output).write_text(source if source.endswith("\n") else source + "\n", encoding="utf-8")
    return 0
