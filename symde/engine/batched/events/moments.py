"""What happened in a solve with events: a log for the user, and moments for derivatives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.events.times import Entry, KnownCause


class RootCause(NamedTuple):
    """Members whose moment is a root of a function."""

    columns: Tensor
    root: int


class WaitedCause(NamedTuple):
    """Members whose moment is the end of a delay; their places in its entry."""

    columns: Tensor
    entry: Entry
    places: Tensor


Cause = KnownCause | RootCause | WaitedCause


class Operation(NamedTuple):
    """One event at a moment.

    Attributes:
        event: Which.
        columns: Which of the moment's members, shape (K,).
        triggered: What waits for it, where it is only triggered; None: it takes place.
        waited, places: What it was waiting as, and the members' places there; None: it is evaluated here.
        log: Places of its members in the log; None where it is only triggered.
    """

    event: int
    columns: Tensor
    triggered: Entry | None = None
    waited: Entry | None = None
    places: Tensor | None = None
    log: Tensor | None = None

    def restricted(self, new: Tensor) -> Operation | None:
        """The same for some members, whose new columns are told by the old ones, -1: none."""
        kept = new[self.columns] >= 0
        if not bool(kept.any()):
            return None
        parts = (None if one is None else one[kept] for one in (self.places, self.log))
        places, log = parts
        return Operation(self.event, new[self.columns[kept]], self.triggered, self.waited, places, log)


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A moment of some members at which events are triggered or take place.

    Attributes:
        attempt: Number of the attempt that led to it, -1: the start.
        member, t: Whose, and when, shape (S,).
        u: The states just before, shape (n, S).
        modes: Sides and floors just before, shape (count + floors, S).
        causes: Why it is when it is; the first counts, and the others must agree with it.
        operations: What happens, in order.
    """

    attempt: int
    member: Tensor
    t: Tensor
    u: Tensor
    modes: Tensor
    causes: list[Cause]
    operations: list[Operation]

    def restricted(self, member: Tensor) -> Moment:
        """The same for some of its members."""
        kept = torch.nonzero(torch.isin(self.member, member))[:, 0]
        if len(kept) == len(self.member):
            return self
        new = torch.full_like(self.member, -1)
        new[kept] = torch.arange(len(kept), device=kept.device)
        causes = [one for cause in self.causes if (one := _restricted(cause, new)) is not None]
        operations = [one for each in self.operations if (one := each.restricted(new)) is not None]
        return Moment(
            self.attempt, self.member[kept], self.t[kept], self.u[:, kept], self.modes[:, kept], causes,
            operations,
        )  # fmt: skip


def _restricted(cause: Cause, new: Tensor) -> Cause | None:
    kept = new[cause.columns] >= 0
    if not bool(kept.any()):
        return None
    columns = new[cause.columns[kept]]
    if isinstance(cause, RootCause):
        return RootCause(columns, cause.root)
    if isinstance(cause, WaitedCause):
        return WaitedCause(columns, cause.entry, cause.places[kept])
    return KnownCause(columns, cause.row, cause.period, cause.number[kept])


@dataclass(slots=True)
class Log:
    """All events that took place, one entry for each of each member, in the order of the run.

    Attributes:
        member, event, t, before, after: Pieces, shapes (K,) and (n, K).
        length: Entries so far.
    """

    member: list[Tensor] = field(default_factory=list)
    event: list[Tensor] = field(default_factory=list)
    t: list[Tensor] = field(default_factory=list)
    before: list[Tensor] = field(default_factory=list)
    after: list[Tensor] = field(default_factory=list)
    length: int = 0

    def add(self, member: Tensor, event: int, t: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Note an event of some members; their places, shape (K,)."""
        first, self.length = self.length, self.length + len(member)
        self.member.append(member)
        self.event.append(torch.full_like(member, event))
        for pieces, one in ((self.t, t), (self.before, before), (self.after, after)):
            pieces.append(one)
        return torch.arange(first, self.length, device=member.device)


@dataclass(slots=True, eq=False)
class Happened:
    """What happened in a solve.

    Attributes:
        log: The events that took place.
        moments: What derivatives need, where the solve was recorded, in order.
        status: `Status` of each member that an event ended, -1 of the others; shape (B,).
        owner: Of each saved time of each member the moment whose state after it was saved, -1: none; shape
            (T, B).
        like: A state, for its type.
        logged: t, before and after of the log, shapes (L,), (n, L) and (n, L), maybe with a history.
    """

    log: Log
    moments: list[Moment]
    status: Tensor
    owner: Tensor | None
    like: Tensor
    logged: tuple[Tensor, Tensor, Tensor] = ()  # type: ignore[assignment]

    def finish(self) -> None:
        """Put the log together."""
        log, like = self.log, self.like
        if log.length:
            self.logged = torch.cat(log.t), torch.cat(log.before, 1), torch.cat(log.after, 1)
        else:
            self.logged = like.new_zeros(0, dtype=torch.float64), like[:, :0], like[:, :0]

    def by_attempt(self) -> dict[int, list[int]]:
        """The moments of each attempt, in order, by their numbers."""
        found: dict[int, list[int]] = {}
        for k, moment in enumerate(self.moments):
            found.setdefault(moment.attempt, []).append(k)
        return found
