"""`diffeq`: a solve as a torch function. Tensors go in, the compiled engine solves, a tensor comes out."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from symde.engine.cpu import linear_solvers
from symde.layers import inputs
from symde.layers.bridge import functions, operators
from symde.layers.bridge.specification import specification
from symde.layers.bridge.start import start_of
from symde.problem import options
from symde.problem.problem import Problem
from symde.sensitivity import registry


def diffeq(
    p: Any,
    problem: Problem,
    method: Any = None,
    *,
    u0: Any = None,
    tspan: Any = None,
    saveat: Any = None,
    sensealg: str = registry.AUTO,
    backend: str | None = None,
    rtol: float = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    dt0: float | None = None,
    dtmax: float | None = None,
    max_steps: int = options.DEFAULT_MAX_STEPS,
    linear_solver: str = linear_solvers.AUTO,
) -> Tensor:
    """The solution of a problem as a tensor that can be differentiated.

        p = torch.tensor([1.5, 1.0, 3.0, 1.0], requires_grad=True)
        u = diffeq(p, problem, saveat=0.1)          # (n_times, n)
        ((u - data)**2).sum().backward()            # p.grad

    Differentiable by p, u0, tspan and saveat, once and twice, by `backward` and all of `torch.func`, and
    under `torch.compile`. The solve is done in float64; what comes out has the type of p and u0.

    Where gradients are recorded, the solve is the one that they belong to, whose steps are fine enough for
    derivatives too: its values differ from those of `symde.solve` by a part of the tolerance. Without, they
    are the same to the last bit.

    Args:
        p: All parameters in the order of the model, shape (m,), or (batch, m) for a batch of solves; or some
            by name, numbers or tensors of shape () or (batch,), the others following their defaults; or None
            for those of the problem.
        problem: The model, and all numbers that are not given here.
        method: As in `symde.solve`. Default: chosen by tolerance and model.
        u0: Initial state, shape (n,) or (batch, n). Default: the problem's, which may follow the parameters.
        tspan: (t0, t1), numbers or tensors of shape () or (batch,). Default: the problem's.
        saveat: Times to save: a tensor, shape (n_times,) or (batch, n_times), or a list of them; a number d
            means t0, t0 + d, ... and the end. Default: the end alone.
        sensealg: How to differentiate: "discrete" (`diffeq_rd`), "forward" (`diffeq_fd`), "interpolating"
            (`diffeq_adjoint`), "gauss", "backsolve", or "auto" for what is fastest in a trial.
        backend: "cpu" (default).
        rtol, atol, dt0, dtmax, max_steps, linear_solver: As in `symde.solve`.

    Returns:
        Shape (n_times, n), or (batch, n_times, n) where anything has an axis of a batch.

    Raises:
        SolveError: the solve did not reach its end; `BatchSolveError` names the members of a batch.
        ValueError, TypeError: something is not what it should be, or cannot be differentiated.
        NotImplementedError: a third derivative was asked for.
    """
    if backend not in (None, "cpu"):
        raise ValueError(f"unknown backend {backend!r}: this version solves on 'cpu'")
    solving = dict(
        method=method, rtol=rtol, atol=atol, dt0=dt0, dtmax=dtmax, max_steps=max_steps,
        linear_solver=linear_solver,
    )  # fmt: skip
    if torch.compiler.is_compiling():
        others = dict(u0=u0, tspan=tspan, saveat=saveat, sensealg=sensealg, **solving)
        return operators.traced(diffeq, p, problem, others)
    how = specification(problem, sensealg, **solving)
    start = start_of(problem)
    given = inputs.parameters(p, problem.system.parameter_names)
    u0 = inputs.initial_state(u0, problem.system.state_names)
    dtype = inputs.result_type(given, u0)
    if isinstance(given, dict):
        how, all_p = inputs.named(given, how, start)
    else:
        all_p = start.parameters if given is None else given.to(torch.float64)
    span = inputs.time_span(tspan, start, all_p)
    if u0 is None:
        u0 = start.u0 if start.constant else start.initial_state(all_p, span[..., :1])
    times = inputs.save_times(saveat, span)
    tensors = inputs.as_batch(u0.to(torch.float64), all_p, span, times)
    return functions.solve(how, *tensors).to(dtype)


diffeq_rd = functools.partial(diffeq, sensealg="discrete")
diffeq_fd = functools.partial(diffeq, sensealg="forward")
diffeq_adjoint = functools.partial(diffeq, sensealg="interpolating")
