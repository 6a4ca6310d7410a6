"""Which random numbers a step takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symde.engine.noise.draws import draws_of
from symde.engine.noise.method import NoiseMethod

Pairs = Sequence[tuple[int, int]]
"""Brownian motions, two and two."""


@dataclass(frozen=True, slots=True)
class Draws:
    """The normal numbers of a step: some for each motion, then those of Levy areas.

    Attributes:
        motions: Number of Brownian motions.
        per_motion: Numbers for each of them: 1, or 2 with integrals.
        pairs: Motions whose Levy area is drawn.
        numbers: Of a step, in all.
        terms: Of the series of the areas; 0 where there are none.
    """

    motions: int
    per_motion: int
    numbers: int
    pairs: tuple[tuple[int, int], ...] = ()
    terms: int = 0

    @classmethod
    def of(cls, method: NoiseMethod, motions: int, pairs: Pairs, steps: int) -> Draws:
        """Those of a method, over so many steps."""
        drawn = tuple(pairs) if method.double else ()
        found = draws_of(motions, method.per_motion, len(drawn), steps)
        return cls(motions, method.per_motion, found.numbers, drawn, found.terms)

    @property
    def own(self) -> int:
        """Numbers of the motions themselves."""
        return self.motions * self.per_motion
