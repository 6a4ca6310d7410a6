"""Stochastic Runge-Kutta methods of weak order 2 as data that prove themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.methods import proofs
from symde.engine.methods.exact import float_row, float_rows
from symde.engine.noise.method import NoiseMethod


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RiTableau:
    """The coefficients of a method of weak order 2.

        H0_i = u + h sum_j a0_ij f(H0_j) + sum_k sum_j b0_ij g_k(Hk_j) I_k
        Hk_i = u + h sum_j a1_ij f(H0_j) + sqrt(h) sum_j b1_ij g_k(Hk_j)
        hat(H)k_i = u + sqrt(h) sum_j b2_ij g_k(Hk_j)
        u_new = u + h sum_i alpha_i f(H0_i) + sum_i sum_k (beta1_i I_k + beta2_i I_kk/sqrt(h)) g_k(Hk_i)
                + sum_i sum_k sum_(l != k) (beta3_i I_k + beta4_i I_kl/sqrt(h)) g_k(hat(H)l_i)

    f at t + c0_i h and g at t + c1_i h, where c0 and c1 are the row sums of a0 and a1; in the last sum
    g at t. They are given as text or numbers (`symde.engine.methods.exact`) and kept as
    float64.

    Attributes:
        a0, a1, b0, b1: stages x stages, strictly lower.
        b2: stages x stages, whose first row is zero.
        alpha, beta1, beta2, beta3, beta4: stages; beta4 begins with 0.

    Source: K. Debrabant, A. Roessler, Appl. Numer. Math. 59 (2009), 582-594, scheme (3) and theorem 2.1, with
    a2 = 0.

    Raises:
        TableauError: the numbers are not of that order.
    """

    a0: Any
    a1: Any
    b0: Any
    b1: Any
    b2: Any
    alpha: Any
    beta1: Any
    beta2: Any
    beta3: Any
    beta4: Any

    def __post_init__(self) -> None:
        for key in ("alpha", "beta1", "beta2", "beta3", "beta4"):
            object.__setattr__(self, key, float_row(getattr(self, key)))
        for key in ("a0", "a1", "b0", "b1", "b2"):
            object.__setattr__(self, key, float_rows(getattr(self, key), self.stages))
            proofs.equal("RI", f"rows of {key}", getattr(self, key).shape, (self.stages, self.stages))
            if key != "b2":
                proofs.strictly_lower("RI", key, getattr(self, key))
        proofs.equal("RI", "first row of b2", self.b2[0], np.zeros(self.stages))
        proofs.equal("RI", "first of beta4", self.beta4[0], 0.0)
        for what, (found, expected) in self.conditions().items():
            proofs.equal("RI", what, found, expected, 100.0)

    @property
    def stages(self) -> int:
        """Stages of a step."""
        return len(self.alpha)

    def conditions(self) -> dict[str, tuple[float, float]]:
        """What the order takes, by name: the number found, and the one that it must be. Those that are not
        named in a group are 0."""
        e = np.ones(self.stages)
        a0, a1, b0, b1, b2 = (one @ e for one in (self.a0, self.a1, self.b0, self.b1, self.b2))
        groups: list[tuple[str, dict[str, np.ndarray], dict[str, float]]] = [
            (
                "alpha",
                {
                    "1": e, "a0": a0, "b0": b0, "b0^2": b0**2, "b0 b1": self.b0 @ b1,
                    "b0*(b0 b1)": b0 * (self.b0 @ b1),
                },
                {"1": 1.0, "a0": 0.5, "b0": 0.5, "b0^2": 0.5},
            ),
            (
                "beta1",
                {
                    "1": e, "b1": b1, "a1": a1, "b1^2": b1**2, "b1^3": b1**3, "b1 b1": self.b1 @ b1,
                    "a1 b0": self.a1 @ b0, "a1*b1": a1 * b1, "b1 a1": self.b1 @ a1,
                    "b1 b1^2": self.b1 @ b1**2, "(a1 b0)*b1": (self.a1 @ b0) * b1,
                    "a1 b0 b1": self.a1 @ self.b0 @ b1, "b1 a1 b0": self.b1 @ self.a1 @ b0,
                    "b1*(b1 b1)": b1 * (self.b1 @ b1), "b1 b1 b1": self.b1 @ self.b1 @ b1,
                },
                {"1": 1.0, "a1": 0.5, "b1^2": 0.5},
            ),
            (
                "beta2",
                {
                    "1": e, "b1": b1, "a1": a1, "b1^2": b1**2, "b1 b1": self.b1 @ b1, "a1 b0": self.a1 @ b0,
                    "a1 b0^2": self.a1 @ b0**2,
                },
                {"b1": 1.0},
            ),
            (
                "beta3",
                {
                    "1": e, "b2": b2, "b2^2": b2**2, "b2^3": b2**3, "b2 b1": self.b2 @ b1,
                    "b2 b1 b1": self.b2 @ self.b1 @ b1, "b2 a1": self.b2 @ a1, "b2 b1^2": self.b2 @ b1**2,
                    "b2 a1 b0": self.b2 @ self.a1 @ b0, "b2*(b2 b1)": b2 * (self.b2 @ b1),
                },
                {"b2^2": 0.5},
            ),
            (
                "beta4",
                {
                    "1": e, "b2": b2, "b2^2": b2**2, "b2^4": b2**4, "b2 b1": self.b2 @ b1,
                    "(b2 b1)^2": (self.b2 @ b1) ** 2, "b2*(b2 b1)": b2 * (self.b2 @ b1),
                    "b2*(b2 a1)": b2 * (self.b2 @ a1), "b2*(b2 b1^2)": b2 * (self.b2 @ b1**2),
                    "b2*(b2 b1 b1)": b2 * (self.b2 @ self.b1 @ b1),
                },
                {"b2": 1.0},
            ),
        ]  # fmt: skip
        return {
            f"{weights} {name}": (float(getattr(self, weights) @ vector), wanted.get(name, 0.0))
            for weights, vectors, wanted in groups
            for name, vector in vectors.items()
        }

    def packed(self) -> np.ndarray:
        """The table of the compiled loop (`compiled.noise_ri.place`): rows of `stages` numbers."""
        weights = [self.alpha, self.beta1, self.beta2, self.beta3, self.beta4]
        times = [self.a0.sum(axis=1), self.a1.sum(axis=1)]
        rows = [*times, *weights, *self.a0, *self.b0, *self.a1, *self.b1, *self.b2]
        return np.array(rows, dtype=float).ravel()


def ri_method(name: str, tableau: RiTableau, when_to_use: str, citation: str) -> NoiseMethod:
    """The method of a table."""
    return NoiseMethod(
        name=name,
        module="noise_ri",
        entry="ri",
        noise=frozenset({"additive", "diagonal", "scalar", "commutative", "general"}),
        strong=0.5,
        weak=2.0,
        kernels=("both", "drift", "diffusion"),
        per_motion=2,
        beyond=frozenset({"commutative", "general"}),
        tableau=tableau,
        memory=lambda states, entries: states + tableau.stages * (states + entries) + entries,
        along=True,
        back="noise_ri_back",
        back_memory=lambda states, entries: 2 * states + tableau.stages * (states + entries),
        when_to_use=when_to_use,
        citation=citation,
    )
