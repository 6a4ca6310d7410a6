"""Error norm, step-size control and the first step of every member: the laws of the compiled engine.

Sources: K. Gustafsson, Control theoretic techniques for stepsize selection in explicit Runge-Kutta methods,
ACM TOMS 17 (1991), for the PI law; E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential
Equations I (1993), II.4, for the norm (4.11) and the starting step (4.14).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.equation import Equation
from symde.engine.batched.step import Step
from symde.engine.cpu import families
from symde.engine.cpu.layout import (
    DIVERGENCE_CUT,
    LARGEST_GROWTH,
    RESOLUTION,
    SAFETY,
    SMALLEST_ERROR,
    STRONGEST_CUT,
    TINY,
)

UNSOLVED = 1e300
"""Mean square of the error of a step that was not solved."""


class Tolerance(NamedTuple):
    """What an error is measured by: atol + rtol*|u|, in float64 whatever the states are.

    Attributes:
        rtol: Relative tolerance, without dimensions: a tensor, so that a compiled step serves any.
        atol: Absolute tolerance, shape (n, 1).
        mean: 1/n, shape (n,).
        zero: 0, without dimensions.
        measure: Gives the norm (B,) of scaled values (n, B), in place of the root mean square.
    """

    rtol: Tensor
    atol: Tensor
    mean: Tensor
    zero: Tensor
    measure: Callable[[Tensor], Tensor] | None = None

    def mean_square(self, error: Tensor, u: Tensor, other: Tensor) -> Tensor:
        """Mean square of error / (atol + rtol*max(|u|, |other|)), shape (B,); NaN where `other` or the error
        is not finite."""
        largest = torch.maximum(u.abs(), other.abs()).to(torch.float64)
        ratio = error / torch.addcmul(self.atol, largest, self.rtol)
        if self.measure is not None:
            return torch.square(self.measure(torch.addcmul(ratio, largest, self.zero)))
        # 0 * inf is NaN: a state that overflowed must not pass for one with a small relative error
        square = torch.addcmul(torch.square(ratio), largest, self.zero)
        # a sum by a product with a vector is the same to the last bit wherever a member stands
        return torch.mv(square.T, self.mean)

    def norm(self, vector: Tensor, u: Tensor) -> Tensor:
        """Root mean square of vector / (atol + rtol*|u|), shape (B,)."""
        ratio = vector / torch.addcmul(self.atol, u.abs().to(torch.float64), self.rtol)
        if self.measure is not None:
            return self.measure(ratio)
        return torch.sqrt(torch.mv(torch.square(ratio).T, self.mean))


def tolerance_of(
    rtol: float, atol: Tensor | float, u: Tensor, measure: Callable[[Tensor], Tensor] | None = None
) -> Tolerance:
    """The tolerance of states like u; `atol` is a number or of shape (n,)."""
    like = {"dtype": torch.float64, "device": u.device}
    given = torch.as_tensor(atol, **like).reshape(-1, 1)
    # TINY keeps 0/0 out where a state and its tolerance are both zero
    full = torch.zeros(u.shape[0], 1, **like) + given + TINY
    return Tolerance(
        torch.tensor(rtol, **like),
        full,
        torch.full((u.shape[0],), 1.0 / u.shape[0], **like),
        torch.zeros((), **like),
        measure,
    )


class Law(NamedTuple):
    """The numbers of a method's controller.

    Attributes:
        present, previous, rejected: Exponents of the mean square of the present error, of the one before, and
            of that of a rejected step.
        order: Of the method, for the first step.
        fixed: Whether steps are of one size, as there is no error estimate.
        safety, growth, none: Factors of the next step's size, without dimensions: as tensors, so that no step
            makes them anew.
    """

    present: float
    previous: float
    rejected: float
    order: float
    fixed: bool
    safety: Tensor
    growth: Tensor
    none: Tensor


def law_of(method: Any, device: torch.device) -> Law:
    """The controller of a method, with the exponents of its family in the compiled engine."""
    family = families.get(method.family)
    lower = method.order if method.embedded_order is None else min(method.order, method.embedded_order)
    exponent = 0.5 / (lower + 1)
    order = float(getattr(method, "starting_order", method.order))
    factors = torch.tensor((SAFETY, LARGEST_GROWTH, 1.0), dtype=torch.float64, device=device).unbind(0)
    exponents = family.present * exponent, family.previous * exponent, exponent
    return Law(*exponents, order, not method.adaptive, *factors)


class Progress(NamedTuple):
    """Where every member stands, shape (B,) each but u.

    Attributes:
        t, u: Time and state; u of shape (n, B).
        h_next: Size of the next attempt; 0 for a member that was given up.
        log_error: Logarithm of the mean square of the last error.
        limit: Largest growth of the next step: none after a rejection.
    """

    t: Tensor
    u: Tensor
    h_next: Tensor
    log_error: Tensor
    limit: Tensor


class Attempt(NamedTuple):
    """What is known of an attempt before it is made.

    Attributes:
        h: Signed step size, 0 for a member that has ended.
        t_new: Where it leads.
        size: Of h, without its sign.
    """

    h: Tensor
    t_new: Tensor
    size: Tensor


def choose(progress: Progress, t_end: Tensor, direction: float) -> Attempt:
    """The step sizes; a step stretched by one per cent spares a last tiny one."""
    remaining = torch.abs(t_end - progress.t)
    reaches = progress.h_next * 1.01 >= remaining
    goes_on = torch.logical_or(reaches, progress.h_next > torch.abs(progress.t) * RESOLUTION)
    size = torch.where(reaches, remaining, progress.h_next) * goes_on
    h = size if direction > 0 else -size
    return Attempt(h, torch.where(reaches, t_end, progress.t + h), size)


class Verdict(NamedTuple):
    """What becomes of an attempt, shape (B,) each: who was accepted, those included that stayed where they
    were, and the numbers of `Progress` but the state."""

    accepted: Tensor
    t: Tensor
    h_next: Tensor
    log_error: Tensor
    limit: Tensor

    def progress(self, u: Tensor) -> Progress:
        """Where the members stand, with their states."""
        return Progress(self.t, u, self.h_next, self.log_error, self.limit)


def judge(
    progress: Progress, attempt: Attempt, step: Step, tolerance: Tolerance, law: Law, largest: Tensor
) -> tuple[Progress, Tensor, Tensor]:
    """Accept or reject: the new progress, who was accepted, and the mean squares of the errors."""
    if step.error is None:
        # without an error estimate a step counts as it is, unless it is not finite
        mean_square = (step.u * 0.0).sum(0).to(torch.float64)
    else:
        mean_square = tolerance.mean_square(step.error, progress.u, step.u)
    if step.failed is not None:
        mean_square = torch.where(step.failed, UNSOLVED, mean_square)
    verdict = decide(progress, attempt, mean_square, step.diverged, law, largest)
    u = torch.where(verdict.accepted, step.u, progress.u)
    return verdict.progress(u), verdict.accepted, mean_square


def decide(
    progress: Progress,
    attempt: Attempt,
    mean_square: Tensor,
    diverged: Tensor | None,
    law: Law,
    largest: Tensor,
) -> Verdict:
    """Accept or reject, and the next step sizes, by the PI law or as they are."""
    if law.fixed:
        return _keep_fixed(progress, attempt, mean_square)
    size = attempt.size
    accepted = mean_square <= 1.0
    log_error = torch.log(torch.clamp(mean_square, min=SMALLEST_ERROR))
    grown = torch.add(progress.log_error * law.previous, log_error, alpha=-law.present)
    exponent = torch.where(accepted, grown, log_error * -law.rejected)
    exponent = torch.nan_to_num(exponent, nan=QUARTER, neginf=QUARTER)
    limit = torch.where(accepted, progress.limit, law.safety)
    factor = torch.minimum(torch.clamp(torch.exp(exponent) * SAFETY, min=STRONGEST_CUT), limit)
    if diverged is not None:
        factor = torch.where(diverged, DIVERGENCE_CUT, factor)
    return Verdict(
        accepted,
        torch.where(accepted, attempt.t_new, progress.t),
        torch.minimum(size * factor, largest),
        torch.where(accepted, log_error, progress.log_error),
        torch.where(accepted, law.growth, law.none),
    )


QUARTER = math.log(0.25 / SAFETY)
"""Where the error is not a number, the step is cut to a quarter."""


def _keep_fixed(progress: Progress, attempt: Attempt, mean_square: Tensor) -> Verdict:
    accepted = torch.logical_and(mean_square == 0.0, attempt.h != 0.0)
    return Verdict(
        accepted,
        torch.where(accepted, attempt.t_new, progress.t),
        torch.where(mean_square == 0.0, progress.h_next, 0.0),
        progress.log_error,
        progress.limit,
    )


def first_step(
    equation: Equation,
    t: Tensor,
    t_end: Tensor,
    direction: float,
    u: Tensor,
    p: Tensor | None,
    tolerance: Tolerance,
    law: Law,
    largest: Tensor,
    slopes: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """A first step from f and a difference of f, shape (B,), NaN where f is not finite; and f, (n, B), which
    may be known."""
    f0 = equation(t, u, p) if slopes is None else slopes
    size, slope = tolerance.norm(u, u), tolerance.norm(f0, u)
    span = torch.minimum(torch.abs(t_end - t), largest)
    # far from t = 0 the usual guess may not move the time at all: let the error test judge a larger one
    least = torch.minimum(4.0 * RESOLUTION * torch.abs(t), span)
    # an infinite slope is one that leaves a zero whose tolerance is zero
    usual = (size >= 1e-5) & (slope >= 1e-5) & (slope < math.inf)
    h = torch.minimum(torch.where(usual, 0.01 * size / slope, 1e-6), span)
    signed = (h * direction).to(u.dtype)
    f1 = equation(t + h * direction, torch.addcmul(u, signed, f0), p)
    curvature = tolerance.norm(f1 - f0, u) / h
    steepest = torch.maximum(slope, curvature)
    root = torch.exp(torch.log(0.01 / steepest) / (law.order + 1.0))
    estimate = torch.where(steepest <= 1e-15, torch.clamp(1e-3 * h, min=1e-6), root)
    usable = torch.minimum(torch.minimum(100.0 * h, estimate), span)
    chosen = torch.maximum(torch.where(steepest < math.inf, usable, 1e-3 * h), least)
    return torch.where(torch.isfinite(f0).all(0), chosen, math.nan), f0
