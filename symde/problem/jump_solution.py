"""What a solve of a jump process gives back: a path that is constant between events."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from symde.problem.retcode import Retcode
from symde.problem.solution import Solution


@dataclass(frozen=True, slots=True)
class JumpStats:
    """Work of one path.

    Attributes:
        events: Reactions and jumps that happened; of a leap all that it stands for.
        evaluations: Of propensities.
        rejections: Candidates that were drawn in vain, and leaps that were too long.
        leaps: Leaps of methods that leap.
        seconds: Wall time inside the engine.
    """

    events: int = 0
    evaluations: int = 0
    rejections: int = 0
    leaps: int = 0
    seconds: float = 0.0

    @property
    def words(self) -> str:
        """The counts that matter most."""
        leaps = f", {self.leaps} leaps" if self.leaps else ""
        return f"{self.events} events{leaps}, {self.evaluations} evaluations, {self.rejections} rejections"

    @classmethod
    def of(cls, counts: dict[str, int], seconds: float) -> JumpStats:
        """From the engine's counts."""
        return cls(**counts, seconds=seconds)

    def as_dict(self) -> dict[str, float]:
        """The counts by name."""
        return asdict(self)


class Steps:
    """A path that was saved at every event, at any time: continuous from the right.

    Args:
        t: Times of the events in order, the start first and the end last.
        u: Populations from each on.
    """

    __slots__ = ("_t", "_u")

    def __init__(self, t: np.ndarray, u: np.ndarray) -> None:
        self._t, self._u = t, u

    def __call__(self, t: np.ndarray, side: str = "right") -> np.ndarray:
        """Populations at the times t, shape (len(t), n); at the time of an event those after it ("right") or
        before it ("left").

        Raises:
            ValueError: a time is outside the span, or there is no such side.
        """
        if side not in ("right", "left"):
            raise ValueError(f"side must be 'right' or 'left', found {side!r}")
        outside = t[~((t >= self._t[0]) & (t <= self._t[-1]))]
        if len(outside):
            first, last = self._t[0], self._t[-1]
            raise ValueError(f"t = {outside.item(0):g} is outside of the span {first:g} to {last:g}")
        places = np.searchsorted(self._t, t, side="right" if side == "right" else "left") - 1
        return self._u[np.maximum(places, 0)]


class JumpSolution(Solution):
    """A path of a jump process; all that `Solution` says holds, and its values are constant between events.

    Attributes:
        seed: What the random numbers follow from: the same seed gives the same path.
        trajectory: Which of the paths of that seed it is.
    """

    __slots__ = ("seed", "trajectory")

    def __init__(
        self,
        problem: Any,
        t: np.ndarray,
        u: np.ndarray,
        retcode: Retcode,
        dense: Steps | None,
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
        """Counts of the work done: `JumpStats`."""
        return self.work()()

    def work(self) -> Callable[[], Any]:
        """What gives the counts when they are wanted."""
        return functools.partial(JumpStats.of, self._counters, self._seconds)

    def __repr__(self) -> str:
        span = f"t = {self.t[0]:g}..{self.t[-1]:g}" if len(self.t) else "no points"
        states = "1 state" if len(self.names) == 1 else f"{len(self.names)} states"
        names = f"{', '.join(self.names[:6])}{', ...' if len(self.names) > 6 else ''}"
        return (
            f"<Solution {self.retcode}: {len(self.t)} points, {span}, {states} ({names}); "
            f"{self.stats.events} events, seed {self.seed}>"
        )
