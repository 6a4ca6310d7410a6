"""What the adjoint state jumps by, and where: the weights of saved points in the order of going back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Jumps:
    """Jumps of the adjoint state.

    Attributes:
        t: Times with a jump, each once, going back, shape (k,).
        rows: What is added at each, shape (k, n).
    """

    t: np.ndarray
    rows: np.ndarray

    def inside(self, t0: float) -> slice:
        """Those after the first and before t0."""
        return slice(1, len(self.t) - int(len(self.t) > 1 and self.t[-1] == t0))

    def at(self, t0: float) -> np.ndarray | float:
        """What is left to be added at t0 itself."""
        return self.rows[-1] if len(self.t) > 1 and self.t[-1] == t0 else 0.0

    def stops(self, t0: float, marked: np.ndarray) -> Stops:
        """Where to stop going back to t0: at the jumps inside, and at marked times before the first jump.

        Args:
            t0: The end of going back.
            marked: Times in the order of integration, of which those outside are left out.
        """
        inside = self.inside(t0)
        times, first = self.t[inside], self.t[0]
        rows = np.arange(inside.start, inside.start + len(times))
        if not len(marked):
            return Stops(np.ascontiguousarray(times), rows, np.full(len(times), -1))
        kept = np.flatnonzero((marked - t0) * (first - marked) > 0.0)
        everything = np.union1d(times, marked[kept])
        if first > t0:
            everything = everything[::-1]
        return Stops(
            np.ascontiguousarray(everything),
            _places(everything, times, rows),
            _places(everything, marked[kept], kept),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Stops:
    """Stops of a backward solve.

    Attributes:
        t: Times, shape (k,).
        rows: Row of the jumps that belongs to each, -1: none, int64.
        marks: Place of each among the marked times, -1: it is none, int64.
    """

    t: np.ndarray
    rows: np.ndarray
    marks: np.ndarray


def _places(everything: np.ndarray, times: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The number of each time, -1 where it has none."""
    known = dict(zip(times.tolist(), numbers.tolist(), strict=True))
    return np.array([known.get(t, -1) for t in everything.tolist()], np.int64)


def jumps_of(times: np.ndarray, weights: np.ndarray) -> Jumps:
    """The jumps for weights of saved times; times without weight are left out, equal ones come together.

    Args:
        times: Saved times in the order of integration, shape (n_times,).
        weights: Shape (n_times, n).
    """
    used = weights.any(axis=1)
    t, rows = times[used][::-1], weights[used][::-1]
    if len(t) > 1 and (t[1:] == t[:-1]).any():
        firsts = np.flatnonzero(np.concatenate([[True], t[1:] != t[:-1]]))
        t, rows = t[firsts], np.add.reduceat(rows, firsts, axis=0)
    return Jumps(np.ascontiguousarray(t), np.ascontiguousarray(rows))
