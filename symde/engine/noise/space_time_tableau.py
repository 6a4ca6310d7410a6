"""Runge-Kutta methods for any noise by increments and space-time areas, as data that prove themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.methods import proofs
from symde.engine.methods.exact import float_row, float_rows
from symde.engine.noise.method import NoiseMethod


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SpaceTimeTableau:
    """The coefficients of a method for Stratonovich's equation dx = f dt + g o dW.

        X_i = u + sum_j a_ij (h f(X_j) + g(X_j) W) + sum_j area_ij g(X_j) H
        u_new = u + sum_i alpha_i (h f(X_i) + g(X_i) W) + sum_i beta_i g(X_i) H
        error = |sum_i d_i h f(X_i)| + |sum_i d_i g(X_i) W + beta_i g(X_i) H|, d = alpha - coarse

    f and g at t + c_i h, where c is the row sums of a. W are the increments of the Brownian motions and H
    their space-time areas, with which the integral of W - W(t) is h (W/2 + H). They are given as text or
    numbers (`symde.engine.methods.exact`) and kept as float64.

    Of the double integrals of noise that does not commute a step knows their mean given W and H, that is
    W_i W_j/2 + H_i W_j - W_i H_j: no part of its Levy areas is biased, which steps that follow the error need
    for the right limit (J. Foster, A. Jelincic, On the convergence of adaptive approximations for stochastic
    differential equations (2024), arXiv:2311.14201). Where noise commutes these means are all there is to
    know up to order 1, and where no state changes it, W and H are up to order 1.5.

    Attributes:
        a, area: stages x stages, strictly lower.
        alpha, beta: stages.
        coarse: stages; the weights of the method without areas that errors are measured from.

    Raises:
        TableauError: the numbers are not of that order.
    """

    a: Any
    area: Any
    alpha: Any
    beta: Any
    coarse: Any

    def __post_init__(self) -> None:
        for key in ("alpha", "beta", "coarse"):
            object.__setattr__(self, key, float_row(getattr(self, key)))
        for key in ("a", "area"):
            object.__setattr__(self, key, float_rows(getattr(self, key), self.stages))
            proofs.equal("space-time", f"rows of {key}", getattr(self, key).shape, (self.stages, self.stages))
            proofs.strictly_lower("space-time", key, getattr(self, key))
        e = np.ones(self.stages)
        moved, spread = self.a @ e, self.area @ e
        for what, found, expected in (
            ("sum of alpha", self.alpha @ e, 1.0),
            ("alpha a", self.alpha @ moved, 0.5),  # W_i W_j/2
            ("alpha area", self.alpha @ spread, 1.0),  # H_i W_j
            ("sum of beta", self.beta @ e, 0.0),
            ("beta a", self.beta @ moved, -1.0),  # W_i H_j
            ("beta area", self.beta @ spread, 0.0),  # H_i H_j, whose mean is h/12 where i = j
            ("sum of coarse", self.coarse @ e, 1.0),
            ("coarse a", self.coarse @ moved, 0.5),
        ):
            proofs.equal("space-time", what, found, expected, 10.0)

    @property
    def stages(self) -> int:
        """Stages of a step."""
        return len(self.alpha)

    def packed(self) -> np.ndarray:
        """The table of the compiled loop (`compiled.noise_space_time.place`): rows of `stages` numbers."""
        rows = [self.a.sum(axis=1), self.alpha, self.beta, self.alpha - self.coarse, *self.a, *self.area]
        return np.array(rows, dtype=float).ravel()


def space_time_method(name: str, tableau: SpaceTimeTableau, when_to_use: str, citation: str) -> NoiseMethod:
    """The method of a table."""
    return NoiseMethod(
        name=name,
        module="noise_space_time",
        entry="space_time",
        noise=frozenset({"additive", "diagonal", "scalar", "commutative", "general"}),
        strong=0.5,
        weak=1.0,
        kernels=("stratonovich",),
        per_motion=2,
        adaptive=True,
        smooth=True,
        tableau=tableau,
        memory=lambda states, entries: states + tableau.stages * (states + entries),
        along=True,
        back="noise_space_time_back",
        back_memory=lambda states, entries: states + tableau.stages * (states + entries),
        when_to_use=when_to_use,
        citation=citation,
    )
