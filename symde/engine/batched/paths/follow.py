"""Paths from the first step to the last, and what is saved of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.engine.batched.paths.equation import within
from symde.engine.batched.paths.increments import Brownian, Grid
from symde.engine.batched.paths.steps import Step, Stepper
from symde.engine.cpu.layout import Status


@dataclass(frozen=True, slots=True, eq=False)
class Saves:
    """What is saved in each step: the state at a part theta of it, on the line between its ends.

    Attributes:
        count: Number of times to save.
        at_start: Those that are the start.
        by_step: For a step: places among the times to save, and theta.
    """

    count: int
    at_start: list[int]
    by_step: dict[int, list[tuple[int, float]]]

    @classmethod
    def of(cls, grid: Grid, times: np.ndarray) -> Saves:
        """Those of ascending times within the grid."""
        at_start: list[int] = []
        by_step: dict[int, list[tuple[int, float]]] = {}
        step = 0
        for place, time in enumerate(times.tolist()):
            if time <= grid.t0:
                at_start.append(place)
                continue
            while step < grid.steps - 1 and grid.t0 + (step + 1) * grid.h < time:
                step += 1
            start, end = grid.t0 + step * grid.h, grid.t0 + (step + 1) * grid.h
            theta = (time - start) / (end - start) if end > start else 1.0
            by_step.setdefault(step, []).append((place, min(theta, 1.0)))
        return cls(len(times), at_start, by_step)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Paths to be followed.

    Attributes:
        stepper: Equation and method.
        grid, saves, brownian: Steps, what is saved, and the noise.
    """

    stepper: Stepper
    grid: Grid
    saves: Saves
    brownian: Brownian

    def steps(self, u: Tensor, p: Tensor | None, first: int, last: int) -> Iterator[tuple[int, Step]]:
        """The steps from `first` to before `last`."""
        t0, h, stepper, brownian = self.grid.t0, self.grid.h, self.stepper, self.brownian
        for step in range(first, last):
            t = torch.full((u.shape[1],), t0 + step * h, dtype=torch.float64, device=u.device)
            found = stepper.step(t, h, u, p, brownian.at(step))
            u = found.u
            yield step, found

    def points(self, step: int, old: Tensor, new: Tensor) -> list[tuple[int, Tensor]]:
        """The saved states of a step between its ends, with their places."""
        equation: Any = self.stepper.equation
        found = []
        for place, theta in self.saves.by_step.get(step, ()):
            state = new if theta >= 1.0 else old + theta * (new - old)
            found.append((place, within(equation, state)))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """What came of paths.

    Attributes:
        u: Saved states, shape (T, n, B); not a number from where a path was not finite.
        taken: Steps that each path took, int64, shape (B,): all where it reached its end.
        status: How each ended, `Status` as a number, shape (B,).
        reached: Time at which each ended, shape (B,).
    """

    u: Tensor
    taken: Tensor
    status: Tensor
    reached: Tensor


def follow(
    run: Run, u: Tensor, p: Tensor | None, segments: list[Tensor] | None = None, length: int = 1
) -> Followed:
    """Follow paths to their ends.

    Args:
        run: How.
        u, p: Initial states (n, B), and parameters (m, B) or (m, 1).
        segments: Takes the state before each `length` steps.
    """
    saved: list[Tensor | None] = [None] * run.saves.count
    for place in run.saves.at_start:
        saved[place] = within(run.stepper.equation, u)
    # u - u is 0, or not a number for ever after
    lost, taken = u.new_zeros(u.shape[1]), torch.zeros(u.shape[1], dtype=torch.int64, device=u.device)
    if segments is not None:
        segments.append(u)
    old, diverged = u, torch.zeros_like(taken, dtype=torch.bool)
    for step, found in run.steps(u, p, 0, run.grid.steps):
        new = found.u
        with torch.no_grad():
            if found.diverged is not None:
                diverged = diverged | (found.diverged & (lost == 0.0))
                lost = torch.where(diverged, torch.nan, lost)
            lost = lost + (new - new).sum(0)
            taken += lost == 0.0
        for place, state in run.points(step, old, new):
            saved[place] = state + lost
        old = new
        if segments is not None and (step + 1) % length == 0 and step + 1 < run.grid.steps:
            segments.append(new)
    status = torch.where(diverged, int(Status.DIVERGED), int(Status.NON_FINITE))
    status = torch.where(taken < run.grid.steps, status, int(Status.DONE))
    reached = run.grid.t0 + taken.double() * run.grid.h
    return Followed(torch.stack([one for one in saved if one is not None]), taken, status, reached)
