"""A step of paths: what all methods share, and the method of Euler and Maruyama.

A step is made of operations that torch differentiates.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.paths.equation import Chosen, Places, within
from symde.engine.batched.paths.increments import Increments
from symde.engine.noise.method import NoiseMethod


class Step(NamedTuple):
    """Where a step leads.

    Attributes:
        u: The states at its end, shape (n, B).
        diverged: Whose implicit step has no solution, shape (B,); None: steps are explicit.
        error: An estimate of the error, shape (n, B), of steps that follow it; else None.
        first: Drift and diffusion at its start, of a method whose sizes are chosen by them; else None.
    """

    u: Tensor
    diverged: Tensor | None = None
    error: Tensor | None = None
    first: tuple[Tensor, Tensor] | None = None


Size = float | Tensor
"""Of a step: a number, or one for each member, shape (B,), where steps follow the error."""

DRIFT_WEIGHT = 0.25
"""Of the drift's part of the error, what the weighted stages differ from the first, as in the compiled
engine."""


class Stepper:
    """Steps of one equation.

    Args:
        equation: As `StochasticEquation`, and what else the method asks for.
        method: Whose steps.
        n: Number of states.
        device: Where they are.
    """

    implicit = False
    """Whether steps are solved for."""

    def __init__(self, equation: Any, method: NoiseMethod, n: int, device: torch.device) -> None:
        self.equation, self.method, self.n = equation, method, n
        self.to_rows = Places(equation.rows, n, device)
        self.of_motions = Chosen(equation.columns, equation.motions, device)

    def drift(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """The drift at a state."""
        return self.equation.drift(t, within(self.equation, u), p)

    def diffusion(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """The entries of the diffusion at a state."""
        return self.equation.diffusion(t, within(self.equation, u), p)

    def step(self, t: Tensor, h: Size, u: Tensor, p: Tensor | None, noise: Increments) -> Step:
        """A step from t on."""
        raise NotImplementedError


class EulerMaruyama(Stepper):
    """u + f h + g dW (G. Maruyama 1955)."""

    def step(self, t: Tensor, h: Size, u: Tensor, p: Tensor | None, noise: Increments) -> Step:
        """A step from t on."""
        f, g = self.drift(t, u, p), self.diffusion(t, u, p)
        return Step(self.to_rows.add(u + h * f, g * self.of_motions(noise.dw)), first=(f, g))


class ByTable(Stepper):
    """Steps by the coefficients of a method."""

    def __init__(self, equation: Any, method: NoiseMethod, n: int, device: torch.device) -> None:
        super().__init__(equation, method, n, device)
        self.table: Any = method.tableau

    def means(self, h: Size, noise: Increments) -> tuple[Tensor, Tensor]:
        """For each entry of the diffusion the increment of its motion, and the mean of that over the step."""
        assert noise.area is not None
        return self.of_motions(noise.dw), self.of_motions(noise.area) / h


def root_of(h: Size) -> Any:
    """sqrt(h)."""
    return torch.sqrt(h) if isinstance(h, Tensor) else math.sqrt(h)


def drift_error(alpha: Any, f: list[Tensor], h: Tensor) -> Tensor:
    """What the drifts of stages differ from the first, one after another: where decay is fast their sum may
    be 0."""
    error = torch.zeros_like(f[0])
    for weight, one in zip(alpha[1:], f[1:], strict=True):
        if weight != 0.0:
            error = error + (DRIFT_WEIGHT * abs(float(weight))) * h * (one - f[0]).abs()
    return error


def weighted(u: Any, weights: Any, values: list[Tensor], h: Size = 1.0) -> Any:
    """u + h sum_i weights_i values_i over the values that there are; None stands for 0."""
    for weight, value in zip(weights, values, strict=False):
        if weight != 0.0:
            term = (h * float(weight)) * value
            u = term if u is None else u + term
    return u
