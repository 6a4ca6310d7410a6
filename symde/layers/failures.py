"""Failures of solves in a batch, told with the members they belong to."""

from __future__ import annotations

from typing import Any

from symde.problem.solution import SolveError

SHOWN = 8
"""Members named in a message."""


class BatchSolveError(SolveError):
    """Some members of a batch did not reach their end.

    Attributes:
        failures: The error of each member that failed, by its index.
        solution: The part that was computed of the first of them.
    """

    def __init__(self, failures: dict[int, SolveError], count: int) -> None:
        first, error = next(iter(failures.items()))
        named = ", ".join(map(str, list(failures)[:SHOWN])) + (", ..." if len(failures) > SHOWN else "")
        which = f"{len(failures)} of the {count} members of the batch failed ({named})"
        super().__init__(f"{which}. Member {first}: {error}", error.solution)
        self.failures, self._count = failures, count

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.failures, self._count)
