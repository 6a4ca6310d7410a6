"""The sides of zero on which root functions are, and the values of floors inside conditions: the modes.

At a root the sign of a value is rounding: a side follows from the value at a start and after a change of the
state, and of what is zero there from where it goes. Between, it changes at roots alone. The rules are those
of the compiled engine (`symde.engine.cpu.compiled.sides`).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.events.calls import Calls
from symde.engine.batched.events.interface import EVENT, FLOOR_HIGH, FLOOR_LOW, INNER, Events
from symde.engine.batched.events.suspicion import resolution

JUMP = 1e-9
"""Part of its values by which a function changes that jumps."""


class Known(NamedTuple):
    """What is known of the root functions of some members.

    Attributes:
        modes: Sides and values of floors, shape (count + floors, S).
        g, slope: Values and total time derivatives, shape (count, S).
        noise: How far from zero the value of each may be although it is at it.
        handled: Which began, or were handled, where their members stand: no step was taken since.
        pole: Of those that went to their other side through infinity the value there, else not a number.
    """

    modes: Tensor
    g: Tensor
    slope: Tensor
    noise: Tensor
    handled: Tensor
    pole: Tensor

    def after(self, counted: Tensor, g: Tensor, slope: Tensor) -> Known:
        """Behind a step, of the members for which it counted."""
        return self._replace(
            g=torch.where(counted, g, self.g),
            slope=torch.where(counted, slope, self.slope),
            handled=self.handled & ~counted,
            pole=torch.where(counted, torch.nan, self.pole),
        )


class Sides:
    """The rules for the sides of some events' root functions.

    Args:
        calls: The events.
        direction: 1.0 or -1.0.
        device: Of the states.
    """

    def __init__(self, calls: Calls, direction: float, device: torch.device) -> None:
        events: Events = calls.events
        self._calls, self._direction, self.count = calls, direction, events.count
        self._floors = events.floors
        self.ties = torch.tensor(events.ties, dtype=torch.float64, device=device)[:, None]
        purposes = torch.tensor(events.purposes, dtype=torch.int64, device=device)[:, None]
        self.low, self.high, self.inner = ((purposes & one) > 0 for one in (FLOOR_LOW, FLOOR_HIGH, INNER))
        self.plain, self.of_events = purposes == EVENT, (purposes & EVENT) > 0
        places = torch.tensor(events.integers, dtype=torch.int64, device=device) + self.count
        self._lows = torch.nonzero(self.low[:, 0])[:, 0]
        self._highs = torch.nonzero(self.high[:, 0])[:, 0]
        self._low_places, self._high_places = places[self._lows], places[self._highs]
        self.nested = bool((self.inner | self.low | self.high).any())
        self.timed = torch.tensor(events.timed, dtype=torch.bool, device=device)[:, None]
        self.any_timed = any(events.timed)

    def begin(self, member: Tensor, t: Tensor, u: Tensor) -> Known:
        """At a start, where nothing has been handled."""
        modes = torch.full((self.count + self._floors, len(t)), -1.0, dtype=torch.float64, device=t.device)
        modes[: self.count] = torch.where(self.low | self.high, 1.0, modes[: self.count])
        modes[self.count :] = 0.0
        zero = torch.zeros(self.count, len(t), dtype=torch.float64, device=t.device)
        noise = zero + self._calls.events.rounding * u.abs().amax(0).to(torch.float64)
        known = Known(modes, zero, zero, noise, zero == 0.0, zero + torch.nan)
        return self.find(member, t, u, known, torch.zeros_like(t))

    def find(self, member: Tensor, t: Tensor, u: Tensor, known: Known, h: Tensor) -> Known:
        """Sides and values at (t, u) after the size h; values may depend on floors and sides that are found
        here: again until none changes."""
        near, modes, noise = resolution(t, h), known.modes, known.noise
        g = slope = known.g
        for _ in range(self.count + 2 if self.nested else 1):
            g, slope = self._calls.watched(member, t, u, modes)
            # behind a pole, as long as an event does not change it
            modes, changed = self._updated(modes, g, slope, near, noise, g != known.pole)
            if not self.nested or not bool(changed.any()):
                break
        return known._replace(modes=modes, g=g, slope=slope)

    def unsettled(self, known: Known) -> Tensor:
        """Which functions are zero without a slope where they began, or were handled: the next step tells to
        which side they go."""
        return known.handled & (known.slope == 0.0) & (known.g.abs() <= known.noise)

    def _updated(
        self, modes: Tensor, g: Tensor, slope: Tensor, near: Tensor, noise: Tensor, which: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The modes by the values at hand, and what changed that others may read."""
        sides, onward = modes[: self.count], slope * self._direction
        distance = slope.abs() * near + noise
        at_zero = torch.where(self.ties != 0.0, self.ties, sides)
        at_zero = torch.where(onward != 0.0, torch.sign(onward), at_zero)
        away = torch.where(g > 0.0, 1.0, torch.where(g < 0.0, -1.0, sides))
        found = torch.where(g.abs() <= distance, at_zero, away)
        found = torch.where((self.low | self.high) | ~which, sides, found)
        changed = (found != sides) & self.inner
        modes = torch.cat([found, modes[self.count :]])
        if len(self._lows):
            rows = self._lows
            value, part, wanted = g[rows], distance[rows], which[rows]
            whole = torch.floor(value)
            below = (value - whole <= part) & (onward[rows] < 0.0)
            above = (whole + 1.0 - value <= part) & (onward[rows] > 0.0)
            change = torch.where(below, whole - 1.0, torch.where(above, whole + 1.0, whole))
            change = torch.where(wanted, change, 0.0)
            modes[self._low_places] += change
            changed[rows] = changed[rows] | (change != 0.0)
        return modes, changed

    def flipped(
        self, member: Tensor, t: Tensor, u: Tensor, known: Known, crossed: Tensor, poles: Tensor, h: Tensor
    ) -> tuple[Known, Tensor]:
        """The functions that are at zero go to their other side, some through infinity; those that did."""
        modes, g, slope = known.modes.clone(), known.g, known.slope
        noise = torch.where(crossed & ~poles, 2.0 * g.abs(), 0.0)
        pole = torch.where(crossed & poles, g, torch.nan)
        turns = crossed & ~(self.low | self.high)
        modes[: self.count] = torch.where(turns, -modes[: self.count], modes[: self.count])
        if self.nested:
            for rows, places, change in (
                (self._lows, self._low_places, -1.0),
                (self._highs, self._high_places, 1.0),
            ):
                modes[places] += change * crossed[rows]
            modes, g, slope = self._jumped(member, t, u, modes, g, noise, crossed, resolution(t, h))
            sides = modes[: self.count]
            back = crossed & self.plain & (sides * slope * self._direction < 0.0)
            modes = torch.cat([torch.where(back, -sides, sides), modes[self.count :]])
            crossed = crossed & ~back
        return Known(modes, g, slope, noise, known.handled | crossed, pole), crossed

    def _jumped(
        self, member: Tensor, t: Tensor, u: Tensor, modes: Tensor, g: Tensor, noise: Tensor, crossed: Tensor,
        near: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """Modes and values after some functions went to their other sides: those that read them may have
        jumped to theirs, and so on."""
        slope = g
        for _ in range(self.count + 1):
            before = g
            g, slope = self._calls.watched(member, t, u, modes)
            jumped = ((g - before).abs() > JUMP * (g.abs() + before.abs())) & ~crossed
            modes, changed = self._updated(modes, g, slope, near, noise, jumped)
            if not bool(changed.any()):
                break
        return modes, g, slope
