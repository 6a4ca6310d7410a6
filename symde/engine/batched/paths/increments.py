"""Brownian motions over the steps of a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from symde.engine.batched.paths.draws import Draws
from symde.engine.batched.paths.levy_area import areas_of
from symde.engine.batched.paths.normal import normals

BLOCK = 1 << 18
"""Random numbers that are made at once: some 2 MB each of a dozen tensors."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal steps: t0 + k*h up to k = steps."""

    t0: float
    h: float
    steps: int


@dataclass(frozen=True, slots=True)
class Increments:
    """The noise of one step, each of shape (motions, B).

    Attributes:
        dw: W(t + h) - W(t).
        area: The integral of W - W(t) over the step, of methods that draw two numbers for each motion; else
            None.
        second: The second of these numbers, likewise.
        levy: Levy areas of the pairs of motions whose areas are drawn, shape (pairs, B); else None.
    """

    dw: Tensor
    area: Tensor | None = None
    second: Tensor | None = None
    levy: Tensor | None = None


class Brownian:
    """The increments of a seed.

    Args:
        grid: The steps.
        seed: Of up to 64 bits.
        paths: Numbers of the paths, int64, shape (B,).
        draws: Which numbers a step takes.
        dtype: Of what comes out.

    They depend on seed, path and step alone: whatever is asked for again is the same.
    """

    def __init__(self, grid: Grid, seed: int, paths: Tensor, draws: Draws, dtype: torch.dtype) -> None:
        self.grid, self.seed, self.paths = grid, seed, paths
        self.draws, self.dtype = draws, dtype
        # a block begins with a counter, of which there is one for two numbers
        self._block = max(2 * BLOCK // (draws.numbers * len(paths)) // 2 * 2, 2)
        self._start, self._kept = -1, Increments(paths)

    def at(self, step: int) -> Increments:
        """Those of a step."""
        start = step - step % self._block
        if start != self._start:
            self._start, self._kept = start, self._drawn(start)
        kept, place = self._kept, step - start
        parts = (kept.dw, kept.area, kept.second, kept.levy)
        return Increments(*(None if one is None else one[place] for one in parts))  # type: ignore[arg-type]

    def _drawn(self, start: int) -> Increments:
        """Those of a block of steps, one after another."""
        draws, h = self.draws, self.grid.h
        count = min(self._block, self.grid.steps - start)
        wanted = count * draws.numbers
        pairs = normals(self.seed, self.paths, start * draws.numbers // 2, -(-wanted // 2))
        numbers = pairs.reshape(2 * len(pairs), -1)[:wanted].reshape(count, draws.numbers, -1)
        own = numbers[:, : draws.own].reshape(count, draws.motions, draws.per_motion, -1)
        dw = math.sqrt(h) * own[:, :, 0]
        area = second = levy = None
        if draws.per_motion > 1:
            second = own[:, :, 1]
            area = (0.5 * h * (dw + math.sqrt(h / 3.0) * second)).to(self.dtype)
        if draws.terms:
            levy = areas_of(draws, numbers, h).to(self.dtype)
        return Increments(dw.to(self.dtype), area, second, levy)
