"""Which method a jump process is solved with where none is named.

Up to 150 reactions SortingDirect, above CompositionRejection, by the events a second that were measured
(`benchmarks/jumps.py`): an event of the direct methods takes longer the more reactions there are to search,
one of composition and rejection about as long as with 100 (19 million a second against 13 with 100 reactions,
9 against 13 with 300).
"""

from __future__ import annotations

from symde.engine.jumps import registry
from symde.engine.jumps.method import JumpMethod

MANY_REACTIONS = 150
"""Reactions above which groups are faster than a search."""


def method_for(method: str | JumpMethod | None, reactions: int) -> JumpMethod:
    """The method asked for, or the one for a network of this size.

    Raises:
        ValueError: no method has that name. TypeError: not a method.
    """
    if method is None or (isinstance(method, str) and method.strip().lower() == "auto"):
        return registry.get("SortingDirect" if reactions <= MANY_REACTIONS else "CompositionRejection")
    return registry.get(method)
