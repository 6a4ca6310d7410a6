"""Which method a jump process is solved with where none is named."""

from __future__ import annotations

from symde.engine.jumps import registry
from symde.engine.jumps.method import JumpMethod


def method_for(method: str | JumpMethod | None, reactions: int) -> JumpMethod:
    """The method asked for, or the one for a network of this size.

    Raises:
        ValueError: no method has that name. TypeError: not a method.
    """
    if method is None or (isinstance(method, str) and method.strip().lower() == "auto"):
        return registry.get("SortingDirect")
    return registry.get(method)
