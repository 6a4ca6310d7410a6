"""Noise as data: the terms g*dW of stochastic differential equations dx = f dt + g dW."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from symde.diagnostics import Span
from symde.language.syntax import Expr, Name
from symde.language.unparse import unparse
from symde.model.syntax_derivative import product

OWN = "dW"
"""In an equation of the text: the Brownian motion that no other equation has."""

STEP = "dt"


@dataclass(frozen=True, slots=True)
class NoiseTerm:
    """What one Brownian motion does to one state.

    Attributes:
        state: its name.
        motion: `dW1`, `dW_name` for a shared motion; `dW(x)`, which no text can have, for the state's own.
        coefficient: g of g*dW.
        span: of the equation.
    """

    state: str
    motion: str
    coefficient: Expr
    span: Span | None = field(default=None, compare=False)

    @property
    def differential(self) -> str:
        """As the text has it: `dW` for the equation's own motion."""
        return OWN if self.motion == own_motion(self.state) else self.motion

    def __str__(self) -> str:
        motion = Name(self.differential, span=None)
        whole = product([("*", self.coefficient), ("*", motion)], None)
        return f"d{self.state}: {unparse(whole)}"


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of a model, beside its states' derivatives, which are the drift as the text has it.

    Attributes:
        terms: in the order of the text.
        stratonovich: whether g*dW is read in the sense of Stratonovich; else of Ito.
    """

    terms: tuple[NoiseTerm, ...]
    stratonovich: bool = False

    @property
    def motions(self) -> tuple[str, ...]:
        """The Brownian motions in order of appearance."""
        return tuple(dict.fromkeys(one.motion for one in self.terms))

    def __str__(self) -> str:
        return "\n".join([*["stratonovich"][: self.stratonovich], *map(str, self.terms)])


def own_motion(state: str) -> str:
    """The name of the Brownian motion of one equation alone."""
    return f"{OWN}({state})"


def coefficients(noise: Noise | None) -> Iterator[Expr]:
    """Every expression of the noise of a model."""
    yield from (one.coefficient for one in noise.terms) if noise is not None else ()


def map_coefficients(noise: Noise, change: Callable[[Expr], Expr]) -> Noise:
    """The noise with every coefficient changed."""
    terms = tuple(dataclasses.replace(one, coefficient=change(one.coefficient)) for one in noise.terms)
    return dataclasses.replace(noise, terms=terms)
