"""What a method for jump processes is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real


def nothing(reactions: int, states: int) -> tuple[int, int]:
    """A method that keeps nothing."""
    return 0, 0


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class JumpMethod:
    """A method as users see it, and where its loop is.

    Attributes:
        name: what to ask for.
        module, entry: of `symde.engine.cpu.compiled`.
        exact: whether its paths have the distribution of the process itself.
        mass_action_only: whether it needs all propensities as products of populations.
        memory: numbers of integers and of doubles that it keeps for (reactions, states).
        epsilon: for methods that are not exact, the largest relative change of a propensity in a leap.
        when_to_use: one sentence.
        citation: authors, title, journal, year.
    """

    name: str
    module: str
    entry: str
    exact: bool = True
    mass_action_only: bool = False
    memory: Callable[[int, int], tuple[int, int]] = nothing
    epsilon: float = 0.0
    when_to_use: str
    citation: str

    def with_epsilon(self, epsilon: float) -> JumpMethod:
        """The same method with another bound on the change of propensities.

        Raises:
            ValueError, TypeError: the method is exact, or the bound is no number between 0 and 1.
        """
        if self.exact:
            raise ValueError(f"{self.name} is exact and has no epsilon")
        if isinstance(epsilon, bool) or not isinstance(epsilon, Real):
            raise TypeError(f"epsilon must be a number, found {epsilon!r}")
        if not 0 < epsilon < 1:
            raise ValueError(f"epsilon = {epsilon:g}: it must lie between 0 and 1")
        return dataclasses.replace(self, epsilon=float(epsilon))

    def __repr__(self) -> str:
        return f"<JumpMethod {self.name}>"
