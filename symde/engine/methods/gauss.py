"""Gauss' collocation methods: of twice as high an order as they have stages, symplectic, symmetric, A-stable.

Source: E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), II.1.3 and VI.4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from symde.engine.methods import proofs
from symde.engine.methods.exact import numbers
from symde.engine.methods.hermite import FirstOrder
from symde.engine.methods.published import Published
from symde.engine.methods.trees import conditions


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class GaussMethod(Published):
    """A collocation method with fixed steps, solved to rounding.

        k_i = f(t + c_i h, u + h sum_j a_ij k_j),   u_new = u + h sum_i b_i k_i

    Attributes:
        order: of the solution.
        a, b, c: stages x stages, stages, stages.

    Raises:
        TableauError: the numbers are not of the order claimed, not symplectic or not symmetric.
    """

    family: ClassVar[str] = "gauss"
    kind: ClassVar[str] = "symplectic collocation"
    stability: ClassVar[str] = "A-stable"
    variable_order: ClassVar[bool] = False
    adaptive: ClassVar[bool] = False
    embedded_order: ClassVar[None] = None
    symmetric: ClassVar[bool] = True
    real_stability: ClassVar[float] = float("inf")

    order: int
    a: Any
    b: Any
    c: Any

    def __post_init__(self) -> None:
        self._round({"a": len(numbers(self.b))}, ("b", "c"))
        self._prove()

    @property
    def stages(self) -> int:
        """Stages of a step."""
        return len(self.b)

    @property
    def interpolant(self) -> FirstOrder:
        """The dense output; the collocation polynomial itself is of the order of the stages only."""
        return FirstOrder.of_order(self.order - 1)

    @property
    def interpolant_order(self) -> int:
        """q where the continuous solution from an exact start is off by h^(q+1)."""
        return self.interpolant.order

    @property
    def gamma(self) -> float:
        """The diagonal coefficient of the blended iteration: the least modulus of the eigenvalues of a.

        Source: L. Brugnano, C. Magherini, Blended implementation of block implicit methods for ODEs, Applied
        Numerical Mathematics 42 (2002) 29-45, doi:10.1016/S0168-9274(01)00140-4.
        """
        return float(np.abs(np.linalg.eigvals(self.a)).min())

    def extrapolation(self) -> np.ndarray:
        """Derivatives at the stages of the next step by the polynomial through those of this one."""
        others = [np.delete(self.c, j) for j in range(self.stages)]
        rows = [
            [np.prod((1 + x - rest) / (self.c[j] - rest)) for j, rest in enumerate(others)] for x in self.c
        ]
        return np.array(rows)

    def _prove(self) -> None:
        name = self.name
        proofs.equal(name, "c is the row sums of a", self.a.sum(axis=1), self.c)
        proofs.weights(name, "solution", self.b, conditions(self.order, self.a), self.order)
        defect = self.b[:, None] * self.a
        proofs.equal(name, "symplectic", defect + defect.T, np.outer(self.b, self.b))
        mirrored = self.a + self.a[::-1, ::-1]
        proofs.equal(name, "symmetric", mirrored, np.broadcast_to(self.b, mirrored.shape))
