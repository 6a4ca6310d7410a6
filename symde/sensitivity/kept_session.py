"""Solves whose steps are done again: what they record keeps the session in which they took place."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TypeVar

from symde.engine.cpu.session import Session
from symde.sensitivity.run import Run
from symde.sessions import borrow, give_back

Found = TypeVar("Found")


def in_session(run: Run, solve: Callable[[Session], Found]) -> Found:
    """What a solve records in a session, which it keeps: the steps are done again there."""
    session = borrow(run.problem.system, run.plan)
    try:
        found = solve(session)
    except BaseException:
        give_back(run.plan, session)
        raise
    weakref.finalize(found, give_back, run.plan, session)
    return found
