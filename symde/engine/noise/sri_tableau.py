"""Stochastic Runge-Kutta methods for diagonal and for scalar noise as data that prove themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.methods import proofs
from symde.engine.methods.exact import float_row, float_rows
from symde.engine.noise.method import NoiseMethod


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SriTableau:
    """The coefficients of a method of strong order 1.5.

        H0_i = u + h sum_j a0_ij f(H0_j) + I_10/h sum_j b0_ij g(H1_j)
        H1_i = u + h sum_j a1_ij f(H0_j) + sqrt(h) sum_j b1_ij g(H1_j)
        u_new = u + h sum_i alpha_i f(H0_i) + sum_i (beta1_i I_1 + beta2_i I_11/sqrt(h) + beta3_i I_10/h
                + beta4_i I_111/h) g(H1_i)

    f at t + c0_i h and g at t + c1_i h, where c0 and c1 are the row sums of a0 and a1. They are given as text
    or numbers (`symde.engine.methods.exact`) and kept as float64.

    Attributes:
        a0, a1, b0, b1: stages x stages, strictly lower.
        alpha, beta1, beta2, beta3, beta4: stages.

    Source: A. Roessler, SIAM J. Numer. Anal. 48 (2010), 922-952, scheme (6.8) and theorem 6.1.

    Raises:
        TableauError: the numbers are not of that order.
    """

    a0: Any
    a1: Any
    b0: Any
    b1: Any
    alpha: Any
    beta1: Any
    beta2: Any
    beta3: Any
    beta4: Any

    def __post_init__(self) -> None:
        for key in ("alpha", "beta1", "beta2", "beta3", "beta4"):
            object.__setattr__(self, key, float_row(getattr(self, key)))
        for key in ("a0", "a1", "b0", "b1"):
            object.__setattr__(self, key, float_rows(getattr(self, key), self.stages))
            proofs.equal("SRI", f"rows of {key}", getattr(self, key).shape, (self.stages, self.stages))
            proofs.strictly_lower("SRI", key, getattr(self, key))
        for what, found, expected in self.conditions():
            proofs.equal("SRI", what, found, expected, self._magnitude())

    @property
    def stages(self) -> int:
        """Stages of a step."""
        return len(self.alpha)

    def _magnitude(self) -> float:
        """The largest of the terms that the conditions add up."""
        size = max(np.abs(getattr(self, key)).sum() for key in ("alpha", "beta1", "beta2", "beta3", "beta4"))
        sums = np.abs(np.concatenate([self.a0, self.a1, self.b0, self.b1])).sum(axis=1).max()
        return size * max(sums, 1.0) ** 2

    def conditions(self) -> list[tuple[str, float, float]]:
        """What the order takes: a name, the number found, and the one that it must be."""
        e = np.ones(self.stages)
        at, late, moved, spread = self.a0 @ e, self.a1 @ e, self.b0 @ e, self.b1 @ e
        found = [
            ("sum of alpha", self.alpha @ e, 1.0),
            ("alpha a0", self.alpha @ at, 0.5),
            ("alpha b0", self.alpha @ moved, 1.0),
            ("alpha b0^2", self.alpha @ moved**2, 1.5),
        ]
        # of beta1 to beta4 with 1, b1, a1, b1^2 and b1 b1
        wanted = ((1, 0, 1, 1, 0), (0, 1, 0, 0, 0), (0, 0, -1, -1, 0), (0, 0, 0, 2, 1))
        vectors = (e, spread, late, spread**2, self.b1 @ spread)
        for number, targets in enumerate(wanted, 1):
            beta = getattr(self, f"beta{number}")
            for name, vector, target in zip(
                ("1", "b1", "a1", "b1^2", "b1 b1"), vectors, targets, strict=True
            ):
                found.append((f"beta{number} {name}", beta @ vector, float(target)))
        mixed = self.a1 @ moved
        found.append(("beta1/2 + beta3/3 with a1 b0", self.beta1 @ mixed / 2 + self.beta3 @ mixed / 3, 0.0))
        return found

    def packed(self) -> np.ndarray:
        """The table of the compiled loop (`compiled.noise_sri.place`): rows of `stages` numbers."""
        weights = [self.alpha, self.beta1, self.beta2, self.beta3, self.beta4]
        drifts = self.alpha != 0.0
        diffusions = np.any(weights[1:], axis=0)
        drifts[0] = True  # it is what errors are measured from
        for i in reversed(range(self.stages)):
            drifts |= (drifts[i] & (self.a0[i] != 0.0)) | (diffusions[i] & (self.a1[i] != 0.0))
            diffusions |= (drifts[i] & (self.b0[i] != 0.0)) | (diffusions[i] & (self.b1[i] != 0.0))
        times = [self.a0.sum(axis=1), self.a1.sum(axis=1)]
        rows = [*times, *weights, drifts, diffusions, *self.a0, *self.b0, *self.a1, *self.b1]
        return np.array(rows, dtype=float).ravel()


def sri_method(name: str, weak: float, tableau: SriTableau, when_to_use: str, citation: str) -> NoiseMethod:
    """The method of a table, with its weak order."""
    return NoiseMethod(
        name=name,
        module="noise_sri",
        entry="sri",
        noise=frozenset({"diagonal", "scalar"}),
        strong=1.5,
        weak=weak,
        kernels=("both", "drift", "diffusion"),
        per_motion=2,
        adaptive=True,
        tableau=tableau,
        memory=lambda states, entries: states + tableau.stages * (states + entries),
        along=True,
        back="noise_sri_back",
        back_memory=lambda states, entries: states + tableau.stages * (states + entries),
        when_to_use=when_to_use,
        citation=citation,
    )
