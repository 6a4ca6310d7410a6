"""What a solve of a stochastic differential equation gives back: a path at times, and lines between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symde.problem.path_solution import PathSolution, PathStats, refuse_outside


@dataclass(frozen=True, slots=True)
class NoiseStats(PathStats):
    """Work of one path.

    Attributes:
        steps: Steps that were taken.
        jumps: Jumps that happened.
        seconds: Wall time inside the engine.
    """

    steps: int = 0
    jumps: int = 0
    seconds: float = 0.0

    @property
    def words(self) -> str:
        """The counts that matter most."""
        return f"{self.steps} steps, {self.jumps} jumps" if self.jumps else f"{self.steps} steps"


class Lines:
    """A path that was saved at every step, at any time: a straight line in each step. Where it jumps a time
    comes twice.

    Args:
        t: Times of the steps in order.
        u: States at these.
    """

    __slots__ = ("_t", "_u")

    def __init__(self, t: np.ndarray, u: np.ndarray) -> None:
        self._t, self._u = t, u

    def __call__(self, t: np.ndarray, side: str = "right") -> np.ndarray:
        """States at the times t, shape (len(t), n); at the time of a jump those after it ("right") or before
        it ("left"), else both sides are the same.

        Raises:
            ValueError: a time is outside the span, or there is no such side.
        """
        refuse_outside(t, self._t[0], self._t[-1], side)
        if side == "left":
            k = np.maximum(np.searchsorted(self._t, t, side="left") - 1, 0)
        else:
            k = np.minimum(np.searchsorted(self._t, t, side="right") - 1, len(self._t) - 2)
        length = self._t[k + 1] - self._t[k]
        theta = np.where(length > 0.0, (t - self._t[k]) / np.where(length > 0.0, length, 1.0), 1.0)[:, None]
        return self._u[k] + theta * (self._u[k + 1] - self._u[k])


class NoiseSolution(PathSolution):
    """A path of a stochastic differential equation."""

    __slots__ = ()

    counted = NoiseStats
    moves = "steps"
