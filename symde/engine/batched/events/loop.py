"""The loop of a batch with events: each attempt is looked at, and members that have come to an event are seen
to before the next.

A step in which a root is suspected is searched and done again to it; steps end at times that are known. What
happens there changes the states of those members; all others go on as without events.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from symde.engine.batched.attempts import Span
from symde.engine.batched.control import UNSOLVED, Attempt, Progress, choose, judge
from symde.engine.batched.events.calls import Calls
from symde.engine.batched.events.executive import Arrival, Executive
from symde.engine.batched.events.interface import Events
from symde.engine.batched.events.landing import Landed, Start, land
from symde.engine.batched.events.moments import Happened
from symde.engine.batched.events.search import Ends, Inside, first_roots, leaving
from symde.engine.batched.events.sides import Known, Sides
from symde.engine.batched.events.suspicion import resolution, suspicious, unresolved
from symde.engine.batched.events.times import KnownTimes
from symde.engine.batched.loop import Outcome
from symde.engine.batched.record import Record
from symde.engine.batched.saves import Saves, Steps, places_of
from symde.engine.batched.step import Step, Stepper
from symde.engine.cpu.layout import Status
from symde.engine.cpu.roots import SAMPLES


@dataclass(slots=True)
class _Attempted:
    """An attempt of all members, as it is changed by what lies in it: shapes (B,), (n, B), (stages, n, B)."""

    t: Tensor
    t_new: Tensor
    h: Tensor
    u: Tensor
    u_new: Tensor
    stages: Tensor
    counted: Tensor
    first: Tensor | None
    crossed: Tensor
    poles: Tensor


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
        self._known: Known | None = None
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
            self._known = self._sides.begin(self._every, t, u)
        self._executive.begin(self._every, t, u, self._known)
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
        if self._sides is not None:
            following = self._watch(before, following, made)
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
    ) -> _Attempted:
        stages = torch.stack(list(step.stages))
        first = None
        if self._stepper.keeps_first and step.last is not None:
            first = torch.where(counted, step.last, step.stages[0])
        crossed = torch.zeros(self._events.count, len(counted), dtype=torch.bool, device=counted.device)
        return _Attempted(
            before.t, chosen.t_new, chosen.h, before.u, following.u, stages, counted, first, crossed, crossed
        )

    def _watch(self, before: Progress, following: Progress, made: _Attempted) -> Progress:
        """Look for roots in the steps that count."""
        known, rules = self._known, self._sides
        assert known is not None and rules is not None
        g, slope = self._calls.watched(self._every, made.t_new, made.u_new, known.modes)
        sides = known.modes[: rules.count]
        a, b = sides * known.g, sides * g
        da, db = sides * known.slope * made.h, sides * slope * made.h
        doubtful = suspicious(a, b, da, db)
        if rules.any_timed:
            doubtful = doubtful | self._timed(before, made, known, g, slope)
        suspects = made.counted & (doubtful | rules.unsettled(known)).any(0)
        arrives = self._arriving(known, made, g, slope)
        looks = torch.stack((suspects.sum(), arrives.sum())).tolist()
        if looks[0]:
            found = self._search(torch.nonzero(suspects)[:, 0], made, Ends(known.g, known.slope, g, slope))
            following, g, slope = self._land(found, following, made, g, slope)
            assert self._known is not None
            arrives = self._arriving(self._known, made, g, slope)
            arrives[:, found[0]] = False
            looks[1] = int(arrives.any())
        if looks[1]:
            made.crossed = made.crossed | arrives
        assert self._known is not None
        self._known = self._known.after(made.counted, g, slope)
        return following

    def _arriving(self, known: Known, made: _Attempted, g: Tensor, slope: Tensor) -> Tensor:
        """Functions that would be at zero before times can be told apart: they are there at the end of the
        step, and what happens at a known time happens with them."""
        sides = known.modes[: len(g)]
        speed, tolerance = sides * slope * self._direction, resolution(made.t_new, made.h)
        left_zero = sides * known.g > 0.0
        return (speed < 0.0) & (sides * g <= -speed * tolerance) & left_zero & made.counted

    def _timed(self, before: Progress, made: _Attempted, known: Known, g: Tensor, slope: Tensor) -> Tensor:
        """Whether functions of time alone may have gone to their other side within the steps: these follow no
        interpolant, so they are looked at within as well."""
        rules = self._sides
        assert rules is not None
        sides, last, found = known.modes[: rules.count], 0.0, torch.zeros_like(g, dtype=torch.bool)
        g_low, slope_low = known.g, known.slope
        for place in (*SAMPLES, 1.0):
            if place == 1.0:
                g_high, slope_high = g, slope
            else:
                t = before.t + place * made.h
                g_high, slope_high = self._calls.watched(self._every, t, before.u, known.modes)
            h = (place - last) * made.h
            a, b = sides * g_low, sides * g_high
            waves = unresolved(a, b, sides * slope_low * h, sides * slope_high * h)
            found = found | (b < 0.0) | waves
            g_low, slope_low, last = g_high, slope_high, place
        return found & rules.timed

    def _search(self, member: Tensor, made: _Attempted, ends: Ends) -> tuple[Tensor, Landed | None]:
        """The members whose steps have a root, and these steps to it."""
        known, rules = self._known, self._sides
        assert known is not None and rules is not None
        inside = Inside(
            self._calls, self._stepper, member, made.t[member], made.h[member], made.u[:, member],
            made.stages[:, :, member], known.modes[:, member],
        )  # fmt: skip
        clear = torch.zeros(rules.count, len(member), dtype=torch.float64, device=member.device)
        unsettled = rules.unsettled(known)[:, member]
        if bool(unsettled.any()):
            side, clear = leaving(inside, unsettled)
            modes = known.modes.clone()
            now = torch.where(side != 0.0, side, modes[: rules.count, member])
            modes[: rules.count, member] = now
            self._known = known = known._replace(modes=modes)
            self._learn(member, made, known)
        parts = Ends(*(one[:, member] for one in ends))
        for _ in range(rules.count + 1):
            theta, function = first_roots(inside, known.modes[: rules.count, member], parts, clear)
            some = torch.nonzero(torch.isfinite(theta))[:, 0]
            if not len(some):
                return member[some], None
            landed = self._landed(member[some], made, known, ends, theta[some], function[some])
            if not bool(landed.turned.any()):
                break
            # the interpolant was off: in this step that function does not get to zero
            turned = some[landed.turned]
            clear[function[turned], turned] = 1.0
        return member[some], landed

    def _landed(
        self, member: Tensor, made: _Attempted, known: Known, ends: Ends, theta: Tensor, function: Tensor
    ) -> Landed:
        """Steps of some members to the roots found in them."""
        start = Start(
            member, made.t[member], made.u[:, member], made.h[member], made.stages[:, :, member],
            None if self._first is None else self._first[:, member], known.modes[:, member],
        )  # fmt: skip
        parts = Ends(*(one[:, member] for one in ends))
        return land(self._calls, self._stepper, start, parts, theta, function, self._direction)

    def _learn(self, member: Tensor, made: _Attempted, known: Known) -> None:
        """Conditions by sides that a first step has told: nothing is triggered by that."""
        truths = self._executive.truths
        if len(truths):
            truths[:, member] = self._calls.conditions(
                member, made.t[member], made.u[:, member], known.modes[:, member]
            )

    def _land(
        self, found: tuple[Tensor, Landed | None], following: Progress, made: _Attempted, g: Tensor,
        slope: Tensor,
    ) -> tuple[Progress, Tensor, Tensor]:  # fmt: skip
        """End the steps at their roots."""
        member, landed = found
        if landed is None:
            return following, g, slope
        made.t_new, made.h = made.t_new.clone(), made.h.clone()
        made.u_new, made.stages = made.u_new.clone(), made.stages.clone()
        made.t_new[member], made.h[member] = landed.t, landed.h
        made.u_new[:, member], made.stages[:, :, member] = landed.u, landed.stages
        g, slope = g.clone(), slope.clone()
        g[:, member], slope[:, member] = landed.g, landed.slope
        made.crossed, made.poles = made.crossed.clone(), made.poles.clone()
        made.crossed[:, member], made.poles[:, member] = landed.crossed, landed.poles
        # at a root where the step begins no step is made
        at_once = landed.h == 0.0
        made.counted = made.counted.clone()
        made.counted[member] = ~landed.failed & ~at_once
        if made.first is not None and landed.last is not None:
            first = made.first.clone()
            first[:, member] = torch.where(landed.failed, made.stages[0][:, member], landed.last)
            made.first = first
        halved = following.h_next.clone()
        whole = (self._progress.h_next[member]).abs()
        halved[member] = torch.where(landed.failed, 0.5 * whole, halved[member])
        return following._replace(h_next=halved), g, slope

    # -- what is kept, and what happens
    # ------------------------------------------------------------------------------------------------

    def _keep(self, made: _Attempted) -> None:
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

    def _see_to_events(self, made: _Attempted) -> None:
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
        known = None if self._known is None else Known(*(one[:, member] for one in self._known))
        t = progress.t[member]
        left = self._executive.happen(
            Arrival(
                attempt,
                member,
                t,
                progress.u[:, member],
                known,
                crossed[:, member],
                poles[:, member],
                h[member],
            )  # fmt: skip
        )
        if self._known is not None and left.known is not None:
            self._known = Known(*(one.clone() for one in self._known))
            for whole, part in zip(self._known, left.known, strict=True):
                whole[:, member] = part
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
