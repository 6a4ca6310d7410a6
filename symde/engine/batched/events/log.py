"""The events that took place in a batched solve, for the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symde.engine.batched.events.moments import Happened
from symde.problem.event_plan import EventPlan
from symde.problem.event_record import EventRecord


@dataclass(frozen=True, slots=True, eq=False)
class EventLog:
    """All events that took place: of the first member in the order of the run, then of the second, ...

    Attributes:
        t: When, shape (L,), float64; differentiable, as the states are.
        before, after: The states before and after each, shape (n, L).
        member: Whose, shape (L,).
        event: Which, a number of `names`, shape (L,).
        names: Names of the events.
    """

    t: Tensor
    before: Tensor
    after: Tensor
    member: Tensor
    event: Tensor
    names: tuple[str, ...]

    @classmethod
    def of(cls, happened: Happened, plans: Sequence[EventPlan], count: int) -> EventLog:
        """The log of the first `count` members."""
        log, (t, before, after) = happened.log, happened.logged
        none = torch.zeros(0, dtype=torch.int64, device=t.device)
        member, event = (torch.cat(one) if one else none for one in (log.member, log.event))
        order = torch.argsort(member, stable=True)
        order = order[member[order] < count]
        names = tuple(plan.name for plan in plans)
        return cls(t[order], before[:, order], after[:, order], member[order], event[order], names)

    def __len__(self) -> int:
        return len(self.member)

    def last(self, count: int) -> Tensor:
        """Place of the last event of each of `count` members, 0 where there is none."""
        found = torch.zeros(count, dtype=torch.int64, device=self.member.device)
        return found.index_copy(0, self.member, torch.arange(len(self), device=found.device))

    def times(self, member: int, name: str | None = None) -> Tensor:
        """When events of one member took place, shape (K,); those of one name, where it is given.

        Raises:
            ValueError: there is no event of that name.
        """
        chosen = self.member == member
        if name is not None:
            if name not in self.names:
                raise ValueError(f"no event is called {name!r}: there are {', '.join(self.names)}")
            chosen = chosen & (self.event == self.names.index(name))
        return self.t[chosen]

    def records(self, member: int) -> list[EventRecord]:
        """The events of one member, as `solution.events` has them."""
        chosen = torch.nonzero(self.member == member)[:, 0]
        t, event = self.t[chosen].detach().cpu().tolist(), self.event[chosen].cpu().tolist()
        before, after = (
            one[:, chosen].detach().cpu().double().T.numpy() for one in (self.before, self.after)
        )
        return [
            EventRecord(time, self.names[j], a.copy(), b.copy())
            for time, j, a, b in zip(t, event, before, after, strict=True)
        ]
