"""Rosenbrock methods, proved to be of the order they claim when they are put together.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from symde.engine.methods import proofs
from symde.engine.methods.exact import numbers
from symde.engine.methods.published import Published
from symde.engine.methods.trees import conditions


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class RosenbrockTableau(Published):
    """A Rosenbrock method in the form without products of J and stages, for M u' = f(t, u).

        (M/(h gamma) - J) U_i = f(t + alpha_i h, u + sum_j a_ij U_j) + sum_j (c_ij / h) M U_j + h d_i f_t
        u_new = u + sum_j m_j U_j,   error = sum_j error_j U_j
        u(theta) = u + sum_j sum_m interpolant[j, m] theta^(m+1) U_j

    Attributes:
        order: of the solution that goes on.
        embedded_order: of the solution it is compared with.
        gamma: the one diagonal coefficient.
        a, c_matrix: stages x stages, strictly lower.
        alpha, d, m: stages.
        error: m minus the weights of the embedded solution, stages.
        interpolant: stages x degree.
        interpolant_order: q where the continuous solution from an exact start is off by h^(q+1).

    Raises:
        TableauError: the numbers contradict each other, are not of the order claimed, or do not damp what is
            infinitely stiff: all methods here are L-stable.

    Source: Hairer & Wanner II, IV.7, equations (7.23) to (7.25) and Theorem 7.4.
    """

    family: ClassVar[str] = "rosenbrock"
    kind: ClassVar[str] = "Rosenbrock"
    stability: ClassVar[str] = "L-stable"
    variable_order: ClassVar[bool] = False
    adaptive: ClassVar[bool] = True
    fsal: ClassVar[bool] = False
    real_stability: ClassVar[float] = float("inf")

    order: int
    embedded_order: int
    gamma: Any
    a: Any
    c_matrix: Any
    alpha: Any
    d: Any
    m: Any
    error: Any
    interpolant: Any
    interpolant_order: int

    def __post_init__(self) -> None:
        stages, degree = len(numbers(self.m)), max(len(numbers(row)) for row in self.interpolant)
        widths = {"a": stages, "c_matrix": stages, "interpolant": degree}
        self._round(widths, ("alpha", "d", "m", "error"), ("gamma",))
        self._prove()

    @property
    def stages(self) -> int:
        """Stages of a step; each solves one linear system."""
        return len(self.m)

    def gamma_matrix(self) -> np.ndarray:
        """The gamma_ij of the form with products, U_i = h sum_j gamma_ij k_j; lower, stages x stages."""
        return np.linalg.inv(np.eye(self.stages) / self.gamma - self.c_matrix)

    def stability_function(self, z: complex) -> complex:
        """R(z) = 1 + z b (I - z beta)^-1 1 with beta_ij = alpha_ij + gamma_ij: Hairer & Wanner II, (7.14)."""
        gammas = self.gamma_matrix()
        one = np.eye(self.stages)
        beta = (self.a + one) @ gammas
        return 1 + z * (self.m @ gammas) @ np.linalg.solve(one - z * beta, np.ones(self.stages))

    def _prove(self) -> None:
        name = self.name
        for key in ("a", "c_matrix", "interpolant", "alpha", "d", "error"):
            proofs.equal(name, f"rows of {key}", len(getattr(self, key)), self.stages)
        proofs.strictly_lower(name, "a", self.a)
        proofs.strictly_lower(name, "c_matrix", self.c_matrix)
        gammas = self.gamma_matrix()
        alphas = self.a @ gammas
        sizes = (np.abs(self.a) + np.eye(self.stages)) @ np.abs(gammas)
        proofs.equal(name, "alpha is the row sums", alphas.sum(axis=1), self.alpha, sizes.sum(axis=1))
        proofs.equal(name, "d is the row sums of gamma", gammas.sum(axis=1), self.d, sizes.sum(axis=1))
        highest = max(self.order, self.embedded_order, self.interpolant_order)
        found = conditions(highest, alphas, alphas + gammas)
        proofs.weights(name, "solution", self.m @ gammas, found, self.order)
        proofs.weights(name, "embedded solution", (self.m - self.error) @ gammas, found, self.embedded_order)
        ends = np.abs(self.interpolant).sum(axis=1)
        proofs.equal(name, "the interpolant ends at the solution", self.interpolant.sum(axis=1), self.m, ends)
        proofs.continuous_weights(name, gammas.T @ self.interpolant, found, self.interpolant_order)
        damping = 1 - (self.m @ gammas) @ np.linalg.solve(alphas + gammas, np.ones(self.stages))
        proofs.equal(name, "the stability function vanishes at infinity", damping, 0.0, np.abs(self.m).sum())
