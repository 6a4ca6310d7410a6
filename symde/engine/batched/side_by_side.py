"""The discrete adjoint of explicit steps, all of them done again side by side.

What a step does to the adjoint l is linear, and its matrices depend on the recorded stages alone:

    K_i = h (b_i l + sum_{j>i} a_ji J_j^T K_j) + saved points,   l_before = l + sum_i J_i^T K_i + saved points

with J_i = df/du at stage i. So one evaluation of f, with a column for each stage of many steps, gives all
Jacobians; a short recursion over the stages gives every step's matrix and vector at once; the way back
through the steps is a product with a small matrix each; and one more product with all K gives the derivatives
by parameters and weights. Torch takes as long to evaluate a small network for a hundred columns as for one.

Source: W. W. Hager, Runge-Kutta methods in optimal control and the transformed adjoint system, Numerische
Mathematik 87 (2000), section 2, for the adjoint of the stages.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from symde.engine.batched.events.backward import MomentsBack
from symde.engine.batched.explicit import ExplicitStepper
from symde.engine.batched.forward import Forward
from symde.engine.batched.kept_steps import KeptSteps, Seeds, Steps
from symde.engine.batched.probe import ROUNDING

COLUMNS = 4096
"""Columns of one evaluation at most: beyond, some steps at a time, so that memory is bounded."""

LIGHT = 64_000
"""Columns times weights of modules up to which one product with a copy of all columns for each state takes
less time than a product for each."""


def adjoint_side_by_side(
    found: Forward, p: Tensor | None, targets: Sequence[Tensor], grad: Tensor, extent: int,
    moments: MomentsBack | None = None,
) -> tuple[Tensor, list[Tensor]] | None:  # fmt: skip
    """The way back through a solve whose stages were kept.

    Args:
        found: The solve.
        p: Its parameters, one of the targets or without a history.
        targets: What is differentiated by beside the initial states.
        grad: Derivatives by the saved states, shape (T, n, B).
        extent: Weights of the modules that f calls.
        moments: What goes back past events.

    Returns:
        Derivatives by u0, shape (n, B), and by the targets; None where the right-hand side does not give the
        same for a column beside others, or does not take them: then steps are to be done again one by one.
    """
    assert isinstance(found.stepper, ExplicitStepper)
    kept = KeptSteps(found)
    seeds = kept.seeds(grad)
    batch, stepper = grad.shape[-1], found.stepper
    within = seeds is not None and not bool((seeds.theta == 1.0).all())
    count = len(stepper.numbers.every_c) if within else len(stepper.b) - stepper.keeps_first
    adjoint, sums = _at_last(found, grad).T, [torch.zeros_like(one) for one in targets]
    some = max(COLUMNS // (count * batch), 1)
    past = _Past(kept, moments)
    for first in reversed(range(0, len(kept.t), some)):
        steps = kept.steps(first, first + some, p)
        try:
            back = _Back(stepper, steps, count, targets, extent)
        except Exception:
            # it takes no other number of columns; whatever else is wrong comes up again where steps are done
            # one by one
            return None
        if not back.repeats():
            return None
        part = None if seeds is None else kept.part(seeds, first, first + some)
        adjoint = back.through(adjoint, part, past, first)
        for total, one in zip(sums, back.by_targets(), strict=True):
            if one is not None:
                total += one
    by_u0 = past.before(-1, adjoint[..., None])[..., 0].T
    if found.saves is not None:
        by_u0 = by_u0 + torch.where(found.saves.at_start[:, None], grad, 0.0).sum(0)
    return by_u0, sums


class _Past:
    """The way back past events, by the kept steps behind which they are.

    Args:
        kept: The steps.
        moments: What goes back past events; None: there are none.
    """

    def __init__(self, kept: KeptSteps, moments: MomentsBack | None) -> None:
        self._moments = moments
        self._attempts: dict[int, list[int]] = {}
        for attempt in () if moments is None else moments.attempts:
            self._attempts.setdefault(kept.last_until(attempt), []).append(attempt)

    def before(self, step: int, adjoint: Tensor) -> Tensor:
        """The adjoint (B, n, 1) before the events behind a kept step, -1: the start."""
        for attempt in reversed(self._attempts.get(step, ())):
            assert self._moments is not None
            adjoint = self._moments.before(attempt, adjoint[..., 0].T).T[..., None]
        return adjoint


def _at_last(found: Forward, grad: Tensor) -> Tensor:
    if found.saves is not None:
        return torch.zeros_like(grad[0])
    return torch.where(torch.isfinite(found.u[0]), grad[0], 0.0)


def _repeated(p: Tensor | None, columns: int) -> Tensor | None:
    """Parameters of so many columns, in which the members come one after the other again and again."""
    return p if p is None or p.shape[1] == 1 else p.repeat(1, columns // p.shape[1])


class _Back:
    """The way back through some successive steps.

    Args:
        stepper: The method.
        steps: The steps.
        count: Stages that take part.
        targets: What is differentiated by.
        extent: Weights of the modules that f calls.
    """

    def __init__(
        self, stepper: ExplicitStepper, steps: Steps, count: int, targets: Sequence[Tensor], extent: int
    ) -> None:
        self._stepper, self._steps, self._count, self._targets = stepper, steps, count, targets
        self._extent = extent
        self._size = steps.h.to(steps.u.dtype)
        self._a = stepper.numbers.whole_a[:count, :count].to(steps.u.dtype)
        self._stages = steps.stages[:count]
        if count > len(stepper.b):
            p = _repeated(steps.p, len(steps.t))
            self._stages = stepper.complete(steps.stages, steps.t, steps.h, steps.u, p)
        self._evaluate()

    def _evaluate(self) -> None:
        """f at all stages of all steps, a column each: of stage i those of all steps, then stage i + 1; and
        where they are few a copy of all for each state."""
        steps, count = self._steps, self._count
        n, columns = steps.u.shape
        moved = torch.mm(self._a, self._stages.reshape(count, -1)).view(count, n, columns)
        u = torch.addcmul(steps.u, self._size, moved).permute(1, 0, 2).reshape(n, -1)
        t = (steps.t + self._stepper.numbers.every_c[:count, None] * steps.h).reshape(-1)
        if u.shape[1] * max(self._extent, n) <= LIGHT:
            u, t = u.repeat(1, n), t.repeat(n)
        with torch.enable_grad():
            self._u = u.requires_grad_()
            self._every = self._stepper.equation(t, self._u, _repeated(steps.p, u.shape[1]))
            self._f = self._every[:, : count * columns]

    def repeats(self) -> bool:
        """Whether the stages are those of the solve."""
        f, known = self._f.detach(), self._stages.permute(1, 0, 2).reshape(len(self._u), -1)
        allowed = ROUNDING * torch.finfo(known.dtype).eps * known.abs().amax()
        differs = (f - known).abs() > allowed
        if self._steps.counted is not None:
            differs = differs & self._steps.counted.repeat(self._count)
        return not bool(differs.any())

    def through(self, adjoint: Tensor, seeds: Seeds | None, past: _Past, first: int) -> Tensor:
        """The adjoint before the steps, shape (B, n), from that behind them; `first` is the place of the
        first of them among all."""
        n, count, size = len(self._u), self._count, self._size
        # of every K_i, and of what a step adds: the factor of the adjoint behind the step, and a vector
        k = self._u.new_zeros(count, len(size), n, n + 1)
        direct = torch.zeros_like(k[0])
        weights = self._stepper.numbers.weights[:count].to(size.dtype)
        torch.diagonal(k, dim1=-2, dim2=-1).copy_((weights[:, None] * size)[:, :, None])
        torch.diagonal(direct, dim1=-2, dim2=-1).fill_(1.0)
        if seeds is not None:
            shares = self._shares(seeds.theta, weights) * size[seeds.place, None]
            k[..., n].index_add_(1, seeds.place, shares.T[:, :, None] * seeds.grad)
            direct[..., n].index_add_(0, seeds.place, seeds.grad)
        factors = (self._a[:, :, None] * size)[..., None, None]
        present = k.unbind(0)
        for i, jacobian in reversed([*enumerate(self._jacobians().unbind(0))]):
            carried = torch.bmm(jacobian, present[i])
            direct += carried
            if i:
                k[:i].addcmul_(factors[i, :i], carried)
        behind, before = self._chain(adjoint, direct, past, first)
        self._seeds = torch.matmul(k[..., :n], behind)[..., 0] + k[..., n]
        return before

    def _shares(self, theta: Tensor, ends: Tensor) -> Tensor:
        """Weights of the stages at fractions of a step, shape (S, stages); those of the step at its end."""
        if self._count < len(self._stepper.numbers.every_c):
            return ends.expand(len(theta), -1)
        if theta.device.type == "cpu":
            weights = torch.from_numpy(self._stepper.numbers.shares(theta.numpy()).T).to(ends.dtype)
        else:
            weights = self._stepper.weights(theta).to(ends.dtype)
        return torch.where(theta[:, None] == 1.0, ends, weights)

    @staticmethod
    def _chain(adjoint: Tensor, direct: Tensor, past: _Past, first: int) -> tuple[Tensor, Tensor]:
        """The adjoints behind every step, shape (S, n, 1), and that before the first, (B, n)."""
        batch, n = adjoint.shape
        matrices = direct[..., :n].unflatten(0, (-1, batch)).unbind(0)
        vectors = direct[..., n:].unflatten(0, (-1, batch)).unbind(0)
        present, behind = adjoint[..., None], []
        for step in reversed(range(len(matrices))):
            matrix, vector = matrices[step], vectors[step]
            present = past.before(first + step, present)
            behind.append(present)
            present = torch.baddbmm(vector, matrix, present)
        return torch.cat(behind[::-1]), present[..., 0]

    def _jacobians(self) -> Tensor:
        """Transposed, of every stage of every step, shape (stages, steps, n, n)."""
        n, columns = self._f.shape
        if not self._every.requires_grad:
            return self._u.new_zeros(self._count, columns // self._count, n, n)
        unit = torch.eye(n, dtype=self._f.dtype, device=self._f.device)[:, :, None].expand(-1, -1, columns)
        if columns < self._u.shape[1]:  # row r of the Jacobians from copy r
            found = self._product(self._every, unit.reshape(n, -1)).view(n, n, self._count, -1)
        else:
            rows = [self._product(self._every, row).view(n, self._count, -1) for row in unit.unbind(0)]
            found = torch.stack(rows, 1)
        return found.permute(2, 3, 0, 1).contiguous()

    def _product(self, f: Tensor, weights: Tensor) -> Tensor:
        return torch.autograd.grad(
            f, self._u, weights, retain_graph=True, allow_unused=True, materialize_grads=True
        )[0]

    def by_targets(self) -> Sequence[Tensor | None]:
        """Derivatives by the targets, once the adjoints are known."""
        if not self._targets or not self._every.requires_grad:
            return [None] * len(self._targets)
        seeds = self._seeds.permute(2, 0, 1).reshape(len(self._u), -1)
        return torch.autograd.grad(self._f, self._targets, seeds, allow_unused=True)
