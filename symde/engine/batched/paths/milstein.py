"""Milstein's method, for any noise."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.paths.equation import Chosen, Places, within
from symde.engine.batched.paths.increments import Increments
from symde.engine.batched.paths.steps import EulerMaruyama, Size, Step, Stepper
from symde.engine.noise.method import NoiseMethod


class DoubleIntegrals:
    """L_i g_j I_(i,j), where I_(i,j) = 1/2 (dW_i dW_j - h if i = j) and the Levy area where noise does not
    commute (P. E. Kloeden, E. Platen 1992, equation (10.3.3)).

    Args:
        stepper: Whose equation has products.
        device: Where states are.
    """

    def __init__(self, stepper: Stepper, device: torch.device) -> None:
        equation = self._equation = stepper.equation
        first, second = list(equation.product_first), list(equation.product_second)
        self._rows = Places(equation.product_rows, stepper.n, device)
        self._first = Chosen(first, equation.motions, device)
        self._second = Chosen(second, equation.motions, device)
        self._count = len(first)
        pairs = {tuple(pair): place for place, pair in enumerate(equation.pairs)}
        places, signs, same = [], [], []
        for i, j in zip(first, second, strict=True):
            places.append(pairs.get((min(i, j), max(i, j)), 0))
            signs.append(0.0 if (min(i, j), max(i, j)) not in pairs else 1.0 if i < j else -1.0)
            same.append(float(i == j))
        like: Any = dict(dtype=torch.float64, device=device)
        self._same, self._signs = (torch.tensor(one, **like).reshape(-1, 1) for one in (same, signs))
        self._areas = Chosen(places, max(len(pairs), 1), device)

    def add(
        self, target: Tensor, t: Tensor, h: Size, u: Tensor, p: Tensor | None, noise: Increments
    ) -> Tensor:
        """`target` and the double integrals of a step from (t, u)."""
        if not self._count:
            return target
        products = self._equation.products(t, within(self._equation, u), p)
        integrals = 0.5 * (self._first(noise.dw) * self._second(noise.dw) - (h * self._same).to(u.dtype))
        if noise.levy is not None:
            integrals = integrals + self._signs.to(u.dtype) * self._areas(noise.levy)
        return self._rows.add(target, products * integrals)


class Milstein(EulerMaruyama):
    """The method of Euler and Maruyama, and the double integrals."""

    def __init__(self, equation: Any, method: NoiseMethod, n: int, device: torch.device) -> None:
        super().__init__(equation, method, n, device)
        self._double = DoubleIntegrals(self, device)

    def step(self, t: Tensor, h: Size, u: Tensor, p: Tensor | None, noise: Increments) -> Step:
        """A step from t on."""
        return Step(self._double.add(super().step(t, h, u, p, noise).u, t, h, u, p, noise))
