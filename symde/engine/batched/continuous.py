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

from symde.engine.batched.along import Along
from symde.engine.batched.events.backward import MomentsBack, moments_back
from symde.engine.batched.events.stretches import stretches_between
from symde.engine.batched.forward import Forward, solve
from symde.engine.batched.problem import Batch
from symde.engine.batched.recorded import recorded
from symde.engine.batched.saves import parameters_of
from symde.engine.batched.step import Stepper
from symde.engine.batched.times import grads_of_times

_NODES = 4
"""Nodes of Gauss's formula in a step: exact to degree 7, while the interpolants are of degree 4 to 7."""

MOST_STATES, MOST_COLUMNS, LIGHT = 8, 2048, 25_000
"""States, columns of an evaluation, and states of all members times weights of modules, up to which all
stretches are solved side by side: beyond, n solutions take longer than asking for one after the other."""


def solve_by_adjoint(batch: Batch) -> Forward:
    """A solve whose saved states can be differentiated."""
    return recorded(batch, _grads)


def _grads(ctx: Any, wanted: tuple[bool, ...], grad: Tensor) -> list[Tensor | None]:
    """Derivatives by u0, p, t0, t1, times and the weights."""
    _, p, _, _, times, *weights = ctx.saved_tensors
    targets = [p] if wanted[1] else []
    targets += [one for one, want in zip(weights, wanted[5:], strict=True) if want]
    moments = moments_back(ctx, p, weights, wanted[5:], grad)
    back = _Backward(ctx.batch, ctx.found, p, targets, moments)
    back.run(grad, times)
    sums = iter(back.sums)
    by_p = next(sums) if wanted[1] else None
    by_weights = [next(sums) if want else None for want in wanted[5:]]
    by_times = grads_of_times(ctx.batch, ctx.found, ctx.saved_tensors, wanted[2:5], back.adjoint, grad)
    if moments is not None:
        by_p, by_times, by_weights = moments.added(by_p, by_times, by_weights)
    return [back.adjoint, by_p, *by_times, *by_weights]


class AdjointEquation:
    """-(df/du)^T lambda along a solution, as a right-hand side of (t, lambda, p).

    Args:
        rhs: That of the solution.
        solution: The solution.
        member: Whose each column is, shape (S,).
    """

    def __init__(self, rhs: Any, solution: Along, member: Tensor) -> None:
        self._rhs, self._solution, self.member = rhs, solution, member

    def __call__(self, t: Tensor, adjoint: Tensor, p: Tensor | None) -> Tensor:
        """One reverse product."""
        recorded = torch.is_grad_enabled()
        with torch.enable_grad():
            u = self._solution(t, self.member)
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

    It is linear. So where there are many saved times and few states, all stretches between them are solved
    side by side, from each unit vector, and put together afterwards; else one after the other.

    Attributes:
        adjoint: lambda, shape (n, B).
        sums: Derivatives by the targets: parameters and weights.
    """

    def __init__(
        self, batch: Batch, found: Forward, p: Tensor | None, targets: list[Tensor],
        moments: MomentsBack | None,
    ) -> None:  # fmt: skip
        self._batch, self._found, self._moments = batch, found, moments
        self._p = p if p is None else p.detach()
        self._by_p = bool(targets) and targets[0] is p
        self._weights = targets[1:] if self._by_p else targets
        self.sums = [torch.zeros_like(one) for one in targets]
        self.adjoint = torch.zeros_like(found.u[0])
        record = found.record
        self._solution = Along(found, batch.options.direction) if record is not None and len(record) else None

    def run(self, grad: Tensor, times: Tensor | None) -> None:
        """All stretches between saved times, the last first."""
        batch = self._batch
        known = torch.isfinite(self._found.u).all(1)
        start = batch.t0.detach()
        if times is None:
            ends = batch.t1.detach()[None]
        else:
            ends = times if times.ndim == 2 else times[:, None].expand(-1, len(start))
        jumps = torch.where(known[:, None], grad, 0.0)
        # a member that failed has nothing to carry back
        after = torch.where(known, ends, start)
        before = torch.where(known, torch.cat([start[None], ends[:-1]]), start)
        if self._moments is not None:
            self._past_moments(jumps, ends, start, self._moments)
        elif self._solution is None:
            self.adjoint = jumps.sum(0)
        elif self._together(len(ends)):
            self._side_by_side(self._solution, jumps, after, before)
        else:
            self._one_by_one(self._solution, jumps, after, before)

    def _together(self, stretches: int) -> bool:
        n, batch = self.adjoint.shape
        if getattr(self._batch.rhs, "one_by_one", False):  # columns cost as much together as one by one
            return False
        light = n <= MOST_STATES and n * batch * self._batch.extent <= LIGHT
        return 1 < stretches and light and n * stretches * batch <= MOST_COLUMNS

    def _one_by_one(self, solution: Along, jumps: Tensor, after: Tensor, before: Tensor) -> None:
        member, size = torch.arange(after.shape[1], device=after.device), None
        equation = AdjointEquation(self._batch.rhs, solution, member)
        for i in reversed(range(len(after))):
            self.adjoint = self.adjoint + jumps[i]
            if bool((after[i] != before[i]).any()):
                equation.member = member
                found = self._solved(equation, after[i], before[i], self.adjoint, size)
                self._quadrature(solution, equation, found, torch.ones_like(self.adjoint[0]))
                self.adjoint, size = found.u[0], found.outcome.progress.h_next
                size = size if bool((size > 0.0).all()) else None

    def _past_moments(self, jumps: Tensor, times: Tensor, start: Tensor, moments: MomentsBack) -> None:
        """One stretch after the other, which end at saved times and at events, of each member its own."""
        member, solution = torch.arange(len(start), device=start.device), self._solution
        for one in stretches_between(self._found, jumps, times, start):
            self.adjoint = self.adjoint + one.jump
            for number, some in one.moments:
                self.adjoint = moments.past(number, self.adjoint, some)
            if solution is not None and bool((one.after != one.before).any()):
                solution.within(one.first, one.last)
                equation = AdjointEquation(self._batch.rhs, solution, member)
                found = self._solved(equation, one.after, one.before, self.adjoint, None)
                self._quadrature(solution, equation, found, torch.ones_like(self.adjoint[0]))
                self.adjoint = found.u[0]

    def _side_by_side(self, solution: Along, jumps: Tensor, after: Tensor, before: Tensor) -> None:
        stretches, n, batch = jumps.shape
        member = torch.arange(batch, device=after.device).repeat(stretches)
        after, before, member = (
            one.reshape(-1, 1).expand(-1, n).reshape(-1) for one in (after, before, member)
        )
        equation = AdjointEquation(self._batch.rhs, solution, member)
        unit = torch.eye(n, dtype=jumps.dtype, device=jumps.device).repeat(1, stretches * batch)
        found = self._solved(equation, after, before, unit, None)
        # column c of a stretch of a member: where unit vector c is carried
        carried = found.u[0].view(n, stretches, batch, n).permute(1, 2, 0, 3)
        present, behind = torch.zeros_like(jumps[0].T), []
        for i in reversed(range(stretches)):
            present = present + jumps[i].T
            behind.append(present)
            present = torch.matmul(carried[i], present[..., None])[..., 0]
        self.adjoint = present.T
        self._quadrature(solution, equation, found, torch.stack(behind[::-1]).reshape(-1))

    def _solved(
        self, equation: AdjointEquation, after: Tensor, before: Tensor, adjoint: Tensor, size: Tensor | None
    ) -> Forward:
        given = self._batch.backward or replace(self._batch.options, dt0=None, compiled=False)
        options = replace(given, direction=-self._batch.options.direction)
        p = parameters_of(self._p, equation.member)
        back = Batch(equation, adjoint, p, after, before, None, options, (), ())
        found = solve(back, keep=True, size=size)
        if not bool((found.outcome.status == 0).all()):
            raise RuntimeError(
                "the adjoint equation could not be solved: use gradient='replay', whose backward pass cannot "
                "fail"
            )
        return found

    def _quadrature(self, solution: Along, equation: AdjointEquation, found: Forward, factor: Tensor) -> None:
        """Add the integral of factor * lambda^T df/dq over the steps of lambda, all of them side by side."""
        if not self.sums:
            return
        assert found.record is not None
        pieces = found.record.pieces
        t, h, counted = (torch.cat([piece[i] for piece in pieces]) for i in (0, 1, 3))
        u = torch.cat([piece.u for piece in pieces]).permute(1, 0, 2)
        place = torch.nonzero(counted.reshape(-1))[:, 0]
        t, h, u = t.reshape(-1)[place], h.reshape(-1)[place], u.reshape(len(u), -1)[:, place]
        column, member = place % counted.shape[1], equation.member
        some = max(MOST_COLUMNS // _NODES, 1)
        for first in range(0, len(t), some):
            part = slice(first, first + some)
            equation.member = member[column[part]]
            steps = t[part], h[part], u[:, part]
            self._add_steps(solution, found.stepper, steps, equation.member, factor[column[part]])

    def _add_steps(
        self, solution: Along, stepper: Stepper, steps: tuple[Tensor, Tensor, Tensor], member: Tensor,
        factor: Tensor,
    ) -> None:  # fmt: skip
        t, h, u = steps
        p = parameters_of(self._p, member)
        stages = torch.stack(list(stepper.attempt(t, h, u, p).stages))
        stages = stepper.complete(stages, t, h, u, p)
        nodes, weights = _gauss(u)
        adjoints = [
            (u + stepper.combine(stages, h, stepper.weights(node.expand(len(t))))) * (-h * weight * factor)
            for node, weight in zip(nodes, weights, strict=True)
        ]
        times = torch.cat([t + node * h for node in nodes])
        self._add(solution, times, torch.cat(adjoints, 1), member.repeat(len(nodes)))

    def _add(self, solution: Along, t: Tensor, seeds: Tensor, member: Tensor) -> None:
        with torch.enable_grad():
            p = self._p if self._p is None else self._p.detach().requires_grad_(self._by_p)
            f = self._batch.rhs(t, solution(t, member), parameters_of(p, member))
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
