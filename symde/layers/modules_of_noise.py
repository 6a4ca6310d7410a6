"""Modules of rows as drift and diffusion of columns, and what kind of noise they make."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from symde.codegen.noise import NoiseKind
from symde.layers.neural_batch import Columns, what_it_gives
from symde.layers.noise_module import TOGETHER

DIAGONAL, SCALAR, GENERAL = "diagonal", "scalar", "general"
SHAPES = (DIAGONAL, SCALAR, GENERAL)

LOOKS = 32
"""Random states at which it is looked which coefficients of the noise read which states: a half of about 1,
and others of up to a thousand."""


class ModulesOfNoise:
    """Two modules as a `symde.engine.batched.paths.equation.StochasticEquation`.

    Args:
        drift, diffusion: Of rows, as `symde.layers.NeuralSDE` takes them.
        shape: "diagonal", "scalar" or "general".
        u0: An initial state, (n,) or (batch, n).
        kind: Of the noise, where it is known: it tells which products of Milstein's method there are.

    Raises:
        ValueError: the diffusion gives another shape.
    """

    def __init__(
        self, drift: nn.Module, diffusion: nn.Module, shape: str, u0: Tensor, kind: NoiseKind | None = None
    ) -> None:
        self.low = self.high = None
        self.together = kind in TOGETHER
        self.rhs = self.drift = Columns(drift)
        self._diffusion, self._timed, self._shape = diffusion, Columns(diffusion).timed, shape
        n = self.n = u0.shape[-1]
        if shape == GENERAL:
            row = u0.detach().reshape(-1, n)[:1].T
            with torch.no_grad():
                found = self._rows(torch.zeros(1, dtype=torch.float64, device=u0.device), row)
            self.motions = found.shape[2] if found.ndim == 3 else 0
            self.rows = tuple(i for i in range(n) for _ in range(self.motions))
            self.columns = tuple(j for _ in range(n) for j in range(self.motions))
        else:
            self.motions = n if shape == DIAGONAL else 1
            self.rows = tuple(range(n))
            self.columns = self.rows if shape == DIAGONAL else (0,) * n
        firsts = (None,) if self.together else tuple(range(self.motions))
        self.product_rows, self.product_second = self.rows * len(firsts), self.columns * len(firsts)
        self.product_first = tuple(
            column if first is None else first for first in firsts for column in self.columns
        )
        self.pairs = () if self.together else tuple(itertools.combinations(range(self.motions), 2))

    def diffusion(self, t: Tensor, u: Tensor, p: Any) -> Tensor:
        """The entries, shape (entries, B)."""
        found = self._rows(t, u)
        return found.reshape(len(found), -1).T

    def products(self, t: Tensor, u: Tensor, p: Any) -> Tensor:
        """Those of Milstein's method: the derivatives of g along the coefficients of each motion, or, where
        no motion changes the coefficients of another, along those of all.

        With torch's forward mode, which every operation of the module must have.
        """
        g = self.diffusion(t, u, p)
        if self.together:
            return self._along(t, u, g)
        found = []
        for motion in range(self.motions):
            own = [place for place, column in enumerate(self.columns) if column == motion]
            rows = torch.tensor([self.rows[place] for place in own], device=u.device)
            moved = torch.zeros_like(u).index_add(0, rows, g[own])
            found.append(self._along(t, u, moved))
        return torch.cat(found)

    def stratonovich(self, t: Tensor, u: Tensor, p: Any) -> Tensor:
        """The drift of the same equation in the sense of Stratonovich, with products of Milstein's method."""
        own = [
            place
            for place, (first, second) in enumerate(zip(self.product_first, self.product_second, strict=True))
            if first == second
        ]
        rows = torch.tensor([self.product_rows[place] for place in own], device=u.device)
        return self.drift(t, u, p).index_add(0, rows, -0.5 * self.products(t, u, p)[own])

    def _along(self, t: Tensor, u: Tensor, direction: Tensor) -> Tensor:
        return torch.func.jvp(lambda x: self.diffusion(t, x, None), (u,), (direction,))[1]

    def _rows(self, t: Tensor, u: Tensor) -> Tensor:
        rows = u.T
        given = (t.to(u.dtype).reshape(-1, 1).expand(len(rows), 1), rows) if self._timed else (rows,)
        found = self._diffusion(*given)
        matrix = self._shape == GENERAL
        tensor = isinstance(found, Tensor)
        if not tensor or found.ndim != (3 if matrix else 2) or found.shape[:2] != rows.shape:
            wanted = ", ".join(map(str, (*rows.shape, "m") if matrix else rows.shape))
            raise ValueError(
                f"the diffusion gives {what_it_gives(found)} for states of shape {tuple(rows.shape)}: "
                f"{self._shape} noise has coefficients of shape ({wanted})"
            )
        return found


def kind_of(diffusion: nn.Module, shape: str, u0: Tensor) -> NoiseKind:
    """What methods may rely on: which coefficients read which states.

    It is looked up at random times and states with random weights: what a coefficient does not read with the
    weights of now, it may read with those to come.
    """
    n = u0.shape[-1]
    points, weights = _random(diffusion, n, u0)
    t = points[-1].abs().double()
    equation = ModulesOfNoise(diffusion, _Weighted(diffusion, weights), shape, u0)
    reads = _reads(lambda u: equation.diffusion(t, u, None), points[:n], points[n : 2 * n])
    if not reads.any():
        return NoiseKind.ADDITIVE
    own = torch.eye(n, dtype=torch.bool, device=reads.device)
    if shape == DIAGONAL and not (reads & ~own).any():
        return NoiseKind.DIAGONAL
    return NoiseKind.SCALAR if equation.motions == 1 else NoiseKind.GENERAL


def _random(module: nn.Module, n: int, like: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    generator = torch.Generator(device="cpu").manual_seed(0)

    def normal(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator, dtype=torch.float64)

    weights = {name: normal(*one.shape).to(one) for name, one in module.named_parameters()}
    sizes = torch.cat([torch.ones(LOOKS // 2), torch.logspace(0, 3, LOOKS - LOOKS // 2)])
    return (sizes * normal(2 * n + 1, LOOKS)).to(like.device, like.dtype), weights


class _Weighted(nn.Module):
    """A module with other weights."""

    def __init__(self, module: nn.Module, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self._call = functools.partial(torch.func.functional_call, module, weights)
        self._timed = Columns(module).timed

    @property
    def forward(self) -> Any:  # type: ignore[override]
        """With as many arguments as the module's own."""
        return (lambda t, x: self._call((t, x))) if self._timed else (lambda x: self._call((x,)))


def _reads(entries: Callable[[Tensor], Tensor], u: Tensor, other: Tensor) -> Tensor:
    """Which entries read which states, shape (entries, n): those that change where that state alone does.
    Derivatives would not tell it of coefficients that jump, or are flat at most states."""
    with torch.no_grad():
        found, columns = entries(u), []
        for state in range(len(u)):
            moved = u.clone()
            moved[state] = other[state]
            columns.append((entries(moved) != found).any(1))
    return torch.stack(columns, 1)
