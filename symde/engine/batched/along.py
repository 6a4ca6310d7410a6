"""The continuous solution of a recorded solve, at any time of any member."""

from __future__ import annotations

import torch
from torch import Tensor

from symde.engine.batched.forward import Forward
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
        self._member = torch.arange(self._batch, device=u.device)
        self._stages = self._all_stages(found.p, most)

    def _all_stages(self, p: Tensor | None, most: int) -> Tensor:
        """Shape (most, stages, n, B): every step of every member as a member of one batch."""
        t, h = self._t.reshape(-1), self._h.reshape(-1)
        u = self._u.permute(1, 0, 2).reshape(self._u.shape[1], -1)
        p = parameters_of(p, self._member.repeat(most))
        step = self._stepper.attempt(t, h, u, p)
        stages = self._stepper.complete(torch.stack(list(step.stages)), t, h, u, p)
        return stages.reshape(*stages.shape[:2], most, self._batch).permute(2, 0, 1, 3)

    def __call__(self, t: Tensor) -> Tensor:
        """The states at one time of each member, shape (n, B); differentiable in t."""
        found = torch.searchsorted(self._starts, (self._direction * t.detach())[:, None], right=True)
        step = (found[:, 0] - 1).clamp(min=0)
        start, h = self._t[step, self._member], self._h[step, self._member]
        theta = (t - start) / torch.where(h == 0.0, 1.0, h)
        stages = self._stages[step, :, :, self._member].permute(1, 2, 0)
        u = self._u[step, :, self._member].T
        return u + self._stepper.combine(stages, h, self._stepper.weights(theta))
