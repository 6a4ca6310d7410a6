"""What the steps ask of a stochastic differential equation dx = f dt + g dW in the sense of Ito."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor


class StochasticEquation(Protocol):
    """Drift and diffusion of many paths, a column each; no column acts on another.

    Attributes:
        rows, columns: State and Brownian motion of each entry of the diffusion matrix.
        motions: Number of Brownian motions.
        together: Whether no motion changes the coefficients of another: additive, diagonal and scalar noise.
        rhs: The drift, with its own Jacobian where it has one (`symde.engine.batched.equation`).
        low, high: Domains of the states, (n, 1), or None where no state has one.
    """

    rows: Sequence[int]
    columns: Sequence[int]
    motions: int
    together: bool
    rhs: Any
    low: Tensor | None
    high: Tensor | None

    def drift(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """f, shape (n, B), of t (B,), u (n, B) and p (m, B) or (m, 1)."""
        ...

    def diffusion(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """The entries of g, shape (entries, B)."""
        ...


class HasProducts(Protocol):
    """What Milstein's method asks for besides.

    Attributes:
        product_rows, product_first, product_second: State and motions of each product.
        pairs: Motions whose Levy area these need, the lower number first.
    """

    product_rows: Sequence[int]
    product_first: Sequence[int]
    product_second: Sequence[int]
    pairs: Sequence[tuple[int, int]]

    def products(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """L_first g_(row, second), where L_i = sum_k g_ki d/dx_k, shape (products, B)."""
        ...


class HasStratonovich(Protocol):
    """What methods that follow Stratonovich's equation ask for besides."""

    def stratonovich(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """Its drift: f less 1/2 sum_ij g_ij dg_kj/dx_i (P. E. Kloeden, E. Platen 1992, section 4.9), shape
        (n, B)."""
        ...


class Places:
    """Adds what belongs to rows up there."""

    def __init__(self, rows: Sequence[int], n: int, device: torch.device) -> None:
        self.n, self._whole = n, list(rows) == list(range(n))
        self._rows = torch.tensor(list(rows), dtype=torch.int64, device=device)

    def add(self, u: Tensor, values: Tensor) -> Tensor:
        """u + values, one of which belongs to each row, shape (n, B)."""
        return u + values if self._whole else u.index_add(0, self._rows, values)


class Chosen:
    """Picks rows."""

    def __init__(self, rows: Sequence[int], count: int, device: torch.device) -> None:
        self._whole = list(rows) == list(range(count))
        self._rows = torch.tensor(list(rows), dtype=torch.int64, device=device)

    def __call__(self, values: Tensor) -> Tensor:
        """The rows of (count, B)."""
        return values if self._whole else values.index_select(0, self._rows)


def within(equation: StochasticEquation, u: Tensor) -> Tensor:
    """A state inside of its domains: coefficients are read there (full truncation: R. Lord, R. Koekkoek, D.
    van Dijk, Quant. Finance 10 (2010), 177-194)."""
    if equation.low is None or equation.high is None:
        return u
    return torch.minimum(torch.maximum(u, equation.low), equation.high)
