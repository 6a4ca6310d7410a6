"""What a method for stochastic differential equations is."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

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
        module, entry: of `symde.engine.cpu.compiled`; paths that jump or have events have others, `..._jumps`
            and `..._events`.
        noise: the kinds of noise (`symde.codegen.noise.NoiseKind`) that it is meant for.
        strong, weak: its orders there.
        kernels: what it reads: "both", "drift", "diffusion", "milstein",
            "stratonovich" (`symde.codegen.noise`).
        per_motion: normal numbers that it draws for each Brownian motion and step.
        double: whether it needs the double integrals of general noise, and draws numbers for them.
        beyond: the kinds of noise of which it draws more than increments and their integrals, numbers that
            are known of whole steps alone.
        adaptive: whether it estimates its error, and steps may follow it.
        previsible: whether it chooses steps before it knows their noise, so that they may follow the error
            where coefficients are not smooth.
        smooth: whether it is meant for coefficients alone that have derivatives everywhere.
        tableau: its coefficients, where the loop is that of a family of methods.
        memory: number of doubles that it keeps for (states, entries of the diffusion matrix).
        along: whether its steps are sums of states and of what they read, with factors that read neither, so
            that derivatives along directions go beside them.
        back: module of `symde.engine.cpu.compiled` whose entry of the same name goes back over its steps;
            empty: it has no adjoint.
        back_memory: number of doubles that the way back keeps, likewise.
        when_to_use: one sentence.
        citation: authors, title, journal, year.
    """

    name: str
    module: str
    entry: str
    noise: frozenset[str]
    strong: float
    weak: float
    kernels: tuple[str, ...] = ("both",)
    per_motion: int = 1
    double: bool = False
    beyond: frozenset[str] = frozenset()
    adaptive: bool = False
    previsible: bool = False
    smooth: bool = False
    tableau: Tableau | None = None
    memory: Callable[[int, int], int] = nothing
    along: bool = False
    back: str = ""
    back_memory: Callable[[int, int], int] = nothing
    when_to_use: str
    citation: str

    @property
    def derived(self) -> tuple[str, ...]:
        """The kernels of which derivatives are taken."""
        return tuple(name for name in self.kernels if name != "linearised")

    def __repr__(self) -> str:
        return f"<NoiseMethod {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _named, (self.name,)


def _named(name: str) -> NoiseMethod:
    """The method of a name, for what was pickled."""
    return importlib.import_module(f"symde.engine.noise.{name.lower()}").METHOD
