"""Stochastic Runge-Kutta methods for additive noise as data that prove themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.methods import proofs
from symde.engine.methods.exact import float_row, float_rows
from symde.engine.noise.method import NoiseMethod


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SraTableau:
    """The coefficients of a method of strong order 1.5.

        H_i = u + h sum_j a_ij f(H_j) + I_10/h sum_j b_ij g(t + c1_j h)
        u_new = u + h sum_i alpha_i f(H_i) + sum_i (beta1_i I_1 + beta2_i I_10/h) g(t + c1_i h)

    f at t + c0_i h, where c0 are the row sums of a. They are given as text or numbers
    (`symde.engine.methods.exact`) and kept as float64.

    Attributes:
        a, b: stages x stages, strictly lower.
        gamma: what a has on its diagonal beside that, but in its first row; 0 of explicit methods.
        c1, alpha, beta1, beta2: stages.

    Source: A. Roessler, SIAM J. Numer. Anal. 48 (2010), 922-952, scheme (6.1) and its order conditions.

    Raises:
        TableauError: the numbers are not of that order.
    """

    a: Any
    b: Any
    gamma: Any = 0
    c1: Any
    alpha: Any
    beta1: Any
    beta2: Any

    def __post_init__(self) -> None:
        for key in ("c1", "alpha", "beta1", "beta2"):
            object.__setattr__(self, key, float_row(getattr(self, key)))
        for key in ("a", "b"):
            object.__setattr__(self, key, float_rows(getattr(self, key), self.stages))
            proofs.equal("SRA", f"rows of {key}", getattr(self, key).shape, (self.stages, self.stages))
            proofs.strictly_lower("SRA", key, getattr(self, key))
        object.__setattr__(self, "gamma", float(float_row((self.gamma,))[0]))
        e = np.ones(self.stages)
        size = max(np.abs(getattr(self, key)).sum() for key in ("a", "b", "alpha", "beta1", "beta2"))
        for what, found, expected in (
            ("sum of alpha", self.alpha @ e, 1.0),
            ("sum of beta1", self.beta1 @ e, 1.0),
            ("sum of beta2", self.beta2 @ e, 0.0),
            ("alpha a", self.alpha @ self.drift_weights @ e, 0.5),
            ("alpha b", self.alpha @ self.b @ e, 1.0),
            ("alpha b^2", self.alpha @ (self.b @ e) ** 2, 1.5),
            ("beta1 c1", self.beta1 @ self.c1, 1.0),
            ("beta2 c1", self.beta2 @ self.c1, -1.0),
        ):
            proofs.equal("SRA", what, found, expected, size**2)

    @property
    def stages(self) -> int:
        """Stages of a step."""
        return len(self.alpha)

    @property
    def drift_weights(self) -> np.ndarray:
        """a with its diagonal."""
        diagonal = np.full(self.stages, self.gamma)
        diagonal[0] = 0.0
        return self.a + np.diag(diagonal)

    def packed(self) -> np.ndarray:
        """The table of the compiled loop (`compiled.noise_sra.place`): rows of `stages` numbers."""
        read = np.any([self.beta1, self.beta2, *self.b], axis=0)
        a = self.drift_weights
        rows = [a.sum(axis=1), self.c1, self.alpha, self.beta1, self.beta2, read, *a, *self.b]
        return np.array(rows, dtype=float).ravel()


def sra_method(name: str, tableau: SraTableau, when_to_use: str, citation: str) -> NoiseMethod:
    """The method of a table."""
    implicit = tableau.gamma != 0.0
    return NoiseMethod(
        name=name,
        module="noise_sra_implicit" if implicit else "noise_sra",
        entry="implicit_sra" if implicit else "sra",
        noise=frozenset({"additive"}),
        strong=1.5,
        weak=2.0,
        kernels=("drift", "diffusion", "linearised") if implicit else ("drift", "diffusion"),
        per_motion=2,
        adaptive=True,
        tableau=tableau,
        memory=lambda states, entries: 2 * states + tableau.stages * (states + entries),
        along=True,
        back="noise_sra_implicit_back" if implicit else "noise_sra_back",
        back_memory=lambda states, entries: states + tableau.stages * (states + entries),
        when_to_use=when_to_use,
        citation=citation,
    )
