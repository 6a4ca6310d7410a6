"""The loop of one member on a CPU, for explicit methods: times, sizes and verdicts are Python's numbers.

Torch takes a microsecond for an operation on one number and Python a twentieth of that; the controller's forty
operations on one number would take as long as three evaluations of a small network. The laws are those of
`symde.engine.batched.control`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.attempts import Span
from symde.engine.batched.control import QUARTER, UNSOLVED, Law, Progress, Tolerance
from symde.engine.batched.explicit import ExplicitStepper
from symde.engine.batched.loop import Outcome
from symde.engine.batched.record import Record
from symde.engine.batched.saves import Places, Saves
from symde.engine.cpu.layout import LARGEST_GROWTH, RESOLUTION, SAFETY, SMALLEST_ERROR, STRONGEST_CUT, Status

LENGTH = 64
"""Steps whose states and stages are put together at once."""

MOST_STATES = 16
"""States up to which Python finds the norm of an error faster than torch."""


class Taken(NamedTuple):
    """A step: its start, end and size, the states (n,) before and after, its stages (stages, n) or None."""

    t: float
    t_new: float
    h: float
    u: Tensor
    u_new: Tensor
    stages: Tensor | None


def run_alone(
    stepper: ExplicitStepper, span: Span, u: Tensor, t: float, h: float, slopes: Tensor | None, saves: Saves | None,
    record: Record | None, max_steps: int,
) -> Outcome:  # fmt: skip
    """Advance one member to its end.

    Args:
        stepper: The method.
        span: As of any batch.
        u: The state at the start, shape (n, 1).
        t: The start.
        h: The first step size; NaN where the right-hand side is not finite there.
        slopes: The slopes there, shape (n, 1), where they are known.
        saves: Times to save.
        record: Where steps are kept for replay.
        max_steps: Largest number of attempts.
    """
    loop = _Loop(stepper, span, u, t, h, keep=saves is not None or record is not None and record.stages is not None)
    if slopes is not None:
        loop.attempts.begin(slopes)
    kept = _Kept(stepper, span, t, saves, record)
    while loop.running and loop.accepted + loop.rejected < max_steps:
        taken = loop.attempt()
        if taken is not None and kept.wanted:
            kept.add(taken)
    kept.write()
    return loop.outcome()


class _Loop:
    """Where the member stands; as `symde.engine.batched.control.Progress`."""

    def __init__(self, stepper: ExplicitStepper, span: Span, u: Tensor, t: float, h: float, keep: bool) -> None:
        self.attempts = _Attempts(stepper, span.p, u)
        self.accepted = self.rejected = 0
        self._norm = _Norm(span.tolerance, len(u))
        self._law, self._direction, self._keep = span.law, span.direction, keep
        self._t_end, self._largest = float(span.t_end), float(span.largest)
        self._t, self._u = t, u[:, 0]
        self._non_finite = h != h
        self._h_next = 0.0 if self._non_finite else h
        self._log_error, self._limit = 0.0, LARGEST_GROWTH

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
        return Outcome(progress, *torch.tensor(counts)[:, None].unbind(0), self.accepted + self.rejected)


class _Attempts:
    """Attempts in memory that is kept, as `symde.engine.batched.explicit_workspace`."""

    def __init__(self, stepper: ExplicitStepper, p: Tensor | None, u: Tensor) -> None:
        numbers, count = stepper.numbers, len(stepper.b)
        self._evaluate, self._p, self._keeps_first = stepper.equation.into, p, stepper.keeps_first
        self._k = u.new_zeros(count, len(u))
        columns = self._k.T
        self._before = [columns.narrow(1, 0, i) for i in range(count)]
        self._outputs = [(one, one.unbind(0)) for one in self._k[:, :, None].unbind(0)]
        self._trial, self._sum = u.new_zeros(len(u)), u.new_zeros(len(u))
        self._trial_column = self._trial[:, None]
        self._trial_rows = self._trial_column.unbind(0)
        self._p_rows = () if p is None else p.unbind(0)
        self._times = u.new_zeros(count, 1, dtype=torch.float64)
        self._time_rows = self._times.unbind(0)
        self._columns, self._c, self._a = columns, numbers.times, numbers.rows
        self._ends = count - stepper.keeps_first
        self._moving, self._b, self._estimate = columns[:, : self._ends], numbers.sum[: self._ends], numbers.estimate
        self._first_known = False

    def begin(self, slopes: Tensor) -> None:
        """The slopes where the next attempt starts."""
        self._outputs[0][0].copy_(slopes)
        self._first_known = True

    def make(self, t: float, h: float, u: Tensor) -> tuple[Tensor, Tensor | None]:
        """Where a step of size h leads, and its error by h."""
        torch.mul(self._c, h, out=self._times).add_(t)
        if not self._first_known:
            self._slopes(0, u[:, None])
            self._first_known = True
        for i in range(1, self._ends):
            torch.add(u, torch.mv(self._before[i], self._a[i], out=self._sum), alpha=h, out=self._trial)
            out, rows = self._outputs[i]
            whole = self._trial_column, self._p, out
            self._evaluate(self._time_rows[i], self._trial_rows, self._p_rows, whole, rows)
        end = torch.add(u, torch.mv(self._moving, self._b, out=self._sum), alpha=h)
        if self._keeps_first:
            self._slopes(-1, end[:, None])
        return end, None if self._estimate is None else torch.mv(self._columns, self._estimate)

    def _slopes(self, i: int, u: Tensor) -> None:
        out, rows = self._outputs[i]
        self._evaluate(self._time_rows[i], u.unbind(0), self._p_rows, (u, self._p, out), rows)

    def accept(self, keep: bool) -> Tensor | None:
        """The attempt counts: its stages, where they are to be kept."""
        stages = self._k.clone() if keep else None
        self._first_known = self._keeps_first
        if self._keeps_first:
            self._outputs[0][0].copy_(self._outputs[-1][0])
        return stages


class _Norm:
    """Mean square of an error, as `symde.engine.batched.control.Tolerance.mean_square`."""

    def __init__(self, tolerance: Tolerance, n: int) -> None:
        self._tolerance, self._rtol = tolerance, float(tolerance.rtol)
        self._small = n <= MOST_STATES and tolerance.measure is None
        self._atol: Sequence[float] = tolerance.atol[:, 0].tolist() if self._small else ()

    def __call__(self, error: Tensor | None, h: float, u: Tensor, end: Tensor) -> float:
        """Of the error h * error of a step from u to end; NaN where the end or the error is not finite."""
        if error is None:
            return float((end * 0.0).sum())
        if not self._small:
            columns = (h * error)[:, None], u[:, None], end[:, None]
            return float(self._tolerance.mean_square(*columns))
        total, rtol = 0.0, self._rtol
        for one, old, new, atol in zip(error.tolist(), u.tolist(), end.tolist(), self._atol, strict=True):
            ratio = h * one / (atol + rtol * max(abs(old), abs(new)))
            # 0 * inf is NaN: a state that overflowed must not pass for one with a small relative error
            total += ratio * ratio + 0.0 * new
        return total / len(self._atol)


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
            self._record.add(
                t[:, None], h[:, None], u[:, :, None], counted, lambda: stages[..., None]  # type: ignore[index]
            )
        if self._saves is not None and stages is not None:
            self._save(steps, t, h, u, stages)
        self._before += len(steps)
        self._steps = []

    def _save(self, steps: list[Taken], t: Tensor, h: Tensor, u: Tensor, stages: Tensor) -> None:
        first, where, thetas = self._next, [], []
        for k, step in enumerate(steps):
            for place in self._pass(step.t_new):
                time = self._times[place]
                where.append(k)
                thetas.append(1.0 if time == step.t_new else (time - step.t) / step.h)
        if not where:
            return
        attempt, theta = torch.tensor(where), torch.tensor(thetas, dtype=torch.float64)
        save, member = torch.arange(first, self._next), torch.zeros_like(attempt)
        ends = torch.stack([one.u_new for one in steps])[attempt].T
        gathered = t[attempt], h[attempt], u[attempt].T, ends, stages[attempt].permute(1, 2, 0)
        assert self._saves is not None
        self._saves.write(self._stepper, Places(save, member, attempt, theta, *gathered), self._p, self._before)
