"""A right-hand side written as two plain Python functions, one of which is stiff."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symde.python_function import Function, require_arguments


class SplitFunction:
    """u' = stiff(u, p, t) + nonstiff(u, p, t), as two functions.

        problem = symde.Problem(symde.SplitFunction(diffusion, reaction), u0, tspan, p)
        solution = symde.solve(problem, "KenCarp4")

    The KenCarp methods take the stiff function implicitly, with its Jacobian only, and the other explicitly;
    every other method solves the sum. In a model text `stiff(...)` around terms says the same.

    Args:
        stiff: f(u, p, t), the fast part, whose Jacobian is worth its price: linear decay, diffusion. u has
            shape (n,), p shape (m,), and so has the result shape (n,).
        nonstiff: g(u, p, t), the slow rest, of the same shapes.

    Raises:
        TypeError: one of them is no function of (u, p, t).
    """

    def __init__(self, stiff: Function, nonstiff: Function) -> None:
        for name, function in (("stiff", stiff), ("nonstiff", nonstiff)):
            if not callable(function):
                found = type(function).__name__
                raise TypeError(f"SplitFunction: {name} must be a function f(u, p, t), found {found}")
            require_arguments(function)
        self.stiff: Callable[..., Any] = stiff
        self.nonstiff: Callable[..., Any] = nonstiff

    def __call__(self, u: np.ndarray, p: np.ndarray, t: float) -> np.ndarray:
        """The sum of both."""
        return self._part("stiff", u, p, t) + self._part("nonstiff", u, p, t)

    def _part(self, name: str, u: np.ndarray, p: np.ndarray, t: float) -> np.ndarray:
        """One part, from arrays of its own: what it changes in them is nothing to the other."""
        found = getattr(self, name)(u.copy(), p.copy(), t)
        part = np.asarray(found)
        if part.shape != u.shape:  # it would be stretched to the other's shape
            raise ValueError(
                f"SplitFunction: {name}(u, p, t) returned {found!r}, expected shape {u.shape} as u"
            )
        return part

    def __repr__(self) -> str:
        names = (getattr(one, "__name__", repr(one)) for one in (self.stiff, self.nonstiff))
        return f"<SplitFunction stiff={next(names)} nonstiff={next(names)}>"
