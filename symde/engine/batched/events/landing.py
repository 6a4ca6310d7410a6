"""Steps that end at roots: a step in which one was found is done again exactly to it.

The root of the interpolant is corrected by Newton's method from the values at the new ends, so that its time
is as good as the method and not as its interpolant.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.events.calls import Calls
from symde.engine.batched.events.search import Ends
from symde.engine.batched.events.suspicion import resolution
from symde.engine.batched.step import Stepper
from symde.engine.cpu.roots import RESTEPS

POLE_RATIO = 10.0
"""Times its value and change at the start of the step that a function is at a pole."""


class Landed(NamedTuple):
    """Steps to roots, shape (S,) each but the states (n, S), stages (stages, n, S), `last` (n, S) or None,
    and values (count, S).

    Attributes:
        t, h: Where they end, and their sizes; 0 where the root is where the step begins.
        u, stages, last: As of any step.
        g, slope: The root functions at the ends.
        crossed: Those that are at zero there, on their way to the other side.
        poles: Those of them that went through infinity.
        failed: Steps that were not solved.
        turned: Steps at whose end the function that was to be at zero is on its side and leads away, as it is
            at the end of the whole step: what the interpolant crosses the solution does not.
    """

    t: Tensor
    h: Tensor
    u: Tensor
    stages: Tensor
    last: Tensor | None
    g: Tensor
    slope: Tensor
    crossed: Tensor
    poles: Tensor
    failed: Tensor
    turned: Tensor


class Start(NamedTuple):
    """Where steps begin: members, t (S,), u (n, S), the whole step's size (S,), its stages and last slopes,
    the slopes at the start where they are known, modes (count + floors, S)."""

    member: Tensor
    t: Tensor
    u: Tensor
    h: Tensor
    stages: Tensor
    first: Tensor | None
    modes: Tensor


def land(
    calls: Calls,
    stepper: Stepper,
    start: Start,
    ends: Ends,
    theta: Tensor,
    function: Tensor,
    direction: float,
) -> Landed:
    """Do steps again to the roots found at the fractions theta.

    Args:
        calls: The events.
        stepper: The method.
        start: Where the steps begin.
        ends: Root functions at the ends of the whole steps.
        theta, function: Where the first root is, and of which function.
        direction: 1.0 or -1.0.
    """
    sides = start.modes[: len(ends.g)]
    left_zero = sides * ends.g > 0.0
    t = start.t + theta * start.h
    end = start.t + start.h
    at_once = (t - start.t).abs() <= 0.25 * resolution(end, torch.zeros_like(end))
    t = torch.where(at_once, start.t, t)
    found = Landed(
        t.clone(), torch.zeros_like(t), start.u, start.stages, start.first, ends.g, ends.slope,
        torch.zeros_like(left_zero), torch.zeros_like(left_zero), torch.zeros_like(at_once),
        torch.zeros_like(at_once),
    )  # fmt: skip
    active, previous = ~at_once, torch.full_like(t, math.inf)
    change = torch.zeros_like(t)
    for _ in range(RESTEPS):
        if not bool(active.any()):
            break
        found = _stepped(calls, stepper, start, t, active, found)
        correction, nearest = _correction(found, sides, left_zero, function, direction)
        change = torch.where(active, correction, change)
        function = torch.where(active, nearest, function)
        tolerance = resolution(found.t, found.h)
        size = change.abs()
        following = found.t + change
        following = torch.where((following - end) * direction > 0.0, end, following)
        ahead = (following - start.t) * direction > 0.0
        # below the noise of its values a root is no better known
        active = active & (size > tolerance) & (size < 0.5 * previous) & ahead & ~found.failed
        previous = torch.where(active, size, previous)
        t = torch.where(active, following, t)
    tolerance = resolution(found.t, found.h)
    value, speed = sides * found.g, sides * found.slope * direction
    of_found = value.gather(0, function[None])[0]
    at_root = (at_once | (change.abs() <= tolerance) | (of_found <= 0.0)) & ~found.failed
    near = (speed < 0.0) & (value <= -speed * tolerance) & ((value <= 0.0) | left_zero)
    near = torch.where(at_once, False, near)
    near = near.scatter(0, function[None], True)
    crossed = near & at_root
    reach = ends.g.abs() + (ends.slope * found.h).abs()
    poles = crossed & (found.g.abs() > POLE_RATIO * reach)
    leads_away = speed.gather(0, function[None])[0] >= 0.0
    beyond = (sides * ends.g_new).gather(0, function[None])[0] <= 0.0
    turned = leads_away & ~at_root & ~found.failed & ~beyond
    return found._replace(crossed=crossed, poles=poles, turned=turned)


def _stepped(
    calls: Calls, stepper: Stepper, start: Start, t: Tensor, active: Tensor, before: Landed
) -> Landed:
    """Steps to t, of those that are active."""
    count = len(t)
    every = calls.padded(torch.arange(count, device=t.device))
    h = t - start.t
    first = None if start.first is None else start.first[:, every]
    p = calls.parameters(start.member[every])
    step = stepper.attempt(start.t[every], h[every], start.u[:, every], p, first)
    stages = torch.stack(list(step.stages))[:, :, :count]
    u, last = step.u[:, :count], None if step.last is None else step.last[:, :count]
    failed = ~torch.isfinite(u).all(0)
    if step.failed is not None:
        failed = failed | step.failed[:count]
    g, slope = calls.watched(start.member, t, u, start.modes)

    def chosen(new: Tensor, old: Tensor) -> Tensor:
        return torch.where(active, new, old)

    return Landed(
        chosen(t, before.t),
        chosen(h, before.h),
        chosen(u, before.u),
        chosen(stages, before.stages),
        None if last is None or before.last is None else chosen(last, before.last),
        chosen(g, before.g),
        chosen(slope, before.slope),
        before.crossed,
        before.poles,
        chosen(failed, before.failed),
        before.turned,
    )


def _correction(
    found: Landed, sides: Tensor, left_zero: Tensor, function: Tensor, direction: float
) -> tuple[Tensor, Tensor]:
    """How far the first root lies from t, by Newton's method from the values there, and its function. Of
    functions on the other side of zero already the one that got there first counts."""
    change = torch.where(found.slope != 0.0, -found.g / found.slope, 0.0)
    beyond = (sides * found.g <= 0.0) & (sides * found.slope * direction < 0.0) & left_zero
    own = torch.zeros_like(beyond).scatter(0, function[None], True)
    candidates = torch.where(beyond | own, change * direction, math.inf)
    nearest = candidates.min(0)
    # the function found stays where others are no earlier
    same = candidates.gather(0, function[None])[0] <= nearest.values
    which = torch.where(same, function, nearest.indices)
    return change.gather(0, which[None])[0], which
