"""Levy areas of pairs of Brownian motions over steps: the compiled engine's, of the same random numbers.

Source: J. Mrongowius, A. Roessler, On the approximation and simulation of iterated stochastic integrals and
the corresponding Levy areas in terms of a multidimensional Brownian motion, Stoch. Anal. Appl. 40 (2022),
397-425, algorithm of section 4; `symde.engine.cpu.compiled.levy_area` tells what it is.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from symde.engine.batched.paths.draws import Draws


def areas_of(draws: Draws, numbers: Tensor, h: float) -> Tensor:
    """The areas of all pairs, shape (steps, pairs, B).

    Args:
        draws: What the numbers are.
        numbers: Those of steps, float64, shape (steps, numbers of a step, B).
        h: Size of the steps.
    """
    m, own, terms = draws.motions, draws.own, draws.terms
    first, second = (list(one) for one in zip(*draws.pairs, strict=True))
    moved = numbers[:, :own].unflatten(1, (m, draws.per_motion))[:, :, 0]
    v_i, v_j = moved[:, first], moved[:, second]
    root = math.sqrt(2.0)
    total = torch.zeros_like(v_i)
    for term in range(terms):
        at = own + 2 * m * term
        x, y = numbers[:, at : at + m], numbers[:, at + m : at + 2 * m]
        turned = x[:, first] * (y[:, second] - root * v_j) - x[:, second] * (y[:, first] - root * v_i)
        total = total + turned / (term + 1)
    at = own + 2 * m * terms
    ends, rest = numbers[:, at : at + m], numbers[:, at + m : at + m + len(first)]
    left = math.pi**2 / 6.0 - math.fsum(1.0 / r**2 for r in range(1, terms + 1))
    mixed = ends[:, second] * v_i - ends[:, first] * v_j + rest
    return h / (2.0 * math.pi) * (total + math.sqrt(2.0 * left) * mixed)
