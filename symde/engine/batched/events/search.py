"""The first root in accepted steps: their interpolants are searched piece by piece, all members at once.

Source: L. F. Shampine, I. Gladwell, R. W. Brankin, Reliable solution of special event location problems for
ODEs, ACM Transactions on Mathematical Software 17 (1991) 11-25, for the search by derivatives.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.events.calls import Calls
from symde.engine.batched.events.suspicion import may_touch, resolution, unresolved
from symde.engine.batched.step import Stepper

FEWEST, MOST = 8, 256
"""Pieces in which a step is searched: so many that a cubic describes each function in each of them."""

MOST_HALVINGS, MOST_CORRECTIONS = 120, 200

ENOUGH = 2.5e-14
"""Part of its place up to which a root of an interpolant is found."""

POWER = 0.5, 20.0
"""Powers of time by which a function may leave zero."""


class Inside:
    """Root functions within the last steps of some members.

    Args:
        calls: The events.
        stepper: The method.
        member: Whose steps, shape (S,).
        t, h, u: Starts (S,), sizes (S,), states there (n, S).
        stages: Of the steps, shape (stages, n, S).
        modes: Of each, shape (count + floors, S).
    """

    def __init__(
        self, calls: Calls, stepper: Stepper, member: Tensor, t: Tensor, h: Tensor, u: Tensor,
        stages: Tensor, modes: Tensor,
    ) -> None:  # fmt: skip
        self._calls, self._stepper, self._member = calls, stepper, member
        self.t, self.h, self._u, self._modes = t, h, u, modes
        every = calls.padded(torch.arange(len(t), device=t.device))
        p = calls.parameters(member[every])
        whole = stepper.complete(stages[:, :, every], t[every], h[every], u[:, every], p)
        self._stages = whole[:, :, : len(t)]

    def __call__(self, place: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Values and time derivatives, shape (count, K) each, of step `place` at the fraction theta."""
        stages, h = self._stages[:, :, place], self.h[place]
        u = self._u[:, place] + self._stepper.combine(stages, h, self._stepper.weights(theta))
        return self._calls.watched(self._member[place], self.t[place] + theta * h, u, self._modes[:, place])


class Ends(NamedTuple):
    """Values and derivatives at both ends of the steps, shape (count, S) each."""

    g: Tensor
    slope: Tensor
    g_new: Tensor
    slope_new: Tensor


def first_roots(inside: Inside, sides: Tensor, ends: Ends, clear: Tensor) -> tuple[Tensor, Tensor]:
    """The first root in each step.

    Args:
        inside: The steps.
        sides: On which each function is, shape (count, S).
        ends: Values at the ends.
        clear: Fraction of the step until which a function has no root, shape (count, S).

    Returns:
        Its fraction of the step, shape (S,), infinite where there is none, and its function.
    """
    count = len(inside.t)
    theta = torch.full((count,), math.inf, dtype=torch.float64, device=sides.device)
    found = torch.zeros(count, dtype=torch.int64, device=sides.device)
    todo, pieces = torch.arange(count, device=sides.device), FEWEST
    while len(todo):
        g, slope = _sampled(inside, todo, pieces, ends)
        part = _Pieces(inside, todo, sides[:, todo], clear[:, todo], g, slope)
        fine = part.resolved | (pieces >= MOST)
        if bool(fine.any()):
            one, function, piece = part.first()
            # waves shorter than a piece agree with its ends by chance
            fine = (fine & part.halves_resolved(piece, fine)) | (pieces >= MOST)
            ready = torch.nonzero(fine)[:, 0]
            theta[todo[ready]], found[todo[ready]] = one[ready], function[ready]
        todo, pieces = todo[~fine], 2 * pieces
    return theta, found


def _sampled(inside: Inside, place: Tensor, pieces: int, ends: Ends) -> tuple[Tensor, Tensor]:
    """Values and derivatives at the ends of pieces, shape (count, pieces + 1, S)."""
    inner = torch.arange(1, pieces, dtype=torch.float64, device=place.device) / pieces
    every = place.repeat(pieces - 1)
    within = inside(every, inner.repeat_interleave(len(place)))
    first, last = (ends.g, ends.slope), (ends.g_new, ends.slope_new)
    return tuple(
        torch.cat([a[:, None, place], w.view(len(w), pieces - 1, -1), b[:, None, place]], 1)
        for a, w, b in zip(first, within, last, strict=True)
    )  # type: ignore[return-value]


class _Pieces:
    """Some steps in pieces.

    Attributes:
        resolved: Whose pieces are short enough for what the functions do in them, shape (S,).
    """

    def __init__(
        self, inside: Inside, place: Tensor, sides: Tensor, clear: Tensor, g: Tensor, slope: Tensor
    ) -> None:
        self._inside, self._place, self._sides, self._clear = inside, place, sides, clear
        self._pieces = g.shape[1] - 1
        length = inside.h[place] / self._pieces
        value, change = sides[:, None] * g, sides[:, None] * slope * length
        self._a, self._b, self._da, self._db = value[:, :-1], value[:, 1:], change[:, :-1], change[:, 1:]
        self.resolved = ~unresolved(self._a, self._b, self._da, self._db).any(1).any(0)

    def halves_resolved(self, piece: Tensor, wanted: Tensor) -> Tensor:
        """Whether both halves of a piece of each step are short enough too; of those wanted that have one."""
        fine = torch.ones_like(wanted)
        step = torch.nonzero(wanted & (piece < self._pieces))[:, 0]
        if not len(step):
            return fine
        place, which = self._place[step], piece[step]
        middle = (which.to(torch.float64) + 0.5) / self._pieces
        g, slope = self._inside(place, middle)
        sides, half = self._sides[:, step], 0.5 * self._inside.h[place] / self._pieces
        value, change = sides * g, sides * slope * half
        a, b = self._a[:, which, step], self._b[:, which, step]
        da, db = 0.5 * self._da[:, which, step], 0.5 * self._db[:, which, step]
        waves = unresolved(a, value, da, change) | unresolved(value, b, change, db)
        fine[step] = ~waves.any(0)
        return fine

    def first(self) -> tuple[Tensor, Tensor, Tensor]:
        """The first root of each step, infinite where there is none, its function, and its piece."""
        a, b, da, db = self._a, self._b, self._da, self._db
        rests = (a <= 0.0) & (((a == b) & (da == 0.0) & (db == 0.0)) | ((da > 0.0) & (db > 0.0)))
        low = torch.arange(self._pieces, dtype=torch.float64, device=a.device) / self._pieces
        low, width = low[None, :, None].expand_as(a), 1.0 / self._pieces
        ends = low + width
        # a function that is only just leaving zero has no root before it is clear of it
        start = torch.maximum(low, self._clear[:, None])
        crosses = (b <= 0.0) & ~rests & (ends > start)
        high = ends.clone()
        high, crosses = self._touching(high, crosses, low, ends > start)
        high, crosses = self._losing(high, crosses, low)
        none = torch.full_like(self._inside.t[self._place], math.inf)
        which = torch.zeros_like(self._place)
        if not bool(crosses.any()):
            return none, which, which + self._pieces
        order = torch.arange(self._pieces, device=a.device)[None, :, None]
        piece = torch.where(crosses, order, self._pieces).amin(1)  # (count, S)
        earliest = piece.amin(0)
        function, step = torch.nonzero((piece == earliest) & (piece < self._pieces), as_tuple=True)
        at = function, piece[function, step], step
        on_line = (a[at] > 0.0) & (b[at] < 0.0) & (high[at] == ends[at])
        guess = torch.where(on_line, low[at] + width * a[at] / (a[at] - b[at]), high[at])
        late = start[at] > low[at]
        theta = self._located(function, step, start[at], high[at], guess, (a[at] > 0.0) | late, da[at])
        every = torch.full_like(self._sides, math.inf)
        every[function, step] = theta
        best = every.min(0)
        return best.values, best.indices, earliest

    def _touching(self, high: Tensor, crosses: Tensor, low: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Functions on their side at both ends of a piece, which turn between and may be on the other side
        there: their minimum is bracketed by the derivative."""
        a, b, da, db = self._a, self._b, self._da, self._db
        touch = wanted & (a > 0.0) & (b > 0.0) & (da < 0.0) & (db > 0.0) & may_touch(a, b, da, db)
        if not bool(touch.any()):
            return high, crosses
        at = torch.nonzero(touch, as_tuple=True)
        function, _, step = at
        left, right = low[at].clone(), high[at].clone()
        side, place = self._sides[function, step], self._place[step]
        near = resolution(self._inside.t[place], self._inside.h[place]) / self._inside.h[place].abs()
        there = torch.full_like(left, math.inf)
        for _ in range(MOST_HALVINGS):
            middle = 0.5 * (left + right)
            g, slope = self._of(function, place, middle)
            value, change = side * g, side * slope * self._inside.h[place]
            there = torch.where(torch.isinf(there) & (value <= 0.0), middle, there)
            left, right = torch.where(change < 0.0, middle, left), torch.where(change < 0.0, right, middle)
            if not bool((torch.isinf(there) & (right - left > near)).any()):
                break
        reached = torch.isfinite(there)
        high[at] = torch.where(reached, there, high[at])
        crosses[at] = crosses[at] | reached
        return high, crosses

    def _losing(self, high: Tensor, crosses: Tensor, low: Tensor) -> tuple[Tensor, Tensor]:
        """Functions that have no value at the end of a piece: what they cross before counts."""
        lost = (self._a == self._a) & (self._b != self._b)
        if not bool(lost.any()):
            return high, crosses
        at = torch.nonzero(lost, as_tuple=True)
        function, _, step = at
        left, right, place = low[at].clone(), high[at].clone(), self._place[step]
        for _ in range(MOST_HALVINGS):
            middle = 0.5 * (left + right)
            g, _ = self._of(function, place, middle)
            left, right = torch.where(g == g, middle, left), torch.where(g == g, right, middle)
        g, _ = self._of(function, place, left)
        crosses[at] = (self._sides[function, step] * g <= 0.0) & (self._a[at] > 0.0)
        high[at] = left
        return high, crosses

    def _of(self, function: Tensor, place: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        """One function of each of some places."""
        g, slope = self._inside(place, theta)
        return g.gather(0, function[None])[0], slope.gather(0, function[None])[0]

    def _located(
        self, function: Tensor, step: Tensor, low: Tensor, high: Tensor, guess: Tensor, on_side: Tensor,
        da: Tensor,
    ) -> Tensor:  # fmt: skip
        """Roots between `low`, where a function is on its side, and `high`, where it is not, a few
        roundings behind them at most: Newton's method, halving where it leaves the bracket."""
        place, side = self._place[step], self._sides[function, step]
        t, h = self._inside.t[place], self._inside.h[place]
        resolved = 0.25 * resolution(t, torch.zeros_like(t)) / h.abs()
        low, at_once = self._begun(function, place, side, low, high, on_side, da, resolved)
        theta, previous, start = torch.maximum(guess, low), high - low, low.clone()
        going = ~at_once
        g, slope = self._of(function, place, theta)
        before = side * g > 0.0
        low, high = torch.where(before, torch.maximum(low, theta), low), torch.where(before, high, theta)
        for _ in range(MOST_CORRECTIONS):
            change = g / (slope * h)
            target = theta - change
            usable = (target > low) & (target < high) & (change.abs() <= 0.5 * previous)
            target = torch.where(usable, target, 0.5 * (low + high))
            going = going & (g != 0.0)
            previous = torch.where(going, (target - theta).abs(), previous)
            theta = torch.where(going, target, theta)
            if not bool(going.any()):
                break
            g, slope = self._of(function, place, theta)
            before = side * g > 0.0
            low = torch.where(going & before, theta, low)
            high = torch.where(going & ~before, theta, high)
            near = torch.maximum(resolved, ENOUGH * high)
            going = going & (high - low > near) & (previous > 0.25 * near)
        return torch.where(at_once, start, torch.minimum(theta, high))

    def _begun(
        self, function: Tensor, place: Tensor, side: Tensor, low: Tensor, high: Tensor, on_side: Tensor,
        da: Tensor, near: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Where functions that begin at zero and leave it are on their side; which have a root at once."""
        leaves = ~on_side & (da > 0.0)
        at_once = ~on_side
        if not bool(leaves.any()):
            return low, at_once
        width, start = high - low, low
        for _ in range(MOST_HALVINGS):
            going = leaves & at_once & (width > near)
            if not bool(going.any()):
                break
            width = torch.where(going, 0.5 * width, width)
            g, _ = self._of(function, place, low + width)
            there = going & (side * g > 0.0)
            start, at_once = torch.where(there, low + width, start), at_once & ~there
        return start, at_once


def leaving(inside: Inside, unsettled: Tensor) -> tuple[Tensor, Tensor]:
    """The sides to which functions go that are zero where the steps begin, and have no slope there.

    What leaves as c t^k has t g'/g = k: the sign counts at the smallest place where values say so.

    Args:
        inside: The steps.
        unsettled: Which functions, shape (count, S).

    Returns:
        The sides, 0 where a step does not tell, and the fractions from which on they are clear of rounding.
    """
    count, size = unsettled.shape
    side = torch.zeros(count, size, dtype=torch.float64, device=unsettled.device)
    clear, ended = torch.zeros_like(side), ~unsettled
    place, theta = torch.arange(size, device=unsettled.device), 1.0
    for _ in range(MOST_HALVINGS):
        g, slope = inside(place, torch.full_like(inside.t, theta))
        power = theta * inside.h * slope / torch.where(g == 0.0, math.nan, g)
        tells = (power > POWER[0]) & (power < POWER[1]) & ~ended
        side = torch.where(tells, torch.sign(g), side)
        clear = torch.where(tells, theta, clear)
        ended = ended | (~tells & (side != 0.0))
        if bool(ended.all()):
            break
        theta *= 0.5
    return side, clear
