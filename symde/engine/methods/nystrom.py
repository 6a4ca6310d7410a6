"""Runge-Kutta-Nystrom methods for y'' = f(t, y), proved to be of the orders they claim.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.14; J. R.
Dormand, P. J. Prince, Runge-Kutta-Nystrom triples, Computers and Mathematics with Applications 13 (1987)
937-949, for the interpolants.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from symde.engine.methods import proofs
from symde.engine.methods.exact import numbers
from symde.engine.methods.hermite import SecondOrder
from symde.engine.methods.nystromtrees import NystromConditions, nystrom_conditions
from symde.engine.methods.published import Published
from symde.engine.methods.stability import oscillation_stability


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class NystromTableau(Published):
    """An explicit Runge-Kutta-Nystrom pair.

        k_i = f(t + c_i h, y + c_i h y' + h^2 sum_j a_ij k_j)
        y_new = y + h y' + h^2 sum_i b_i k_i,   y'_new = y' + h sum_i b_velocity_i k_i
        error = h^2 sum_i error_i k_i,          error' = h sum_i error_velocity_i k_i
        y(theta) = y + theta h y' + h^2 sum_j sum_m interpolant[j, m] theta^(m+2) k_j
        y'(theta) = y' + h sum_j sum_m interpolant_velocity[j, m] theta^(m+1) k_j

    Attributes:
        order: of the solution that goes on.
        embedded_order: of the solution it is compared with; None for fixed steps.
        a, b, b_velocity, c: stages x stages, and stages.
        error, error_velocity: weights minus those of the embedded solution; None for fixed steps.
        interpolant, interpolant_velocity: stages x powers, where the stages carry an interpolant of their
            own; None: one is built from further evaluations (`symde.engine.methods.hermite`).
        interpolant_order: q where the continuous y' is off by h^(q+1) within a step; y is better by one.

    Raises:
        TableauError: the numbers contradict each other, or are not of the order claimed.
    """

    family: ClassVar[str] = "nystrom"
    kind: ClassVar[str] = "Runge-Kutta-Nystrom"
    stability: ClassVar[str] = "of oscillations only"
    real_stability: ClassVar[float] = math.inf
    variable_order: ClassVar[bool] = False

    order: int
    embedded_order: int | None
    a: Any
    b: Any
    b_velocity: Any
    c: Any
    error: Any
    error_velocity: Any
    interpolant_order: int
    interpolant: Any = None
    interpolant_velocity: Any = None

    def __post_init__(self) -> None:
        own = {} if self.interpolant is None else {"interpolant": 5, "interpolant_velocity": 5}
        self._round({"a": len(numbers(self.b)), **own}, ("b", "b_velocity", "c", "error", "error_velocity"))
        self._prove()

    @property
    def oscillation_stability(self) -> float:
        """How far a step may reach in units of 1/w where the solution oscillates with w. Eigenvalues of
        equations without y' come in pairs of either sign: none decays alone, and where all are imaginary this
        is what bounds the step."""
        return oscillation_stability(self.a, self.b, self.b_velocity, self.c)

    @property
    def stages(self) -> int:
        """Evaluations of f in a step."""
        return len(self.b)

    @property
    def adaptive(self) -> bool:
        """Whether an error estimate can choose the steps."""
        return self.error is not None

    @property
    def fsal(self) -> bool:
        """Whether the last stage is the first of the next step."""
        return bool(self.c[-1] == 1.0 and np.array_equal(self.a[-1], self.b))

    @property
    def built(self) -> SecondOrder | None:
        """The interpolant that is built from further evaluations, where the stages carry none."""
        return SecondOrder.of_order(self.interpolant_order) if self.interpolant is None else None

    def _prove(self) -> None:
        name, stages = self.name, self.stages
        for key in ("a", "b_velocity", "c"):
            proofs.equal(name, f"rows of {key}", len(getattr(self, key)), stages)
        proofs.strictly_lower(name, "a", self.a)
        sizes = np.abs(self.a).sum(axis=1)
        proofs.equal(name, "c^2/2 is the row sums of a", self.a.sum(axis=1), self.c**2 / 2, sizes)
        found = nystrom_conditions(max(self.order, self.interpolant_order), self.a, self.c)
        self._prove_weights("solution", self.b, self.b_velocity, found, self.order)
        if self.adaptive and self.embedded_order is not None:
            lower = self.b - self.error, self.b_velocity - self.error_velocity
            self._prove_weights("embedded solution", *lower, found, self.embedded_order)
        if self.interpolant is not None:
            self._prove_interpolant(found)
        elif self.built is not None:
            proofs.equal(name, "order of the interpolant", self.interpolant_order, self.built.order)

    def _prove_weights(
        self, what: str, b: np.ndarray, b_velocity: np.ndarray, found: NystromConditions, order: int
    ) -> None:
        for weights, highest, extra in ((b, order - 1, 1), (b_velocity, order, 0)):
            wanted = found.orders <= highest
            orders = found.orders[wanted]
            target = 1 / (found.divisors[wanted] * orders * (orders + 1 if extra else 1))
            sizes = found.magnitudes[wanted] @ np.abs(weights)
            proofs.equal(
                self.name, f"{what} of order {order}", found.vectors[wanted] @ weights, target, sizes
            )

    def _prove_interpolant(self, found: NystromConditions) -> None:
        name, order = self.name, self.interpolant_order
        ends = (self.interpolant, self.b), (self.interpolant_velocity, self.b_velocity)
        for B, b in ends:
            sizes = np.abs(B).sum(axis=1)
            proofs.equal(name, "the interpolant ends at the solution", B.sum(axis=1), b, sizes)
        for B, extra in ((self.interpolant, 1), (self.interpolant_velocity, 0)):
            wanted = found.orders <= order
            orders = found.orders[wanted]
            target = 1 / (found.divisors[wanted] * orders * (orders + 1 if extra else 1))
            # sum_j B_j(theta) Phi_j = theta^(order + 1) for y, theta^order for y': column order - 1 of both
            powers = orders[:, None] == np.arange(1, B.shape[1] + 1)
            expected = np.where(powers, target[:, None], 0.0)
            sizes = found.magnitudes[wanted] @ np.abs(B)
            proofs.equal(name, f"interpolant of order {order}", found.vectors[wanted] @ B, expected, sizes)
