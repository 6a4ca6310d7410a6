"""Rosenbrock methods on batches: one factorisation of every member's matrix a step.

The form without products of J and stages, times h gamma, so that a step of size 0 is one that stays:

    (I - h gamma J) U_i = h gamma (f(t + alpha_i h, u + sum_j a_ij U_j) + h d_i f_t) + gamma sum_j c_ij U_j
    u_new = u + sum_j m_j U_j

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.7, equation (7.25).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.engine.batched.equation import Equation
from symde.engine.batched.linear import Factors, factorised
from symde.engine.batched.numbers import combined, powers, tensor, weighted, weights_at
from symde.engine.batched.step import Step


class RosenbrockStepper:
    """A Rosenbrock method at work on an equation."""

    keeps_first = False

    def __init__(self, method: Any, equation: Equation, like: Tensor) -> None:
        self.method, self.equation = method, equation
        self.gamma = float(method.gamma)
        self.a, self.c = np.asarray(method.a).tolist(), np.asarray(method.c_matrix).tolist()
        self.alpha, self.d = np.asarray(method.alpha).tolist(), np.asarray(method.d).tolist()
        self.m, self.error = np.asarray(method.m).tolist(), np.asarray(method.error).tolist()
        self.interpolant = tensor(np.asarray(method.interpolant).T, like.new_empty(0).double())

    def attempt(self, t: Tensor, h: Tensor, u: Tensor, p: Tensor | None, first: Tensor | None = None) -> Step:
        """A step of every member, in new tensors."""
        f, jacobian, gradient = self.equation.linearised(t, u, p)
        size = h.to(u.dtype)
        factors = factorised(jacobian, size * self.gamma)
        stages: list[Tensor] = []
        for i in range(len(self.m)):
            stages.append(self._stage(i, t, h, u, p, f, gradient, factors, stages))
        increment, error = combined(self.m, stages), combined(self.error, stages)
        assert increment is not None and error is not None
        return Step(u + increment, error, stages, factors.singular)

    def _stage(
        self, i: int, t: Tensor, h: Tensor, u: Tensor, p: Tensor | None,
        f: Tensor, gradient: Tensor | None, factors: Factors, stages: list[Tensor],
    ) -> Tensor:  # fmt: skip
        size = h.to(u.dtype)
        moved = combined(self.a[i], stages)
        # a first stage that follows no other is at (t, u) itself
        slope = f if i == 0 else self.equation(t + self.alpha[i] * h, u if moved is None else u + moved, p)
        if gradient is not None and self.d[i] != 0.0:
            slope = torch.addcmul(slope, size * self.d[i], gradient)
        rhs = slope * (size * self.gamma)
        coupled = combined(self.c[i], stages)
        return factors.solve(rhs if coupled is None else torch.add(rhs, coupled, alpha=self.gamma))

    def left(self, u: Tensor) -> float:
        """Nothing: there are no iterations."""
        return 0.0

    def complete(self, stages: Tensor, t: Tensor, h: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """The stages are all the interpolant needs."""
        return stages

    def weights(self, theta: Tensor) -> Tensor:
        """Weights of the stages at the fractions theta of a step."""
        return weights_at(powers(theta, len(self.interpolant)), self.interpolant)

    def coefficients(self) -> Tensor:
        """Weights of the stages as coefficients of powers of theta."""
        return self.interpolant

    def combine(self, stages: Tensor, h: Tensor, weights: Tensor) -> Tensor:
        """The increments of an interpolant."""
        return weighted(stages, weights)
