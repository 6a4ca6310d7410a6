"""`diffeq`: a solve as a torch function. Tensors go in, the compiled engine solves, a tensor comes out."""

from __future__ import annotations

import functools
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from symde.engine.cpu import linear_solvers
from symde.layers import batched, inputs
from symde.layers import paths as paths_in_torch
from symde.layers.bridge import functions, operators, paths
from symde.layers.bridge.specification import specification
from symde.layers.bridge.start import start_of
from symde.layers.module import has_modules, module_of, require_type
from symde.layers.module_events import events_of
from symde.layers.noise_module import noise_module_of
from symde.problem import options
from symde.problem.problem import Problem
from symde.sensitivity import registry
from symde.sensitivity.moving_jump import warn_of_jumps
from symde.sensitivity.noise_leaps import refuse_events
from symde.sensitivity.run import refuse_path_options
from symde.sensitivity.wrt import Wrt

CPU, TORCH = "cpu", "torch"


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
    lanes: bool = True,
    workers: int = 1,
    seed: int | None = None,
) -> Tensor:
    """The solution of a problem as a tensor that can be differentiated.

        p = torch.tensor([1.5, 1.0, 3.0, 1.0], requires_grad=True)
        u = diffeq(p, problem, saveat=0.1)          # (n_times, n)
        ((u - data)**2).sum().backward()            # p.grad

    Differentiable by p, u0, tspan and saveat, once and twice, by `backward` and all of `torch.func`, and
    under `torch.compile`. What comes out has the type of p and u0; the compiled engine solves in float64.
    The weights of torch modules that the model calls are differentiated by too.

    Where gradients are recorded, the solve is the one that they belong to, whose steps are fine enough for
    derivatives too: its values differ from those of `symde.solve` by a part of the tolerance. Without, they
    are the same to the last bit; in a batch, whose members are solved side by side, only with `lanes=False`.

    Args:
        p: All parameters in the order of the model, shape (m,), or (batch, m) for a batch of solves; or some
            by name, numbers or tensors of shape () or (batch,), the others following their defaults; or None
            for those of the problem. The weights of a bound network are given as one vector, `{"net": w}`,
            as arrays, `{"net": dict(module.named_parameters())}`, or one of them, `{"net.0.bias": b}`.
        problem: The model, and all numbers that are not given here.
        method: As in `symde.solve`. Default: chosen by tolerance and model.
        u0: Initial state, shape (n,) or (batch, n). Default: the problem's, which may follow the parameters.
        tspan: (t0, t1), numbers or tensors of shape () or (batch,). Default: the problem's.
        saveat: Times to save: a tensor, shape (n_times,) or (batch, n_times), or a list of them; a number d
            means t0, t0 + d, ... and the end. Default: the end alone.
        sensealg: How to differentiate: "discrete" (`diffeq_rd`), "forward" (`diffeq_fd`), "interpolating"
            (`diffeq_adjoint`), "gauss", "backsolve", or "auto" for what is fastest in a trial.
        backend: "cpu" for the compiled engine; "torch" for the batched engine of torch, which solves on the
            device and in the type of p and u0, all members side by side. It has explicit Runge-Kutta,
            Rosenbrock and ESDIRK methods, and sensealg "discrete" (default), "interpolating" and "tape" (for
            second derivatives). Default: "torch" where the model calls torch modules or p and u0 are not on
            the CPU.
        rtol, atol, dt0, dtmax, max_steps, linear_solver: As in `symde.solve`.
        lanes, workers: Of batches, as in `symde.ensemble`: whether members are solved side by side in vector
            registers, and threads. Both belong to the compiled engine.
        seed: Of a problem with noise: member i of a batch is its path i, and without a batch there is path 0.
            None draws one from torch's generator, so that `torch.manual_seed` tells which.

    Returns:
        Shape (n_times, n), or (batch, n_times, n) where anything has an axis of a batch.

    Raises:
        SolveError: the solve did not reach its end; `BatchSolveError` names the members of a batch.
        ValueError, TypeError: something is not what it should be, or cannot be differentiated.
        NotImplementedError: a third derivative was asked for.
    """
    solving = dict(
        method=method, rtol=rtol, atol=atol, dt0=dt0, dtmax=dtmax, max_steps=max_steps,
        linear_solver=linear_solver,
    )  # fmt: skip
    if backend not in (None, CPU, TORCH):
        raise ValueError(f"unknown backend {backend!r}: there are {CPU!r} and {TORCH!r}")
    if isinstance(problem, Problem) and problem.kind == "sde":
        rest = dict(sensealg=sensealg, backend=backend, lanes=lanes, workers=workers, seed=seed)
        return _paths(p, problem, u0, tspan, saveat, solving, rest)
    refuse_path_options(problem, seed=seed)
    if (backend or _backend(p, problem, u0)) == TORCH:
        inputs.require_default(lanes=(lanes, True), workers=(workers, 1))
        return _by_torch(p, problem, u0, tspan, saveat, sensealg, solving)
    solving |= dict(lanes=lanes, workers=workers)
    if torch.compiler.is_compiling():
        others = dict(u0=u0, tspan=tspan, saveat=saveat, sensealg=sensealg, **solving)
        return operators.traced(diffeq, p, problem, others)
    how = specification(problem, sensealg, **solving)
    if backend is not None:  # else this engine was chosen because all are there
        inputs.require_cpu(p=p, u0=u0, tspan=tspan, saveat=saveat)
    given = inputs.parameters(p, problem.system.parameter_names)
    u0 = inputs.initial_state(u0, problem.system.state_names)
    dtype = inputs.result_type(given, u0) or torch.float64
    if given is not None and not isinstance(given, Tensor):
        how = how.restricted(inputs.free_parameters(given, start_of(problem)))
    all_p, u0, span, times = _numbers(given, problem, u0, tspan, saveat)
    tensors = inputs.as_batch(u0.to(torch.float64), all_p.to(torch.float64), span, times)
    return functions.solve(how, *tensors).to(dtype)


def _paths(
    p: Any, problem: Problem, u0: Any, tspan: Any, saveat: Any, solving: dict[str, Any], rest: dict[str, Any]
) -> Tensor:
    """The same of a problem with noise; `rest` are options beside those of solves."""
    refuse_events(problem)
    if torch.compiler.is_compiling():
        usual = diffeq.__kwdefaults__ or {}  # which traced numbers are not any more
        told = {name: one for name, one in solving.items() if options.is_given(one, usual.get(name))}
        others = dict(u0=u0, tspan=tspan, saveat=saveat, **told, **rest)
        if rest["seed"] is None:
            return _outside(p, problem, others)
        return operators.traced(diffeq, p, problem, others)
    if (rest["backend"] or _backend(p, problem, u0)) == TORCH:
        paths.refuse_jumps(problem)
        return _paths_by_torch(p, problem, u0, tspan, saveat, solving, rest)
    given = inputs.parameters(p, problem.system.parameter_names)
    u0 = inputs.initial_state(u0, problem.system.state_names)
    dtype = inputs.result_type(given, u0) or torch.float64
    free = tuple(range(len(problem.p)))
    if given is not None and not isinstance(given, Tensor):
        free = inputs.free_parameters(given, start_of(problem))
    all_p, u0, span, times = _numbers(given, problem, u0, tspan, saveat)
    return paths.followed(
        problem, u0.to(torch.float64), all_p.to(torch.float64), span, times, free, solving, rest
    ).to(dtype)


_REASON: dict[str, Any] = {"reason": "compiled code would draw other noise on its way back: give a seed"}
_TOLD = _REASON if "reason" in signature(torch.compiler.disable).parameters else {}  # of torch 2.7 on


@torch.compiler.disable(**_TOLD)
def _outside(p: Any, problem: Any, others: dict[str, Any]) -> Tensor:
    """Outside of compiled code, which could not go back over noise that it drew."""
    return diffeq(p, problem, **others)


def _backend(p: Any, problem: Any, u0: Any) -> str:
    """Who solves: torch where a model calls modules or tensors are not on the CPU."""
    elsewhere = inputs.elsewhere(p) or u0 is not None and inputs.elsewhere(u0)
    return TORCH if elsewhere or _calls_modules(problem) else CPU


@torch.compiler.assume_constant_result
def _calls_modules(problem: Any) -> bool:
    return isinstance(problem, Problem) and _known_to_call_modules(problem)


@functools.lru_cache(64)
def _known_to_call_modules(problem: Problem) -> bool:
    return has_modules(problem.system)


def _numbers(
    given: Tensor | inputs.Given | None, problem: Problem, u0: Tensor | None, tspan: Any, saveat: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Parameters, initial state, time span and times to save. What follows other values is found on the CPU,
    and is there."""
    start = start_of(problem)
    if given is None:
        p = start.parameters
    else:
        p = given if isinstance(given, Tensor) else inputs.all_parameters(given, start)
    span = inputs.time_span(tspan, start, p)
    if u0 is None:
        u0 = start.u0 if start.constant else start.initial_state(p.cpu().double(), span[..., :1])
    return p, u0, span, inputs.save_times(saveat, span)


@batched.uncompiled
def _by_torch(
    p: Any, problem: Problem, u0: Any, tspan: Any, saveat: Any, sensealg: str, solving: dict[str, Any]
) -> Tensor:
    """The same by the batched engine: in the type of p and u0, or of the modules' weights where neither is
    given, and on their device."""
    if not isinstance(problem, Problem):
        raise TypeError(
            f"expected a symde.Problem, found {type(problem).__name__}: write symde.Problem(model, ...)"
        )
    rhs = module_of(problem.system)
    u0, all_p, span, times = _at_home(rhs, p, problem, u0, tspan, saveat)
    saved = None if saveat is None else times
    events = events_of(problem.system)
    differentiated = torch.is_grad_enabled() and (all_p.requires_grad or u0.requires_grad)
    if differentiated and not _known_to_call_modules(problem):  # whose jumps nobody knows
        _warn_of_jumps(problem, p, all_p.requires_grad, u0.requires_grad)
    words = batched.Words.of(problem)
    return batched.solve(rhs, words, u0, all_p, span, saved, sensealg, solving, events=events)


@batched.uncompiled
def _paths_by_torch(
    p: Any, problem: Any, u0: Any, tspan: Any, saveat: Any, solving: dict[str, Any], rest: dict[str, Any]
) -> Tensor:
    """Paths with noise by the engine of torch."""
    inputs.require_default(lanes=(rest["lanes"], True), workers=(rest["workers"], 1))
    module = noise_module_of(problem.system)
    u0, all_p, span, times = _at_home(module.module, p, problem, u0, tspan, saveat)
    return paths_in_torch.of_problem(problem, module, u0, all_p, span, times, solving, rest)


def _at_home(
    rhs: torch.nn.Module, p: Any, problem: Problem, u0: Any, tspan: Any, saveat: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Initial state and parameters in the type and on the device of what is given, or of the weights of
    modules; time span and times to save."""
    system = problem.system
    weights = list(rhs.parameters())
    home = inputs.home_of(weights, p=p, u0=u0)
    given = inputs.parameters(p, system.parameter_names)
    u0 = inputs.initial_state(u0, system.state_names)
    dtype = inputs.result_type(given, u0) or (weights[0].dtype if weights else torch.float64)
    require_type(system, dtype)
    all_p, u0, span, times = _numbers(given, problem, u0, tspan, saveat)
    to: Any = dict(device=home, dtype=dtype)
    return u0.to(**to), all_p.to(**to), span, times


def _warn_of_jumps(problem: Problem, p: Any, by_parameters: bool, by_states: bool) -> None:
    """Tell where jumps move, over which the batched engine does not go."""
    parameters: Any = range(len(problem.p))
    given = inputs.parameters(p, problem.system.parameter_names)
    if given is not None and not isinstance(given, Tensor):
        parameters = inputs.free_parameters(given, start_of(problem))
    states = range(len(problem.u0)) if by_states else ()
    wrt = Wrt((), tuple(parameters) if by_parameters else (), tuple(states))
    warn_of_jumps(problem, wrt, 3, remedy=", or take backend='cpu', which goes over such jumps")


diffeq_rd = functools.partial(diffeq, sensealg="discrete")
diffeq_fd = functools.partial(diffeq, sensealg="forward")
diffeq_adjoint = functools.partial(diffeq, sensealg="interpolating")
