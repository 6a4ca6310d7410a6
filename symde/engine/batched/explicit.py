"""Explicit Runge-Kutta methods on batches.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.1, II.4-6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.engine.batched.equation import Equation
from symde.engine.batched.explicit_numbers import explicit_numbers
from symde.engine.batched.numbers import chebyshev, combined, tensor, weighted, weights_at
from symde.engine.batched.step import Step


class ExplicitStepper:
    """An explicit method at work on an equation."""

    def __init__(self, method: Any, equation: Equation, like: Tensor) -> None:
        self.method, self.equation = method, equation
        self.keeps_first = bool(method.fsal)
        self.numbers = numbers = explicit_numbers(method, like.dtype, like.device)
        self.a, self.b, self.c, self.error = numbers.a, numbers.b, numbers.c, numbers.error
        self.extra_a, self.extra_c, self.interpolant = numbers.extra_a, numbers.extra_c, numbers.interpolant

    def attempt(self, t: Tensor, h: Tensor, u: Tensor, p: Tensor | None, first: Tensor | None = None) -> Step:
        """A step of every member, in new tensors."""
        f, size = self.equation, h.to(u.dtype)
        stages = [f(t, u, p) if first is None else first]
        count = len(self.b) - self.keeps_first
        for i in range(1, count):
            stages.append(f(t + self.c[i] * h, _moved(u, size, self.a[i], stages), p))
        u_new = _moved(u, size, self.b, stages)
        if self.keeps_first:
            stages.append(f(t + h, u_new, p))
        estimate = None if self.error is None else combined(self.error, stages)
        error = None if self.error is None else torch.zeros_like(u) if estimate is None else size * estimate
        return Step(u_new, error, stages, last=stages[-1] if self.keeps_first else None)

    def left(self, u: Tensor) -> float:
        """Nothing: there are no iterations."""
        return 0.0

    def complete(self, stages: Tensor, t: Tensor, h: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """The stages with the extra ones of the interpolant."""
        if not self.extra_c:
            return stages
        every, size = list(stages.unbind(0)), h.to(u.dtype)
        for c, row in zip(self.extra_c, self.extra_a, strict=True):
            every.append(self.equation(t + c * h, _moved(u, size, row, every), p))
        return torch.stack(every)

    def weights(self, theta: Tensor) -> Tensor:
        """Weights of all stages at the fractions theta of a step."""
        return weights_at(chebyshev(theta, len(self.interpolant)), self.interpolant)

    def coefficients(self) -> Tensor:
        """Weights of all stages as coefficients of powers of theta."""
        return tensor(np.asarray(self.method.interpolant).T, self.interpolant)

    def combine(self, stages: Tensor, h: Tensor, weights: Tensor) -> Tensor:
        """The increments of an interpolant."""
        return h.to(stages.dtype) * weighted(stages, weights)


def _moved(u: Tensor, size: Tensor, weights: list[float], stages: list[Tensor]) -> Tensor:
    total = combined(weights, stages)
    return u if total is None else torch.addcmul(u, size, total)
