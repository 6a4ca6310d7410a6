"""Model texts from files."""

from __future__ import annotations

from os import PathLike, fspath

from symde.language.limits import Limits


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
