"""Paths by steps whose size follows the error, each path by its own, on a Brownian motion that is known at
any time.

Steps are whole numbers of the 2^-40th part of the span, end at the times to save, and are those of the
compiled engine. They are found first and kept, with their noise; what is to be differentiated is done again
along them, so that their sizes are constants.

Source of the estimate: C. Rackauckas, Q. Nie, Adaptive methods for stochastic differential equations via
natural embeddings and rejection sampling with memory, Discrete Contin. Dyn. Syst. B 22 (2017), 2731-2761,
section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from symde.engine.batched.paths.brownian_tree import BrownianTree
from symde.engine.batched.paths.equation import within
from symde.engine.batched.paths.follow import Followed
from symde.engine.batched.paths.increments import Increments
from symde.engine.batched.paths.step_sizes import RUNNING, Place, Tolerances, Tried, sizes_for
from symde.engine.batched.paths.steps import Stepper
from symde.engine.batched.record import BETWEEN_LOOKS, cheap_looks
from symde.engine.cpu.layout import Status
from symde.engine.cpu.noise_layout import LEVELS

STRETCH = 16
"""Attempts that are done again at once: the states before each so many are kept."""


class Taken(NamedTuple):
    """An attempt of all members, as what is done again needs it.

    Attributes:
        t, h: Time and size, shape (B,); where it was not accepted, a size at which nothing goes wrong.
        noise: Of the step; none where it was not accepted.
        accepted: By whom, shape (B,).
        save: Which of the times to save it ends at, -1 for none, int64, shape (B,).
    """

    t: Tensor
    h: Tensor
    noise: Increments
    accepted: Tensor
    save: Tensor


@dataclass(slots=True, eq=False)
class Found:
    """The steps of all members.

    Attributes:
        attempts: One after another.
        starts: States before each `STRETCH` of them.
        status: `Status` of each member.
        taken: Accepted steps of each.
        ticks: Where each ended.
    """

    attempts: list[Taken] = field(default_factory=list)
    starts: list[Tensor] = field(default_factory=list)
    status: Any = None
    taken: Any = None
    ticks: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class AdaptiveRun:
    """Paths to be followed.

    Attributes:
        stepper: Equation and method.
        tree: The Brownian motions.
        t0: The start of the span.
        first: Size of the first step that is tried, in ticks.
        steps: Limit on the steps of a path.
        tolerances: Of a step.
        times: Times to save, in ticks, ascending and different, shape (T,).
        places: Of each time that was asked for, among these.
    """

    stepper: Stepper
    tree: BrownianTree
    t0: float
    first: int
    steps: int
    tolerances: Tolerances
    times: Tensor
    places: np.ndarray

    def find(self, u: Tensor, p: Tensor | None, keep: bool) -> tuple[Found, Tensor]:
        """The steps, and what is saved of them, (T, n, B); `keep` keeps what is done again."""
        with torch.no_grad():
            return _Search(self, u, p, keep).run()

    def again(self, attempts: list[Taken], u: Tensor, p: Tensor | None) -> list[Tensor]:
        """The states behind each attempt."""
        states = []
        for one in attempts:
            new = self.stepper.step(one.t, one.h, u, p, one.noise).u  # type: ignore[arg-type]
            u = torch.where(one.accepted, new, u)
            states.append(u)
        return states

    def start(self, u: Tensor) -> Tensor:
        """What is saved at the start, (T, n, B): not a number elsewhere."""
        out = u.new_full((len(self.times), *u.shape), torch.nan)
        at_start = (self.times == 0)[:, None, None]
        return torch.where(at_start, within(self.stepper.equation, u), out)

    def followed(self, found: Found, u: Tensor) -> Followed:
        """What came of the paths, from what is saved at the different times."""
        places = torch.as_tensor(self.places, device=u.device)
        reached = self.t0 + found.ticks.double() * self.tree.tick
        return Followed(u.index_select(0, places), found.taken, found.status, reached)


class _Search:
    """Finds the steps."""

    def __init__(self, run: AdaptiveRun, u: Tensor, p: Tensor | None, keep: bool) -> None:
        self.run_, self.u, self.p, self.keep = run, u, p, keep
        self.at = torch.zeros_like(run.tree.paths)
        self.wanted = torch.full_like(self.at, max(run.first, 1))
        self.status = torch.full_like(self.at, RUNNING)
        self.taken = torch.zeros_like(self.at)
        self.w, self.a = run.tree.at(self.at)
        self.out = run.start(u)
        end = run.times.new_full((1,), 1 << LEVELS)
        self.stops = torch.cat([run.times, end])
        self.next = torch.searchsorted(run.times, self.at, right=True)
        self.since = torch.zeros_like(self.at)
        self.sizes = sizes_for(run.stepper.method, run.stepper, run.tree, run.tolerances)

    def run(self) -> tuple[Found, Tensor]:
        """Until all members have ended."""
        found, count = Found(), 0
        looks = 1 if cheap_looks(self.u.device) else BETWEEN_LOOKS
        self._end()
        while count % looks or bool((self.status == RUNNING).any()):
            if self.keep and count % STRETCH == 0:
                found.starts.append(self.u)
            one = self._attempt()
            if self.keep:
                found.attempts.append(one)
            self._end()
            count += 1
        found.status, found.taken, found.ticks = self.status, self.taken, self.at
        return found, self.out

    def _end(self) -> None:
        """Note who is at the end, or has used up the steps."""
        running = self.status == RUNNING
        done = running & (self.at >= 1 << LEVELS)
        over = running & ~done & (self.taken >= self.run_.steps)
        self.status = torch.where(done, int(Status.DONE), self.status)
        self.status = torch.where(over, int(Status.MAX_STEPS), self.status)

    def _attempt(self) -> Taken:
        run, active = self.run_, self.status == RUNNING
        place = Place(self.at, self.wanted, self.since, self.stops[self.next])
        end = torch.where(active, self.sizes.end(place), self.at)
        size = torch.where(active, end - self.at, 1)
        # a whole number times a number of Python's would be of torch's default type
        t, h = run.t0 + self.at.double() * run.tree.tick, size.double() * run.tree.tick
        w, a = run.tree.at(end)
        dw, area = w - self.w, a - self.a - h * self.w
        dtype = self.u.dtype
        noise, typed = Increments(dw.to(dtype), area.to(dtype)), h.to(dtype)
        step = run.stepper.step(t, typed, self.u, self.p, noise)
        verdict = self.sizes.judge(place, Tried(size, self.at, t, typed, self.u, self.p, step))
        accepted = active & verdict.accepted
        self.wanted = torch.where(active, verdict.wanted, self.wanted)
        self.status = torch.where(active, verdict.status, self.status)
        self.u = torch.where(accepted, step.u, self.u)
        self.w, self.a = torch.where(accepted, w, self.w), torch.where(accepted, a, self.a)
        self.at = torch.where(accepted, end, self.at)
        self.taken = self.taken + accepted
        arrived = accepted & (end == place.stop)
        self.since = torch.where(arrived, end, self.since)
        save = torch.where(arrived & (self.next < len(run.times)), self.next, -1)
        self.next = self.next + (save >= 0)
        self._write(save)
        none = Increments(*(torch.where(accepted, one, 0.0) for one in (noise.dw, noise.area)))  # type: ignore[arg-type]
        h = torch.where(accepted, h, run.tree.tick).to(dtype)
        return Taken(t, h, none, accepted, save)

    def _write(self, save: Tensor) -> None:
        """Save the states of those who are at a time to save."""
        if not len(self.out):
            return
        place = save.clamp(min=0)[None, None].expand(1, *self.u.shape)
        value = torch.where(
            save >= 0, within(self.run_.stepper.equation, self.u), self.out.gather(0, place)[0]
        )
        self.out.scatter_(0, place, value[None])
