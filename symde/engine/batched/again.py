"""A recorded solve done again, differentiably: one step at a time, with its saved points."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.record import Recorded
from symde.engine.batched.saves import Saves, parameters_of
from symde.engine.batched.step import Step, Stepper


class Passed(NamedTuple):
    """Saved times that one attempt passed: indices of time and member, shape (S,), and fractions of the
    step."""

    save: Tensor
    member: Tensor
    theta: Tensor


class SavesByAttempt:
    """The saved times in the order of the attempts that passed them; two looks for all of them."""

    def __init__(self, saves: Saves, attempts: int) -> None:
        flat = saves.attempt.reshape(-1)
        batch = saves.attempt.shape[1]
        order = torch.argsort(flat, stable=True)
        counts = torch.bincount(flat + 1, minlength=attempts + 1)
        self._ends = torch.cumsum(counts, 0).tolist()
        self._save, self._member = order // batch, order % batch
        self._theta = saves.theta.reshape(-1)[order]
        self._at_end = (self._theta == 1.0).tolist() if len(order) else []

    def inside(self, k: int) -> Passed | None:
        """Those within attempt k."""
        return self._some(k, False)

    def at_end(self, k: int) -> Passed | None:
        """Those at the end of attempt k."""
        return self._some(k, True)

    def _some(self, k: int, at_end: bool) -> Passed | None:
        first, last = self._ends[k], self._ends[k + 1]
        wanted = [i for i in range(first, last) if self._at_end[i] is at_end]
        if not wanted:
            return None
        index = torch.tensor(wanted, device=self._save.device)
        return Passed(self._save[index], self._member[index], self._theta[index])


def step_again(stepper: Stepper, recorded: Recorded, u: Tensor, p: Tensor | None) -> Step:
    """A recorded step from u, which is `recorded.u` or a tensor with a history."""
    return stepper.attempt(recorded.t, recorded.h, u, p)


def points_again(
    stepper: Stepper, recorded: Recorded, step: Step, u: Tensor, p: Tensor | None, passed: Passed
) -> Tensor:
    """The saved points within a step, shape (n, S)."""
    member = passed.member
    t, h, start = recorded.t[member], recorded.h[member], u[:, member]
    stages = torch.stack(list(step.stages))[:, :, member]
    stages = stepper.complete(stages, t, h, start, parameters_of(p, member))
    return start + stepper.combine(stages, h, stepper.weights(passed.theta))
