"""Models as standalone source text in other languages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from symde.export.registry import find_target, register, target_names

if TYPE_CHECKING:
    from symde.export.target import Target
    from symde.model.model import Model

__all__ = ["export", "find_target", "register", "target_names"]


def export(model: Model, target: str | Target = "c", path: str | os.PathLike[str] | None = None) -> str:
    """The source text of a model in another language.

    Args:
        model: What to write.
        target: Name of the language (`target_names()` lists them), or a target object.
        path: Where to write the text to, in UTF-8; in a folder that exists the file gets the model's name.
            None writes nothing.

    Returns:
        The text.

    Raises:
        ValueError: There is no target of that name.
        TypeError: `model` is not a model.
        OSError: The file cannot be written.
    """
    from symde.model.model import Model

    if not isinstance(model, Model):
        raise TypeError(f"export() takes a model (see symde.ode_def), got {type(model).__name__}")
    language = find_target(target) if isinstance(target, str) else target
    if not hasattr(language, "source"):
        raise TypeError(f"target must be a name or a target object, got {type(target).__name__}")
    text = language.source(model)
    if path is not None:
        _place(Path(path), model, language).write_text(text, encoding="utf-8", newline="\n")
    return text


def _place(path: Path, model: Model, target: Target) -> Path:
    if not path.is_dir():
        return path
    from symde.codegen.naming import ascii_identifier

    return path / f"{ascii_identifier(model.name)}{target.suffix}"
