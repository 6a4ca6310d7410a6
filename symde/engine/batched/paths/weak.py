"""Stochastic Runge-Kutta methods of weak order 2 for any noise, by the tables of `symde.engine.noise`.

Source: K. Debrabant, A. Roessler, Families of efficient second order Runge-Kutta methods for the weak
approximation of Ito stochastic differential equations, Appl. Numer. Math. 59 (2009), 582-594, scheme (3).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.paths.equation import Places
from symde.engine.batched.paths.increments import Increments
from symde.engine.batched.paths.steps import ByTable, Size, Step, root_of, weighted
from symde.engine.noise.method import NoiseMethod


class Ri(ByTable):
    """Their steps. Where no motion moves the coefficients of another, the stages of all motions are one, and
    those with hats cancel."""

    def __init__(self, equation: Any, method: NoiseMethod, n: int, device: torch.device) -> None:
        super().__init__(equation, method, n, device)
        self.together = bool(equation.together) or equation.motions < 2
        columns = list(equation.columns)
        self._groups = [_Group(equation, k, n, device) for k in range(equation.motions)]
        order = [place for group in self._groups for place in group.places]
        back = [order.index(place) for place in range(len(columns))]
        self._back = torch.tensor(back, dtype=torch.int64, device=device)

    def step(self, t: Tensor, h: Size, u: Tensor, p: Tensor | None, noise: Increments) -> Step:
        """A step from t on."""
        table, root, dw = self.table, root_of(h), self.of_motions(noise.dw)
        drift_times, noise_times = table.a0.sum(axis=1), table.a1.sum(axis=1)
        f, g = [self.drift(t, u, p)], [self.diffusion(t, u, p)]
        for i in range(1, table.stages):
            at = weighted(u, table.a0[i], f, h)
            spread = weighted(None, table.b0[i], g)
            if spread is not None:
                at = self.to_rows.add(at, spread * dw)
            base = weighted(u, table.a1[i], f, h)
            moved = weighted(None, table.b1[i], g)
            f.append(self.drift(t + float(drift_times[i]) * h, at, p))
            g.append(self._diffusion_of_each(t + float(noise_times[i]) * h, base, moved, root, p))
        double = 0.5 * (dw * dw - h) / root
        end = weighted(u, table.alpha, f, h)
        for i, one in enumerate(g):
            end = self.to_rows.add(end, (float(table.beta1[i]) * dw + float(table.beta2[i]) * double) * one)
        return Step(end if self.together else self._mixed(end, t, h, u, p, g, noise))

    def _diffusion_of_each(
        self, t: Tensor, base: Tensor, moved: Tensor | None, root: float, p: Tensor | None
    ) -> Tensor:
        """The diffusion of each motion where that motion alone has moved."""
        if moved is None:
            return self.diffusion(t, base, p)
        if self.together:
            return self.diffusion(t, self.to_rows.add(base, root * moved), p)
        found = [group.own(self.diffusion(t, group.add(base, root * moved), p)) for group in self._groups]
        return torch.cat(found).index_select(0, self._back)

    def _mixed(
        self, end: Tensor, t: Tensor, h: Size, u: Tensor, p: Tensor | None, g: list[Tensor],
        noise: Increments,
    ) -> Tensor:  # fmt: skip
        """What motions do to the coefficients of others, from the stages with hats."""
        table, root = self.table, root_of(h)
        dw, columns = noise.dw, self.of_motions
        count = self.equation.motions
        end = self.to_rows.add(end, (count - 1) * float(table.beta3[0]) * g[0] * columns(dw))
        for other, group in enumerate(self._groups):
            double = columns(self._double(noise, other, h)) / root
            for i in range(1, table.stages):
                at = group.add(u, root * weighted(None, table.b2[i], g))
                factor = float(table.beta3[i]) * columns(dw) + float(table.beta4[i]) * double
                end = self.to_rows.add(end, factor * group.others.to(u.dtype) * self.diffusion(t, at, p))
        return end

    def _double(self, noise: Increments, other: int, h: Size) -> Tensor:
        """What stands for the double integrals of all motions with another one, shape (motions, B)."""
        assert noise.second is not None
        dw = noise.dw
        signs = torch.where(noise.second > 0.0, 1.0, -1.0).to(dw.dtype)
        before = signs[other : other + 1].expand(len(dw) - other, -1)  # of those from `other` on
        turned = torch.cat([-h * signs[:other], h * before])
        return 0.5 * (dw * dw[other] + turned)


class _Group:
    """The entries of one motion.

    Attributes:
        places: Of these among all.
        others: 1 for every entry of another motion and 0 for these, shape (entries, 1).
    """

    def __init__(self, equation: Any, motion: int, n: int, device: torch.device) -> None:
        columns, rows = list(equation.columns), list(equation.rows)
        self.places = [place for place, column in enumerate(columns) if column == motion]
        others = [[float(column != motion)] for column in columns]
        self.others = torch.tensor(others, dtype=torch.float64, device=device).reshape(-1, 1)
        self._places = torch.tensor(self.places, dtype=torch.int64, device=device)
        self._rows = Places([rows[place] for place in self.places], n, device)

    def own(self, entries: Tensor) -> Tensor:
        """Those of all."""
        return entries.index_select(0, self._places)

    def add(self, u: Tensor, entries: Tensor) -> Tensor:
        """u and the entries of this motion, each in its row."""
        return self._rows.add(u, self.own(entries))
