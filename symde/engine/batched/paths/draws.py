"""Which random numbers a step takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
        terms: Of the series of the areas; 0 where there are none.
    """

    motions: int
    per_motion: int
    pairs: tuple[tuple[int, int], ...] = ()
    terms: int = 0

    @classmethod
    def of(cls, method: NoiseMethod, motions: int, pairs: Pairs, steps: int) -> Draws:
        """Those of a method: areas have as many terms as leave them an error of h sqrt(h/T), where T is the
        span, so that the order of the method stands."""
        if not method.double or not pairs:
            return cls(motions, method.per_motion)
        terms = max(math.ceil(math.sqrt(motions * steps / 12.0) / math.pi), 1)
        return cls(motions, method.per_motion, tuple(pairs), terms)

    @property
    def own(self) -> int:
        """Numbers of the motions themselves."""
        return self.motions * self.per_motion

    @property
    def per_step(self) -> int:
        """Counters of a step, each of which gives two numbers."""
        of_areas = (2 * self.terms + 1) * self.motions + len(self.pairs) if self.terms else 0
        return max(-(-(self.own + of_areas) // 2), 1)
