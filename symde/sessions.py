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

CHOICES = 64
"""Choices of methods whose sessions a system keeps: more come of method objects made for each solve."""


def borrow(
    system: System, methods: tuple[Any, ...], linear_solver: str, preconditioner: Any
) -> tuple[Session, tuple[Any, ...]]:
    """A session for a system under these methods and linear solver, and the key to give it back with."""
    key = (methods, linear_solver, preconditioner)
    kept = None if callable(preconditioner) else system.sessions.get(key)
    if kept:
        try:
            return kept.pop(), key
        except IndexError:  # another thread took the last one
            pass
    return make_session(system, *key), key


def make_session(
    system: System, methods: tuple[Any, ...], linear_solver: str, preconditioner: Any
) -> Session:
    """A session of one's own."""
    return Session(system.kernels, [packed(method) for method in methods], linear_solver, preconditioner)


def give_back(system: System, key: tuple[Any, ...], session: Session) -> None:
    """Keep a session for the next solve; not one with a function of the user, which may not come again."""
    if callable(key[2]):
        return
    kept = system.sessions.get(key)
    if kept is None:
        for oldest in list(system.sessions)[: 1 - CHOICES]:
            system.sessions.pop(oldest, None)
        kept = system.sessions.setdefault(key, [])
    if len(kept) < KEPT:
        kept.append(session)
