"""What a problem of the library is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import symde

RightHandSide = Callable[[Any, Any, Any], Any]
"""f(u, p, t) in plain numpy, written apart from the text; u of shape (n,) or (n, k), of any floating type."""


@dataclass(frozen=True, slots=True)
class Case:
    """A problem with a known end.

    Attributes:
        name: Name in the library.
        text: The model in the long form, with parameters, initial state and time span.
        rhs: The same equations once more, in numpy.
        reference: State at the end of the span.
        digits: Decimal digits of every component of the reference on which its two computations agree.
        origin: Where the problem is from.
        reference_origin: Where the reference is from.
        floor: Size below which a component counts as small in `error`.
        floor_reason: Why this floor.
        stiff: Whether an explicit method only crawls.
        tspan: Span, where it is not the text's own.
        published: The first components of the end state in the literature, where it gives them right.
        growth: What the end error may be in units of the relative tolerance of its steps.
        exact: u(t) for the model's own parameters, where it has a closed form.
    """

    name: str
    text: str
    rhs: RightHandSide
    reference: tuple[float, ...]
    digits: int
    origin: str
    reference_origin: str
    floor: float
    floor_reason: str
    stiff: bool
    tspan: tuple[float, float] | None = None
    growth: float = 30
    published: tuple[float, ...] | None = None
    exact: Callable[[float], np.ndarray] | None = None

    @property
    def model(self) -> symde.Model:
        """The model; one for each text, however often it is asked for."""
        return _model(self.text)

    @property
    def problem(self) -> symde.Problem:
        """The problem to solve."""
        return symde.Problem(self.model, tspan=self.tspan)

    @property
    def end(self) -> np.ndarray:
        """The reference as an array, shape (n,)."""
        return np.array(self.reference)

    def error(self, u: np.ndarray) -> float:
        """Equal error of an end state: max over components of |u - ref| / (floor + |ref|)."""
        return float(np.max(np.abs(u - self.end) / (self.floor + np.abs(self.end))))


@cache
def _model(text: str) -> symde.Model:
    return symde.ode_def(text)
