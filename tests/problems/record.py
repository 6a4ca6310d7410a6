"""A test problem: its model text, the same equations written by hand, and where its solution ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class ProblemRecord:
    """A problem with a known end.

    Attributes:
        name: what to ask for.
        citation: where the problem comes from.
        text: the model with its parameters, initial values and time span.
        rhs: f(t, u) at the default parameters, written by hand for arrays of any real type: (n,) -> (n,).
        u0: initial values, (n,).
        tspan: start and end.
        reference: values at the end, (n,).
        digits: significant digits of the reference that are certain, relative to floor + |value|.
        origin: how the reference was found.
        floor: below this size a component's error counts absolutely; one number or (n,). At a relative tolerance
            rtol the absolute one is rtol * floor.
        stiff: whether explicit methods crawl.
    """

    name: str
    citation: str
    text: str
    rhs: Callable[[Any, np.ndarray], np.ndarray]
    u0: tuple[float, ...]
    tspan: tuple[float, float]
    reference: tuple[float, ...]
    digits: float
    origin: str
    floor: float | tuple[float, ...] = 1.0
    stiff: bool = False

    def model(self) -> Any:
        """The text as a `symde.Model`."""
        import symde

        return symde.ode_def(self.text)

    def problem(self) -> Any:
        """The model with its defaults as a `symde.Problem`."""
        import symde

        return symde.Problem(self.model())

    def atol(self, rtol: float) -> Any:
        """The absolute tolerance that goes with a relative one: a number, or a list of n."""
        return rtol * self.floor if isinstance(self.floor, float) else [rtol * one for one in self.floor]

    def error(self, u: Any) -> float:
        """How far an end state is off: max over components of |u - ref| / (floor + |ref|)."""
        reference = np.array(self.reference)
        return float(np.max(np.abs(np.asarray(u) - reference) / (np.array(self.floor) + np.abs(reference))))
