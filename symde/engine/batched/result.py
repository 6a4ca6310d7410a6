"""What a batched solve gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symde.engine.batched.events.log import EventLog
from symde.engine.batched.forward import Forward
from symde.engine.batched.record import Record
from symde.engine.cpu.layout import Status
from symde.problem.event_plan import EventPlan


@dataclass(frozen=True, slots=True)
class Integrated:
    """A solved batch.

    Attributes:
        u: Saved states, shape (T, n, B); of one time, the end, where no times were given.
        status: `symde.engine.cpu.layout.Status` of each member as a number, shape (B,); 0 is success.
        t: Where each member ended, shape (B,).
        state: The states there, shape (n, B), without a history but for members that an event ended.
        accepted, rejected: Steps of each member, shape (B,).
        attempts: Made for the whole batch.
        record: The recorded steps, where the solve is to be differentiated. Its `side_by_side` tells whether
            replay does them all at once, and its `bytes` what they take.
        events: The events that took place; None where there are none that could.
    """

    u: Tensor
    status: Tensor
    t: Tensor
    state: Tensor
    accepted: Tensor
    rejected: Tensor
    attempts: int
    record: Record | None
    events: EventLog | None = None

    @classmethod
    def of(cls, found: Forward, count: int, plans: Sequence[EventPlan] = ()) -> Integrated:
        """The result of a solve, for its first `count` members."""
        outcome = found.outcome
        status, t, accepted, rejected = (
            one[:count] for one in (outcome.status, outcome.progress.t, outcome.accepted, outcome.rejected)
        )
        state = outcome.progress.u[:, :count]
        u, events = found.u[..., :count], None
        if found.happened is not None:
            events = EventLog.of(found.happened, plans, count)
            t, state, u = _ended(found, events, t, state, u)
        return cls(u, status, t, state, accepted, rejected, outcome.attempts, found.record, events)

    @property
    def success(self) -> bool:
        """Whether all members reached their end, or an event that ends their solve; a look at the device."""
        fine = (self.status == int(Status.DONE)) | (self.status == int(Status.TERMINATED))
        return bool(fine.all())


def _ended(
    found: Forward, events: EventLog, t: Tensor, state: Tensor, u: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Where members ended that an event ended: there, moving with it. That is the end which is saved where no
    times were asked for."""
    assert found.happened is not None
    ended = found.happened.status[: len(t)] == int(Status.TERMINATED)
    if not len(events) or not bool(ended.any()):
        return t, state, u
    last = events.last(len(t))
    t = torch.where(ended, events.t[last], t)
    state = torch.where(ended, events.after[:, last], state)
    return t, state, torch.where(ended, state, u) if found.saves is None else u
