"""The continuous solution of a recorded solve, at any time of any member."""

from __future__ import annotations

import torch
from torch import Tensor

from symde.engine.batched.forward import Forward
from symde.engine.batched.probe import ROUNDING
from symde.engine.batched.saves import parameters_of


class Along:
    """The method's own interpolants over the accepted steps, all found at once.

    Args:
        found: A recorded solve.
        direction: 1.0 or -1.0.

    Memory is that of all stages of all steps.
    """

    def __init__(self, found: Forward, direction: float) -> None:
        assert found.record is not None and len(found.record)
        pieces = found.record.pieces
        counted = torch.cat([one.counted for one in pieces])
        most = int(counted.sum(0).amax())
        # the accepted attempts of each member first, in their order
        order = torch.argsort((~counted).to(torch.uint8), dim=0, stable=True)[:most]
        t, h, u = (torch.cat([one[i] for one in pieces]) for i in range(3))
        counted = counted.gather(0, order)
        t, u = t.gather(0, order), u.gather(0, order[:, None].expand(-1, u.shape[1], -1))
        # where a member took no step, it stands in another's place with size 0: nothing infinite comes of it
        some = counted[0].to(torch.uint8).argmax()
        self._t = torch.where(counted, t, t[0, some])
        self._h = torch.where(counted, h.gather(0, order), 0.0)
        self._u = torch.where(counted[:, None], u, u[0, :, some][:, None])
        self._stepper, self._batch, self._direction = found.stepper, counted.shape[1], direction
        starts = torch.where(counted, direction * self._t, torch.inf)
        self._starts = starts.T.contiguous()
        member = torch.arange(self._batch, device=u.device).repeat(most)
        self._bounds: tuple[Tensor, Tensor] | None = None
        self.jumps = found.happened is not None and bool(found.happened.moments)
        self._stages = self._all_stages(parameters_of(found.p, member), most, counted)

    def within(self, first: Tensor, last: Tensor) -> None:
        """Where states jump, let each member's times be looked for in its steps from `first` to `last`, shape
        (B,), whose polynomials are those of one smooth stretch."""
        self._bounds = first, last

    def _all_stages(self, p: Tensor | None, most: int, counted: Tensor) -> Tensor:
        """Shape (most, stages, n, B): every step of every member as a member of one batch.

        Raises:
            ValueError: a step leads elsewhere beside others than it did.
        """
        t, h = self._t.reshape(-1), self._h.reshape(-1)
        u = self._u.permute(1, 0, 2).reshape(self._u.shape[1], -1)
        step = self._stepper.attempt(t, h, u, p)
        ends = step.u.reshape(len(u), most, self._batch).permute(1, 0, 2)
        allowed = ROUNDING * torch.finfo(u.dtype).eps * u.abs().amax() + self._stepper.left(self._u[1:])
        apart = ((ends[:-1] - self._u[1:]).abs() > allowed) & counted[1:, None]
        if not self.jumps and bool(apart.any()):
            raise ValueError(
                "the right-hand side gives another slope for a state beside others than alone: no column may "
                "act on another, also where there is one; use gradient='replay'"
            )
        stages = self._stepper.complete(torch.stack(list(step.stages)), t, h, u, p)
        return stages.reshape(*stages.shape[:2], most, self._batch).permute(2, 0, 1, 3)

    def __call__(self, t: Tensor, member: Tensor) -> Tensor:
        """The states of some members, each at a time, shape (n, S); differentiable in t.

        Args:
            t: Times, shape (S,).
            member: Whose, shape (S,).
        """
        starts, time = self._starts, (self._direction * t.detach())[:, None]
        if len(starts) == 1:  # all times in one row
            found = torch.searchsorted(starts, time.T, right=True)[0]
        else:
            found = torch.searchsorted(starts[member], time, right=True)[:, 0]
        step = (found - 1).clamp(min=0)
        if self._bounds is not None:
            first, last = (one[member] for one in self._bounds)
            step = torch.minimum(torch.maximum(step, first), last)
        start, h = self._t[step, member], self._h[step, member]
        theta = (t - start) / torch.where(h == 0.0, 1.0, h)
        stages = self._stages[step, :, :, member].permute(1, 2, 0)
        u = self._u[step, :, member].T
        return u + self._stepper.combine(stages, h, self._stepper.weights(theta))
