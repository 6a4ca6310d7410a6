"""Stochastic Runge-Kutta methods of strong order 1.5, by the tables of `symde.engine.noise`."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from symde.engine.batched.paths.increments import Increments
from symde.engine.batched.paths.steps import ByTable, Size, Step, drift_error, root_of, weighted


class Sra(ByTable):
    """Runge-Kutta methods for additive noise (A. Roessler 2010, scheme (6.1))."""

    def step(self, t: Tensor, h: Size, u: Tensor, p: Tensor | None, noise: Increments) -> Step:
        """A step from t on."""
        table, (dw, mean) = self.table, self.means(h, noise)
        times = table.a.sum(axis=1)
        g = [self.diffusion(t + float(c) * h, u, p) for c in table.c1]
        f: list[Tensor] = []
        for i in range(table.stages):
            stage = weighted(u, table.a[i], f, h)
            spread = weighted(None, table.b[i], g)
            if spread is not None:
                stage = self.to_rows.add(stage, spread * mean)
            f.append(self.drift(t + float(times[i]) * h, stage, p))
        end, fine = self.ended(u, h, f, g, dw, mean)
        if not isinstance(h, Tensor):
            return Step(end)
        return Step(end, None, self.with_noise(drift_error(table.alpha, f, h), fine))

    def ended(
        self, u: Tensor, h: Size, f: list[Tensor], g: list[Tensor], dw: Tensor, mean: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """The state at the end, from the stages, and the part of the noise beside a simpler method's."""
        table = self.table
        weights = weighted(None, table.beta1, g), weighted(None, table.beta2, g)
        coarse, fine = (
            None if one is None else one * by for one, by in zip(weights, (dw, mean), strict=True)
        )
        moved = functools.reduce(torch.add, [one for one in (coarse, fine) if one is not None])
        return self.to_rows.add(weighted(u, table.alpha, f, h), moved), fine

    def with_noise(self, error: Tensor, fine: Tensor | None) -> Tensor:
        """An error of the drift, and that of the noise."""
        return error if fine is None else self.to_rows.add(error, fine.abs())


class Sri(ByTable):
    """Runge-Kutta methods for diagonal and for scalar noise (A. Roessler 2010, scheme (6.8))."""

    def step(self, t: Tensor, h: Size, u: Tensor, p: Tensor | None, noise: Increments) -> Step:
        """A step from t on."""
        table, root, (dw, mean) = self.table, root_of(h), self.means(h, noise)
        drift_times, noise_times = table.a0.sum(axis=1), table.a1.sum(axis=1)
        f: list[Tensor] = []
        g: list[Tensor] = []
        for i in range(table.stages):
            at_f, at_g = weighted(u, table.a0[i], f, h), weighted(u, table.a1[i], f, h)
            spread = weighted(None, table.b0[i], g)
            if spread is not None:
                at_f = self.to_rows.add(at_f, spread * mean)
            spread = weighted(None, table.b1[i], g)
            if spread is not None:
                at_g = self.to_rows.add(at_g, root * spread)
            needed = table.alpha[i] != 0.0 or table.a0[:, i].any() or table.a1[:, i].any()
            f.append(self.drift(t + float(drift_times[i]) * h, at_f, p) if needed else u)
            g.append(self.diffusion(t + float(noise_times[i]) * h, at_g, p))
        double = 0.5 * (dw * dw - h) / root
        triple = (dw * dw * dw - 3.0 * h * dw) / (6.0 * h)
        coarse = fine = 0.0 * dw
        for i, one in enumerate(g):
            first = float(table.beta1[i]) * dw + float(table.beta2[i]) * double
            second = float(table.beta3[i]) * mean + float(table.beta4[i]) * triple
            coarse, fine = coarse + first * one, fine + second * one
        end = self.to_rows.add(weighted(u, table.alpha, f, h), coarse + fine)
        if not isinstance(h, Tensor):
            return Step(end)
        return Step(end, None, self.to_rows.add(drift_error(table.alpha, f, h), fine.abs()))
