"""Methods that solve for the drift at the end of a step or of its stages, for stiff equations.

Sources: P. E. Kloeden, E. Platen, Numerical Solution of Stochastic Differential Equations (1992), equations
(12.2.4) and (12.2.9), with the drift at the end of the step; A. Roessler, SIAM J. Numer. Anal. 48 (2010),
922-952, scheme (6.1), with stages that are implicit in the drift.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.paths.increments import Increments
from symde.engine.batched.paths.milstein import DoubleIntegrals
from symde.engine.batched.paths.newton import DriftSolver
from symde.engine.batched.paths.runge_kutta import Sra
from symde.engine.batched.paths.steps import DRIFT_WEIGHT, Size, Step, Stepper, weighted
from symde.engine.noise.method import NoiseMethod


class ImplicitEulerMaruyama(Stepper):
    """u_new = u + g dW + h f(u_new)."""

    implicit = True

    def __init__(self, equation: Any, method: NoiseMethod, n: int, device: torch.device) -> None:
        super().__init__(equation, method, n, device)
        self._solver = DriftSolver(equation)

    def moved(self, t: Tensor, h: Size, u: Tensor, p: Tensor | None, noise: Increments) -> Tensor:
        """Where the noise alone leads."""
        return self.to_rows.add(u, self.diffusion(t, u, p) * self.of_motions(noise.dw))

    def step(self, t: Tensor, h: Size, u: Tensor, p: Tensor | None, noise: Increments) -> Step:
        """A step from t on."""
        base = self.moved(t, h, u, p, noise)
        found = self._solver.solve(t + h, h, base, base, u, p)
        return Step(found.y, found.diverged)


class ImplicitMilstein(ImplicitEulerMaruyama):
    """The same and the double integrals of the noise."""

    def __init__(self, equation: Any, method: NoiseMethod, n: int, device: torch.device) -> None:
        super().__init__(equation, method, n, device)
        self._double = DoubleIntegrals(self, device)

    def moved(self, t: Tensor, h: Size, u: Tensor, p: Tensor | None, noise: Increments) -> Tensor:
        """Where the noise alone leads."""
        return self._double.add(super().moved(t, h, u, p, noise), t, h, u, p, noise)


class ImplicitSra(Sra):
    """Diagonally implicit Runge-Kutta methods for additive noise."""

    implicit = True

    def __init__(self, equation: Any, method: NoiseMethod, n: int, device: torch.device) -> None:
        super().__init__(equation, method, n, device)
        self._solver = DriftSolver(equation)

    def step(self, t: Tensor, h: Size, u: Tensor, p: Tensor | None, noise: Increments) -> Step:
        """A step from t on."""
        table, (dw, mean) = self.table, self.means(h, noise)
        times, size = table.drift_weights.sum(axis=1), table.gamma * h
        g = [self.diffusion(t + float(c) * h, u, p) for c in table.c1]
        f, y, factors = [self.drift(t, u, p)], u, None
        diverged = torch.zeros_like(t, dtype=torch.bool)
        for i in range(1, table.stages):
            base = weighted(u, table.a[i], f, h)
            spread = weighted(None, table.b[i], g)
            if spread is not None:
                base = self.to_rows.add(base, spread * mean)
            y, lost, factors = self._solver.solve(t + float(times[i]) * h, size, base, y, u, p)
            diverged = diverged | lost
            f.append((y - base) / size)
        end, fine = self.ended(u, h, f, g, dw, mean)
        if not isinstance(h, Tensor):
            return Step(end, diverged)
        assert factors is not None
        with torch.no_grad():  # behind a solve, which keeps it in bounds where decay is fast
            rest = weighted(None, table.alpha[1:], [one - f[0] for one in f[1:]])
            error = DRIFT_WEIGHT * h * factors.solve(rest).abs()
            return Step(end, diverged, self.with_noise(error, fine))
