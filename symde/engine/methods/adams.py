"""The numbers of Adams methods in PECE mode, of variable order and step size.

Source: L. F. Shampine, M. K. Gordon, Computer Solution of Ordinary Differential Equations (1975), chapters
5 to 8; E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), III.1, III.5
and III.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from symde.engine.methods.method import Described


def corrector_constants(count: int) -> tuple[Fraction, ...]:
    """gamma*_0 ... of the Adams-Moulton formulas: Hairer, Norsett & Wanner I, III.1, equation (1.11)."""
    found = [Fraction(1)]
    for m in range(1, count):
        found.append(-sum((found[j] / (m + 1 - j) for j in range(m)), Fraction(0)))
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class AdamsMethod(Described):
    """A family of Adams formulas of orders 1 to `order`: predict with order k, correct with order k + 1.

    On a grid of any spacing the formulas' coefficients follow from the grid, so the only numbers are the
    error constants of the corrector, by which orders are compared.

    Attributes:
        order: the highest order k of the predictor.
        real_stability: length on the negative real axis that counts as the border of stability.
        constants: |gamma*_j| for j = 0 ... order + 1.

    Raises:
        ValueError: the engine has no room for such an order.
    """

    family: ClassVar[str] = "adams"
    kind: ClassVar[str] = "Adams, variable step and order"
    variable_order: ClassVar[bool] = True
    adaptive: ClassVar[bool] = True
    fsal: ClassVar[bool] = False
    starting_order: ClassVar[int] = 1
    stages: ClassVar[int] = 2

    order: int
    real_stability: float
    constants: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.order <= 12:
            raise ValueError(f"{self.name}: expected an order from 1 to 12, found {self.order}")
        constants = np.array([abs(float(one)) for one in corrector_constants(self.order + 2)])
        constants.setflags(write=False)
        object.__setattr__(self, "constants", constants)

    @property
    def exact(self) -> Mapping[str, Any]:
        """The error constants as fractions."""
        return {"constants": tuple(map(abs, corrector_constants(self.order + 2)))}

    @property
    def embedded_order(self) -> int:
        """The error estimate is the corrector of order k + 1 against the one of order k."""
        return self.order

    @property
    def interpolant_order(self) -> int:
        """The continuous solution integrates the polynomial of the corrector, of order k + 1."""
        return self.order

    @property
    def stability(self) -> str:
        """Up to where on the negative real axis decay is kept."""
        return f"to about -{self.real_stability:.2g}, less at high orders"
