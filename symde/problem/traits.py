"""What a model is, as far as the choice of methods is concerned."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Traits:
    """Facts of a right-hand side that do not change with its numbers.

    Attributes:
        states: Number of states.
        operations: Operations of the right-hand side, shared ones counted once; 0 where they are not known.
        analytic: Whether Taylor coefficients are known to tell all of it.
        second_order: Whether it says that the second derivative of half the states is a function of those and
            the time, the other half being multiples of their first derivative.
        mass: Whether it is that of M u' = f with another M than the identity.
        delays: Whether it reads the past.
    """

    states: int
    operations: int = 0
    analytic: bool = False
    second_order: bool = False
    mass: bool = False
    delays: bool = False
