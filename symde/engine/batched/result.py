"""What a batched solve gives back."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from symde.engine.batched.forward import Forward
from symde.engine.batched.record import Record
from symde.engine.cpu.layout import Status


@dataclass(frozen=True, slots=True)
class Integrated:
    """A solved batch.

    Attributes:
        u: Saved states, shape (T, n, B); of one time, the end, where no times were given.
        status: `symde.engine.cpu.layout.Status` of each member as a number, shape (B,); 0 is success.
        t: Where each member ended, shape (B,).
        state: The states there, shape (n, B), without a history.
        accepted, rejected: Steps of each member, shape (B,).
        attempts: Made for the whole batch.
        record: The recorded steps, where the solve is to be differentiated. Its `side_by_side` tells whether
            replay does them all at once, and its `bytes` what they take.
    """

    u: Tensor
    status: Tensor
    t: Tensor
    state: Tensor
    accepted: Tensor
    rejected: Tensor
    attempts: int
    record: Record | None

    @classmethod
    def of(cls, found: Forward, count: int) -> Integrated:
        """The result of a solve, for its first `count` members."""
        outcome = found.outcome
        status, t, accepted, rejected = (
            one[:count] for one in (outcome.status, outcome.progress.t, outcome.accepted, outcome.rejected)
        )
        state = outcome.progress.u[:, :count]
        return cls(found.u[..., :count], status, t, state, accepted, rejected, outcome.attempts, found.record)

    @property
    def success(self) -> bool:
        """Whether all members reached their end; a look at the device."""
        return bool((self.status == int(Status.DONE)).all())
