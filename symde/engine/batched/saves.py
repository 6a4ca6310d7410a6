"""Saved points, found after several attempts together: one search and one interpolation for all of them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.step import Stepper


class Saves:
    """The states at the times asked for, as they become known.

    Args:
        times: Shape (T,) or (T, B), in the order of integration, float64.
        t0: Where the members start, shape (B,).
        u: The states there, shape (n, B).
        direction: 1.0 or -1.0.

    Attributes:
        u: The saved states, shape (T, n, B); NaN where a member did not get there.
        attempt: Number of the attempt that passed each time, shape (T, B); -1 at the start and where none
            did.
        theta: Fraction of that attempt's step, shape (T, B), float64.
        at_start: Whether a time is a member's start, shape (T, B).
    """

    def __init__(self, times: Tensor, t0: Tensor, u: Tensor, direction: float) -> None:
        self.times, self._direction = times, direction
        # a row for each member, or one for all
        self._ordered = (direction * (times.T if times.ndim == 2 else times)).contiguous()
        self.at_start = (times if times.ndim == 2 else times[:, None]) == t0
        self.u = torch.where(self.at_start[:, None], u, torch.nan)
        self.attempt = torch.full(self.at_start.shape, -1, dtype=torch.int64, device=u.device)
        self.theta = torch.zeros(self.at_start.shape, dtype=torch.float64, device=u.device)

    def counts(self, t_old: Tensor, t_new: Tensor, accepted: Tensor) -> tuple[Tensor, Tensor]:
        """Index of the first time that each attempt passes, and how many it passes, shape (attempts, B)."""
        low, high = self._passed(t_old), self._passed(t_new)
        return low, (high - low) * accepted

    def _passed(self, t: Tensor) -> Tensor:
        """How many times each member has passed, shape (attempts, B)."""
        t = self._direction * t
        if self._ordered.ndim == 1:
            return torch.searchsorted(self._ordered, t, right=True)
        return torch.searchsorted(self._ordered, t.T.contiguous(), right=True).T

    def write(self, stepper: Stepper, places: Places, p: Tensor | None, first_attempt: int) -> None:
        """Interpolate at all places and keep what was found."""
        value = interpolated(stepper, places, p)
        self.u[places.save, :, places.member] = value.T
        self.attempt[places.save, places.member] = first_attempt + places.attempt
        self.theta[places.save, places.member] = places.theta


class Steps(NamedTuple):
    """Some successive attempts: starts, ends and sizes (attempts, B), states before and after (attempts, n,
    B)."""

    t: Tensor
    t_new: Tensor
    h: Tensor
    u: Tensor
    u_new: Tensor


class Places(NamedTuple):
    """Times within attempts: one entry for each pair of a saved time and a member.

    Attributes:
        save, member, attempt: Indices, shape (S,).
        theta: Fraction of the step, 1 exactly at its end; float64.
        t, h, u, u_new, stages: Of the step: (S,), (S,), (n, S), (n, S), (stages, n, S).
    """

    save: Tensor
    member: Tensor
    attempt: Tensor
    theta: Tensor
    t: Tensor
    h: Tensor
    u: Tensor
    u_new: Tensor
    stages: Tensor


def places_of(times: Tensor, low: Tensor, counts: Tensor, total: int, steps: Steps, stages: Tensor) -> Places:
    """The places that some attempts passed.

    Args:
        times: Times to save, shape (T,) or (T, B).
        low, counts: As `Saves.counts` gives them; `total` is the sum of the counts.
        steps: The attempts.
        stages: Their stages, shape (attempts, stages, n, B).
    """
    flat = counts.reshape(-1)
    every = torch.arange(len(flat), device=flat.device)
    pair = torch.repeat_interleave(every, flat, output_size=total)
    within = torch.arange(total, device=flat.device) - (torch.cumsum(flat, 0) - flat)[pair]
    batch = counts.shape[1]
    attempt, member = pair // batch, pair % batch
    save = low.reshape(-1)[pair] + within
    wanted = times[save] if times.ndim == 1 else times[save, member]
    t, h = steps.t.reshape(-1)[pair], steps.h.reshape(-1)[pair]
    at_end = wanted == steps.t_new.reshape(-1)[pair]
    theta = torch.where(at_end, 1.0, (wanted - t) / h)
    u, u_new = (one[attempt, :, member].T for one in (steps.u, steps.u_new))
    return Places(
        save, member, attempt, theta, t, h, u, u_new, stages[attempt, :, :, member].permute(1, 2, 0)
    )


def parameters_of(p: Tensor | None, member: Tensor) -> Tensor | None:
    """The parameters of some members."""
    return p if p is None or p.shape[1] == 1 else p[:, member]


def interpolated(stepper: Stepper, places: Places, p: Tensor | None) -> Tensor:
    """The states at places, shape (n, S); at the end of a step those of the step itself."""
    stages = stepper.complete(places.stages, places.t, places.h, places.u, parameters_of(p, places.member))
    inside = places.u + stepper.combine(stages, places.h, stepper.weights(places.theta))
    return torch.where(places.theta == 1.0, places.u_new, inside)
