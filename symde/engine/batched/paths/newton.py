"""The stages of implicit steps with noise: y = base + size f(t, y), by Newton's method.

Paths have no tolerance of their own: every member's iteration goes on until what is left is rounding. The
rules are those of the compiled engine, which evaluates the Jacobian anew where convergence is slow, so that
errors that are estimated with the last matrix are its own too.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8, for when to stop.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.equation import Equation
from symde.engine.batched.linear import Factors, ImplicitSolve, factorised
from symde.engine.batched.paths.equation import within
from symde.engine.batched.record import cheap_looks

ITERATIONS = 20
LEFT = 1e-10
"""Of a state, or 1e-6 of it beside the largest one where it is small; of float64."""

SLOW = 0.1
"""A rate of convergence above which the Jacobian is evaluated anew."""

BETWEEN_LOOKS = 3
"""Iterations after which the host looks whether all have ended, where a look waits for the device."""


class Solved(NamedTuple):
    """A stage.

    Attributes:
        y: What was found, shape (n, B).
        diverged: Whose iteration did not converge, shape (B,).
        factors: Of the last matrix of each.
    """

    y: Tensor
    diverged: Tensor
    factors: Factors


class DriftSolver:
    """Solves for the drift of an equation.

    Args:
        equation: A `StochasticEquation`; `rhs` gives the drift, with its own Jacobian where it has one.
    """

    def __init__(self, equation: Any) -> None:
        self._equation, self._drift = equation, Equation(equation.rhs)

    def solve(
        self, t: Tensor, size: Any, base: Tensor, guess: Tensor, old: Tensor, p: Tensor | None
    ) -> Solved:
        """The stage, with the derivative that the implicit function theorem gives it. Where an iteration
        begins with what is no number, y is none.

        Args:
            t: Time of the stage, shape (B,).
            size: Factor of the drift, a number or one for each member, (B,).
            base: What is known, shape (n, B).
            guess: Where the iteration begins.
            old: The state at the start of the step, which tells what is small.
            p: Parameters.
        """
        with torch.no_grad():
            found = self._iterated(t, size, base, guess, old, p)
        if not torch.is_grad_enabled():
            return found
        y = found.y
        residual = base + size * self._drift(t, within(self._equation, y), p) - y
        if not residual.requires_grad:
            return found
        with torch.no_grad():
            factors = self._factors(t, size, y, p)
        correction: Any = ImplicitSolve.apply(residual, factors.lu, factors.pivots)
        return found._replace(y=y + (correction - correction.detach()))

    def _factors(self, t: Tensor, size: Any, y: Tensor, p: Tensor | None) -> Factors:
        """The factors of I - size J. Beyond its domain a state is read at the end of it."""
        inside = within(self._equation, y)
        jacobian = self._drift.jacobian(t, inside, p)
        if inside is not y:
            jacobian = jacobian * (inside == y).to(y.dtype).T[:, None]
        sizes = size if isinstance(size, Tensor) else torch.full_like(t, size, dtype=y.dtype)
        return factorised(jacobian, sizes)

    def _iterated(
        self, t: Tensor, size: Any, base: Tensor, y: Tensor, old: Tensor, p: Tensor | None
    ) -> Solved:
        left = LEFT if y.dtype == torch.float64 else 10.0 * torch.finfo(y.dtype).eps
        active = torch.ones_like(t, dtype=torch.bool)
        diverged, before = ~active, torch.zeros_like(t, dtype=y.dtype)
        cheap, fresh, factors = cheap_looks(y.device), active, None
        for k in range(ITERATIONS):
            if factors is None or not cheap or bool((fresh & active).any()):
                factors = _renewed(factors, fresh & active, self._factors(t, size, y, p))
            change = factors.solve(base + size * self._drift(t, within(self._equation, y), p) - y)
            moved = torch.where(active, y + change, y)
            ratio = _beside(change, moved, old, base)
            rate = torch.where(before > 0.0, ratio / before, 1.0)
            fine = (ratio <= left) | ((rate < 1.0) & (rate / (1.0 - rate) * ratio <= left))
            wrong = ~(ratio < 1e30)
            if k == 0:
                moved = torch.where(wrong, math.nan, moved)
            else:
                diverged = diverged | (active & wrong)
            y, before, fresh = moved, ratio, rate > SLOW
            active = active & ~fine & ~wrong
            if (cheap or k % BETWEEN_LOOKS == 2) and not bool(active.any()):
                break
        assert factors is not None
        return Solved(y, diverged | active, factors)


def _renewed(old: Factors | None, fresh: Tensor, new: Factors) -> Factors:
    """The new factors of those whose iteration is slow."""
    if old is None:
        return new
    matrices = fresh[:, None, None]
    return Factors(
        torch.where(matrices, new.lu, old.lu),
        torch.where(fresh[:, None], new.pivots, old.pivots),
        torch.where(fresh, new.singular, old.singular),
    )


def _beside(change: Tensor, y: Tensor, old: Tensor, base: Tensor) -> Tensor:
    """The largest change beside the size of its state, shape (B,)."""
    sizes = y.abs() + old.abs() + (base - old).abs()
    ratio = change.abs() / (sizes + 1e-6 * sizes.amax(0))
    return torch.where(change == 0.0, 0.0, ratio).amax(0)
