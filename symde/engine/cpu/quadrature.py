"""Quadrature of the integral by the parameters on each step of the backward solve, by nested rules.

A step is summed by the rule of three points, and by the next ones only where that differs too much from the
one before: where steps are small three products are enough, and those of an earlier rule are used again.

Source: A. S. Kronrod, Nodes and Weights of Quadrature Formulas (1965); T. N. L. Patterson, The optimum
addition of points to quadrature formulae, Math. Comp. 22 (1968), doi:10.1090/S0025-5718-68-99866-9. The
digits were computed anew to 80 places.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symde.engine.cpu.layout import double, int64, structure
from symde.engine.cpu.linear_solver import addresses

QuadratureData = structure(
    "QuadratureData",
    "The rules, and what they sum up.",
    x=int64,  # points on [0, 1] in the order of the rules
    w=int64,  # weights of each rule, 4 x 15
    d=int64,  # these less those of the rule before
    products=int64,  # w'P at each point, 15 x m
    integral=int64,  # m
    increment=int64,  # of a piece, m
    difference=int64,  # its error estimate, m
    atol=int64,  # m
    rtol=double,
    adjoint=int64,  # lambda at a point, n
    pieces=int64,  # that were judged
    points=int64,  # at which the integrand was evaluated
    unresolved=int64,  # that were taken although their error is too large
)


@dataclass(frozen=True, slots=True)
class NestedRules:
    """Rules of 1, 3, 7 and 15 points on [-1, 1], each with all points of the one before: the midpoint,
    Gauss's of three, Kronrod's extension of that, and Patterson's of this.

    They prove themselves when made: exact to the degrees 1, 5, 11 and 23.

    Attributes:
        rows: Point and its weight in each rule (0: not in it), for the points that are not negative, in the
            order in which the rules take them up.
    """

    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for level, degree in enumerate(DEGREES):
            for power in range(0, degree + 1, 2):  # odd ones vanish by symmetry
                total = sum(
                    (2 if Fraction(row[0]) else 1) * Fraction(row[1 + level]) * Fraction(row[0]) ** power
                    for row in self.rows
                )
                if abs(total - Fraction(2, power + 1)) > Fraction(1, 10**19):
                    raise ValueError(f"the rule of {2 ** (level + 1) - 1} points is not exact for x**{power}")

    def arrays(self) -> dict[str, np.ndarray]:
        """Points on [0, 1], the weights of each rule there (4, 15), and what they differ by from those of the
        rule before; those of the first one are not used."""
        points, weights = [], []
        for row in self.rows:
            x, w = float(row[0]), [0.5 * float(weight) for weight in row[1:]]
            for sign in (1.0, -1.0) if x else (1.0,):
                points.append(0.5 * (1.0 + sign * x))
                weights.append(w)
        w = np.ascontiguousarray(np.array(weights).T)
        d = w.copy()
        d[1:] -= w[:-1]
        return {"x": np.array(points), "w": w, "d": d}


DEGREES = (1, 5, 11, 23)
"""Degrees of polynomials that the rules are exact for."""

RULES = NestedRules((
    ("0", "2", "0.88888888888888888889", "0.45091653865847414235", "0.22551049979820668739"),
    (
        "0.77459666924148337704",
        "0",
        "0.55555555555555555556",
        "0.26848808986833344073",
        "0.13441525524378422036",
    ),
    ("0.43424374934680255800", "0", "0", "0.40139741477596222291", "0.20062852937698902103"),
    ("0.96049126870802028342", "0", "0", "0.10465622602646726519", "0.05160328299707973970"),
    ("0.22338668642896688163", "0", "0", "0", "0.21915685840158749640"),
    ("0.62110294673722640294", "0", "0", "0", "0.17151190913639138079"),
    ("0.88845923287225699889", "0", "0", "0", "0.09292719531512453769"),
    ("0.99383196321275502221", "0", "0", "0", "0.01700171962994026034"),
))  # fmt: skip


class Quadrature:
    """The memory of the integral of one session.

    Args:
        n: Number of adjoint states.
        m: Number of parameters.
    """

    def __init__(self, n: int, m: int) -> None:
        names = ("integral", "increment", "difference", "atol")
        self._arrays = {**RULES.arrays(), **{name: np.zeros(m + 8) for name in names}}
        self._arrays["adjoint"], self._arrays["products"] = np.zeros(n + 8), np.zeros(15 * max(m, 1))
        self._m = m
        self.data: Any = QuadratureData(**addresses(self._arrays))

    def begin(self, atol: np.ndarray, rtol: float) -> None:
        """Begin a new sum."""
        self._arrays["integral"].fill(0.0)
        self._arrays["atol"][: self._m] = atol
        self.data.rtol = rtol
        self.data.pieces = self.data.points = self.data.unresolved = 0

    def integral(self) -> np.ndarray:
        """The sum, shape (m,)."""
        return self._arrays["integral"][: self._m].copy()
