"""A batch in parts, one for each thread; and the failures of its members."""

from __future__ import annotations

from collections.abc import Callable

from symde.layers.bridge.interface import threads
from symde.layers.failures import BatchSolveError
from symde.problem.solution import SolveError

FEWEST = 32
"""Members for each thread at least: to begin one takes as long as a few small solves."""

Failures = dict[int, SolveError]
"""The errors of members that failed, by their places."""


def in_parts(count: int, workers: int, work: Callable[[range, Failures], None]) -> None:
    """Do work for all members of a batch; the compiled loop does without Python's lock.

    Args:
        count: How many members there are.
        workers: Threads, at most.
        work: Takes places of members, and where to put the errors of those that fail.

    Raises:
        BatchSolveError: some solves did not reach their end, after all have been tried.
    """
    failures: Failures = {}
    parts = min(workers, count // FEWEST)
    if parts > 1:
        work(range(1), failures)  # whatever is compiled or chosen once
        submit = threads("batch").submit
        for future in [submit(work, range(1 + part, count, parts), failures) for part in range(parts)]:
            future.result()
    elif count:
        work(range(count), failures)
    if failures:
        raise BatchSolveError(dict(sorted(failures.items())), count)
