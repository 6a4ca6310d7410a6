"""Work on deep expressions in a thread with a large stack, because sympy recurses over them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

STACK_BYTES = 512 * 1024 * 1024
RECURSION_LIMIT = 200_000

_lock = threading.Lock()


def with_deep_stack(work: Callable[[], Value]) -> Value:
    """`work()`, run where recursion may go 200,000 calls deep; its exception is raised here."""
    results: list[Value] = []
    problems: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as problem:  # handed to the caller's thread, whatever it is
            problems.append(problem)

    if threading.current_thread().name == __name__:
        return work()
    with _lock:
        before, size = sys.getrecursionlimit(), threading.stack_size(STACK_BYTES)
        sys.setrecursionlimit(max(before, RECURSION_LIMIT))
        try:
            thread = threading.Thread(target=run, name=__name__)
            thread.start()
            thread.join()
        finally:
            sys.setrecursionlimit(before)
            threading.stack_size(size)
    if problems:
        raise problems[0]
    return results[0]
