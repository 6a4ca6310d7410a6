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


def jumps_of(times: np.ndarray, weights: np.ndarray) -> Jumps:
    """The jumps for weights of saved times; times without weight are left out, equal ones come together.

    Args:
        times: Saved times in the order of integration, shape (n_times,).
        weights: Shape (n_times, n).
    """
    used = weights.any(axis=1) | ~np.isfinite(weights).all(axis=1)
    t, rows = times[used][::-1], weights[used][::-1]
    if len(t) > 1 and (t[1:] == t[:-1]).any():
        firsts = np.flatnonzero(np.concatenate([[True], t[1:] != t[:-1]]))
        t, rows = t[firsts], np.add.reduceat(rows, firsts, axis=0)
    return Jumps(np.ascontiguousarray(t), np.ascontiguousarray(rows))
