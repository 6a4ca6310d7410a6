"""The steps of a recorded solve as members of one batch, and what a loss asks of each."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.forward import Forward


class Steps(NamedTuple):
    """Steps of a solve, each of each member as a member of one batch, S in all.

    Attributes:
        t, h: Shape (S,); sizes are 0 where a step did not count for a member.
        u: States at the start, shape (n, S).
        stages: Shape (stages, n, S).
        counted: Whether they counted, shape (S,); None: all.
        p: Parameters of the members, shape (m, B), (m, 1) or None.
    """

    t: Tensor
    h: Tensor
    u: Tensor
    stages: Tensor
    counted: Tensor | None
    p: Tensor | None


class Seeds(NamedTuple):
    """Derivatives of the loss by the saved states.

    Attributes:
        place: Which of `Steps` each lies in, shape (S,).
        theta: At which fraction, 1 exactly at its end.
        grad: The derivatives, shape (S, n).
    """

    place: Tensor
    theta: Tensor
    grad: Tensor


class KeptSteps:
    """The attempts that counted for some member.

    Attributes:
        t, h, u, stages, counted: As in the record, each in one piece.
    """

    def __init__(self, found: Forward) -> None:
        assert found.record is not None and found.record.stages is not None
        self._found, pieces, stages = found, found.record.pieces, found.record.stages
        if len(pieces) == 1:
            (self.t, self.h, self.u, self.counted), self.stages = pieces[0], stages[0]
        else:
            self.t, self.h, self.u, self.counted = (torch.cat([one[i] for one in pieces]) for i in range(4))
            self.stages = torch.cat(stages)
        self._number: Tensor | None = None
        self.whole = bool(self.counted.all())
        if not self.whole:
            self._leave_out()
            self._fill()

    def _leave_out(self) -> None:
        """Attempts that counted for nobody."""
        some = self.counted.any(1)
        self._number = torch.cumsum(some, 0) - 1
        self.t, self.h, self.u, self.counted, self.stages = (
            one[some] for one in (self.t, self.h, self.u, self.counted, self.stages)
        )

    def _fill(self) -> None:
        """A member for which an attempt did not count takes another's place, with size 0, so that nothing
        infinite comes of it."""
        counted = self.counted
        some = counted.to(torch.uint8).argmax(1, keepdim=True)
        others = self.u.gather(2, some[:, None].expand(-1, self.u.shape[1], 1))
        self.t = torch.where(counted, self.t, self.t.gather(1, some))
        self.u = torch.where(counted[:, None], self.u, others)
        self.stages = torch.where(counted[:, None, None], self.stages, 0.0)

    def last_until(self, attempt: int) -> int:
        """The last kept step up to an attempt, -1: there is none."""
        return attempt if attempt < 0 or self._number is None else int(self._number[attempt])

    def steps(self, first: int, last: int, p: Tensor | None) -> Steps:
        """Some of them."""
        t, h, u, counted = (one[first:last] for one in (self.t, self.h, self.u, self.counted))
        stages, (length, n, batch) = self.stages[first:last], u.shape
        return Steps(
            t.reshape(-1),
            h.reshape(-1),
            u.permute(1, 0, 2).reshape(n, -1),
            stages.permute(1, 2, 0, 3).reshape(-1, n, length * batch),
            None if self.whole else counted.reshape(-1),
            p,
        )

    def seeds(self, grad: Tensor) -> Seeds | None:
        """The derivatives by the saved states, by the steps that passed them."""
        saves = self._found.saves
        if saves is None:
            return None
        save, member = torch.nonzero(saves.attempt >= 0, as_tuple=True)
        place = saves.attempt[save, member]
        if self._number is not None:
            place = self._number[place]
        return Seeds(place * grad.shape[-1] + member, saves.theta[save, member], grad[save, :, member])

    def part(self, seeds: Seeds, first: int, last: int) -> Seeds:
        """Those of some steps, counted from the first of them."""
        if first == 0 and last >= len(self.t):
            return seeds
        batch = self.u.shape[-1]
        some = (seeds.place >= first * batch) & (seeds.place < last * batch)
        place, theta, grad = (one[some] for one in seeds)
        return Seeds(place - first * batch, theta, grad)
