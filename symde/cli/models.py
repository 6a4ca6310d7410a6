"""Models from files named on the command line."""

from __future__ import annotations

import sys

from symde.cli.command import UsageError
from symde.diagnostics import suggest
from symde.language import parse
from symde.model.builder import build
from symde.model.files import read_text
from symde.model.model import Model


def models(file: str, name: str | None) -> list[Model]:
    """The models of a file (`-`: of standard input), or the one of this name."""
    if file == "-":
        blocks = parse(sys.stdin.read(), filename="<stdin>")
    else:
        blocks = parse(read_text(file), filename=file)
    names = [block.name.id if block.name is not None else "" for block in blocks]
    if name is None:
        return [Model(build(block)) for block in blocks]
    if name not in names:
        nearest = suggest(name, names)
        hint = (
            f"; did you mean `{nearest}`?"
            if nearest
            else f"; it holds {', '.join(filter(None, names)) or 'none'}"
        )
        raise UsageError(f"{file} holds no model `{name}`{hint}")
    return [Model(build(blocks[names.index(name)]))]


def model(file: str, name: str | None) -> Model:
    """The only model of a file, or the one of this name."""
    found = models(file, name)
    if len(found) != 1:
        listed = ", ".join(one.name for one in found)
        raise UsageError(f"{file} holds {len(found)} models: choose one with --model ({listed})")
    return found[0]
