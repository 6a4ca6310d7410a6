"""The loop of one member on a CPU, for explicit methods: times, sizes and verdicts are Python's numbers.

Torch takes a microsecond for an operation on one number and Python a twentieth of that; the forty operations
of the controller would take as long as three evaluations of a small network. The laws are those of
`symde.engine.batched.control`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from symde.engine.batched.alone_steps import AttemptsAlone, Norm, first_step_alone
from symde.engine.batched.attempts import Span
from symde.engine.batched.control import QUARTER, UNSOLVED, Law, Progress
from symde.engine.batched.explicit import ExplicitStepper
from symde.engine.batched.loop import Outcome
from symde.engine.batched.record import Record
from symde.engine.batched.saves import Saves
from symde.engine.cpu.layout import LARGEST_GROWTH, RESOLUTION, SAFETY, SMALLEST_ERROR, STRONGEST_CUT, Status

LENGTH = 64
"""Steps whose states and stages are put together at once."""


class Taken(NamedTuple):
    """A step: its start, end and size, the states (n,) before and after, its stages (stages, n) or None."""

    t: float
    t_new: float
    h: float
    u: Tensor
    u_new: Tensor
    stages: Tensor | None


class Start(NamedTuple):
    """Where a member starts.

    Attributes:
        t, u: Time and state, shape (n, 1).
        h: The first step size; None: it is chosen.
        slopes: f there, shape (n, 1), where it is known.
    """

    t: float
    u: Tensor
    h: float | None
    slopes: Tensor | None


def run_alone(
    stepper: ExplicitStepper, span: Span, start: Start, saves: Saves | None, record: Record | None,
    max_steps: int,
) -> Outcome:  # fmt: skip
    """Advance one member to its end.

    Args:
        stepper: The method.
        span: As of any batch.
        start: Where the member starts.
        saves: Times to save.
        record: Where steps are kept for replay.
        max_steps: Largest number of attempts.
    """
    keep_stages = saves is not None or record is not None and record.stages is not None
    loop = _Loop(stepper, span, start, keep_stages)
    kept = _Kept(stepper, span, start.t, saves, record)
    while loop.running and loop.accepted + loop.rejected < max_steps:
        taken = loop.attempt()
        if taken is not None and kept.wanted:
            kept.add(taken)
    kept.write()
    return loop.outcome()


class _Loop:
    """Where the member stands; as `symde.engine.batched.control.Progress`."""

    def __init__(self, stepper: ExplicitStepper, span: Span, start: Start, keep: bool) -> None:
        (t, u, h, slopes), self._limit = start, LARGEST_GROWTH
        self.attempts = AttemptsAlone(stepper, span.p, u)
        self.accepted = self.rejected = 0
        self._norm = Norm(span.tolerance, len(u))
        self._law, self._direction, self._keep = span.law, span.direction, keep
        self._t_end, self._largest = float(span.t_end), float(span.largest)
        self._t, self._u = t, u[:, 0]
        if slopes is None:
            slopes = stepper.equation(torch.tensor([t], dtype=torch.float64), u, span.p)
        if h is None:
            h = first_step_alone(stepper.equation, span, t, u, slopes, self._norm)
        self.attempts.begin(slopes)
        self._non_finite = h != h
        self._h_next = 0.0 if self._non_finite else h
        self._log_error = 0.0

    @property
    def running(self) -> bool:
        """Whether there is anything left to do."""
        return self._t != self._t_end and self._h_next > 0.0

    def attempt(self) -> Taken | None:
        """One attempt at a step; the step, where it was accepted."""
        t, u = self._t, self._u
        remaining = abs(self._t_end - t)
        reaches = self._h_next * 1.01 >= remaining
        if not reaches and self._h_next <= abs(t) * RESOLUTION:
            self._h_next = 0.0
            return None
        size = remaining if reaches else self._h_next
        h = math.copysign(size, self._direction)
        t_new = self._t_end if reaches else t + h
        end, error = self.attempts.make(t, h, u)
        mean_square = self._norm(error, h, u, end)
        accepted = mean_square <= 1.0
        self._choose(size, mean_square, accepted)
        if not accepted:
            self.rejected += 1
            self._non_finite = not mean_square < UNSOLVED
            return None
        self.accepted += 1
        self._t, self._u, self._non_finite = t_new, end, False
        return Taken(t, t_new, h, u, end, self.attempts.accept(self._keep))

    def _choose(self, size: float, mean_square: float, accepted: bool) -> None:
        """The next size; the laws of `symde.engine.batched.control.decide`."""
        law: Law = self._law
        if law.fixed:
            self._h_next = self._h_next if accepted else 0.0
            return
        log_error = math.log(max(mean_square, SMALLEST_ERROR))
        if accepted:
            exponent, limit = self._log_error * law.previous - law.present * log_error, self._limit
            self._log_error = log_error
        else:
            exponent, limit = -law.rejected * log_error, SAFETY
        if not exponent > -math.inf:
            exponent = QUARTER
        factor = min(max(math.exp(exponent) * SAFETY, STRONGEST_CUT), limit)
        self._h_next = min(size * factor, self._largest)
        self._limit = LARGEST_GROWTH if accepted else 1.0

    def outcome(self) -> Outcome:
        """How it ended."""
        numbers = self._t, self._h_next, self._log_error, self._limit
        t, h_next, log_error, limit = torch.tensor(numbers, dtype=torch.float64)[:, None].unbind(0)
        if self._t == self._t_end:
            status = Status.DONE
        elif self._h_next > 0.0:
            status = Status.MAX_STEPS
        else:
            status = Status.NON_FINITE if self._non_finite else Status.STEP_TOO_SMALL
        counts = int(status), self.accepted, self.rejected
        progress = Progress(t, self._u[:, None], h_next, log_error, limit)
        status_, accepted, rejected = torch.tensor(counts)[:, None].unbind(0)
        return Outcome(progress, status_, accepted, rejected, self.accepted + self.rejected)


class _Kept:
    """What is kept of the steps: saved states, and a record."""

    def __init__(
        self, stepper: ExplicitStepper, span: Span, t: float, saves: Saves | None, record: Record | None
    ) -> None:
        self.wanted = saves is not None or record is not None
        self._stepper, self._p, self._direction = stepper, span.p, span.direction
        self._saves, self._record, self._steps, self._before = saves, record, [], 0
        self._times: list[float] = [] if saves is None else saves.times.reshape(-1).tolist()
        self._next = 0
        self._pass(t)

    def _pass(self, t: float) -> range:
        """The saved times up to t, which were not passed before."""
        first = self._next
        while self._next < len(self._times) and self._direction * (self._times[self._next] - t) <= 0.0:
            self._next += 1
        return range(first, self._next)

    def add(self, taken: Taken) -> None:
        """Keep a step."""
        self._steps.append(taken)
        if len(self._steps) == LENGTH:
            self.write()

    def write(self) -> None:
        """Put together the steps since the last time."""
        steps: list[Taken] = self._steps
        if not steps:
            return
        t, h = torch.tensor([(one.t, one.h) for one in steps], dtype=torch.float64).unbind(1)
        u = torch.stack([one.u for one in steps])
        stages = None if steps[0].stages is None else torch.stack([one.stages for one in steps])  # type: ignore[misc]
        if self._record is not None:
            counted = torch.ones(len(steps), 1, dtype=torch.bool)
            kept = None if stages is None or self._record.stages is None else stages[..., None]
            self._record.add(t[:, None], h[:, None], u[:, :, None], counted, kept)
        if self._saves is not None and stages is not None:
            self._save(steps, u, stages)
        self._before += len(steps)
        self._steps = []

    def _save(self, steps: list[Taken], u: Tensor, stages: Tensor) -> None:
        """Interpolate at the saved times within these steps."""
        first, where, places = self._next, [], []
        for k, step in enumerate(steps):
            for place in self._pass(step.t_new):
                time = self._times[place]
                where.append(k)
                places.append((1.0 if time == step.t_new else (time - step.t) / step.h, step.t, step.h))
        if not where:
            return
        saves, stepper, attempt = self._saves, self._stepper, torch.tensor(where)
        assert saves is not None
        numbers = np.array(places)
        theta, t, h = torch.from_numpy(numbers).unbind(1)
        start, stages = u[attempt].T, stages[attempt].permute(1, 2, 0)
        stages = stepper.complete(stages, t, h, start, self._p)
        # one product a place, where a batch sums stage by stage to be the same whatever is saved beside
        shares = torch.from_numpy((stepper.numbers.shares(numbers[:, 0]) * numbers[:, 2]).T).to(stages.dtype)
        inside = start + torch.bmm(shares[:, None], stages.permute(2, 0, 1))[:, 0].T
        ends = torch.stack([one.u_new for one in steps])[attempt].T
        range_ = slice(first, self._next)
        saves.u[range_, :, 0] = torch.where(theta == 1.0, ends, inside).T
        saves.attempt[range_, 0], saves.theta[range_, 0] = attempt + self._before, theta
