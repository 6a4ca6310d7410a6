"""Sessions kept between solves: the next solve of the same system and methods allocates nothing.

Each solve has a session to itself while it runs, so threads never share one.
"""

from __future__ import annotations

from typing import Any

from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import packed
from symde.problem.system import System

KEPT = 4
"""Sessions kept for each system and choice of methods."""


def borrow(system: System, methods: tuple[Any, ...]) -> tuple[Session, tuple[Any, ...]]:
    """A session for a system under these methods, and the key to give it back with."""
    kept = system.sessions.get(methods)
    if kept:
        try:
            return kept.pop(), methods
        except IndexError:  # another thread took the last one
            pass
    return Session(system.kernels, [packed(method) for method in methods]), methods


def give_back(system: System, methods: tuple[Any, ...], session: Session) -> None:
    """Keep a session for the next solve."""
    kept = system.sessions.setdefault(methods, [])
    if len(kept) < KEPT:
        kept.append(session)
