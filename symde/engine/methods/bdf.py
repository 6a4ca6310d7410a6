"""Backward differentiation formulas of orders 1 to 5, which prove their orders when they are put together.

A formula of order k holds the slope of a step h to the differences of its last points:

    sum_{m=1}^{k} (1/m) D^m y - kappa_k (1 + 1/2 + ... + 1/k) D^(k+1) y = h f(t, y)

here written for equal steps. With kappa = 0 it is the backward differentiation formula (Curtiss and
Hirschfelder 1952); a small negative kappa makes the error smaller and the stability a little weaker
(numerical differentiation formula, Klopfenstein 1971). On unequal steps both names of this family keep the
leading coefficient fixed and interpolate the points where the past was computed; see
`symde.engine.cpu.compiled.bdf`.

Source: L. F. Shampine, M. W. Reichelt, The MATLAB ODE suite, SIAM J. Sci. Comput. 18 (1997) 1-22,
doi:10.1137/S1064827594276424, 2.1 and table 1; E. Hairer, G. Wanner, Solving Ordinary Differential Equations
II (1996), V.1 and V.2, for the conditions.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from symde.engine.methods.exact import Exact
from symde.engine.methods.proofs import TableauError
from symde.engine.methods.published import Published

HIGHEST = 5
"""Order 6 is stable in a sector of 18 degrees only, and no formula beyond it is."""

_CITATION_SHAMPINE = (
    "L. F. Shampine, M. W. Reichelt, The MATLAB ODE suite, SIAM Journal on Scientific Computing 18 (1997) "
    "1-22, doi:10.1137/S1064827594276424"
)
_CITATION_JACKSON = (
    "K. R. Jackson, R. Sacks-Davis, An alternative implementation of variable step-size multistep formulas "
    "for stiff ODEs, ACM Transactions on Mathematical Software 6 (1980) 295-318, doi:10.1145/355900.355903"
)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class BackwardDifferentiation(Published):
    """A family of formulas, one for each order up to `max_order`, which is chosen step by step.

    Attributes:
        kappa: of each order from 1 to 5, as text or numbers; read back as a float64 array.
        max_order: the highest order to be used, 1 to 5.

    Raises:
        ValueError: max_order is not an order of the family.
        TableauError: a formula is not of its order, or its past does not die out.
    """

    family: ClassVar[str] = "bdf"
    kind: ClassVar[str] = "backward differentiation"
    variable_order: ClassVar[bool] = True
    adaptive: ClassVar[bool] = True
    stages: ClassVar[int] = 1
    starting_order: ClassVar[int] = 1

    kappa: Any
    max_order: int

    def __post_init__(self) -> None:
        if isinstance(self.max_order, bool) or self.max_order not in range(1, HIGHEST + 1):
            raise ValueError(f"max_order = {self.max_order!r}: {self.name} has the orders 1 to {HIGHEST}")
        self._round({}, ("kappa",))
        for order in range(1, HIGHEST + 1):
            self._prove(order)

    @property
    def order(self) -> int:
        """The highest order it may choose."""
        return self.max_order

    @property
    def embedded_order(self) -> int:
        """The prediction that a step is compared with is of the same order."""
        return self.max_order

    @property
    def interpolant_order(self) -> int:
        """The polynomial through the last points, of the degree of the order."""
        return self.max_order

    @property
    def stability(self) -> str:
        """The sector of the order that has the smallest."""
        angle = min(self.angle(order) for order in range(1, self.max_order + 1))
        return "L-stable" if angle == 90.0 else f"A({math.floor(angle)}°)"

    @property
    def leading(self) -> Exact:
        """(1 - kappa)(1 + 1/2 + ... + 1/k): the factor of a step's correction in h f, by order."""
        return tuple((1 - kappa) * _harmonic(k) for k, kappa in self._numbered())

    @property
    def constants(self) -> Exact:
        """1/(k + 1) + kappa (1 + 1/2 + ... + 1/k): the error over the difference of order k + 1, by order.

        Source: Shampine and Reichelt (1997), 2.1.
        """
        return tuple(Fraction(1, k + 1) + kappa * _harmonic(k) for k, kappa in self._numbered())

    def past(self, order: int) -> Exact:
        """Factors of y_n, y_(n-1), ..., y_(n-k-1) in h f(t_n, y_n) on equal steps."""
        kappa = self.exact["kappa"][order - 1]
        weights = [Fraction(1, m) for m in range(1, order + 1)] + [-kappa * _harmonic(order)]
        factors = [Fraction(0)] * (order + 2)
        for m, weight in enumerate(weights, start=1):
            for i in range(m + 1):
                factors[i] += weight * (-1) ** i * math.comb(m, i)
        return tuple(factors)

    def angle(self, order: int) -> float:
        """Half the opening in degrees of the sector around the negative real axis where decay is kept.

        Source: Hairer and Wanner II, V.1, (1.17): the border is the curve h lambda = rho(zeta)/sigma(zeta) of
        |zeta| = 1.
        """
        inverse = np.exp(-1j * np.linspace(0.0, np.pi, 20001)[1:])
        curve = np.polyval([float(factor) for factor in self.past(order)][::-1], inverse)
        # rounding at the origin, where an A-stable curve touches the axis
        left = curve[curve.real < -1e-12]
        return float(np.degrees(np.min(np.abs(np.pi - np.angle(left))))) if len(left) else 90.0

    def _numbered(self) -> list[tuple[int, Fraction]]:
        return list(enumerate(self.exact["kappa"], start=1))

    def _prove(self, order: int) -> None:
        """Exact for powers up to the order, and all parasitic roots within the unit disc."""
        factors = self.past(order)
        for power in range(order + 1):
            slope = power * Fraction(0) ** max(power - 1, 0)
            if sum(factor * Fraction(-i) ** power for i, factor in enumerate(factors)) != slope:
                raise TableauError(f"{self.name}: the formula of order {order} is not exact for t^{power}")
        roots = np.roots([float(factor) for factor in factors])
        others = np.delete(roots, np.argmin(np.abs(roots - 1.0)))
        if not np.all(np.abs(others) < 1.0):
            raise TableauError(f"{self.name}: the formula of order {order} is not stable")


def _harmonic(k: int) -> Fraction:
    return sum((Fraction(1, m) for m in range(1, k + 1)), Fraction(0))


@functools.cache
def QNDF(max_order: int = HIGHEST) -> BackwardDifferentiation:
    """The numerical differentiation formulas, up to an order.

    Raises:
        ValueError: the order is not one of 1 to 5.
    """
    return BackwardDifferentiation(
        name="QNDF",
        kappa="-0.1850 -1/9 -0.0823 -0.0415 0",
        max_order=max_order,
        citation=f"{_CITATION_SHAMPINE}; {_CITATION_JACKSON}",
        when_to_use=(
            "Large stiff systems, where a step must cost little more than an evaluation and a solve with a "
            "matrix that is kept."
        ),
        source="Shampine and Reichelt (1997), table 1, the last column of kappa",
    )


@functools.cache
def FBDF(max_order: int = HIGHEST) -> BackwardDifferentiation:
    """The backward differentiation formulas, up to an order.

    Raises:
        ValueError: the order is not one of 1 to 5.
    """
    return BackwardDifferentiation(
        name="FBDF",
        kappa="0 0 0 0 0",
        max_order=max_order,
        citation=_CITATION_JACKSON,
        when_to_use=(
            "Large stiff systems with eigenvalues off the real axis, where the wider sectors of orders 3 and "
            "4 count for more than a smaller error."
        ),
        source="Jackson and Sacks-Davis (1980), section 2",
    )
