"""Counts of the work a solve did."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Stats:
    """Work of one solve.

    Attributes:
        accepted, rejected: Steps taken, and attempts whose error was too large or whose iteration diverged.
        evaluations: Of the right-hand side, those that come with a Jacobian and those for dense output
            included; of methods for positions and momenta, of forces.
        jacobians, products: Jacobians (of a split model's stiff part), and products of the Jacobian with a
            vector, also those that measure stiffness.
        factorisations, solves: Of linear systems; a Radau step's real and complex ones count as one together.
        refinements, pivotings: Solutions that had to be refined, and steps that had to pivot.
        switches: Changes of method.
        iterations, divergences: Of Newton's method, and attempts given up because it did not converge.
        seconds: Wall time inside the engine.
    """

    accepted: int = 0
    rejected: int = 0
    evaluations: int = 0
    jacobians: int = 0
    products: int = 0
    factorisations: int = 0
    solves: int = 0
    refinements: int = 0
    pivotings: int = 0
    switches: int = 0
    iterations: int = 0
    divergences: int = 0
    seconds: float = 0.0

    @property
    def steps(self) -> int:
        """Steps attempted."""
        return self.accepted + self.rejected

    @property
    def words(self) -> str:
        """The counts that matter most."""
        return (
            f"{self.accepted} steps, {self.rejected} rejected, {self.evaluations} evaluations, "
            f"{self.jacobians} Jacobians, {self.factorisations} factorisations"
        )

    @classmethod
    def of(cls, counters: Any, seconds: float) -> Stats:
        """From the engine's counters; None: no work."""
        counts = {} if counters is None else counters.as_dict()
        return cls(**counts, seconds=seconds)

    def as_dict(self) -> dict[str, float]:
        """The counts by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}  # `asdict` copies deeply
