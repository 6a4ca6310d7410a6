"""What a method for stochastic differential equations is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np


def nothing(states: int, entries: int) -> int:
    """A method that keeps nothing."""
    return 0


class Tableau(Protocol):
    """Coefficients of a method."""

    @property
    def stages(self) -> int:
        """Stages of a step."""
        ...

    def packed(self) -> np.ndarray:
        """As the compiled loop of the family reads them."""
        ...


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class NoiseMethod:
    """A method as users see it, and where its loop is.

    Attributes:
        name: what to ask for.
        module, entry: of `symde.engine.cpu.compiled`; paths that jump have another entry, `..._jumps`.
        noise: the kinds of noise (`symde.codegen.noise.NoiseKind`) that it is meant for.
        strong, weak: its orders there.
        per_motion: normal numbers that it draws for each Brownian motion and step.
        adaptive: whether it estimates its error, and steps may follow it.
        tableau: its coefficients, where the loop is that of a family of methods.
        memory: number of doubles that it keeps for (states, entries of the diffusion matrix).
        when_to_use: one sentence.
        citation: authors, title, journal, year.
    """

    name: str
    module: str
    entry: str
    noise: frozenset[str]
    strong: float
    weak: float
    per_motion: int = 1
    adaptive: bool = False
    tableau: Tableau | None = None
    memory: Callable[[int, int], int] = nothing
    when_to_use: str
    citation: str

    def __repr__(self) -> str:
        return f"<NoiseMethod {self.name}>"
