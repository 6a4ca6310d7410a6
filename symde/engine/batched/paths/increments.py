"""Brownian motions over the steps of a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

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
    """

    dw: Tensor
    area: Tensor | None


class Brownian:
    """The increments of a seed.

    Args:
        grid: The steps.
        seed: Of up to 64 bits.
        paths: Numbers of the paths, int64, shape (B,).
        motions: Number of Brownian motions.
        per_motion: Normal numbers for each of them and step: 1, or 2 with areas.
        dtype: Of what comes out.

    They depend on seed, path and step alone: whatever is asked for again is the same.
    """

    def __init__(
        self, grid: Grid, seed: int, paths: Tensor, motions: int, per_motion: int, dtype: torch.dtype
    ) -> None:
        self.grid, self.seed, self.paths = grid, seed, paths
        self.motions, self.per_motion, self.dtype = motions, per_motion, dtype
        self._numbers = max(motions * per_motion, 1)
        # a block begins with a counter, of which there is one for two numbers
        self._block = max(2 * BLOCK // (self._numbers * len(paths)) // 2 * 2, 2)
        self._start, self._dw, self._area = -1, paths, paths

    def at(self, step: int) -> Increments:
        """Those of a step."""
        start = step - step % self._block
        if start != self._start:
            self._draw(start)
        place = step - start
        return Increments(self._dw[place], self._area[place] if self.per_motion > 1 else None)

    def _draw(self, start: int) -> None:
        count = min(self._block, self.grid.steps - start)
        wanted = count * self.motions * self.per_motion
        pairs = normals(self.seed, self.paths, start * self._numbers // 2, -(-count * self._numbers // 2))
        numbers = pairs.reshape(2 * len(pairs), -1)[:wanted]
        numbers = numbers.reshape(count, self.motions, self.per_motion, -1)
        h = self.grid.h
        dw = math.sqrt(h) * numbers[:, :, 0]
        if self.per_motion > 1:
            self._area = (0.5 * h * (dw + math.sqrt(h / 3.0) * numbers[:, :, 1])).to(self.dtype)
        self._start, self._dw = start, dw.to(self.dtype)
