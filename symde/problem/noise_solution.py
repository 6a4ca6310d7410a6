"""What a solve of a stochastic differential equation gives back: a path at times, and lines between them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from symde.problem.retcode import Retcode
from symde.problem.solution import Solution


@dataclass(frozen=True, slots=True)
class NoiseStats:
    """Work of one path.

    Attributes:
        steps: Steps that were taken.
        seconds: Wall time inside the engine.
    """

    steps: int = 0
    seconds: float = 0.0

    @property
    def words(self) -> str:
        """The counts that matter most."""
        return f"{self.steps} steps"

    @classmethod
    def of(cls, counts: dict[str, int], seconds: float) -> NoiseStats:
        """From the engine's counts."""
        return cls(**counts, seconds=seconds)

    def as_dict(self) -> dict[str, float]:
        """The counts by name."""
        return asdict(self)


class Lines:
    """A path that was saved at every step, at any time: a straight line in each step.

    Args:
        t: Times of the steps in order.
        u: States at these.
    """

    __slots__ = ("_t", "_u")

    def __init__(self, t: np.ndarray, u: np.ndarray) -> None:
        self._t, self._u = t, u

    def __call__(self, t: np.ndarray, side: str = "right") -> np.ndarray:
        """States at the times t, shape (len(t), n); both sides are the same.

        Raises:
            ValueError: a time is outside the span, or there is no such side.
        """
        if side not in ("right", "left"):
            raise ValueError(f"side must be 'right' or 'left', found {side!r}")
        first, last = self._t[0], self._t[-1]
        outside = t[~((t >= first) & (t <= last))]
        if len(outside):
            raise ValueError(f"t = {outside.item(0):g} is outside of the span {first:g} to {last:g}")
        k = np.minimum(np.searchsorted(self._t, t, side="right") - 1, len(self._t) - 2)
        theta = ((t - self._t[k]) / (self._t[k + 1] - self._t[k]))[:, None]
        return self._u[k] + theta * (self._u[k + 1] - self._u[k])


class NoiseSolution(Solution):
    """A path of a stochastic differential equation; all that `Solution` says holds.

    Attributes:
        seed: What the random numbers follow from: the same seed and step size give the same path.
        trajectory: Which of the paths of that seed it is.
    """

    __slots__ = ("seed", "trajectory")

    def __init__(
        self,
        problem: Any,
        t: np.ndarray,
        u: np.ndarray,
        retcode: Retcode,
        dense: Lines | None,
        counts: dict[str, int],
        seconds: float,
        method: tuple[Any, ...],
        message: str,
        seed: int,
        trajectory: int,
    ) -> None:
        kept: Any = dense
        super().__init__(problem, t, u, retcode, kept, counts, seconds, method, message)
        self.seed, self.trajectory = seed, trajectory

    @property
    def stats(self) -> Any:
        """Counts of the work done: `NoiseStats`."""
        return self.work()()

    def work(self) -> Callable[[], Any]:
        """What gives the counts when they are wanted."""
        return functools.partial(NoiseStats.of, self._counters, self._seconds)

    def __repr__(self) -> str:
        span = f"t = {self.t[0]:g}..{self.t[-1]:g}" if len(self.t) else "no points"
        states = "1 state" if len(self.names) == 1 else f"{len(self.names)} states"
        names = f"{', '.join(self.names[:6])}{', ...' if len(self.names) > 6 else ''}"
        return (
            f"<Solution {self.retcode}: {len(self.t)} points, {span}, {states} ({names}); "
            f"{self.stats.steps} steps, seed {self.seed}>"
        )
