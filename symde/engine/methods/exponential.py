"""The numbers of an exponential Rosenbrock method, proved to be of the order they claim.

Source: M. Hochbruck, A. Ostermann, J. Schweitzer, Exponential Rosenbrock-type methods, SIAM Journal on
Numerical Analysis 47 (2009) 786-803, doi:10.1137/080717717.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from symde.engine.methods import proofs
from symde.engine.methods.method import Described

FUNCTIONS = 4
"""The functions phi_1 to phi_4: phi_k(z) = int_0^1 exp((1 - s) z) s^(k-1)/(k-1)! ds."""


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class ExponentialRosenbrock(Described):
    """An exponential Rosenbrock method, for u' = f(t, u) with J = f_u and f_t at the start of the step.

        U_i = u + c_i h phi_1(c_i h J) f + (c_i h)^2 phi_2(c_i h J) f_t + h sum_jk a_ijk phi_k(c_i h J) D_j
        D_i = f(t + c_i h, U_i) - f - J (U_i - u) - c_i h f_t
        u(theta) = u + theta h phi_1(theta h J) f + (theta h)^2 phi_2(theta h J) f_t
                     + h sum_jk b_jk theta^k phi_k(theta h J) D_j,      u_new = u(1)
        error = h sum_jk error_jk phi_k(h J) D_j

    What is linear in f is integrated exactly, however stiff; the stages correct for the rest. The continuous
    solution is that of the variation of constants with the polynomial through the D_i, which starts like
    theta^2; it has the order of the step.

    Attributes:
        order: of the solution that goes on, also for stiff problems.
        embedded_order: of the solution it is compared with.
        c: times of the stages, (stages,).
        a: stages x stages x 4, zero for j >= i.
        b, error: stages x 4.

    Raises:
        TableauError: the numbers miss a stiff order condition, or read stages not known yet.
    """

    family: ClassVar[str] = "exponential"
    kind: ClassVar[str] = "exponential Rosenbrock"
    stability: ClassVar[str] = "exact for linear parts"
    variable_order: ClassVar[bool] = False
    adaptive: ClassVar[bool] = True
    fsal: ClassVar[bool] = False
    real_stability: ClassVar[float] = float("inf")

    order: int
    embedded_order: int
    c: Any
    a: Any
    b: Any
    error: Any
    given: dict[str, Any] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        stages = len(self.c)
        shapes = {"c": (stages,), "a": (stages, stages, 4), "b": (stages, 4), "error": (stages, 4)}
        for key, shape in shapes.items():
            self.given[key] = getattr(self, key)
            values = np.array(self.given[key], dtype=float)
            proofs.equal(self.name, f"shape of {key}", values.shape, shape)
            values.setflags(write=False)
            object.__setattr__(self, key, values)
        self._prove()

    @property
    def exact(self) -> Mapping[str, Any]:
        """All coefficients as given, by name; they are whole numbers and halves."""
        return dict(self.given)

    @property
    def stages(self) -> int:
        """Evaluations of the right-hand side in a step."""
        return 1 + len(self.c)

    @property
    def interpolant_order(self) -> int:
        """The continuous solution has the order of the step."""
        return self.order

    def _prove(self) -> None:
        """sum_j b_j(z) c_j^(q-1) = (q-1)! phi_q(z) for q up to the order: Table 2 of the source."""
        for i in range(len(self.c)):
            if np.any(self.a[i, i:]):
                raise proofs.TableauError(f"{self.name}: a: row {i} reads stages not known yet")
        for what, weights, order in (
            ("solution", self.b, self.order),
            ("embedded solution", self.b - self.error, self.embedded_order),
        ):
            for q in range(3, order + 1):
                target = np.zeros(FUNCTIONS)
                target[q - 1] = float(np.prod(np.arange(1, q)))
                found = self.c ** (q - 1) @ weights
                magnitude = self.c ** (q - 1) @ np.abs(weights)
                proofs.equal(self.name, f"{what} of order {q}", found, target, magnitude)
