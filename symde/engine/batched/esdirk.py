"""Singly diagonally implicit Runge-Kutta methods with an explicit first stage, on batches.

    y_i = base_i + h gamma f(t + c_i h, y_i),   base_i = u + h sum_{j<i} a_ij k_j,   k_i = (y_i - base_i)/(h
    gamma)

Every step has its own Jacobian and factors. A step that is to be differentiated begins anew and is a function
of its arguments alone, so that it can be done again; its stages are solved tightly, as those of the compiled
engine are then. Else k_1 is the last k of the step before: f would multiply what the iteration has left of
the error by the largest eigenvalue (ROBER: 2298 steps for 70).

Source: C. A. Kennedy, M. H. Carpenter, Additive Runge-Kutta schemes for convection-diffusion-reaction
equations, Applied Numerical Mathematics 44 (2003), section 3.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.engine.batched.control import Tolerance
from symde.engine.batched.equation import Equation
from symde.engine.batched.linear import Factors, ImplicitSolve, factorised
from symde.engine.batched.newton import TOLERANCE, Newton, solve_stage
from symde.engine.batched.numbers import combined, powers, tensor, weighted, weights_at
from symde.engine.batched.step import Step

LEFT = 1e4
"""How many times what an iteration is to leave at most the end of a step may change by it: stages add up, and
what is left is believed, not known (6e2 was seen)."""


class EsdirkStepper:
    """An ESDIRK method at work on an equation.

    Args:
        method: Its numbers.
        equation: What it solves.
        like: A tensor of the type of states.
        tolerance: Of the solve: iterations stop in relation to it.
        tightness: Factor of what an iteration may leave; below 1 where steps are to be differentiated.
    """

    def __init__(
        self, method: Any, equation: Equation, like: Tensor, tolerance: Tolerance, tightness: float
    ) -> None:
        self.method, self.equation = method, equation
        self.gamma, self._tolerance, self._tightness = float(method.gamma), tolerance, tightness
        self.keeps_first = tightness == 1.0
        self.a, self.c = np.asarray(method.a).tolist(), np.asarray(method.c).tolist()
        self.guess = (method.a + method.gamma * method.predictor).tolist()
        self.error = np.asarray(method.error).tolist()
        self.interpolant = tensor(np.asarray(method.interpolant).T, like.new_empty(0).double())

    def attempt(self, t: Tensor, h: Tensor, u: Tensor, p: Tensor | None, first: Tensor | None = None) -> Step:
        """A step of every member; its derivative is that of the exact stages."""
        size = h.to(u.dtype)
        scaled = size * self.gamma
        with torch.no_grad():
            f, jacobian, _ = self.equation.linearised(t, u, p)
            factors = factorised(jacobian, scaled)
            newton = Newton.begun(factors.singular, torch.isfinite(jacobian).all(-1).all(-1))
        stages = [first if first is not None else self.equation(t, u, p) if torch.is_grad_enabled() else f]
        y = u
        for i in range(1, len(self.c)):
            base = _moved(u, size, self.a[i][:i], stages)
            with torch.no_grad():
                guess = _moved(u, size, self.guess[i][:i], stages)
                y, newton = solve_stage(
                    self.equation, t + self.c[i] * h, u, p, base, scaled, factors, guess, newton,
                    self._tolerance, self._tightness,
                )  # fmt: skip
            if torch.is_grad_enabled():
                y = self._with_derivative(t + self.c[i] * h, p, base, scaled, y)
            stages.append((y - base) / torch.where(scaled == 0.0, 1.0, scaled))
        estimate = combined(self.error, stages)
        assert estimate is not None
        failed = newton.state > 1
        return Step(y, size * estimate, stages, failed, newton.diverged, stages[-1])

    def _with_derivative(
        self, t: Tensor, p: Tensor | None, base: Tensor, scaled: Tensor, y: Tensor
    ) -> Tensor:
        """y with the derivative that the implicit function theorem gives it."""
        with torch.no_grad():
            factors: Factors = factorised(self.equation.jacobian(t, y, p), scaled)
        residual = base + scaled * self.equation(t, y, p) - y
        correction: Any = ImplicitSolve.apply(residual, factors.lu, factors.pivots)
        return y + (correction - correction.detach())

    def left(self, u: Tensor) -> Tensor:
        """What is left of the stages' errors: steps differ by it where a last iteration was made or not."""
        allowed = LEFT * TOLERANCE * self._tightness * math.sqrt(u.shape[-2])
        return allowed * (self._tolerance.atol + self._tolerance.rtol * u.abs())

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
        return h.to(stages.dtype) * weighted(stages, weights)


def _moved(u: Tensor, size: Tensor, weights: list[float], stages: list[Tensor]) -> Tensor:
    total = combined(weights, stages)
    return u if total is None else torch.addcmul(u, size, total)
