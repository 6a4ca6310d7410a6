"""The entry of the batched engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from symde.engine.batched import lanes
from symde.engine.batched import problem as reading
from symde.engine.batched.casting import Casting
from symde.engine.batched.continuous import solve_by_adjoint
from symde.engine.batched.events.given import with_events
from symde.engine.batched.forward import Forward, solve
from symde.engine.batched.probe import Probe, refuse_transforms
from symde.engine.batched.problem import Batch
from symde.engine.batched.replay import solve_by_replay
from symde.engine.batched.result import Integrated
from symde.engine.batched.stateful import refuse_stateful
from symde.engine.batched.tape import solve_by_tape

GRADIENTS: dict[str, Callable[[Batch], Forward]] = {
    "replay": solve_by_replay,
    "tape": solve_by_tape,
    "adjoint": solve_by_adjoint,
}
"""How a solve is differentiated: one line each."""

MOST_STEPS = 100_000


def integrate(
    rhs: Any,
    u0: Tensor,
    p: Tensor | None = None,
    t0: Any = 0.0,
    t1: Any = 1.0,
    saveat: Any = None,
    method: Any = "Tsit5",
    rtol: float = 1e-6,
    atol: Any = 1e-9,
    *,
    gradient: str = "replay",
    modules: Iterable[torch.nn.Module] = (),
    dt0: float | None = None,
    dtmax: float | None = None,
    max_steps: int = MOST_STEPS,
    compile: bool = False,
    events: Any = None,
) -> Integrated:
    """Solve a batch of initial value problems, each member with step sizes of its own.

    Args:
        rhs: f(t, u, p) with t (B,) in float64, u (n, B) and p as given; gives (n, B). Columns must not act on
            one another. A module, a printed model (`symde.layers.module`) or any function.
        u0: Initial states, shape (n, B), float64 or float32.
        p: Parameters, shape (m, B) or (m, 1); None is passed on as it is.
        t0, t1: Start and end, a number or one for each member.
        saveat: Times to save, shape (T,), or (T, B) for each member its own, in the order of integration.
            Default: the end alone.
        method: Name of an explicit Runge-Kutta, Rosenbrock or ESDIRK method, or a method object.
        rtol, atol: Tolerances of a step; atol a number or one for each state.
        gradient: "replay" (recorded steps are done again, one at a time: little memory), "tape" (all
            operations are
            kept: for short solves and second derivatives) or "adjoint" (the adjoint equation).
        modules: Modules that `rhs` calls and does not hold itself, whose parameters are to be differentiated.
        dt0, dtmax: First step size (of fixed-step methods the only one), and the largest.
        max_steps: Largest number of attempts.
        compile: Let torch compile the step: seconds once for each model and shape, then 3 to 6 times the
            speed.
        events: What happens on the way: a list of `symde.Event` whose conditions and effects are functions of
            (t, u, p), or the events of a model (`symde.layers.module_events`).

    Returns:
        Saved states (T, n, B), differentiable in u0, p, t0, t1, saveat and the modules' parameters, with a
        status and counts of each member. A member that fails has NaN from there on, and harms no other.

    Raises:
        ValueError, TypeError: something is not what it should be; a gradient would lack a part, as of tensors
            that `rhs` reads and that are not known here, or of a right-hand side that changes.
        NotImplementedError: a transform is at work that is not known.
    """
    batch = batch_of(rhs, u0, p, t0, t1, saveat, method, rtol, atol, modules, dt0, dtmax, max_steps, compile)
    count, wanted = u0.shape[1], lanes.full(rhs, u0.shape[1])
    if gradient not in GRADIENTS:
        raise ValueError(f"unknown gradient {gradient!r}: there are {', '.join(map(repr, GRADIENTS))}")
    refuse_transforms(gradient)
    plans = ()
    if events is not None:
        batch = with_events(batch, events)
        plans = () if batch.events is None else batch.events.plans
    with Casting(u0.device.type)():
        return Integrated.of(_solved(batch, gradient, count, wanted), count, plans)


def _solved(batch: Batch, gradient: str, count: int, wanted: int) -> Forward:
    followed = torch.is_grad_enabled()
    if followed and batch.wants_gradient:
        refuse_stateful(batch.modules)
    printed = is_printed(batch.rhs)
    known = printed and (batch.events is None or is_printed(batch.events))
    probe = None if known else Probe(batch)
    unseen = probe is not None and bool(probe.unseen)
    if probe is not None and not printed:
        batch = replace(batch, slopes=probe.slopes)
    if not (followed and (batch.wants_gradient or unseen)):
        return solve(batch.filled(count, wanted), keep=False)
    if probe is not None and gradient != "tape":
        probe.refuse_unseen()
    found = GRADIENTS[gradient](batch.filled(count, wanted))
    if probe is not None:
        probe.refuse_changed()
    return found


def is_printed(rhs: Any) -> bool:
    """Whether a right-hand side, or its events, are a printed model's, which have no state and read what they
    are given alone."""
    return getattr(rhs, "uneven", None) is not None


def batch_of(
    rhs: Any, u0: Tensor, p: Tensor | None, t0: Any, t1: Any, saveat: Any, method: Any, rtol: float, atol:
        Any,
    modules: Iterable[torch.nn.Module], dt0: float | None, dtmax: float | None, max_steps: int, compile: bool,
) -> Batch:  # fmt: skip
    """The arguments of `integrate`, checked."""
    reading.check_states(u0)
    reading.check_parameters(p, u0)
    start, end = reading.times_like(t0, u0, "t0"), reading.times_like(t1, u0, "t1")
    options = reading.read_options(
        u0, start.detach(), end.detach(), method, rtol, atol, dt0, dtmax, max_steps, compile
    )
    times = reading.save_times(saveat, u0, start.detach(), end.detach(), options.direction)
    held = [rhs] if isinstance(rhs, torch.nn.Module) else []
    every = tuple([*held, *modules])
    parameters = {id(one): one for module in every for one in module.parameters()}.values()
    weights, extent = (
        tuple(one for one in parameters if one.requires_grad),
        sum(one.numel() for one in parameters),
    )
    return Batch(rhs, u0, p, start, end, times, options, every, weights, extent)
