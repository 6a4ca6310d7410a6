"""The continuous adjoint: the adjoint equation, solved backward along the solution's interpolants.

    lambda' = -(df/du)^T lambda,   dL/dq = integral of lambda^T df/dq dt

with a jump of lambda at every saved time. The integral is taken by Gauss's formula over the steps of lambda,
all parameters at once, so that they do not take part in the equation and cost nothing where they are many.

Source: Y. Cao, S. Li, L. Petzold, R. Serban, Adjoint sensitivity analysis for differential-algebraic
equations, SIAM J. Sci. Comput. 24 (2003), section 2; the quadrature after the steps as C. Rackauckas et al.,
A comparison of automatic differentiation and continuous sensitivity analysis, IEEE HPEC (2021).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.engine.batched.again import step_again
from symde.engine.batched.along import Along
from symde.engine.batched.forward import Forward, solve
from symde.engine.batched.problem import Batch
from symde.engine.batched.recorded import recorded
from symde.engine.batched.times import grads_of_times

_NODES = 4
"""Nodes of Gauss's formula in a step: exact to degree 7, while the interpolants are of degree 4 to 7."""


def solve_by_adjoint(batch: Batch) -> Forward:
    """A solve whose saved states can be differentiated."""
    return recorded(batch, _grads)


def _grads(ctx: Any, wanted: tuple[bool, ...], grad: Tensor) -> list[Tensor | None]:
    """Derivatives by u0, p, t0, t1, times and the weights."""
    _, p, _, _, times, *weights = ctx.saved_tensors
    targets = [p] if wanted[1] else []
    targets += [one for one, want in zip(weights, wanted[5:], strict=True) if want]
    back = _Backward(ctx.batch, ctx.found, p, targets)
    back.run(grad, times)
    sums = iter(back.sums)
    by_p = next(sums) if wanted[1] else None
    by_weights = [next(sums) if want else None for want in wanted[5:]]
    by_times = grads_of_times(ctx.batch, ctx.found, ctx.saved_tensors, wanted[2:5], back.adjoint, grad)
    return [back.adjoint, by_p, *by_times, *by_weights]


class AdjointEquation:
    """-(df/du)^T lambda along a solution, as a right-hand side of (t, lambda, p)."""

    def __init__(self, rhs: Any, solution: Along) -> None:
        self._rhs, self._solution = rhs, solution

    def __call__(self, t: Tensor, adjoint: Tensor, p: Tensor | None) -> Tensor:
        """One reverse product."""
        recorded = torch.is_grad_enabled()
        with torch.enable_grad():
            u = self._solution(t)
            u = u if u.requires_grad else u.detach().requires_grad_()
            f = self._rhs(t, u, p)
            if not f.requires_grad:
                return torch.zeros_like(adjoint)
            (product,) = torch.autograd.grad(
                f, u, adjoint, create_graph=recorded, allow_unused=True, materialize_grads=True
            )
        return -product


class _Backward:
    """The adjoint equation from the last saved time to the start.

    Attributes:
        adjoint: lambda, shape (n, B).
        sums: Derivatives by the targets: parameters and weights.
    """

    def __init__(self, batch: Batch, found: Forward, p: Tensor | None, targets: list[Tensor]) -> None:
        self._batch, self._found = batch, found
        self._p = p if p is None else p.detach()
        self._by_p = bool(targets) and targets[0] is p
        self._weights = targets[1:] if self._by_p else targets
        self.sums = [torch.zeros_like(one) for one in targets]
        self.adjoint = torch.zeros_like(found.u[0])
        self._solution = Along(found, batch.options.direction) if found.record and len(found.record) else None

    def run(self, grad: Tensor, times: Tensor | None) -> None:
        """All stretches between saved times, the last first."""
        batch = self._batch
        known = torch.isfinite(self._found.u).all(1)
        if times is None:
            ends = batch.t1.detach()[None]
        else:
            ends = times if times.ndim == 2 else times[:, None].expand(-1, len(batch.t0))
        start = batch.t0.detach()
        for i in reversed(range(len(ends))):
            jump = torch.where(known[i][None], grad[i], 0.0)
            self.adjoint = self.adjoint + jump
            to = ends[i - 1] if i else start
            if bool((ends[i] != to).any()):
                # a member that failed has nothing to carry back
                self._stretch(torch.where(known[i], ends[i], start), torch.where(known[i], to, start))

    def _stretch(self, after: Tensor, before: Tensor) -> None:
        if self._solution is None:
            return
        equation = AdjointEquation(self._batch.rhs, self._solution)
        given = self._batch.backward or replace(self._batch.options, dt0=None, compiled=False)
        options = replace(given, direction=-self._batch.options.direction)
        back = Batch(equation, self.adjoint, self._p, after, before, None, options, (), ())
        found = solve(back, keep=True)
        if not bool((found.outcome.status == 0).all()):
            raise RuntimeError(
                "the adjoint equation could not be solved: use gradient='replay', whose backward pass cannot "
                "fail"
            )
        self.adjoint = found.u[0]
        if self.sums:
            self._quadrature(found)

    def _quadrature(self, found: Forward) -> None:
        """Add the integral of lambda^T df/dq over the steps of lambda."""
        nodes, weights = _gauss(self.adjoint)
        assert found.record is not None
        for k, counts in enumerate(found.record.counting()):
            if counts:
                recorded = found.record.attempt(k)
                step = step_again(found.stepper, recorded, recorded.u, self._p)
                stages = torch.stack(list(step.stages))
                stages = found.stepper.complete(stages, recorded.t, recorded.h, recorded.u, self._p)
                for theta, weight in zip(nodes, weights, strict=True):
                    fractions = theta.expand(len(recorded.t))
                    adjoint = recorded.u + found.stepper.combine(
                        stages, recorded.h, found.stepper.weights(fractions)
                    )
                    self._add(recorded.t + theta * recorded.h, adjoint * (-recorded.h * weight))

    def _add(self, t: Tensor, seeds: Tensor) -> None:
        assert self._solution is not None
        with torch.enable_grad():
            p = self._p if self._p is None else self._p.detach().requires_grad_(self._by_p)
            f = self._batch.rhs(t, self._solution(t), p)
            targets = [*([p] if self._by_p and p is not None else []), *self._weights]
            if not f.requires_grad:
                return
            found = torch.autograd.grad(f, targets, seeds.to(f.dtype), allow_unused=True)
        for total, one in zip(self.sums, found, strict=True):
            if one is not None:
                total += one


def _gauss(like: Tensor) -> tuple[list[Tensor], list[float]]:
    """Nodes in (0, 1) and weights."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    nodes = [torch.tensor(0.5 * (one + 1.0), dtype=torch.float64, device=like.device) for one in x.tolist()]
    return nodes, [0.5 * one for one in w.tolist()]
