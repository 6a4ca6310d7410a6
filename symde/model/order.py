"""Order of dependence: definitions sorted so that what is read comes before what reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

# One circle often closes in many places; the first ones say enough.
MOST_CYCLES = 10
MOST_NAMES = 12


def order_by_dependence(reads: Mapping[str, Iterable[str]]) -> tuple[list[str], list[list[str]]]:
    """The names of `reads` with dependencies first, and the cycles among them.

    Args:
        reads: for each name, the names that its definition reads; names that are no keys are ignored. The
            order of the keys is kept wherever dependence allows.

    Returns:
        The sorted names (all of them, also those on a cycle) and the first cycles found, each as the names in
        the order in which they read each other, without repeating the first.
    """
    done: dict[str, None] = {}
    cycles: list[list[str]] = []
    for root in reads:
        if root not in done:
            _visit(root, reads, done, cycles)
    return list(done), cycles


def _visit(
    root: str, reads: Mapping[str, Iterable[str]], done: dict[str, None], cycles: list[list[str]]
) -> None:
    """Depth-first visit from `root` with its own stack, since chains may be longer than Python's."""
    path: dict[str, None] = {root: None}
    pending = [iter(reads[root])]
    while pending:
        for name in pending[-1]:
            if name in path:
                if len(cycles) < MOST_CYCLES:
                    names = list(path)
                    cycles.append(names[names.index(name) :])
            elif name in reads and name not in done:
                path[name] = None
                pending.append(iter(reads[name]))
                break
        else:
            pending.pop()
            done[path.popitem()[0]] = None


def describe_cycle(cycle: Sequence[str]) -> str:
    """A cycle in words: ``"a -> b -> a"``, the middle of a long one left out."""
    if len(cycle) > MOST_NAMES:
        half = MOST_NAMES // 2
        cycle = [*cycle[:half], "...", *cycle[-half:]]
    return " -> ".join([*cycle, cycle[0]])
