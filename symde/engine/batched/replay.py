"""The discrete adjoint by replay: attempts are recorded, and done again one by one from the last to the
first.

The gradient is that of the computed numbers, with the sizes of the steps as constants; memory is that of the
recorded states and of one step's graph.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.again import SavesByAttempt, points_again, step_again
from symde.engine.batched.events.backward import MomentsBack, moments_back
from symde.engine.batched.forward import Forward
from symde.engine.batched.problem import Batch
from symde.engine.batched.recorded import recorded
from symde.engine.batched.side_by_side import adjoint_side_by_side
from symde.engine.batched.times import grads_of_times


def solve_by_replay(batch: Batch) -> Forward:
    """A solve whose saved states can be differentiated."""
    return recorded(batch, _grads, stages=True)


def _grads(ctx: Any, wanted: tuple[bool, ...], grad: Tensor) -> list[Tensor | None]:
    """Derivatives by u0, p, t0, t1, times and the weights."""
    _, p, _, _, _, *weights = ctx.saved_tensors
    found = ctx.found
    moments = moments_back(ctx, p, weights, wanted[5:], grad)
    side_by_side = _side_by_side(ctx.batch, found, weights, wanted, grad, moments)
    if side_by_side is not None:
        by_u0, by_p, by_weights = side_by_side
    else:
        moments = moments_back(ctx, p, weights, wanted[5:], grad)  # anew: none was passed yet
        back = _Backward(found, p, weights, wanted[5:], wanted[1], moments)
        back.run(grad)
        by_u0, by_p, by_weights = back.adjoint, back.by_p, back.by_weights
    by_times = grads_of_times(ctx.batch, found, ctx.saved_tensors, wanted[2:5], by_u0, grad)
    if moments is not None:
        by_p, by_times, by_weights = moments.added(by_p, by_times, by_weights)
    return [by_u0, by_p, *by_times, *by_weights]


def _side_by_side(
    batch: Batch,
    found: Forward,
    weights: list[Tensor],
    wanted: tuple[bool, ...],
    grad: Tensor,
    moments: MomentsBack | None,
) -> tuple[Tensor, Tensor | None, list[Tensor | None]] | None:
    """Derivatives by u0, p and the weights where the stages of all steps were kept."""
    if found.record is None or not found.record.stages:
        return None
    by_p = wanted[1] and found.p is not None
    p = None if found.p is None else found.p.detach().requires_grad_(by_p)
    targets = [one for one, want in zip(weights, wanted[5:], strict=True) if want]
    targets = [p, *targets] if by_p and p is not None else targets
    made = adjoint_side_by_side(found, p, targets, grad, batch.extent, moments)
    if made is None:
        return None
    by_u0, sums = made[0], iter(made[1])
    of_p = next(sums) if by_p else None
    return by_u0, of_p, [next(sums) if want else None for want in wanted[5:]]


class _Backward:
    """The way back through a record.

    Attributes:
        adjoint: Derivative by the states at the present attempt's start, (n, B); by u0 in the end.
        by_p: By the parameters.
        by_weights: By the modules' parameters, None for those not wanted.
    """

    def __init__(
        self, found: Forward, p: Tensor | None, weights: list[Tensor], wanted: tuple[bool, ...], by_p: bool,
        moments: MomentsBack | None,
    ) -> None:  # fmt: skip
        self._found, self._p, self._moments = found, p, moments
        self._weights = [one for one, want in zip(weights, wanted, strict=True) if want]
        self._wanted, self._sums = wanted, [torch.zeros_like(one) for one in self._weights]
        self.by_p = torch.zeros_like(p) if by_p and p is not None else None
        self.adjoint = torch.zeros_like(found.u[0])

    @property
    def by_weights(self) -> list[Tensor | None]:
        """In the order of the modules' parameters."""
        sums = iter(self._sums)
        return [next(sums) if want else None for want in self._wanted]

    def run(self, grad: Tensor) -> None:
        """Through all attempts, from the last to the first."""
        found, saves = self._found, self._found.saves
        assert found.record is not None
        counting = found.record.counting()
        by_attempt = None if saves is None else SavesByAttempt(saves, len(counting))
        if saves is None:
            self.adjoint = torch.where(torch.isfinite(found.u[0]), grad[0], 0.0)
        for k in reversed(range(len(counting))):
            self._past_moments(k)
            if counting[k]:
                self._attempt(k, grad, by_attempt)
        self._past_moments(-1)
        if saves is not None:
            self.adjoint = self.adjoint + torch.where(saves.at_start[:, None], grad, 0.0).sum(0)

    def _past_moments(self, k: int) -> None:
        """The events behind attempt k."""
        if self._moments is not None:
            self.adjoint = self._moments.before(k, self.adjoint)

    def _attempt(self, k: int, grad: Tensor, by_attempt: SavesByAttempt | None) -> None:
        found, stepper = self._found, self._found.stepper
        assert found.record is not None
        recorded = found.record.attempt(k)
        at_end = None if by_attempt is None else by_attempt.at_end(k)
        if at_end is not None:
            seeds = grad[at_end.save, :, at_end.member].T
            self.adjoint = self.adjoint.index_add(1, at_end.member, seeds)
        inside = None if by_attempt is None else by_attempt.inside(k)
        with torch.enable_grad():
            u = recorded.u.detach().requires_grad_()
            p = self._p if self._p is None else self._p.detach().requires_grad_(self.by_p is not None)
            step = step_again(stepper, recorded, u, p)
            outputs, seeds = [step.u], [torch.where(recorded.counted, self.adjoint, 0.0)]
            if inside is not None:
                outputs.append(points_again(stepper, recorded, step, u, p, inside))
                seeds.append(grad[inside.save, :, inside.member].T)
            inputs = [u, *([p] if self.by_p is not None and p is not None else []), *self._weights]
            by_u, *others = torch.autograd.grad(outputs, inputs, seeds, allow_unused=True)
        self.adjoint = torch.where(recorded.counted, by_u, self.adjoint)
        if self.by_p is not None:
            by_p, *others = others
            if by_p is not None:
                self.by_p += by_p
        for total, one in zip(self._sums, others, strict=True):
            if one is not None:
                total += one
