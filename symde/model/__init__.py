"""Models: from the syntax tree to resolved definitions, and their view as sympy objects.

`builder.build` makes a :class:`~symde.model.definition.Definition`, plain data that lowering reads;
:class:`~symde.model.model.Model` is its public face. sympy is imported when one of its objects is first
asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symde.model.model import Model

__all__ = ["Model"]


def __getattr__(name: str) -> Any:
    """`Model` when it is first asked for: lowering reads definitions without it."""
    if name == "Model":
        from symde.model.model import Model

        return Model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
