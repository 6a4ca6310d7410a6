"""The discrete adjoint of explicit steps, all of them done again side by side.

What a step does to the adjoint l is linear, and its matrices depend on the recorded stages alone:

    K_i = h (b_i l + sum_{j>i} a_ji J_j^T K_j) + saved points,   l_before = l + sum_i J_i^T K_i + saved points

with J_i = df/du at stage i. So one evaluation of f, with a column for each stage of many steps, and n products
give all Jacobians; a short recursion over the stages gives every step's matrix and vector at once; the way
back through the steps is a product with a small matrix each; and one more product with all K gives the
derivatives by parameters and weights. Torch takes as long to evaluate a small network for a hundred columns
as for one.

Source: W. W. Hager, Runge-Kutta methods in optimal control and the transformed adjoint system, Numerische
Mathematik 87 (2000), section 2, for the adjoint of the stages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.explicit import ExplicitStepper
from symde.engine.batched.forward import Forward
from symde.engine.batched.probe import ROUNDING

COLUMNS = 4096
"""Columns of one evaluation at most: beyond, some steps at a time, so that memory is bounded."""


class Steps(NamedTuple):
    """Steps of a solve, each of each member as a member of one batch, S in all.

    Attributes:
        t, h: Shape (S,); sizes are 0 where a step did not count for a member.
        u: States at the start, shape (n, S).
        stages: Shape (stages, n, S).
        counted: Shape (S,).
        p: Parameters, shape (m, S), (m, 1) or None.
    """

    t: Tensor
    h: Tensor
    u: Tensor
    stages: Tensor
    counted: Tensor
    p: Tensor | None


class Seeds(NamedTuple):
    """Derivatives of the loss by the saved states.

    Attributes:
        place, theta, grad: Of those within steps: which of `Steps`, shape (S,), at which fraction, and the
            derivatives, shape (S, n).
        at_end: Sums of those at the ends of steps, shape (steps, B, n).
    """

    place: Tensor
    theta: Tensor
    grad: Tensor
    at_end: Tensor


def adjoint_side_by_side(
    found: Forward, p: Tensor | None, targets: Sequence[Tensor], grad: Tensor
) -> tuple[Tensor, list[Tensor]] | None:
    """The way back through a solve whose stages were kept.

    Args:
        found: The solve.
        p: Its parameters, one of the targets or without a history.
        targets: What is differentiated by beside the initial states.
        grad: Derivatives by the saved states, shape (T, n, B).

    Returns:
        Derivatives by u0, shape (n, B), and by the targets; None where the right-hand side does not give the
        same for a column beside others: then steps are to be done again one by one.
    """
    assert isinstance(found.stepper, ExplicitStepper)
    kept = _Kept(found)
    seeds = kept.seeds(grad)
    batch, stepper = grad.shape[-1], found.stepper
    within = len(seeds.place) > 0
    count = len(stepper.numbers.every_c) if within else len(stepper.b) - stepper.keeps_first
    adjoint, sums = _at_last(found, grad).T, [torch.zeros_like(one) for one in targets]
    some = max(COLUMNS // (count * batch), 1)
    for first in reversed(range(0, len(kept.t), some)):
        back = _Back(stepper, kept.steps(first, first + some, p), count, targets)
        if not back.repeats():
            return None
        adjoint = back.through(adjoint, _part(seeds, first, first + some))
        for total, one in zip(sums, back.by_targets(), strict=True):
            if one is not None:
                total += one
    by_u0 = adjoint.T
    if found.saves is not None:
        by_u0 = by_u0 + torch.where(found.saves.at_start[:, None], grad, 0.0).sum(0)
    return by_u0, sums


def _at_last(found: Forward, grad: Tensor) -> Tensor:
    if found.saves is not None:
        return torch.zeros_like(grad[0])
    return torch.where(torch.isfinite(found.u[0]), grad[0], 0.0)


class _Kept:
    """The attempts that counted for some member.

    Attributes:
        t, h, u, stages, counted: As in the record, each in one piece.
    """

    def __init__(self, found: Forward) -> None:
        assert found.record is not None and found.record.stages is not None
        self._found, pieces = found, found.record.pieces
        self.t, self.h, self.u, self.counted = (torch.cat([piece[i] for piece in pieces]) for i in range(4))
        self.stages = torch.cat(found.record.stages)
        self._some = self.counted.any(1)
        if not bool(self._some.all()):
            some = self._some
            self.t, self.h, self.u, self.counted = (
                one[some] for one in (self.t, self.h, self.u, self.counted)
            )
            self.stages = self.stages[some]
        if not bool(self.counted.all()):
            self._fill()

    def _fill(self) -> None:
        """A member for which an attempt did not count takes another's place, with size 0, so that nothing
        infinite comes of it."""
        counted = self.counted
        some = counted.to(torch.uint8).argmax(1, keepdim=True)
        others = self.u.gather(2, some[:, None].expand(-1, self.u.shape[1], 1))
        self.t = torch.where(counted, self.t, self.t.gather(1, some))
        self.u = torch.where(counted[:, None], self.u, others)
        self.stages = torch.where(counted[:, None, None], self.stages, 0.0)

    def steps(self, first: int, last: int, p: Tensor | None) -> Steps:
        """Some of them."""
        t, h, u, counted = (one[first:last] for one in (self.t, self.h, self.u, self.counted))
        stages, (length, n, batch) = self.stages[first:last], u.shape
        if p is not None and p.shape[1] > 1:
            p = p.repeat(1, length)
        return Steps(
            t.reshape(-1),
            h.reshape(-1),
            u.permute(1, 0, 2).reshape(n, -1),
            stages.permute(1, 2, 0, 3).reshape(-1, n, length * batch),
            counted.reshape(-1),
            p,
        )

    def seeds(self, grad: Tensor) -> Seeds:
        """The derivatives by the saved states, by the steps that passed them."""
        n, batch = self.u.shape[1:]
        at_end = grad.new_zeros(len(self.t), batch, n)
        saves = self._found.saves
        if saves is None:
            nothing = torch.zeros(0, dtype=torch.int64, device=grad.device)
            return Seeds(nothing, nothing, nothing, at_end)
        save, member = torch.nonzero(saves.attempt >= 0, as_tuple=True)
        number = torch.cumsum(self._some, 0) - 1
        place = number[saves.attempt[save, member]] * batch + member
        theta, given = saves.theta[save, member], grad[save, :, member]
        ends = theta == 1.0
        if bool(ends.any()):
            at_end.view(-1, n).index_add_(0, place[ends], given[ends])
            place, theta, given = (one[~ends] for one in (place, theta, given))
        return Seeds(place, theta, given, at_end)


def _part(seeds: Seeds, first: int, last: int) -> Seeds:
    """Those of some steps, counted from the first of them."""
    batch = seeds.at_end.shape[1]
    if first == 0 and last >= len(seeds.at_end):
        return seeds
    some = (seeds.place >= first * batch) & (seeds.place < last * batch)
    place, theta, grad = (one[some] for one in seeds[:3])
    return Seeds(place - first * batch, theta, grad, seeds.at_end[first:last])


class _Back:
    """The way back through some successive steps.

    Args:
        stepper: The method.
        steps: The steps.
        count: Stages that take part.
        targets: What is differentiated by.
    """

    def __init__(self, stepper: ExplicitStepper, steps: Steps, count: int, targets: Sequence[Tensor]) -> None:
        self._stepper, self._steps, self._count, self._targets = stepper, steps, count, targets
        self._size = steps.h.to(steps.u.dtype)
        self._a = stepper.numbers.whole_a[:count, :count].to(steps.u.dtype)
        self._stages = steps.stages[:count]
        if count > len(stepper.b):
            self._stages = stepper.complete(steps.stages, steps.t, steps.h, steps.u, steps.p)
        self._evaluate()

    def _evaluate(self) -> None:
        """f at all stages of all steps, a column each: of stage i those of all steps, then stage i + 1."""
        steps, count = self._steps, self._count
        n, columns = steps.u.shape
        moved = torch.mm(self._a, self._stages.reshape(count, -1)).view(count, n, columns)
        u = torch.addcmul(steps.u, self._size, moved).permute(1, 0, 2).reshape(n, -1)
        t = (steps.t + self._stepper.numbers.every_c[:count, None] * steps.h).reshape(-1)
        with torch.enable_grad():
            p = steps.p if steps.p is None or steps.p.shape[1] == 1 else steps.p.repeat(1, count)
            self._u = u.requires_grad_()
            self._f = self._stepper.equation(t, self._u, p)

    def repeats(self) -> bool:
        """Whether the stages are those of the solve."""
        f, known = self._f.detach(), self._stages.permute(1, 0, 2).reshape(len(self._u), -1)
        allowed = ROUNDING * torch.finfo(known.dtype).eps * known.abs().amax()
        differs = (f - known).abs() > allowed
        if not bool(self._steps.counted.all()):
            differs = differs & self._steps.counted.repeat(self._count)
        return not bool(differs.any())

    def through(self, adjoint: Tensor, seeds: Seeds) -> Tensor:
        """The adjoint before the steps, shape (B, n), from that behind them."""
        n, count, steps = len(self._u), self._count, self._steps
        jacobians = self._jacobians()
        columns = steps.h.shape[0]
        # of every K_i, and of what a step adds: the factor of the adjoint behind the step, and a vector
        k = self._u.new_zeros(count, columns, n, n + 1)
        direct = torch.zeros_like(k[0])
        weights = self._stepper.numbers.weights[:count, None].to(self._size.dtype)
        torch.diagonal(k, dim1=-2, dim2=-1)[...] = (weights * self._size)[:, :, None]
        torch.diagonal(direct, dim1=-2, dim2=-1)[...] = 1.0
        if len(seeds.place):
            shares = self._stepper.weights(seeds.theta).to(self._size.dtype) * self._size[seeds.place, None]
            k[..., n].index_add_(1, seeds.place, shares.T[:, :, None] * seeds.grad)
            direct[..., n].index_add_(0, seeds.place, seeds.grad)
        factors = (self._a[:, :, None] * self._size)[..., None, None]
        for i in reversed(range(count)):
            carried = torch.bmm(jacobians[i], k[i])
            direct += carried
            if i:
                k[:i].addcmul_(factors[i, :i], carried)
        behind, before = self._chain(adjoint, direct, seeds.at_end)
        self._seeds = torch.matmul(k[..., :n], behind.view(columns, n, 1))[..., 0] + k[..., n]
        return before

    @staticmethod
    def _chain(adjoint: Tensor, direct: Tensor, at_end: Tensor) -> tuple[Tensor, Tensor]:
        """The adjoints behind every step, shape (steps, B, n), and that before the first."""
        length, batch, n = at_end.shape
        direct = direct.view(length, batch, n, n + 1)
        matrices, vectors = direct[..., :n].unbind(0), direct[..., n:].unbind(0)
        ends, behind = at_end[..., None].unbind(0), []
        present = adjoint[..., None]
        for k in reversed(range(length)):
            present = present + ends[k]
            behind.append(present)
            present = torch.baddbmm(vectors[k], matrices[k], present)
        return torch.stack(behind[::-1]), present[..., 0]

    def _jacobians(self) -> Tensor:
        """Transposed, of every stage of every step, shape (stages, steps, n, n)."""
        n, columns = self._u.shape
        if not self._f.requires_grad:
            return self._u.new_zeros(self._count, columns // self._count, n, n)
        rows, row = [], torch.zeros_like(self._f)
        for r in range(n):
            row = torch.zeros_like(self._f)
            row[r] = 1.0
            (found,) = torch.autograd.grad(
                self._f, self._u, row, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            rows.append(found.view(n, self._count, -1))
        return torch.stack(rows, -1).permute(1, 2, 0, 3).contiguous()

    def by_targets(self) -> Sequence[Tensor | None]:
        """Derivatives by the targets, once the adjoints are known."""
        if not self._targets or not self._f.requires_grad:
            return [None] * len(self._targets)
        seeds = self._seeds.permute(2, 0, 1).reshape(len(self._u), -1)
        return torch.autograd.grad(self._f, self._targets, seeds, allow_unused=True)
