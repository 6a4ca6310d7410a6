"""Which method a jump process is solved with where none is named.

Up to 150 reactions SortingDirect, above RSSACR, by the events a second that were measured
(`benchmarks/jumps.py`): an event of the direct methods takes longer the more reactions there are to search,
one of composition and rejection about as long as with 100 (19 million a second against 13 with 100 reactions,
9 against 13 with 300). With 10 molecules of each species RSSACR makes 0.9 to 1.1 times the events a second
of CompositionRejection, with 100 of each 1.2 times with 1000 reactions and 1.5 with 10,000; with rate laws,
of which it knows no bounds, 0.9 times.
"""

from __future__ import annotations

from symde.engine.jumps import registry
from symde.engine.jumps.method import JumpMethod

MANY_REACTIONS = 150
"""Reactions above which groups are faster than a search."""


def method_for(method: str | JumpMethod | None, reactions: int, laws: bool = True) -> JumpMethod:
    """The method asked for, or the one for a network of this size, with or without rate laws.

    Raises:
        ValueError: no method has that name. TypeError: not a method.
    """
    if method is None or (isinstance(method, str) and method.strip().lower() == "auto"):
        many = "CompositionRejection" if laws else "RSSACR"
        return registry.get("SortingDirect" if reactions <= MANY_REACTIONS else many)
    return registry.get(method)
