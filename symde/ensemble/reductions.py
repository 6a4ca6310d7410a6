"""Statistics of members as they come, without their paths.

Blocks of members come in a fixed order, so that what is summed is the same for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

KEPT = 1000
"""Values of a buffer of `Quantiles`."""


class Reduction(Protocol):
    """What takes blocks of values in."""

    def add(self, values: np.ndarray) -> None:
        """Take in values of shape (members, n_times, n_quantities)."""
        ...


class Moments:
    """Mean and sum of squares about it, block by block.

    Source: T. F. Chan, G. H. Golub, R. J. LeVeque, Algorithms for computing the sample variance, The American
    Statistician 37 (1983), equations (2.1).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count, self.mean, self.squares = 0, np.zeros(shape), np.zeros(shape)

    def add(self, values: np.ndarray) -> None:
        """Take in a block."""
        if not len(values):
            return
        mean = values.mean(axis=0)
        squares = np.square(values - mean).sum(axis=0)
        total = self.count + len(values)
        difference = mean - self.mean
        self.mean += difference * (len(values) / total)
        self.squares += squares + np.square(difference) * (self.count * len(values) / total)
        self.count = total

    def variance(self, ddof: int) -> np.ndarray:
        """The variance, with `count - ddof` in the denominator; NaN where that is not positive."""
        if self.count <= ddof:
            return np.full_like(self.squares, np.nan)
        return self.squares / (self.count - ddof)


class Quantiles:
    """Quantiles of a stream from sorted buffers, exact up to twice `KEPT` members.

    Two full buffers of one weight become one of twice the weight: of their values in order every second
    stays, the first and the second of each pair by turns. A merge of weight w moves no rank by more than w,
    so that after N members a rank is off by N log2(N / KEPT) / (2 KEPT) at most: 0.5 % of N for a million.

    Source: J. I. Munro, M. S. Paterson, Selection and sorting with limited storage, Theoretical Computer
    Science 12 (1980); the bound as in G. S. Manku, S. Rajagopalan, B. G. Lindsay, Approximate medians and
    other quantiles in one pass and with limited memory (1998).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count = 0
        self._filling = np.empty((2 * KEPT, *shape))
        self._filled = 0
        self._levels: list[np.ndarray | None] = []
        self._offsets: list[int] = []

    def add(self, values: np.ndarray) -> None:
        """Take in a block."""
        self.count += len(values)
        while len(values):
            room = len(self._filling) - self._filled
            part, values = values[:room], values[room:]
            self._filling[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            if len(values):  # more follow: the full buffer makes room
                self._merge(0, np.sort(self._filling, axis=0))
                self._filled = 0

    def _merge(self, level: int, both: np.ndarray) -> None:
        """Keep every second of sorted values, with twice their weight."""
        while True:
            while len(self._levels) <= level:
                self._levels.append(None)
                self._offsets.append(0)
            half = both[self._offsets[level] :: 2].copy()
            self._offsets[level] = 1 - self._offsets[level]
            waiting = self._levels[level]
            if waiting is None:
                self._levels[level] = half
                return
            self._levels[level] = None
            both, level = np.sort(np.concatenate([waiting, half]), axis=0), level + 1

    def at(self, q: np.ndarray) -> np.ndarray:
        """The quantiles, shape (len(q), n_times, n_quantities), linear between values as numpy's are."""
        parts = [(self._filling[: self._filled], 1.0)]
        parts += [(kept, 2.0 ** (level + 1)) for level, kept in enumerate(self._levels) if kept is not None]
        values = np.concatenate([part for part, _ in parts])
        weights = np.concatenate([np.full(len(part), weight) for part, weight in parts])
        order = np.argsort(values, axis=0, kind="stable")
        values = np.take_along_axis(values, order, axis=0)
        weights = weights[order]
        # a value of weight w stands for w members in a row, and lies in their middle
        ranks = np.cumsum(weights, axis=0) - 0.5 * (weights + 1.0)
        result = np.empty((len(q), *values.shape[1:]))
        for place in np.ndindex(*values.shape[1:]):
            column = (slice(None), *place)
            result[column] = np.interp(q * (self.count - 1), ranks[column], values[column])
        return result


class Fold:
    """A user's function of what was, and the next member; the members come in order."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.function, self.state = function, None

    def take(self, member: Any) -> None:
        """Take in one member's solution."""
        self.state = self.function(self.state, member)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be kept of the members.

    Attributes:
        moments, quantiles: Whether these are.
        function: A user's function, None for none.
    """

    moments: bool
    quantiles: bool
    function: Callable[[Any, Any], Any] | None


def wanted_of(reduce: Any) -> Wanted | None:
    """What `reduce` asks for; None for all paths.

    Raises:
        ValueError, TypeError: it is not what it should be.
    """
    if reduce is None:
        return None
    several: Sequence[Any] = [reduce]
    if isinstance(reduce, Iterable) and not isinstance(reduce, str) and not callable(reduce):
        several = list(reduce)
    names = {one for one in several if isinstance(one, str)}
    functions = [one for one in several if not isinstance(one, str)]
    unknown = names - {"mean", "var", "quantiles"}
    if unknown:
        raise ValueError(
            f"reduce has no {sorted(unknown)[0]!r}: there are 'mean', 'var', 'quantiles', and functions "
            "reduce(state, member)"
        )
    if len(functions) > 1 or any(not callable(one) for one in functions):
        raise TypeError(f"reduce takes names and one function of (state, member), found {reduce!r}")
    if not several:
        raise ValueError("reduce is empty: name what is to be kept, or leave it out to keep all paths")
    return Wanted(bool(names & {"mean", "var"}), "quantiles" in names, functions[0] if functions else None)
