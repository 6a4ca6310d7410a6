"""What a solve of one member on a CPU does with its states: explicit attempts, norms, and the first step."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from symde.engine.batched.attempts import Span
from symde.engine.batched.control import Tolerance
from symde.engine.batched.equation import Equation
from symde.engine.batched.explicit import ExplicitStepper
from symde.engine.cpu.layout import RESOLUTION

MOST_STATES = 16
"""States up to which Python finds the norm of an error faster than torch."""


class AttemptsAlone:
    """Attempts in memory that is kept, as `symde.engine.batched.explicit_workspace`."""

    def __init__(self, stepper: ExplicitStepper, p: Tensor | None, u: Tensor) -> None:
        numbers, count = stepper.numbers, len(stepper.b)
        self._evaluate, self._p, self._keeps_first = stepper.equation.into, p, stepper.keeps_first
        self._k = u.new_zeros(count, len(u))
        columns = self._k.T
        self._before = [columns.narrow(1, 0, i) for i in range(count)]
        printed = stepper.equation.writes_rows
        self._outputs = [(one, one.unbind(0) if printed else ()) for one in self._k[:, :, None].unbind(0)]
        self._printed, self._autonomous = printed, stepper.equation.autonomous
        self._trial, self._sum = u.new_zeros(len(u)), u.new_zeros(len(u))
        self._trial_column = self._trial[:, None]
        self._trial_rows = self._trial_column.unbind(0)
        self._p_rows = () if p is None else p.unbind(0)
        self._times = u.new_zeros(count, 1, dtype=torch.float64)
        self._time_rows = self._times.unbind(0)
        self._columns, self._c, self._a = columns, numbers.times, numbers.rows
        self._ends = count - stepper.keeps_first
        self._moving, self._b, self._estimate = (
            columns[:, : self._ends],
            numbers.sum[: self._ends],
            numbers.estimate,
        )
        self._first_known = False

    def begin(self, slopes: Tensor) -> None:
        """The slopes where the next attempt starts."""
        self._outputs[0][0].copy_(slopes)
        self._first_known = True

    def make(self, t: float, h: float, u: Tensor) -> tuple[Tensor, Tensor | None]:
        """Where a step of size h leads, and its error by h."""
        if not self._autonomous:
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
        parts = u.unbind(0) if self._printed else ()
        self._evaluate(self._time_rows[i], parts, self._p_rows, (u, self._p, out), rows)

    def accept(self, keep: bool) -> Tensor | None:
        """The attempt counts: its stages, where they are to be kept."""
        stages = self._k.clone() if keep else None
        self._first_known = self._keeps_first
        if self._keeps_first:
            self._outputs[0][0].copy_(self._outputs[-1][0])
        return stages


class Norm:
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

    def of(self, vector: Tensor, u: Tensor) -> float:
        """Root mean square of a vector against the tolerance at u, both of shape (n,)."""
        if not self._small:
            return float(self._tolerance.norm(vector[:, None], u[:, None]))
        total = 0.0
        for one, state, atol in zip(vector.tolist(), u.tolist(), self._atol, strict=True):
            ratio = one / (atol + self._rtol * abs(state))
            total += ratio * ratio
        return math.sqrt(total / len(self._atol))


def first_step_alone(equation: Equation, span: Span, t: float, u: Tensor, f0: Tensor, norm: Norm) -> float:
    """The first step, as `symde.engine.batched.control.first_step`; NaN where f is not finite.

    Args:
        equation: What is solved.
        span: Of the solve.
        t: The start.
        u, f0: The state and f there, shape (n, 1).
        norm: Of errors.
    """
    state, slopes = u[:, 0], f0[:, 0]
    size, slope = norm.of(state, state), norm.of(slopes, state)
    length = min(abs(float(span.t_end) - t), float(span.largest))
    if length == 0.0 or not slope < math.inf and not bool(torch.isfinite(f0).all()):
        return 0.0 if length == 0.0 else math.nan
    # an infinite slope is one that leaves a zero whose tolerance is zero
    usual = size >= 1e-5 and 1e-5 <= slope < math.inf
    h = min(0.01 * size / slope if usual else 1e-6, length)
    ahead = torch.add(u, f0, alpha=math.copysign(h, span.direction))
    f1 = equation(torch.tensor([t + math.copysign(h, span.direction)], dtype=torch.float64), ahead, span.p)
    curvature = norm.of(f1[:, 0] - slopes, state) / h
    steepest = slope if curvature <= slope else curvature  # that of the two which is not a number, if one is
    if not steepest < math.inf:
        chosen = 1e-3 * h
    elif steepest <= 1e-15:
        chosen = min(100.0 * h, max(1e-3 * h, 1e-6), length)
    else:
        root = math.exp(math.log(0.01 / steepest) / (span.law.order + 1.0))
        chosen = min(100.0 * h, root, length)
    # far from t = 0 the usual guess may not move the time at all: let the error test judge a larger one
    return max(chosen, min(4.0 * RESOLUTION * abs(t), length))
