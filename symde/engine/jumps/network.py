"""A network as arrays that the compiled loops read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Pairs = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True, eq=False)
class NetworkArrays:
    """The structure of a network: int64 unless told; lists by reaction come with their starts.

    Attributes:
        n, m: Numbers of states and of reactions.
        first, second, less: Propensity of orders 0 to 2, rate*u[first]*(u[second] - less); u[n] is 1.
        general: 0 for these, 1 for longer products, 2 for kernels.
        kernels: Addresses of kernels, 0 where there is none.
        reactant_starts, reactants, orders: What mass action takes.
        change_starts, changed, changes: States that a reaction changes, and by how much (float64).
        dependent_starts, dependents: Reactions whose propensity a reaction changes, itself first if so.
        reader_starts, readers: By state, the mass action that takes it.
        counted: By state, 1 where it must not become negative.
        effects: What channels do by anything but whole numbers, None: nothing
            (`symde.codegen.effects.Effects`).
    """

    n: int
    m: int
    first: np.ndarray
    second: np.ndarray
    less: np.ndarray
    general: np.ndarray
    kernels: np.ndarray
    reactant_starts: np.ndarray
    reactants: np.ndarray
    orders: np.ndarray
    change_starts: np.ndarray
    changed: np.ndarray
    changes: np.ndarray
    dependent_starts: np.ndarray
    dependents: np.ndarray
    reader_starts: np.ndarray
    readers: np.ndarray
    counted: np.ndarray
    effects: Any = None


def network_arrays(
    reactants: Sequence[Pairs | None],
    changes: Sequence[Pairs],
    reads: Sequence[Iterable[int]],
    counted: Sequence[bool],
    kernels: np.ndarray,
    targets: Sequence[Sequence[int]] | None = None,
    effects: Any = None,
) -> NetworkArrays:
    """The arrays of a network.

    Args:
        reactants: State and number of what mass action takes; None for a kernel.
        changes: State and change.
        reads: States that the propensity depends on.
        counted: By state.
        kernels: Addresses.
        targets: States that each changes; None: those of `changes`.
        effects: As of `NetworkArrays`.
    """
    n, m = len(counted), len(changes)
    if targets is None:
        targets = [[i for i, _ in pairs] for pairs in changes]
    first, second, less, general = np.full(m, n), np.full(m, n), np.zeros(m), np.zeros(m)
    for j, taken in enumerate(reactants):
        short = None if taken is None else _short(taken, n)
        if short is None:
            general[j] = 2 if taken is None else 1
        else:
            first[j], second[j], less[j] = short
    taken_starts, taken_pairs = _lists([one or () for one in reactants])
    change_starts, change_pairs = _lists(changes)
    reader_starts, readers = _lists(_readers(reactants, n))
    dependent_starts, dependents = _lists(_dependents(targets, reads, n))
    return NetworkArrays(
        n,
        m,
        _whole(first),
        _whole(second),
        less,
        _whole(general),
        kernels,
        taken_starts,
        _column(taken_pairs, 0),
        _column(taken_pairs, 1),
        change_starts,
        _column(change_pairs, 0),
        _column(change_pairs, 1).astype(float),
        dependent_starts,
        _whole(np.array(dependents, dtype=np.int64)),
        reader_starts,
        _whole(np.array(readers, dtype=np.int64)),
        _whole(np.array(counted)),
        effects,
    )


def _short(taken: Pairs, n: int) -> tuple[int, int, int] | None:
    """Which populations an order up to 2 is a product of; None for higher orders."""
    match tuple(taken):
        case ():
            return n, n, 0
        case ((i, 1),):
            return i, n, 0
        case ((i, 2),):
            return i, i, 1
        case ((i, 1), (k, 1)):
            return i, k, 0
    return None


def _readers(reactants: Sequence[Pairs | None], n: int) -> list[list[int]]:
    """The mass action that takes each state."""
    readers: list[list[int]] = [[] for _ in range(n)]
    for j, taken in enumerate(reactants):
        for i, _ in taken or ():
            readers[i].append(j)
    return readers


def _dependents(targets: Sequence[Sequence[int]], reads: Sequence[Iterable[int]], n: int) -> list[list[int]]:
    """The reactions that read what each reaction changes: itself first, then in order."""
    readers: list[list[int]] = [[] for _ in range(n)]
    for j, states in enumerate(reads):
        for i in states:
            readers[i].append(j)
    found = []
    for j, states in enumerate(targets):
        affected = {reader for i in states for reader in readers[i]}
        found.append(sorted(affected, key=lambda one: (one != j, one)))
    return found


def _lists(lists: Sequence[Sequence]) -> tuple[np.ndarray, list]:
    starts = np.zeros(len(lists) + 1, dtype=np.int64)
    starts[1:] = np.cumsum([len(one) for one in lists])
    return starts, [entry for one in lists for entry in one]


def _column(pairs: list, place: int) -> np.ndarray:
    return np.array([pair[place] for pair in pairs], dtype=np.int64)


def _whole(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=np.int64)
