"""What every family of the batched engine offers."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from torch import Tensor

from symde.engine.batched.equation import Equation


class Step(NamedTuple):
    """An attempt of every member.

    Attributes:
        u: States it leads to, shape (n, B).
        error: Its error estimate, shape (n, B); None for methods that have none.
        stages: What the interpolant is made of, one piece a stage.
        failed: Members whose step was not solved, shape (B,), and None where a step cannot fail.
        diverged: Those of them whose iteration did not converge.
        last: The first stage of the next step, where the method has it.
    """

    u: Tensor
    error: Tensor | None
    stages: Any
    failed: Tensor | None = None
    diverged: Tensor | None = None
    last: Tensor | None = None


class Stepper(Protocol):
    """A method at work on an equation.

    `attempt` is a pure function of its arguments and can be differentiated: replay calls it again. A member
    of step size 0 stays where it is.

    Attributes:
        method: Its numbers.
        equation: What it solves.
        keeps_first: Whether the last stage of a step is the first of the next.
    """

    method: Any
    equation: Equation
    keeps_first: bool

    def attempt(self, t: Tensor, h: Tensor, u: Tensor, p: Tensor | None, first: Tensor | None = None) -> Step:
        """A step of size h (B,) from (t, u); `first` is f(t, u) where it is known."""
        ...

    def left(self, u: Tensor) -> Tensor | float:
        """By how much more than by rounding a step that leads to u, (..., n, B), may lead elsewhere when it
        is done again: what iterations leave."""
        ...

    def combine(self, stages: Tensor, h: Tensor, weights: Tensor) -> Tensor:
        """The increments at the places whose `weights` (S, stages) these are, from stages (stages, n, S)."""
        ...

    def complete(self, stages: Tensor, t: Tensor, h: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """The stages with those that only the interpolant needs."""
        ...

    def weights(self, theta: Tensor) -> Tensor:
        """Weights of the completed stages at the fractions theta (S,) of a step, shape (S, stages)."""
        ...

    def coefficients(self) -> Tensor:
        """The same as coefficients of theta, theta^2, ..., shape (degree, stages), float64."""
        ...
