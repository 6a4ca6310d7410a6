"""The stages of an explicit method in memory that is kept from step to step: the fast way, without gradients.

All sums over stages are one product of a stacked matrix with a vector, and the right-hand side writes its
rows
where they belong: dispatch is what a step costs, and a Tsit5 step of Lotka-Volterra takes 3 operations a
stage and its right-hand side where lists of tensors take 6 more.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.explicit import ExplicitStepper
from symde.engine.batched.step import Step


class ExplicitWorkspace:
    """Memory for the stages of several successive attempts.

    Args:
        stepper: The method.
        u: A state, for its shape.
        p: The parameters.
        slots: Attempts whose stages are kept.
    """

    def __init__(self, stepper: ExplicitStepper, u: Tensor, p: Tensor | None, slots: int) -> None:
        self._stepper, self._equation, self._p = stepper, stepper.equation, p
        method, n, batch = stepper.method, *u.shape
        count = len(method.b)
        self.stages = u.new_zeros(slots, count, n, batch)
        self._p_rows = () if p is None else p.unbind(0)
        self._trial, self._sum, self._end = (torch.zeros_like(u) for _ in range(3))
        self._flat_sum = self._sum.view(-1)
        self._trial_rows, self._end_rows = self._trial.unbind(0), self._end.unbind(0)
        self._times = u.new_zeros(count, batch, dtype=torch.float64)
        self._time_rows = self._times.unbind(0)
        numbers = stepper.numbers
        self._c, self._a, self._b, self._error = numbers.times, numbers.rows, numbers.sum, numbers.estimate
        self._count = count
        self._places: list[Any] = [None] * slots
        # behind the last slot: the first slot's stages are still to be read when the next attempt is known
        self._spare = torch.zeros_like(u)
        self._started = False

    def _place(self, slot: int) -> tuple[list[Tensor], list[tuple[Tensor, ...]], tuple[Tensor, ...]]:
        """The transposed matrix of the first i stages, the rows of each, and each in one piece."""
        found = self._places[slot]
        if found is None:  # short solves do not reach all slots
            stages = self.stages[slot]
            flat, pieces = stages.view(self._count, -1).T, stages.unbind(0)
            matrices = [flat.narrow(1, 0, i) for i in range(self._count + 1)]
            found = self._places[slot] = matrices, [one.unbind(0) for one in pieces], pieces
        return found

    def begin(self, slopes: Tensor) -> None:
        """The slopes at the start, where the first stage of a step is kept from the one before."""
        if self._stepper.keeps_first:
            (self._spare if len(self._places) > 1 else self._place(0)[2][0]).copy_(slopes)
            self._started = True

    def attempt(self, slot: int, t: Tensor, h: Tensor, u: Tensor) -> Step:
        """A step of every member; what it gives holds until the slot comes round again."""
        matrices, rows, pieces = self._place(slot)
        stepper, evaluate, p = self._stepper, self._equation.into, self._p
        size = h if u.dtype == torch.float64 else h.to(u.dtype)
        if not self._equation.autonomous:
            torch.addcmul(t, h, self._c, out=self._times)
        if not (stepper.keeps_first and self._started):
            evaluate(self._time_rows[0], u.unbind(0), self._p_rows, (u, p, pieces[0]), rows[0])
            self._started = True
        elif slot == 0 and len(self._places) > 1:
            pieces[0].copy_(self._spare)
        count = len(self._b) - stepper.keeps_first
        for i in range(1, count):
            torch.mv(matrices[i], self._a[i], out=self._flat_sum)
            torch.addcmul(u, size, self._sum, out=self._trial)
            evaluate(self._time_rows[i], self._trial_rows, self._p_rows, (self._trial, p, pieces[i]), rows[i])
        torch.mv(matrices[count], self._b[:count], out=self._flat_sum)
        torch.addcmul(u, size, self._sum, out=self._end)
        if stepper.keeps_first:
            whole = self._end, p, pieces[count]
            evaluate(self._time_rows[count], self._end_rows, self._p_rows, whole, rows[count])
        error = None
        if self._error is not None:
            torch.mv(matrices[len(self._b)], self._error, out=self._flat_sum)
            error = self._sum.mul_(size)
        return Step(self._end, error, None)

    def settle(self, slot: int, accepted: Tensor) -> None:
        """The first stage of the next attempt, which uses the next slot."""
        if self._stepper.keeps_first:
            pieces = self._place(slot)[2]
            if len(self._places) == 1:
                following = pieces[0]
            else:
                following = self._place(slot + 1)[2][0] if slot + 1 < len(self._places) else self._spare
            torch.where(accepted, pieces[-1], pieces[0], out=following)
