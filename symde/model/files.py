"""Model texts from files."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from os import PathLike, fspath
from typing import Any

from symde.language.limits import Limits

READERS = {".net": "symde.io.bionetgen:read_net"}
"""What reads files of other programs, by the end of their names: these know the builder, which knows us."""


def reader_of(path: str) -> Callable[[str], Any] | None:
    """The reader of a file by its name; None for a text in the language."""
    for suffix, place in READERS.items():
        if path.lower().endswith(suffix):
            module, _, function = place.partition(":")
            return getattr(importlib.import_module(module), function)
    return None


def read_text(path: str | PathLike[str]) -> str:
    """The text of a model file (UTF-8); of a larger one than is read at all, only as much as shows that.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no UTF-8 text.
    """
    file = fspath(path)
    if not file:
        raise ValueError("the path of the model file is empty")
    try:
        with open(file, encoding="utf-8-sig") as stream:
            return stream.read(Limits().characters + 1)
    except UnicodeDecodeError as problem:
        raise ValueError(f"{file} is no UTF-8 text: {problem}") from problem
