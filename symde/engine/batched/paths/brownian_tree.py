"""Brownian motions and their integrals at any times of their own, by counting: the compiled engine's virtual
Brownian tree, of the same random numbers.

Source: A. Jelincic, J. Foster, P. Kidger, Single-seed generation of Brownian paths and integrals for adaptive
and high order SDE solvers (2024), arXiv:2405.06464, theorem 2.1; `symde.engine.cpu.compiled.brownian_tree`
tells what it is.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from symde.engine.batched.paths.increments import BLOCK
from symde.engine.batched.paths.normal import FRACTION, LOW, UNIT, philox
from symde.engine.batched.record import cheap_looks
from symde.engine.cpu.noise_layout import LEVELS

TREE = -(1 << 63)
"""Counters from here on, as a number with a sign: those below belong to steps of one size."""


class BrownianTree:
    """The Brownian motions of some paths.

    Args:
        tick: The 2^-LEVELS-th part of the span; times are whole numbers of it.
        seed: Of up to 64 bits.
        paths: Numbers of the paths, int64, shape (B,).
        motions: Number of Brownian motions.
    """

    def __init__(self, tick: float, seed: int, paths: Tensor, motions: int) -> None:
        self.tick, self.seed, self.paths, self.motions = tick, seed, paths, motions
        self._places = torch.arange(motions, device=paths.device)[:, None]
        one, other = self.pairs(torch.zeros_like(paths)[None])
        length = tick * 2.0**LEVELS
        self._w, self._h = math.sqrt(length) * one[0], math.sqrt(length / 12.0) * other[0]
        self._some = max(min(BLOCK // max(motions * len(paths), 1), LEVELS), 1)

    def at(self, ticks: Tensor) -> tuple[Tensor, Tensor]:
        """Brownian motions and their integrals from the start, float64, shape (motions, B) each.

        Args:
            ticks: A time for each path, int64, shape (B,).
        """
        w, h = self._w, self._h
        start_w, start_a = torch.zeros_like(w), torch.zeros_like(w)
        depth = self._depth(ticks)
        for first in range(0, depth, self._some):
            levels = range(first, min(first + self._some, depth))
            intervals = torch.stack([(1 << level) + (ticks >> (LEVELS - level)) for level in levels])
            ones, others = self.pairs(intervals)
            for place, level in enumerate(levels):
                length = self.tick * 2.0 ** (LEVELS - level)
                z, n = math.sqrt(length / 16.0) * ones[place], math.sqrt(length / 48.0) * others[place]
                left, area = 0.5 * w + 1.5 * h + z, 0.25 * h - 0.5 * z + n
                late = ((ticks >> (LEVELS - level - 1)) & 1) == 1
                reached = start_a + 0.5 * length * (start_w + 0.5 * left + area)
                start_a = torch.where(late, reached, start_a)
                start_w = torch.where(late, start_w + left, start_w)
                w, h = torch.where(late, w - left, left), torch.where(late, 0.25 * h - 0.5 * z - n, area)
        ended = ticks >= 1 << LEVELS
        whole = self.tick * 2.0**LEVELS * (0.5 * self._w + self._h)
        return torch.where(ended, self._w, start_w), torch.where(ended, whole, start_a)

    def _depth(self, ticks: Tensor) -> int:
        """How many levels have intervals in which a time lies, and not at their start; all where a look at
        the times is dear."""
        if not cheap_looks(ticks.device):
            return LEVELS
        lowest = int(torch.where(ticks == 0, 1 << LEVELS, ticks & -ticks).min())
        return LEVELS + 1 - lowest.bit_length()

    def pairs(self, intervals: Tensor) -> tuple[Tensor, Tensor]:
        """Two normal numbers of each motion of intervals (k, B), shape (k, motions, B) each."""
        count = TREE + (intervals[:, None] * self.motions + self._places)
        paths = self.paths + 0 * count
        w0, w1, w2, w3 = philox(
            (count & LOW, count >> 32 & LOW, paths & LOW, paths >> 32 & LOW),
            (self.seed & LOW, self.seed >> 32 & LOW),
        )
        one, other = (((low | (high << 32)) >> 11 & FRACTION).double() for low, high in ((w0, w1), (w2, w3)))
        radius, angle = torch.sqrt(-2.0 * torch.log((one + 1) * UNIT)), (2.0 * math.pi) * (other * UNIT)
        return radius * torch.cos(angle), radius * torch.sin(angle)
