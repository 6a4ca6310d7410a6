"""Stochastic Runge-Kutta methods for any noise by increments and space-time areas, by the tables of
`symde.engine.noise.space_time_tableau`, which tells the scheme and its source."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from symde.engine.batched.paths.equation import within
from symde.engine.batched.paths.increments import Increments
from symde.engine.batched.paths.steps import ByTable, Size, Step, weighted


class SpaceTime(ByTable):
    """Their steps, of Stratonovich's equation."""

    def step(self, t: Tensor, h: Size, u: Tensor, p: Tensor | None, noise: Increments) -> Step:
        """A step from t on."""
        table, (dw, mean) = self.table, self.means(h, noise)
        area, times = mean - 0.5 * dw, table.a.sum(axis=1)
        f: list[Tensor] = []
        g: list[Tensor] = []
        for i in range(table.stages):
            at = weighted(u, table.a[i], f, h)
            spread = self._noise(table.a[i], table.area[i], g, dw, area)
            at = at if spread is None else self.to_rows.add(at, spread)
            late, inside = t + float(times[i]) * h, within(self.equation, at)
            f.append(self.equation.stratonovich(late, inside, p))
            g.append(self.equation.diffusion(late, inside, p))
        moved = self._noise(table.alpha, table.beta, g, dw, area)
        end = self.to_rows.add(weighted(u, table.alpha, f, h), moved)
        if not isinstance(h, Tensor):
            return Step(end)
        apart = table.alpha - table.coarse
        drift = weighted(u - u, apart, f, h)
        noise_apart = self.to_rows.add(u - u, self._noise(apart, table.beta, g, dw, area))
        return Step(end, None, drift.abs() + noise_apart.abs())

    @staticmethod
    def _noise(by_increment: Any, by_area: Any, g: list[Tensor], dw: Tensor, area: Tensor) -> Any:
        """The sum over stages of their diffusions times weighted increments and space-time areas; None stands
        for 0."""
        total = None
        for first, second, one in zip(by_increment, by_area, g, strict=False):
            if first != 0.0 or second != 0.0:
                part = (float(first) * dw + float(second) * area) * one
                total = part if total is None else total + part
        return total
