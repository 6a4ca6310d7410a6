"""How many random numbers a step draws."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Draws:
    """The random numbers of a step.

    Attributes:
        numbers: Normal numbers. Number k of a path, counted over its steps, is of counter k // 2.
        terms: How many terms the series of Levy areas have; 0 where none are drawn.
        rest: A factor of what is left of the series.
    """

    numbers: int
    terms: int = 0
    rest: float = 0.0

    @property
    def per_step(self) -> int:
        """Counters that a step reads at most, each of two numbers."""
        return -(-self.numbers // 2)

    def block(self, counters: int) -> int:
        """How many steps so many counters are for, at least one. A block begins with a counter, so that where
        steps have an odd number of numbers it has an even one of steps."""
        steps = max(2 * counters // self.numbers, 1)
        return steps if self.numbers % 2 == 0 else max(steps - steps % 2, 2)


def draws_of(motions: int, per_motion: int, pairs: int, steps: int) -> Draws:
    """Those of a method for so many Brownian motions.

    Args:
        motions, per_motion: Number of motions, and of normal numbers of each.
        pairs: Number of pairs whose Levy areas are wanted.
        steps: Of a path. The areas have as many terms as leave them an error of h sqrt(h/T), where T is the
            span, so that the order of the method stands.
    """
    numbers = motions * per_motion
    if not pairs:
        return Draws(max(numbers, 1))
    terms = max(math.ceil(math.sqrt(motions * steps / 12.0) / math.pi), 1)
    rest = math.pi**2 / 6.0 - math.fsum(1.0 / r**2 for r in range(1, terms + 1))
    numbers += (2 * terms + 1) * motions + pairs
    return Draws(numbers, terms, math.sqrt(2.0 * rest))
