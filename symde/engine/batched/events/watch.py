"""A watch on root functions: steps in which one may change its sign are searched, and end at its root."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from symde.engine.batched.control import Progress
from symde.engine.batched.events.calls import Calls
from symde.engine.batched.events.executive import Executive
from symde.engine.batched.events.landing import Landed, Start, land
from symde.engine.batched.events.search import Ends, Inside, first_roots, leaving
from symde.engine.batched.events.sides import Known, Sides
from symde.engine.batched.events.suspicion import resolution, suspicious, unresolved
from symde.engine.batched.step import Stepper
from symde.engine.cpu.roots import SAMPLES


@dataclass(slots=True)
class Attempted:
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


class Watch:
    """What is known of the root functions of all members.

    Args:
        calls: The events.
        stepper: The method.
        rules: Of the sides of root functions.
        executive: What knows which conditions hold.
        direction: 1.0 or -1.0.
        t, u: Where the members start.

    Attributes:
        known: What is known where the members stand.
    """

    def __init__(
        self, calls: Calls, stepper: Stepper, rules: Sides, executive: Executive, direction: float, t: Tensor,
        u: Tensor,
    ) -> None:  # fmt: skip
        self._calls, self._stepper, self._rules, self._executive = calls, stepper, rules, executive
        self._direction, self._every = direction, torch.arange(len(t), device=t.device)
        self.known: Known = rules.begin(self._every, t, u)

    def of(self, member: Tensor) -> Known:
        """What is known of some members."""
        return Known(*(one[:, member] for one in self.known))

    def note(self, member: Tensor, found: Known) -> None:
        """What events have left of it."""
        self.known = Known(*(one.clone() for one in self.known))
        for whole, part in zip(self.known, found, strict=True):
            whole[:, member] = part

    def look(self, following: Progress, made: Attempted, first: Tensor | None) -> Progress:
        """Look for roots in the steps that count, and end them there.

        Args:
            following: Where the members stand behind whole steps.
            made: The steps.
            first: The slopes where they begin, where these are known.
        """
        known, rules = self.known, self._rules
        g, slope = self._calls.watched(self._every, made.t_new, made.u_new, known.modes)
        sides = known.modes[: rules.count]
        a, b = sides * known.g, sides * g
        da, db = sides * known.slope * made.h, sides * slope * made.h
        doubtful = suspicious(a, b, da, db)
        if rules.any_timed:
            doubtful = doubtful | self._timed(made, known, g, slope)
        suspects = made.counted & (doubtful | rules.unsettled(known)).any(0)
        arrives = self._arriving(known, made, g, slope)
        looks = torch.stack((suspects.sum(), arrives.sum())).tolist()
        if looks[0]:
            ends = Ends(known.g, known.slope, g, slope)
            found = self._search(torch.nonzero(suspects)[:, 0], made, ends, first)
            following, g, slope = self._land(found, following, made, g, slope)
            arrives = self._arriving(self.known, made, g, slope)
            arrives[:, found[0]] = False
            looks[1] = int(arrives.any())
        if looks[1]:
            made.crossed = made.crossed | arrives
        self.known = self.known.after(made.counted, g, slope)
        return following

    def _arriving(self, known: Known, made: Attempted, g: Tensor, slope: Tensor) -> Tensor:
        """Functions that would be at zero before times can be told apart: they are there at the end of the
        step, and what happens at a known time happens with them."""
        sides = known.modes[: len(g)]
        speed, tolerance = sides * slope * self._direction, resolution(made.t_new, made.h)
        left_zero = sides * known.g > 0.0
        return (speed < 0.0) & (sides * g <= -speed * tolerance) & left_zero & made.counted

    def _timed(self, made: Attempted, known: Known, g: Tensor, slope: Tensor) -> Tensor:
        """Whether functions of time alone may have gone to their other side within the steps: these follow no
        interpolant, so they are looked at within as well."""
        rules = self._rules
        sides, last, found = known.modes[: rules.count], 0.0, torch.zeros_like(g, dtype=torch.bool)
        g_low, slope_low = known.g, known.slope
        for place in (*SAMPLES, 1.0):
            if place == 1.0:
                g_high, slope_high = g, slope
            else:
                t = made.t + place * made.h
                g_high, slope_high = self._calls.watched(self._every, t, made.u, known.modes)
            h = (place - last) * made.h
            a, b = sides * g_low, sides * g_high
            waves = unresolved(a, b, sides * slope_low * h, sides * slope_high * h)
            found = found | (b < 0.0) | waves
            g_low, slope_low, last = g_high, slope_high, place
        return found & rules.timed

    def _search(
        self, member: Tensor, made: Attempted, ends: Ends, first: Tensor | None
    ) -> tuple[Tensor, Landed | None]:
        """The members whose steps have a root, and these steps to it."""
        known, rules = self.known, self._rules
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
            self.known = known = known._replace(modes=modes)
            self._learn(member, made, known)
        parts = Ends(*(one[:, member] for one in ends))
        for _ in range(rules.count + 1):
            theta, function = first_roots(inside, known.modes[: rules.count, member], parts, clear)
            some = torch.nonzero(torch.isfinite(theta))[:, 0]
            if not len(some):
                return member[some], None
            start = Start(
                member[some], made.t[member[some]], made.u[:, member[some]], made.h[member[some]],
                made.stages[:, :, member[some]], None if first is None else first[:, member[some]],
                known.modes[:, member[some]],
            )  # fmt: skip
            at_ends = Ends(*(one[:, some] for one in parts))
            landed = land(
                self._calls, self._stepper, start, at_ends, theta[some], function[some], self._direction
            )
            if not bool(landed.turned.any()):
                break
            # the interpolant was off: in this step that function does not get to zero
            turned = some[landed.turned]
            clear[function[turned], turned] = 1.0
        return member[some], landed

    def _learn(self, member: Tensor, made: Attempted, known: Known) -> None:
        """Conditions by sides that a first step has told: nothing is triggered by that."""
        truths = self._executive.truths
        if len(truths):
            truths[:, member] = self._calls.conditions(
                member, made.t[member], made.u[:, member], known.modes[:, member]
            )

    def _land(
        self, found: tuple[Tensor, Landed | None], following: Progress, made: Attempted, g: Tensor,
        slope: Tensor,
    ) -> tuple[Progress, Tensor, Tensor]:  # fmt: skip
        """End the steps at their roots."""
        member, landed = found
        if landed is None:
            return following, g, slope
        whole = made.h[member].abs()
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
        halved[member] = torch.where(landed.failed, 0.5 * whole, halved[member])
        return following._replace(h_next=halved), g, slope
