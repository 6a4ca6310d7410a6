"""What a solve of jumps beside differential equations gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from symde.problem.path_solution import PathSolution
from symde.problem.stats import Stats


@dataclass(frozen=True, slots=True)
class PiecewiseStats(Stats):
    """Work of one path: that of the equations, and `jumps`, how many happened."""

    jumps: int = 0

    @property
    def words(self) -> str:
        """The counts that matter most."""
        return f"{self.jumps} jumps, {Stats.words.fget(self)}"  # type: ignore[attr-defined, misc]

    @classmethod
    def of(cls, counters: Any, seconds: float) -> Self:
        """From the engine's counts."""
        return cls(**counters, seconds=seconds)


class PiecewiseSolution(PathSolution):
    """A path that follows differential equations between jumps; all that `Solution` says holds, and
    `events` lists jumps and events in their order."""

    __slots__ = ()

    counted = PiecewiseStats  # type: ignore[assignment]
    moves = "jumps"
