"""What a solve of a jump process gives back: a path that is constant between events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symde.problem.path_solution import PathSolution, PathStats, refuse_outside


@dataclass(frozen=True, slots=True)
class JumpStats(PathStats):
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
        refuse_outside(t, self._t[0], self._t[-1], side)
        places = np.searchsorted(self._t, t, side="right" if side == "right" else "left") - 1
        return self._u[np.maximum(places, 0)]


class JumpSolution(PathSolution):
    """A path of a jump process; its values are constant between events."""

    __slots__ = ()

    counted = JumpStats
    moves = "events"
