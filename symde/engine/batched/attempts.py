"""Attempts at a step, one after another: in memory that is kept, in new tensors, or as one compiled
function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from symde.engine.batched.control import Attempt, Law, Progress, Tolerance, choose, judge
from symde.engine.batched.explicit import ExplicitStepper
from symde.engine.batched.explicit_workspace import ExplicitWorkspace
from symde.engine.batched.step import Stepper


class Span(NamedTuple):
    """What the attempts of a solve have in common.

    Attributes:
        t_end: Shape (B,).
        direction: 1.0 or -1.0.
        p: Parameters.
        tolerance, law: Of the error test and the controller.
        largest: Largest step size, without dimensions.
    """

    t_end: Tensor
    direction: float
    p: Tensor | None
    tolerance: Tolerance
    law: Law
    largest: Tensor


class Made(NamedTuple):
    """An attempt that was made: what it led to, whose was accepted, the mean squares of the errors."""

    attempt: Attempt
    progress: Progress
    accepted: Tensor
    mean_square: Tensor


class Attempts(Protocol):
    """Makes attempts; `stages(count)` are those of the last slots, shape (count, stages, n, B), and `begin`
    tells the slopes at the start where they are known."""

    def begin(self, slopes: Tensor) -> None: ...
    def make(self, slot: int, progress: Progress) -> Made: ...
    def stages(self, count: int) -> Tensor: ...


class KeptAttempts:
    """Explicit attempts in memory that is kept."""

    def __init__(self, stepper: ExplicitStepper, span: Span, u: Tensor, slots: int) -> None:
        self._span, self._slots = span, slots
        self._work = ExplicitWorkspace(stepper, u, span.p, slots)

    def begin(self, slopes: Tensor) -> None:
        """The slopes at the start."""
        self._work.begin(slopes)

    def make(self, slot: int, progress: Progress) -> Made:
        """The attempt of a slot."""
        span, slot = self._span, slot % self._slots
        attempt = choose(progress, span.t_end, span.direction)
        step = self._work.attempt(slot, progress.t, attempt.h, progress.u)
        following, accepted, mean_square = judge(
            progress, attempt, step, span.tolerance, span.law, span.largest
        )
        self._work.settle(slot, accepted)
        return Made(attempt, following, accepted, mean_square)

    def stages(self, count: int) -> Tensor:
        """The stages of the first slots."""
        return self._work.stages[:count]


class NewAttempts:
    """Attempts in new tensors.

    Args:
        stepper: The method.
        span: What all attempts share.
        slots: Attempts whose stages are kept.
        whole: One attempt, as `attempt_function` or torch's compiler makes it.
    """

    def __init__(self, stepper: Stepper, span: Span, slots: int, whole: Callable[..., Any]) -> None:
        self._stepper, self._span, self._whole = stepper, span, whole
        self._first: Tensor | None = None
        self._stages: list[Tensor] = [span.t_end] * slots

    def begin(self, slopes: Tensor) -> None:
        """The slopes at the start."""
        self._first = slopes if self._stepper.keeps_first else None

    def make(self, slot: int, progress: Progress) -> Made:
        """The attempt of a slot."""
        if self._first is None and self._stepper.keeps_first:
            self._first = self._stepper.equation(progress.t, progress.u, self._span.p)
        made, self._first, self._stages[slot % len(self._stages)] = self._whole(
            self._span, progress, self._first
        )
        return made

    def stages(self, count: int) -> Tensor:
        """The stages of the first slots."""
        return torch.stack(self._stages[:count])


def attempt_function(stepper: Stepper, keep_stages: bool) -> Callable[..., Any]:
    """One attempt as a function of tensors alone: (span, progress, first stage) to (made, first, stages)."""

    def whole(span: Span, progress: Progress, first: Tensor | None) -> tuple[Made, Tensor | None, Any]:
        attempt = choose(progress, span.t_end, span.direction)
        step = stepper.attempt(progress.t, attempt.h, progress.u, span.p, first)
        following, accepted, mean_square = judge(
            progress, attempt, step, span.tolerance, span.law, span.largest
        )
        last = None if step.last is None else torch.where(accepted, step.last, step.stages[0])
        stages = torch.stack(list(step.stages)) if keep_stages else None
        return Made(attempt, following, accepted, mean_square), last, stages

    return whole
