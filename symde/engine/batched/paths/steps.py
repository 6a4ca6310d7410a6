"""Steps of paths by methods whose numbers are those of `symde.engine.noise`.

A step is made of operations that torch differentiates.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.paths.equation import Chosen, Places, within
from symde.engine.batched.paths.increments import Increments
from symde.engine.noise.method import NoiseMethod


class Stepper:
    """Steps of one equation.

    Args:
        equation: As `StochasticEquation`; with products for Milstein's method.
        method: Whose steps.
        n: Number of states.
        device: Where they are.
    """

    def __init__(self, equation: Any, method: NoiseMethod, n: int, device: torch.device) -> None:
        self.equation, self.method, self.n = equation, method, n
        self.to_rows = Places(equation.rows, n, device)
        self.of_motions = Chosen(equation.columns, equation.motions, device)

    def drift(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """The drift at a state."""
        return self.equation.drift(t, within(self.equation, u), p)

    def diffusion(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """The entries of the diffusion at a state."""
        return self.equation.diffusion(t, within(self.equation, u), p)

    def step(self, t: Tensor, h: float, u: Tensor, p: Tensor | None, noise: Increments) -> Tensor:
        """The state after a step from t on."""
        raise NotImplementedError


class EulerMaruyama(Stepper):
    """u + f h + g dW (G. Maruyama 1955)."""

    def step(self, t: Tensor, h: float, u: Tensor, p: Tensor | None, noise: Increments) -> Tensor:
        """The state after a step from t on."""
        g = self.diffusion(t, u, p)
        return self.to_rows.add(u + h * self.drift(t, u, p), g * self.of_motions(noise.dw))


class Milstein(EulerMaruyama):
    """And 1/2 L_i g_j (dW_i dW_j - h if i = j) (P. E. Kloeden, E. Platen 1992, equation (10.3.16))."""

    def __init__(self, equation: Any, method: NoiseMethod, n: int, device: torch.device) -> None:
        super().__init__(equation, method, n, device)
        first, second = equation.product_first, equation.product_second
        self.product_rows = Places(equation.product_rows, n, device)
        self.first = Chosen(first, equation.motions, device)
        self.second = Chosen(second, equation.motions, device)
        same = [[float(i == j)] for i, j in zip(first, second, strict=True)]
        self.same = torch.tensor(same, dtype=torch.float64, device=device).reshape(-1, 1)

    def step(self, t: Tensor, h: float, u: Tensor, p: Tensor | None, noise: Increments) -> Tensor:
        """The state after a step from t on."""
        plain = super().step(t, h, u, p, noise)
        if not len(self.same):
            return plain
        products = self.equation.products(t, within(self.equation, u), p)
        moved = self.first(noise.dw) * self.second(noise.dw) - (h * self.same).to(u.dtype)
        return self.product_rows.add(plain, 0.5 * products * moved)


class Sra(Stepper):
    """Runge-Kutta methods for additive noise (A. Roessler 2010, scheme (6.1))."""

    def __init__(self, equation: Any, method: NoiseMethod, n: int, device: torch.device) -> None:
        super().__init__(equation, method, n, device)
        self.table: Any = method.tableau

    def step(self, t: Tensor, h: float, u: Tensor, p: Tensor | None, noise: Increments) -> Tensor:
        """The state after a step from t on."""
        table: Any = self.table
        assert noise.area is not None
        dw, mean = self.of_motions(noise.dw), self.of_motions(noise.area) / h
        times = table.a.sum(axis=1)
        g = [self.diffusion(t + float(c) * h, u, p) for c in table.c1]
        f: list[Tensor] = []
        for i in range(table.stages):
            stage = _sum(u, table.a[i], f, h)
            spread = _sum(None, table.b[i], g)
            if spread is not None:
                stage = self.to_rows.add(stage, spread * mean)
            f.append(self.drift(t + float(times[i]) * h, stage, p))
        ends = _sum(u, table.alpha, f, h)
        weights = _sum(None, table.beta1, g), _sum(None, table.beta2, g)
        parts = [one * by for one, by in zip(weights, (dw, mean), strict=True) if one is not None]
        moved = functools.reduce(torch.add, parts)
        return self.to_rows.add(ends, moved)


class Sri(Stepper):
    """Runge-Kutta methods for diagonal and for scalar noise (A. Roessler 2010, scheme (6.8))."""

    def __init__(self, equation: Any, method: NoiseMethod, n: int, device: torch.device) -> None:
        super().__init__(equation, method, n, device)
        self.table: Any = method.tableau

    def step(self, t: Tensor, h: float, u: Tensor, p: Tensor | None, noise: Increments) -> Tensor:
        """The state after a step from t on."""
        table: Any = self.table
        assert noise.area is not None
        root, dw, mean = math.sqrt(h), self.of_motions(noise.dw), self.of_motions(noise.area) / h
        drift_times, noise_times = table.a0.sum(axis=1), table.a1.sum(axis=1)
        f: list[Tensor] = []
        g: list[Tensor] = []
        for i in range(table.stages):
            at_f, at_g = _sum(u, table.a0[i], f, h), _sum(u, table.a1[i], f, h)
            spread = _sum(None, table.b0[i], g)
            if spread is not None:
                at_f = self.to_rows.add(at_f, spread * mean)
            spread = _sum(None, table.b1[i], g)
            if spread is not None:
                at_g = self.to_rows.add(at_g, root * spread)
            needed = table.alpha[i] != 0.0 or table.a0[:, i].any() or table.a1[:, i].any()
            f.append(self.drift(t + float(drift_times[i]) * h, at_f, p) if needed else u)
            g.append(self.diffusion(t + float(noise_times[i]) * h, at_g, p))
        double = 0.5 * (dw * dw - h) / root
        triple = (dw * dw * dw - 3.0 * h * dw) / (6.0 * h)
        moved = 0.0 * dw
        for i, one in enumerate(g):
            weight = (
                float(table.beta1[i]) * dw + float(table.beta2[i]) * double
                + float(table.beta3[i]) * mean + float(table.beta4[i]) * triple
            )  # fmt: skip
            moved = moved + weight * one
        return self.to_rows.add(_sum(u, table.alpha, f, h), moved)


def _sum(u: Any, weights: Any, values: list[Tensor], h: float = 1.0) -> Any:
    """u + h sum_i weights_i values_i; None stands for 0."""
    for weight, value in zip(weights, values, strict=False):
        if weight != 0.0:
            term = (h * float(weight)) * value
            u = term if u is None else u + term
    return u


STEPPERS: dict[str, Callable[[Any, NoiseMethod, int, torch.device], Stepper]] = {
    "euler_maruyama": EulerMaruyama, "milstein": Milstein, "sra": Sra, "sri": Sri,
}  # fmt: skip
"""By the entry of the compiled loop of a method."""


def stepper_of(equation: Any, method: NoiseMethod, n: int, device: torch.device) -> Stepper:
    """The steps of a method.

    Raises:
        ValueError: the torch engine does not have it.
    """
    make = STEPPERS.get(method.entry)
    if make is None:
        raise ValueError(
            f"the torch engine does not have {method.name}: take EulerMaruyama, Milstein, or a method of the "
            "families SRA and SRI, or solve with backend='cpu'"
        )
    return make(equation, method, n, device)
