"""What an export target is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from symde.model.model import Model


@runtime_checkable
class Target(Protocol):
    """A language a model can be written in.

    A target is one object, found by its name in `symde.export.registry.TARGETS`, under the entry point group
    `symde.targets` of an installed package, or by `symde.export.register`.
    """

    @property
    def name(self) -> str:
        """What `symde.export(model, target=...)` calls it."""
        ...

    @property
    def suffix(self) -> str:
        """The ending of its files, with the dot."""
        ...

    @property
    def summary(self) -> str:
        """One line for lists of targets."""
        ...

    def source(self, model: Model, /) -> str:
        """The whole text of the file. It depends on the model and the version of symde alone.

        Raises:
            ModelError: The target cannot express something the model uses.
        """
        ...


@dataclass(frozen=True, slots=True)
class PrintedTarget:
    """A target given by a function from a model to the text of its file."""

    name: str
    suffix: str
    summary: str
    source: Callable[[Model], str]
