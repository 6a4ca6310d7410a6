"""Solves with chosen steps: one size for the whole state, which is one member of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from symde.compat.event import until_event
from symde.compat.function import Columns
from symde.compat.options import Steps
from symde.engine.batched.continuous import solve_by_adjoint
from symde.engine.batched.forward import Forward, solve
from symde.engine.batched.integrate import batch_of
from symde.engine.batched.probe import leaves
from symde.engine.batched.problem import Batch
from symde.engine.batched.stateful import refuse_stateful
from symde.engine.batched.tape import taped
from symde.engine.cpu.layout import Status

Solver = Callable[[Batch], Forward]

_REASONS = {
    Status.MAX_STEPS: "it took more steps than max_num_steps allows: loosen the tolerances, or allow more",
    Status.STEP_TOO_SMALL: "the step size became too small: the equation may be stiff ('Rodas5P'), or its "
    "solution infinite",
    Status.NON_FINITE: "func gave values that are not finite",
}


def adaptive(function: Columns, y0: Tensor, t: Tensor, steps: Steps, solver: Solver) -> Tensor:
    """The states at t[1:], shape (T - 1, n).

    Args:
        function: The right-hand side.
        y0: Shape (n,).
        t: Shape (T,), in order, float64.
        steps: How steps are chosen.
        solver: Solves a batch and raises where it cannot.
    """
    plain = t.detach()
    direction = 1.0 if bool(plain[-1] > plain[0]) else -1.0
    first, last = sorted(plain[[0, -1]].tolist())
    stops = sorted((one for one in steps.stops if first < one < last), reverse=direction < 0)
    ends = [*plain.new_tensor(stops), plain[-1]]
    u, start, after, found = y0[:, None], t[0], None, []
    for end in ends:
        ahead, left = direction * (plain - start.detach()), direction * (end - plain)
        inside = t[1:][((ahead > 0.0) & (left >= 0.0))[1:]]
        before = end if float(end) in steps.jumps else None
        jumps = after is not None or before is not None
        piece = function.between(after, before, direction) if jumps else function
        states = solver(_batch(piece, u, start, end, torch.cat([inside, end[None]]), steps, len(t) - 1)).u
        found.append(states[:-1, :, 0])
        u, start, after = states[-1], end, before
    return torch.cat(found)


def ended_by_event(
    function: Columns, y0: Tensor, t: Tensor, steps: Steps, solver: Solver, event_fn: Any
) -> tuple[Tensor, Tensor]:
    """The time of an event and the states at t[0] and there, see `symde.compat.event.until_event`."""
    return until_event(_batch, function, y0, t, steps, event_fn, solver)


def _batch(rhs: Any, u: Tensor, start: Tensor, end: Tensor, times: Tensor, steps: Steps, count: int) -> Batch:
    modules = [rhs.func] if isinstance(rhs.func, torch.nn.Module) else []
    batch = batch_of(
        rhs, u, None, start, end, times, steps.method, steps.rtol, steps.atol, modules, steps.first,
        steps.largest, min(steps.most * count, 2**62), False,
    )  # fmt: skip
    return replace(batch, options=replace(batch.options, norm=steps.norm))


def by_tape(batch: Batch) -> Forward:
    """All operations of all steps are kept where anything is to be differentiated."""
    recorded = torch.is_grad_enabled()
    if recorded:
        refuse_stateful(batch.modules)
    found = _ended(solve(batch, keep=recorded))
    followed = batch.wants_gradient or batch.rhs.reached or batch.events is not None
    return taped(batch, found) if recorded and followed else found


def by_adjoint(parameters: tuple[Tensor, ...], backward: Steps) -> Solver:
    """The adjoint equation is solved backward, for the derivatives by the parameters given."""

    def solver(batch: Batch) -> Forward:
        batch = replace(batch, weights=parameters, backward=_backward(batch, backward))
        if not (torch.is_grad_enabled() and batch.wants_gradient):
            return _ended(solve(batch, keep=False))
        refuse_stateful(batch.modules)
        if batch.events is not None:
            _refuse_unseen(batch)
        return _ended(solve_by_adjoint(batch))

    return solver


def _refuse_unseen(batch: Batch) -> None:
    """Refuse tensors that event_fn reads and whose derivatives would be missing.

    Raises:
        ValueError: there are some.
    """
    probed = batch.events.probed(batch.t0.detach(), batch.u0.detach(), None)
    known = {id(one) for one in batch.weights}
    if any(id(one) not in known for found in probed for one in leaves(found)):
        raise ValueError(
            "event_fn reads tensors that require a gradient and are not among adjoint_params, so that their "
            "gradient would be missing: name them there, make event_fn an nn.Module that holds them, or take "
            "odeint"
        )


def _backward(batch: Batch, steps: Steps) -> Any:
    times = 1 if batch.times is None else len(batch.times)
    given = _batch(
        batch.rhs, batch.u0.detach(), batch.t0.detach()[0], batch.t1[0], batch.t1[:1], steps, times
    )
    return given.options


def _ended(found: Forward) -> Forward:
    status = Status(int(found.outcome.status[0]))
    if status not in (Status.DONE, Status.TERMINATED):
        why = _REASONS.get(status, f"status {status.name}")
        raise RuntimeError(f"the solve ended at t = {float(found.outcome.progress.t[0]):.6g}: {why}")
    return found
