"""What happens at events, for all members that have come to some at the same attempt.

Sides change, conditions turn true, and the events they trigger execute one after another, each on the state
that the one before has left; an event whose condition another one made true follows at the same time. Members
take their turns side by side, each in its own order.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.events.accumulation import Accumulation
from symde.engine.batched.events.calls import Calls
from symde.engine.batched.events.moments import Cause, Log, Moment, Operation, RootCause, WaitedCause
from symde.engine.batched.events.sides import Known, Sides
from symde.engine.batched.events.times import Entry, KnownTimes
from symde.engine.cpu.layout import Status


class Arrival(NamedTuple):
    """Members at events: the attempt that led there, whose it is, t (S,), u (n, S), what is known of their
    root functions (None: there are none), which of these are crossed (count, S), which through infinity, and
    the size h of the step (S,)."""

    attempt: int
    member: Tensor
    t: Tensor
    u: Tensor
    known: Known | None
    crossed: Tensor
    poles: Tensor
    h: Tensor


class Left(NamedTuple):
    """What events have left: states (n, S), what is known of root functions, the `Status` that ends a
    member's run or -1, and to whom something happened."""

    u: Tensor
    known: Known | None
    status: Tensor
    happened: Tensor


class Executive:
    """The events of a solve.

    Args:
        calls: The events.
        sides: The rules of their root functions; None: there are none.
        times: What is due when.
        t_end: Ends of the members, shape (B,).
        direction: 1.0 or -1.0.
        keep: Whether moments are kept for derivatives.

    Attributes:
        plans, whens: The events, and of those with a condition their numbers and its place.
        accumulation: Whether there is an end to them.
        log, moments: What has happened.
        truths: Which conditions hold by what has been handled, shape (conditions, B).
    """

    def __init__(
        self,
        calls: Calls,
        sides: Sides | None,
        times: KnownTimes,
        t_end: Tensor,
        direction: float,
        keep: bool,
    ) -> None:
        self.calls, self.sides, self.times = calls, sides, times
        self.plans = calls.events.plans
        self.whens = [(j, plan.place) for j, plan in enumerate(self.plans) if plan.kind == "when"]
        self.accumulation, self.direction, self.keep = Accumulation(t_end), direction, keep
        self.log, self.moments = Log(), list[Moment]()
        self.truths = torch.zeros(0, len(t_end), dtype=torch.bool, device=t_end.device)

    def begin(self, member: Tensor, t: Tensor, u: Tensor, known: Known | None) -> None:
        """Which conditions hold at the start."""
        if known is not None:
            self.truths = self.calls.conditions(member, t, u, known.modes)

    def happen(self, arrival: Arrival) -> Left:
        """Carry out all that happens to some members."""
        return _Moment(self, arrival).run()


class _Moment:
    """The events of some members at one attempt."""

    def __init__(self, executive: Executive, arrival: Arrival) -> None:
        self._of, self._arrival = executive, arrival
        self._calls, self._plans = executive.calls, executive.plans
        self._member, self._t, self._u, self._known = (
            arrival.member, arrival.t, arrival.u.clone(), arrival.known,
        )  # fmt: skip
        if self._known is not None:
            self._known = Known(*(one.clone() for one in self._known))
        count, self._device = len(self._plans), arrival.t.device
        self._pending, self._causes, self._waited = executive.times.take(self._member, self._t, count)
        self._truths = executive.truths[:, self._member]
        size = len(self._member)
        self._status = torch.full((size,), -1, dtype=torch.int64, device=self._device)
        self._happened = torch.zeros(size, dtype=torch.bool, device=self._device)
        self._by_root = torch.zeros_like(self._happened)
        self._operations: list[Operation] = []

    def run(self) -> Left:
        """All that happens, until nothing is pending."""
        self._cross()
        while True:
            active = self._any_pending() & (self._status < 0)
            if not bool(active.any()):
                break
            choice = self._choice()
            for j in torch.unique(choice[active]).tolist():
                self._take(j, torch.nonzero(active & (choice == j))[:, 0])
        self._of.truths[:, self._member] = self._truths
        if self._of.keep and self._operations:
            self._keep_moment()
        return Left(self._u, self._known, self._status, self._happened)

    # -- what triggers
    # ------------------------------------------------------------------------------------------------

    def _cross(self) -> None:
        """Root functions that are at zero go to their other side."""
        arrival, rules = self._arrival, self._of.sides
        if self._known is None or rules is None or not bool(arrival.crossed.any()):
            return
        self._known, crossed = rules.flipped(
            self._member, self._t, self._u, self._known, arrival.crossed, arrival.poles, arrival.h
        )
        onward = self._known.modes[: len(crossed)] * self._of.direction
        for j, plan in enumerate(self._plans):
            if plan.kind == "crossing":
                side = onward[plan.place]
                wanted = {"rising": side > 0.0, "falling": side < 0.0}.get(plan.direction)
                hit = crossed[plan.place] if wanted is None else crossed[plan.place] & wanted
                self._pending[j] += hit
        everyone = torch.arange(len(self._member), device=self._device)
        self._note_truths(everyone)

    def _note_truths(self, columns: Tensor) -> None:
        """Trigger the events whose conditions have turned true; drop those that wait in vain."""
        if not len(self._truths) or self._known is None:
            return
        member, t, u = self._member[columns], self._t[columns], self._u[:, columns]
        now = self._calls.conditions(member, t, u, self._known.modes[:, columns])
        before = self._truths[:, columns]
        for j, place in self._of.whens:
            self._pending[j, columns] += now[place] & ~before[place]
            if self._plans[j].delayed and not self._plans[j].persistent:
                lost = ~now[place] & before[place]
                if bool(lost.any()):
                    self._of.times.drop(j, member[lost])
        self._truths[:, columns] = now

    def _any_pending(self) -> Tensor:
        found = (self._pending > 0).any(0)
        for _, mask in self._waited:
            found = found | mask
        return found

    def _choice(self) -> Tensor:
        """The event whose turn it is: by priority, then in the order of the text."""
        waiting = self._pending > 0
        for entry, mask in self._waited:
            waiting[entry.event] |= mask
        order = torch.arange(len(self._plans), dtype=torch.float64, device=self._device)[:, None]
        if self._calls.events.ranked:
            priorities = self._calls.priorities(self._member, self._t, self._u).to(torch.float64)
            best = torch.where(waiting, priorities, -math.inf).amax(0)
            waiting = waiting & (priorities == best)
        return torch.where(waiting, order, math.inf).argmin(0)

    # -- what happens
    # ------------------------------------------------------------------------------------------------

    def _take(self, j: int, columns: Tensor) -> None:
        """The turn of event j for some members."""
        for entry, mask in self._waited:
            ended = mask[columns] & (entry.event == j)
            if bool(ended.any()):
                some = columns[ended]
                mask[some] = False
                whose = self._member[some]
                places = entry.place[whose]
                entry.due[whose] = math.inf
                self._execute(j, some, entry.values[:, places], entry, places)
                columns = columns[~ended]
        if not len(columns):
            return
        self._pending[j, columns] -= 1
        plan = self._plans[j]
        values = None
        if plan.kind in ("when", "crossing"):
            self._by_root[columns] = True
        if plan.targets or plan.delayed:
            values = self._calls.effect(j, self._member[columns], self._t[columns], self._u[:, columns])
        if plan.delayed and values is not None:
            columns, values = self._delayed(j, columns, values[:-1], values[-1].to(torch.float64))
        if len(columns):
            self._execute(j, columns, values, None, None)

    def _delayed(self, j: int, columns: Tensor, values: Tensor, delay: Tensor) -> tuple[Tensor, Tensor]:
        """Let members wait whose delay takes any time; the others, and what is set for them."""
        if not bool(((delay >= 0.0) & (delay < math.inf)).all()):
            wrong = float(delay[~((delay >= 0.0) & (delay < math.inf))][0])
            raise ValueError(
                f"event `{self._plans[j].name}` has a delay of {wrong:g}: it must not be negative"
            )
        t = self._t[columns]
        later = t + delay != t
        if bool(later.any()):
            some = columns[later]
            due = (t + delay)[later]
            entry = self._of.times.wait(j, self._member[some], due, values[:, later].clone())
            self._operations.append(Operation(j, some, triggered=entry))
        return columns[~later], values[:, ~later]

    def _execute(
        self, j: int, columns: Tensor, values: Tensor | None, waited: Entry | None, places: Tensor | None
    ) -> None:
        """Let an event take place."""
        plan, member, t = self._plans[j], self._member[columns], self._t[columns]
        before = self._u[:, columns]
        after = before.clone()
        if values is not None and plan.targets:
            after[list(plan.targets)] = values
        self._u[:, columns] = after
        log = self._of.log.add(member, j, t, before, after)
        self._operations.append(Operation(j, columns, None, waited, places, log))
        self._happened[columns] = True
        status = self._of.accumulation.count(member, t)
        if plan.stop:
            status = torch.where(status < 0, int(Status.TERMINATED), status)
        self._status[columns] = torch.where(status >= 0, status, self._status[columns])
        if plan.targets and self._known is not None:
            self._find_sides(columns)
            self._note_truths(columns)

    def _find_sides(self, columns: Tensor) -> None:
        known, rules = self._known, self._of.sides
        assert known is not None and rules is not None
        part = Known(*(one[:, columns] for one in known))
        found = rules.find(
            self._member[columns], self._t[columns], self._u[:, columns], part, self._arrival.h[columns]
        )
        for whole, one in zip(known, found, strict=True):
            whole[:, columns] = one

    def _keep_moment(self) -> None:
        """Keep what derivatives need."""
        arrival = self._arrival
        causes: list[Cause] = []
        for entry in {id(one.waited): one.waited for one in self._operations if one.waited}.values():
            for one in self._operations:
                if one.waited is entry and one.places is not None:
                    causes.append(WaitedCause(one.columns, entry, one.places))
        causes += self._causes
        for i in range(len(arrival.crossed)):
            columns = torch.nonzero(arrival.crossed[i] & self._by_root)[:, 0]
            if len(columns):
                causes.append(RootCause(columns, i))
        known = arrival.known
        modes = arrival.u.new_zeros(0, len(arrival.t), dtype=torch.float64) if known is None else known.modes
        self._of.moments.append(
            Moment(arrival.attempt, self._member, self._t, arrival.u, modes, causes, self._operations)
        )
