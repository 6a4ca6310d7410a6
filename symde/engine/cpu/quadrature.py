"""Gauss-Kronrod quadrature of the integral by the parameters, on each step of the backward solve.

Source: A. S. Kronrod, Nodes and Weights of Quadrature Formulas (1965); R. Piessens, E. de Doncker-Kapenga,
C. W. Ueberhuber, D. K. Kahaner, QUADPACK (1983), for the rule of 15 points. The digits were computed to 60
places from the Stieltjes polynomials and agree with the published ones.
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
    "A rule, and what it sums up.",
    points=int64,
    x=int64,  # points on [0, 1]
    w=int64,  # weights
    d=int64,  # weights less those of the Gauss rule within
    integral=int64,  # m
    increment=int64,  # of a piece, m
    difference=int64,  # its error estimate, m
    atol=int64,  # m
    rtol=double,
    adjoint=int64,  # lambda at a point, n
    pieces=int64,  # that were judged
    unresolved=int64,  # that were taken although their error is too large
)


@dataclass(frozen=True, slots=True)
class GaussKronrod:
    """A rule of 2k + 1 points on [-1, 1] that contains the Gauss rule of k points, k odd.

    It proves itself when made: exact to degree 3k + 2, the rule within to degree 2k - 1.

    Attributes:
        rows: Point, weight and weight in the Gauss rule (0: not in it), from the middle to the right.
    """

    rows: tuple[tuple[str, str, str], ...]

    def __post_init__(self) -> None:
        k = len(self.rows) - 1
        for column, degree in ((1, 3 * k + 2), (2, 2 * k - 1)):
            for power in range(0, degree + 1, 2):  # odd ones vanish by symmetry
                total = sum(
                    (2 if Fraction(row[0]) else 1) * Fraction(row[column]) * Fraction(row[0]) ** power
                    for row in self.rows
                )
                if abs(total - Fraction(2, power + 1)) > Fraction(1, 10**20):
                    raise ValueError(f"the rule is not exact for x**{power}")

    def arrays(self) -> dict[str, np.ndarray]:
        """Points on [0, 1], weights there, and what they differ by from the Gauss rule's."""
        x, w, g = (np.array([float(row[i]) for row in self.rows]) for i in range(3))
        x, w, g = (
            np.concatenate([part[:0:-1] * sign, part]) for part, sign in ((x, -1.0), (w, 1.0), (g, 1.0))
        )
        return {"x": 0.5 * (1.0 + x), "w": 0.5 * w, "d": 0.5 * (w - g)}


RULES = (
    GaussKronrod((
        ("0", "0.4509165386584741423451101", "0.8888888888888888888888889"),
        ("0.4342437493468025580020715", "0.4013974147759622229050518", "0"),
        ("0.7745966692414833770358531", "0.2684880898683334407285693", "0.5555555555555555555555556"),
        ("0.9604912687080202834235071", "0.1046562260264672651938239", "0"),
    )),
    GaussKronrod((
        ("0", "0.2829874178574912132042556", "0.5688888888888888888888889"),
        ("0.2796304131617831934134665", "0.2728498019125589223409933", "0"),
        ("0.5384693101056830910363144", "0.2410403392286475866999426", "0.4786286704993664680412915"),
        ("0.7541667265708492204408172", "0.1868007965564926574678", "0"),
        ("0.9061798459386639927976269", "0.1152333166224733940246268", "0.236926885056189087514264"),
        ("0.9840853600948424644961729", "0.04258203675108183286450945", "0"),
    )),
    GaussKronrod((
        ("0", "0.2094821410847278280129992", "0.417959183673469387755102"),
        ("0.2077849550078984676006894", "0.204432940075298892414162", "0"),
        ("0.4058451513773971669066064", "0.1903505780647854099132564", "0.3818300505051189449503698"),
        ("0.5860872354676911302941448", "0.1690047266392679028265834", "0"),
        ("0.7415311855993944398638648", "0.1406532597155259187451896", "0.2797053914892766679014678"),
        ("0.8648644233597690727897128", "0.1047900103222501838398763", "0"),
        ("0.9491079123427585245261897", "0.06309209262997855329070066", "0.1294849661688696932706114"),
        ("0.9914553711208126392068547", "0.02293532201052922496373201", "0"),
    )),
)  # fmt: skip
"""Rules of 7, 11 and 15 points."""

HIGHEST_DEGREES = (4, 7)
"""Degrees of interpolants up to which the first rule serves, and the second."""


class Quadrature:
    """The memory of the integral of one session.

    Args:
        n: Number of adjoint states.
        m: Number of parameters.
        degree: Of the interpolants of the backward solve.
    """

    def __init__(self, n: int, m: int, degree: int) -> None:
        rule = RULES[sum(degree > highest for highest in HIGHEST_DEGREES)].arrays()
        names = ("integral", "increment", "difference", "atol")
        self._arrays = {**rule, **{name: np.zeros(m + 8) for name in names}, "adjoint": np.zeros(n + 8)}
        self._m = m
        self.data: Any = QuadratureData(points=len(rule["x"]), **addresses(self._arrays))

    def begin(self, atol: np.ndarray, rtol: float) -> None:
        """Begin a new sum."""
        self._arrays["integral"].fill(0.0)
        self._arrays["atol"][: self._m] = atol
        self.data.rtol, self.data.pieces, self.data.unresolved = rtol, 0, 0

    def integral(self) -> np.ndarray:
        """The sum, shape (m,)."""
        return self._arrays["integral"][: self._m].copy()
