"""What a solve that draws random numbers gives back: one path, and which it is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np

from symde.problem.retcode import Retcode
from symde.problem.solution import Solution


class PathStats:
    """Counts of the work of one path: a dataclass with `seconds` among its fields, and `words`."""

    __slots__ = ()

    @classmethod
    def of(cls, counts: dict[str, int], seconds: float) -> Self:
        """From the engine's counts."""
        make: Any = cls
        return make(**counts, seconds=seconds)

    def as_dict(self) -> dict[str, float]:
        """The counts by name."""
        counts: Any = self
        return asdict(counts)


class PathSolution(Solution):
    """A path; all that `Solution` says holds.

    Attributes:
        seed: What the random numbers follow from: the same seed gives the same path.
        trajectory: Which of the paths of that seed it is.
    """

    __slots__ = ("seed", "trajectory")

    counted: ClassVar[type[PathStats]]
    """The kind of its counts."""

    moves: ClassVar[str]
    """The count that tells how long a path is."""

    def __init__(
        self,
        problem: Any,
        t: np.ndarray,
        u: np.ndarray,
        retcode: Retcode,
        dense: Any,
        counts: dict[str, int],
        seconds: float,
        method: tuple[Any, ...],
        message: str,
        seed: int,
        trajectory: int,
        events: Any = (),
    ) -> None:
        super().__init__(problem, t, u, retcode, dense, counts, seconds, method, message, events)
        self.seed, self.trajectory = seed, trajectory

    @property
    def stats(self) -> Any:
        """Counts of the work done."""
        return self.work()()

    def work(self) -> Callable[[], Any]:
        """What gives the counts when they are wanted."""
        return functools.partial(self.counted.of, self._counters, self._seconds)

    def __repr__(self) -> str:
        span = f"t = {self.t[0]:g}..{self.t[-1]:g}" if len(self.t) else "no points"
        states = "1 state" if len(self.names) == 1 else f"{len(self.names)} states"
        names = f"{', '.join(self.names[:6])}{', ...' if len(self.names) > 6 else ''}"
        return (
            f"<Solution {self.retcode}: {len(self.t)} points, {span}, {states} ({names}); "
            f"{getattr(self.stats, self.moves)} {self.moves}, seed {self.seed}>"
        )


def refuse_outside(t: np.ndarray, first: float, last: float, side: str) -> None:
    """Refuse times at which a path is not known.

    Raises:
        ValueError: a time is outside the span, or there is no such side.
    """
    if side not in ("right", "left"):
        raise ValueError(f"side must be 'right' or 'left', found {side!r}")
    outside = t[~((t >= first) & (t <= last))]
    if len(outside):
        raise ValueError(f"t = {outside.item(0):g} is outside of the span {first:g} to {last:g}")
