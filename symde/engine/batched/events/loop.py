"""The loop of a batch with events: each attempt is looked at, and members that have come to an event are seen
to before the next.

A step in which a root is suspected is searched and done again to it; steps end at times that are known. What
happens there changes the states of those members; all others go on as without events.
"""

from __future__ import annotations

import torch
from torch import Tensor

from symde.engine.batched.attempts import Span
from symde.engine.batched.control import UNSOLVED, Attempt, Progress, choose, judge
from symde.engine.batched.events.calls import Calls
from symde.engine.batched.events.executive import Arrival, Executive
from symde.engine.batched.events.interface import Events
from symde.engine.batched.events.moments import Happened
from symde.engine.batched.events.sides import Sides
from symde.engine.batched.events.times import KnownTimes
from symde.engine.batched.events.watch import Attempted, Watch
from symde.engine.batched.loop import Outcome
from symde.engine.batched.record import Record
from symde.engine.batched.saves import Saves, Steps, places_of
from symde.engine.batched.step import Step, Stepper
from symde.engine.cpu.layout import Status


def run_with_events(
    events: Events, stepper: Stepper, span: Span, progress: Progress, non_finite: Tensor, slopes: Tensor,
    saves: Saves | None, record: Record | None, max_steps: int,
) -> tuple[Outcome, Happened]:  # fmt: skip
    """Advance all members to their end, or to the event that ends their solve.

    Args:
        events: The events.
        stepper: The method.
        span: What all attempts share.
        progress: Where the members start; first step sizes included, 0 for those that cannot start.
        non_finite: Members whose right-hand side was not finite at last, shape (B,).
        slopes: f at the start, shape (n, B).
        saves: Times to save.
        record: Where attempts are kept for replay.
        max_steps: Largest number of attempts.
    """
    run = _Run(events, stepper, span, progress, non_finite, slopes, saves, record)
    run.begin()
    while run.made < max_steps and run.running:
        run.attempt()
    return run.outcome()


class _Run:
    def __init__(
        self, events: Events, stepper: Stepper, span: Span, progress: Progress, non_finite: Tensor,
        slopes: Tensor, saves: Saves | None, record: Record | None,
    ) -> None:  # fmt: skip
        self._events, self._stepper, self._span, self._saves, self._record = (
            events, stepper, span, saves, record,
        )  # fmt: skip
        _refuse_changes(self._events, self._span.direction)
        self._calls = Calls(self._events, self._stepper.equation.rhs, self._span.p)
        self._progress, self._non_finite = progress, non_finite
        self._every = torch.arange(len(progress.t), device=progress.t.device)
        self._direction = self._span.direction
        values = progress.t[None, :][:0]
        if any(plan.times for plan in self._events.plans):
            values = self._events.times(progress.t, self._calls.parameters(self._every)).to(torch.float64)
        self._times = KnownTimes(self._events.plans, values, progress.t, self._span.t_end, self._direction)
        self._sides = Sides(self._calls, self._direction, progress.t.device) if self._events.count else None
        self._executive = Executive(
            self._calls, self._sides, self._times, self._span.t_end, self._direction,
            self._record is not None,
        )  # fmt: skip
        self._watch: Watch | None = None
        self._first = slopes if self._stepper.keeps_first else None
        self._status = torch.full_like(self._every, -1)
        self._accepted, self._tried = torch.zeros_like(self._every), torch.zeros_like(self._every)
        self._owner = None
        if self._saves is not None:
            self._owner = torch.full_like(self._saves.attempt, -1)
        self.made = 0

    @property
    def running(self) -> bool:
        """Whether there is anything left to do; a look at the members."""
        progress = self._progress
        return bool(((progress.t != self._span.t_end) & (progress.h_next > 0.0)).any())

    def begin(self) -> None:
        """What is known, and what is due, at the start."""
        t, u = self._progress.t, self._progress.u
        if self._sides is not None:
            self._watch = Watch(
                self._calls, self._stepper, self._sides, self._executive, self._direction, t, u
            )
        known = None if self._watch is None else self._watch.known
        self._executive.begin(self._every, t, u, known)
        if self._times.any:
            due = torch.nonzero(self._times.due(t))[:, 0]
            if len(due):
                nothing = torch.zeros(self._events.count, len(t), dtype=torch.bool, device=t.device)
                self._happen(-1, due, nothing, nothing, torch.zeros_like(t))

    # -- an attempt
    # ------------------------------------------------------------------------------------------------

    def attempt(self) -> None:
        """One attempt of all members."""
        before, direction = self._progress, self._direction
        t_stop = self._stops()
        chosen = choose(before, t_stop, direction)
        step = self._stepper.attempt(before.t, chosen.h, before.u, self._span.p, self._first)
        following, accepted, mean_square = judge(
            before, chosen, step, self._span.tolerance, self._span.law, self._span.largest
        )
        live = chosen.h != 0.0
        made = self._attempted(before, chosen, step, following, accepted & live)
        if self._watch is not None:
            following = self._watch.look(following, made, self._first)
        ended = made.counted & (made.t_new == t_stop)
        # a step that was cut short by a time or a root says nothing of the size that the next one may have
        longer = torch.maximum(following.h_next, before.h_next)
        following = following._replace(h_next=torch.where(ended, longer, following.h_next))
        self._tried += live
        self._accepted += made.counted
        bad = ~(mean_square < UNSOLVED)
        self._non_finite = torch.where(live, bad & ~made.counted, self._non_finite)
        self._keep(made)
        u = torch.where(made.counted, made.u_new, before.u)
        t = torch.where(made.counted, made.t_new, before.t)
        self._progress, self._first = following._replace(t=t, u=u), made.first
        self._see_to_events(made)
        self.made += 1

    def _stops(self) -> Tensor:
        if not self._times.any:
            return self._span.t_end
        return self._direction * torch.minimum(self._times.next(), self._direction * self._span.t_end)

    def _attempted(
        self, before: Progress, chosen: Attempt, step: Step, following: Progress, counted: Tensor
    ) -> Attempted:
        stages = torch.stack(list(step.stages))
        first = None
        if self._stepper.keeps_first and step.last is not None:
            first = torch.where(counted, step.last, step.stages[0])
        crossed = torch.zeros(self._events.count, len(counted), dtype=torch.bool, device=counted.device)
        return Attempted(
            before.t, chosen.t_new, chosen.h, before.u, following.u, stages, counted, first, crossed, crossed
        )

    # -- what is kept, and what happens
    # ------------------------------------------------------------------------------------------------

    def _keep(self, made: Attempted) -> None:
        h = torch.where(made.counted, made.h, 0.0)
        steps = Steps(made.t[None], made.t_new[None], h[None], made.u[None], made.u_new[None])
        counted = made.counted[None]
        if self._record is not None:
            stages = None if self._record.stages is None else made.stages[None]
            self._record.add(steps.t, steps.h, steps.u, counted, stages)
        if self._saves is not None:
            low, counts = self._saves.counts(steps.t, steps.t_new, counted)
            total = int(counts.sum())
            if total:
                places = places_of(self._saves.times, low, counts, total, steps, made.stages[None])
                self._saves.write(self._stepper, places, self._span.p, self.made)

    def _see_to_events(self, made: Attempted) -> None:
        """The members that have come to events."""
        arrived = made.crossed.any(0)
        if self._times.any:
            arrived = arrived | (made.counted & self._times.due(self._progress.t))
        elif self._sides is None:
            return
        member = torch.nonzero(arrived)[:, 0]
        if len(member):
            self._happen(self.made, member, made.crossed, made.poles, made.h)

    def _happen(self, attempt: int, member: Tensor, crossed: Tensor, poles: Tensor, h: Tensor) -> None:
        progress = self._progress
        known = None if self._watch is None else self._watch.of(member)
        t = progress.t[member]
        left = self._executive.happen(
            Arrival(
                attempt, member, t, progress.u[:, member], known, crossed[:, member], poles[:, member],
                h[member],
            )
        )  # fmt: skip
        if self._watch is not None and left.known is not None:
            self._watch.note(member, left.known)
        some = torch.nonzero(left.happened)[:, 0]
        if not len(some):
            return
        whose = member[some]
        u, h_next, log_error = progress.u.clone(), progress.h_next.clone(), progress.log_error.clone()
        u[:, whose] = left.u[:, some]
        log_error[whose] = 0.0
        self._status[whose] = left.status[some]
        h_next[whose] = torch.where(left.status[some] >= 0, 0.0, h_next[whose])
        self._progress = progress._replace(u=u, h_next=h_next, log_error=log_error)
        if self._first is not None:
            self._first = self._first.clone()
            self._first[:, whose] = self._calls.slopes(whose, t[some], u[:, whose])
        self._save_after(whose, t[some], u[:, whose])

    def _save_after(self, member: Tensor, t: Tensor, u: Tensor) -> None:
        """A saved time that is an event's own holds the state after it."""
        saves = self._saves
        if saves is None or self._owner is None:
            return
        times = saves.times[:, None] if saves.times.ndim == 1 else saves.times[:, member]
        save, place = torch.nonzero(times == t, as_tuple=True)
        if len(save):
            whose = member[place]
            saves.u[save, :, whose] = u[:, place].T
            saves.attempt[save, whose], saves.at_start[save, whose] = -1, False
            self._owner[save, whose] = len(self._executive.moments) - 1

    def outcome(self) -> tuple[Outcome, Happened]:
        """How it ended, and what happened."""
        progress, span = self._progress, self._span
        at_end = progress.t == span.t_end
        given_up = torch.where(self._non_finite, int(Status.NON_FINITE), int(Status.STEP_TOO_SMALL))
        status = torch.where(at_end, int(Status.DONE), int(Status.MAX_STEPS))
        status = torch.where(~at_end & (progress.h_next == 0.0), given_up, status)
        status = torch.where(self._status >= 0, self._status, status)
        happened = Happened(
            self._executive.log, self._executive.moments, self._status, self._owner, progress.u
        )
        happened.finish()
        rejected = self._tried - self._accepted
        return Outcome(progress, status, self._accepted, rejected, self.made), happened


def _refuse_changes(events: Events, direction: float) -> None:
    """Refuse what would have to be undone.

    Raises:
        ValueError: an event sets values in a solve backwards in time.
    """
    for plan in events.plans:
        if direction < 0.0 and plan.targets:
            raise ValueError(
                f"event `{plan.name}` sets values, which cannot be undone: solve forwards in time"
            )
