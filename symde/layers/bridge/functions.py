"""Solves as torch functions: right under every transform, and twice differentiable.

A solve and a pull-back are functions of each other. The derivative of a solution along a direction is the
solution of a larger model, with a tangent; so the derivative of a pull-back is a pull-back of that one.

Shapes: u0 (n,), p (m,), span (2,), times (T,), the solution (T, n); all with an axis of a batch before, or
none of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.layers.bridge import numbers, plain
from symde.layers.bridge.interface import Differentiable, refuse_nested_forward, transformed
from symde.layers.bridge.numbers import Records, Wanted
from symde.layers.bridge.points import Points
from symde.layers.bridge.specification import AnySpecification
from symde.model.events import follows_start
from symde.problem.problem import Problem


class Call:
    """One call of a solve, from the solve to what goes back through it.

    Attributes:
        specification: How it is solved.
        wanted: What it is recorded for; None: nothing.
        records: What was recorded, once it was solved.
    """

    __slots__ = ("records", "specification", "wanted")

    def __init__(self, specification: AnySpecification, wanted: Wanted | None) -> None:
        self.specification, self.wanted = specification, wanted
        self.records: Records | None = None


def solve(specification: AnySpecification, u0: Tensor, p: Tensor, span: Tensor, times: Tensor) -> Tensor:
    """The saved states of a solve, shape (T, n), or of a batch, (B, T, n).

    Raises:
        SolveError: a solve did not reach its end.
        ValueError: a number is not finite, times are not in order, or what should be differentiated cannot.
    """
    inputs = u0, p, span, times
    recorded = torch.is_grad_enabled() and (
        u0.requires_grad or p.requires_grad or span.requires_grad or times.requires_grad
    )
    if not recorded and not transformed():
        return _tensor(plain.solve(specification, _points(*inputs)))
    specification.refuse_underived()
    wanted = (u0.requires_grad or span.requires_grad, p.requires_grad) if recorded else None
    return _applied(Call(specification, wanted), *inputs)


def _applied(call: Call, *inputs: Tensor) -> Tensor:
    return Solve.apply(call, *inputs)  # type: ignore[return-value]


class Solve(Differentiable):
    """A solve."""

    @staticmethod
    def forward(call: Call, u0: Tensor, p: Tensor, span: Tensor, times: Tensor) -> Tensor:
        """The saved states."""
        points = _points(u0, p, span, times)
        if call.wanted is None or not any(call.wanted):
            return _tensor(plain.solve(call.specification, points))
        call.records = numbers.record(call.specification, points, call.wanted)
        return _tensor(call.records.u)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep what was solved, and the solution."""
        ctx.call, *tensors = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, output)
        ctx.save_for_forward(*tensors, output)

    @staticmethod
    def backward(ctx: Any, weights: Tensor | None) -> tuple[Any, ...]:
        """Derivatives of sum(weights * solution)."""
        if weights is None:
            return (None,) * 5
        call: Call = ctx.call
        *inputs, u = ctx.saved_tensors
        of_u0, of_p, of_span, of_times = ctx.needs_input_grad[1:]
        wanted = of_u0 or of_span, of_p
        if not (of_span or of_times or torch.is_grad_enabled() or transformed()):
            u0, p = _numbers_back(call, wanted, inputs, weights)
            return None, _tensor(u0) if of_u0 else None, _tensor(p) if of_p else None, None, None
        u0, p = pull_back(call, wanted, *inputs, weights) if any(wanted) else (None, None)
        span, times = _through_times(call.specification, inputs, u, weights, u0, of_span, of_times)
        return None, u0 if of_u0 else None, p if of_p else None, span, times

    @staticmethod
    def jvp(ctx: Any, call: None, *directions: Tensor | None) -> Tensor:
        """The derivative along a direction of all inputs."""
        refuse_nested_forward()
        specification = ctx.call.specification
        *inputs, u = ctx.saved_tensors
        du0, dp, dspan, dtimes = directions
        (u0, p, span, times), n = inputs, specification.n
        du0, dp = (torch.zeros_like(x) if d is None else d for x, d in ((u0, du0), (p, dp)))
        if dspan is not None:  # a later start is an earlier state
            du0 = du0 - specification.slope(span[..., :1], u0, p) * dspan[..., :1]
        along = _along(specification, u0, du0, p, dp, span, times)[..., n:]
        if dtimes is not None:
            along = along + _slopes(specification, times, u, p) * dtimes[..., None]
        return along

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], call: Call, *inputs: Tensor) -> tuple[Tensor, int]:
        """A batch of batches is a batch."""
        spread = [_spread(one, dim, info.batch_size) for one, dim in zip(inputs, in_dims[1:], strict=True)]
        leading = spread[0].shape[:-1]
        if len(leading) > 1:
            spread = [one.flatten(0, 1) for one in spread]
        u = _applied(call, *spread)
        return u.reshape(*leading, *u.shape[1:]), 0


def _numbers_back(
    call: Call, wanted: Wanted, inputs: list[Tensor], weights: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """The usual way back, with no other derivative to follow: what was recorded is of these very inputs,
    which torch has found unchanged."""
    records = call.records
    if records is not None and records.covers(wanted):
        return numbers.pull_back(call.specification, records.points, wanted, _weights(weights), records)
    return numbers.pull_back(call.specification, _points(*inputs), wanted, _weights(weights))


def pull_back(call: Call, wanted: Wanted, *tensors: Tensor) -> tuple[Tensor, Tensor]:
    """Derivatives of sum(weights * solution) by u0 and p, those that are not wanted 0.

    Args:
        tensors: u0, p, span, times and the weights. These may have one more axis before all others, which the
            derivatives then have too.
    """
    return PullBack.apply(call, wanted, *tensors)  # type: ignore[return-value]


class PullBack(Differentiable):
    """What goes back through a solve."""

    @staticmethod
    def forward(
        call: Call, wanted: Wanted, u0: Tensor, p: Tensor, span: Tensor, times: Tensor, weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Derivatives by u0 and p."""
        points = _points(u0, p, span, times)
        found = numbers.pull_back(call.specification, points, wanted, _weights(weights), call.records)
        return _tensor(found[0]), _tensor(found[1])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        """Keep all that went in."""
        ctx.call, ctx.wanted, *tensors = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, of_u0: Tensor | None, of_p: Tensor | None) -> tuple[Any, ...]:
        """Derivatives of the derivative along (of_u0, of_p) of sum(weights * solution)."""
        specification = ctx.call.specification
        u0, p, span, times, weights = ctx.saved_tensors
        several = weights.shape[:-2]
        direction = tuple(
            weights.new_zeros(*several, one.shape[-1]) if given is None else given
            for one, given in ((u0, of_u0), (p, of_p))
        )
        needs = ctx.needs_input_grad[2:]
        inputs, leading = (u0, p, span, times), weights.shape[:-2]
        if len(leading) < u0.ndim:
            return None, None, *_twice(specification, inputs, weights, direction, needs)
        # a direction of its own for each of several weights: members of a larger batch
        rows = [one.expand(*leading, one.shape[-1]).reshape(-1, one.shape[-1]) for one in inputs]
        direction = tuple(one.reshape(-1, one.shape[-1]) for one in direction)
        found = _twice(specification, rows, weights.reshape(-1, *weights.shape[-2:]), direction, needs)
        *of_inputs, of_weights = (
            None if one is None else one.reshape(*leading, *one.shape[1:]) for one in found
        )
        summed = (None if one is None else one.sum(0) for one in of_inputs)
        return None, None, *summed, of_weights

    @staticmethod
    def jvp(ctx: Any, call: None, wanted: None, *directions: Tensor | None) -> tuple[Tensor, Tensor]:
        """The change of both derivatives along a direction of all inputs."""
        refuse_nested_forward()
        call_, wanted_ = ctx.call, ctx.wanted
        specification = call_.specification
        u0, p, span, times, weights = ctx.saved_tensors
        du0, dp, dspan, dtimes, dweights = directions
        n, m, inputs = u0.shape[-1], p.shape[-1], (u0, p, span, times)
        by_u0 = weights.new_zeros(*weights.shape[:-2], n)
        by_p = weights.new_zeros(*weights.shape[:-2], m)
        if dweights is not None:
            by_u0, by_p = pull_back(call_, wanted_, *inputs, dweights)
        if dspan is not None:  # a later start is an earlier state, and that depends on both
            later, start = dspan[..., :1], span[..., :1]
            of_state, _ = pull_back(call_, (True, False), *inputs, weights)
            _, of_u0, of_p = specification.slope.transposed(start, u0, p, of_state * later).split(
                (1, n, m), -1
            )
            by_u0, by_p = by_u0 - of_u0, by_p - of_p
            earlier = -specification.slope(start, u0, p) * later
            du0 = earlier if du0 is None else du0 + earlier
        if dtimes is not None:  # weights on the slopes at the saved points, as weights on the states there
            u, moved = _applied(Call(specification, None), *inputs), weights * dtimes[..., None]
            slope = specification.slope.transposed
            found = slope(times[..., None], u, p[..., None, :], moved)
            _, of_u, of_p = found.split((1, n, m), -1)
            through, through_p = pull_back(call_, wanted_, *inputs, of_u)
            by_u0, by_p = by_u0 + through, by_p + through_p + of_p.sum(-2)
        if du0 is not None or dp is not None:
            du0, dp = (torch.zeros_like(x) if d is None else d for x, d in ((u0, du0), (p, dp)))
            both = torch.cat([torch.zeros_like(weights), weights], -1)
            joint = torch.cat([u0, du0], -1), torch.cat([p, dp], -1)
            twice = pull_back(Call(specification.tangent, None), wanted_, *joint, span, times, both)
            by_u0, by_p = by_u0 + twice[0][..., :n], by_p + twice[1][..., :m]
        return by_u0, by_p

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], call: Call, wanted: Wanted, *tensors: Tensor
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        """Several weights of one solve, or a batch of batches."""
        size, dims = info.batch_size, in_dims[2:]
        *inputs, weights = tensors
        batched = inputs[0].ndim - (dims[0] is not None) > 1
        weights = _spread(weights, dims[4], size)
        several = weights.ndim - 3 - batched > 0
        if all(dim is None for dim in dims[:4]):
            found = pull_back(call, wanted, *inputs, weights.flatten(0, 1) if several else weights)
            by_u0, by_p = (one.reshape(*weights.shape[:-2], one.shape[-1]) for one in found)
            return (by_u0, by_p), (0, 0)
        spread = [_spread(one, dim, size) for one, dim in zip(inputs, dims, strict=False)]
        place = int(several)
        if several:
            weights = weights.movedim(0, 1)
        if batched:
            spread, weights = [one.flatten(0, 1) for one in spread], weights.flatten(place, place + 1)
        by_u0, by_p = pull_back(call, wanted, *spread, weights)
        if batched:
            by_u0, by_p = (one.unflatten(place, (size, -1)) for one in (by_u0, by_p))
        return (by_u0, by_p), (place, place)


def _twice(
    specification: AnySpecification,
    inputs: Any,
    weights: Tensor,
    direction: tuple[Tensor, ...],
    needs: tuple[bool, ...],
) -> tuple[Tensor | None, ...]:
    """Derivatives of the sum of weights*s, s the derivative of the solution along a direction of u0 and p, by
    u0, p, span, times and weights."""
    (u0, p, span, times), n, m = inputs, specification.n, specification.m
    need_u0, need_p, need_span, need_times, need_weights = needs
    larger = specification.tangent
    wanted = need_u0 or need_span, need_p
    call = Call(larger, wanted if any(wanted) else None)
    joint = torch.cat([u0, direction[0]], -1), torch.cat([p, direction[1]], -1)
    u = _applied(call, *joint, span, times)
    both = torch.cat([torch.zeros_like(weights), weights], -1)
    by_u0, by_p = pull_back(call, wanted, *joint, span, times, both) if any(wanted) else (None, None)
    by_span, by_times = _through_times(larger, (*joint, span, times), u, both, by_u0, need_span, need_times)
    return (
        by_u0[..., :n] if need_u0 and by_u0 is not None else None,
        by_p[..., :m] if need_p and by_p is not None else None,
        by_span,
        by_times,
        u[..., n:] if need_weights else None,
    )


def _along(
    specification: AnySpecification,
    u0: Tensor,
    du0: Tensor,
    p: Tensor,
    dp: Tensor,
    span: Tensor,
    times: Tensor,
) -> Tensor:
    """The solution and its derivative along a direction, side by side."""
    joint = torch.cat([u0, du0], -1), torch.cat([p, dp], -1)
    return solve(specification.tangent, *joint, span, times)


def _slopes(specification: AnySpecification, times: Tensor, u: Tensor, p: Tensor) -> Tensor:
    """The right-hand side at the saved points, shape (..., T, n)."""
    return specification.slope(times[..., None], u, p[..., None, :])


def _through_times(
    specification: AnySpecification,
    inputs: Any,
    u: Tensor,
    weights: Tensor,
    by_u0: Tensor | None,
    need_span: bool,
    need_times: bool,
) -> tuple[Tensor | None, Tensor | None]:
    """Derivatives of sum(weights * solution) by the time span and by the saved times.

    The state at a saved time changes with it by its slope; a later start is an earlier initial state. The end
    of the span changes nothing that was saved before.
    """
    u0, p, span, times = inputs
    by_span = by_times = None
    if need_span:
        _refuse_moving_times(specification.problem)
        assert by_u0 is not None
        by_start = -(by_u0 * specification.slope(span[..., :1], u0, p)).sum(-1)
        by_span = torch.stack([by_start, torch.zeros_like(by_start)], -1)
    if need_times:
        by_times = (weights * _slopes(specification, times, u, p)).sum(-1)
    return by_span, by_times


def _refuse_moving_times(problem: Problem) -> None:
    """Refuse derivatives by the start of the span where the times of events follow it.

    Raises:
        NotImplementedError: they do.
    """
    system: Any = problem.system
    if system.kernels.has_events and any(map(follows_start, system.definition.events)):
        raise NotImplementedError(
            "the times of this model's events follow t0, and what that does to derivatives by the start of "
            "the span is not known here: detach it, or write the times as parameters"
        )


def _points(u0: Tensor, p: Tensor, span: Tensor, times: Tensor) -> Points:
    # copies of what an optimiser changes in place: an error keeps its problem
    numbers_of_u0, numbers_of_p = u0.detach().numpy().copy(), p.detach().numpy().copy()
    batch = len(u0) if u0.ndim > 1 else None
    return Points(numbers_of_u0, numbers_of_p, span.detach().numpy(), times.detach().numpy(), batch)


def _weights(weights: Tensor) -> np.ndarray:
    """The numbers of weights.

    Raises:
        NotImplementedError: they are those of several pull-backs at once in the older manner of torch, which
            asks functions for nothing.
    """
    try:
        return weights.detach().numpy()
    except RuntimeError as error:
        raise NotImplementedError(
            "torch.autograd.grad(..., is_grads_batched=True) and vectorize=True know no functions of others: "
            "take torch.func.vmap of torch.func.vjp, or torch.func.jacrev"
        ) from error


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values)


def _spread(x: Tensor, dim: int | None, size: int) -> Tensor:
    """An input with the mapped axis first."""
    return x.expand(size, *x.shape) if dim is None else x.movedim(dim, 0)
