"""Paths by the torch engine as the layers want them: with the batch before, and failures told."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.engine.batched.paths.adjoint import follow_again
from symde.engine.batched.paths.draws import Draws
from symde.engine.batched.paths.families import stepper_of
from symde.engine.batched.paths.follow import Followed, Run, Saves, follow
from symde.engine.batched.paths.increments import Brownian, Grid
from symde.engine.batched.probe import Probe
from symde.engine.batched.stateful import refuse_stateful
from symde.engine.cpu import linear_solvers
from symde.engine.noise.grid import equal_steps
from symde.engine.noise.method import NoiseMethod
from symde.engine.noise.registry import method_for
from symde.jumps import whole
from symde.layers.bridge.interface import transformed
from symde.layers.bridge.points import require_finite, require_span
from symde.layers.failures import BatchSolveError
from symde.noise import explained, limit_of
from symde.problem import options
from symde.problem.noise_solution import NoiseSolution
from symde.problem.retcode import Retcode
from symde.problem.solution import SolveError

DISCRETE, TAPE = "discrete", "tape"

_USUAL = {
    "rtol": options.DEFAULT_RTOL, "atol": options.DEFAULT_ATOL, "dtmax": None,
    "linear_solver": linear_solvers.AUTO,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class PathOptions:
    """How paths are followed.

    Attributes:
        method: Whose steps.
        dt0: Their size.
        seed: A whole number of up to 64 bits, or None for a new one of torch's generator.
        trajectory: Number of the first path.
        sensealg: "discrete", "auto" (the same) or "tape".
        max_steps: Limit on the steps.
    """

    method: NoiseMethod
    dt0: Any
    seed: int | None
    trajectory: int = 0
    sensealg: str = DISCRETE
    max_steps: int = options.DEFAULT_MAX_STEPS


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What messages need: names of states and parameters, and what gives the problem."""

    states: tuple[str, ...]
    parameters: tuple[str, ...]
    problem: Any


def of_problem(
    problem: Any, module: Any, u0: Tensor, p: Tensor, span: Tensor, times: Tensor, solving: dict[str, Any],
    rest: dict[str, Any],
) -> Tensor:  # fmt: skip
    """Paths of a problem with noise, as `symde.layers.diffeq` is asked for them.

    Args:
        problem: Names the model.
        module: Of `symde.layers.noise_module`.
        u0, p, span, times: Tensors on one device; a batch of spans or times is refused.
        solving, rest: Options of `diffeq`.

    Raises:
        ValueError: one of them means nothing here.
    """
    system = problem.system
    for name, usual in _USUAL.items():
        if solving[name] is not usual and solving[name] != usual:
            raise ValueError(
                f"{name}={solving[name]!r} means nothing for paths of the torch engine, whose steps are all "
                "of the size dt0: leave it out, or solve with backend='cpu'"
            )
    method = method_for(solving["method"], system.noise.kind, not system.cuts)
    how = PathOptions(
        method, solving["dt0"], seed_of(rest["seed"]), 0, rest["sensealg"], solving["max_steps"]
    )
    told = Told(system.state_names, system.parameter_names, lambda: problem)
    equation = module.on(u0.device, u0.dtype)
    modules = tuple(one for one in (module.module,) if any(True for _ in one.parameters()))
    return solve_paths(equation, told, u0, p, span, times, how, modules)


def solve_paths(
    equation: Any, told: Told, u0: Tensor, p: Tensor | None, span: Tensor, saveat: Any, how: PathOptions,
    modules: tuple[torch.nn.Module, ...] = (),
) -> Tensor:  # fmt: skip
    """The saved states of one path, shape (T, n), or of many, (B, T, n).

    Args:
        equation: A `StochasticEquation` on the device of u0.
        told: Names for what went wrong.
        u0, p: Shapes (n,) and (m,), with the axis of a batch before or not. Member i of a batch is the path
            `trajectory + i`.
        span: Shape (2,).
        saveat: Times to save, an array or a list, or their distance; None: the end alone.
        how: The rest.
        modules: Modules that are called.

    Raises:
        SolveError: a path was not finite; `BatchSolveError` names the members.
        ValueError, TypeError: an option is not what it should be.
    """
    grid = _grid(span, how)
    times = _times(saveat, grid, span)
    gradient = _gradient(how.sensealg)
    refuse_stateful(modules)
    members = next((len(one) for one in (u0, p) if one is not None and one.ndim > 1), None)
    if members == 0:
        return u0.new_zeros(0, len(times), u0.shape[-1])
    if not transformed():
        _require_numbers(told, u0, p)
    count = members or 1
    paths = whole(how.trajectory, "trajectory") + torch.arange(count, device=u0.device)
    stepper = stepper_of(equation, how.method, u0.shape[-1], u0.device)
    pairs = equation.pairs if how.method.double else ()
    draws = Draws.of(how.method, equation.motions, pairs, grid.steps)
    noise = Brownian(grid, how.seed or 0, paths, draws, u0.dtype)
    run = Run(stepper, grid, Saves.of(grid, times), noise)
    states = u0.expand(count, u0.shape[-1]).T.contiguous()  # forward mode writes into no expanded tensor
    p = None if p is None else torch.atleast_2d(p).T.to(u0.dtype)
    found = _followed(run, states, p, gradient, modules)
    if not transformed():
        _require_success(found, told, how, grid, times, members)
    u = found.u.permute(2, 0, 1)
    return u[0] if members is None else u


def _followed(
    run: Run, u0: Tensor, p: Tensor | None, gradient: str, modules: tuple[torch.nn.Module, ...]
) -> Followed:
    weights: list[Tensor] = [one for it in modules for one in it.parameters() if one.requires_grad]
    wanted = torch.is_grad_enabled() and any(
        one is not None and one.requires_grad for one in (u0, p, *weights)
    )
    if transformed() and run.stepper.implicit:
        raise NotImplementedError(
            "transforms of torch.func and forward mode are not known of implicit steps: take backward(), an "
            "explicit method, or backend='cpu'"
        )
    if gradient == TAPE or transformed() or not wanted:
        if gradient != TAPE and transformed():
            raise NotImplementedError(
                "transforms of torch.func and forward mode go through paths by sensealg='tape' alone"
            )
        return follow(run, u0, p)
    look = Probe(_start(run, u0, p, weights))
    look.refuse_unseen()
    found = follow_again(run, u0, p, weights)
    look.refuse_changed()
    return found


def _start(run: Run, u0: Tensor, p: Tensor | None, weights: list[Tensor]) -> Any:
    """The start of paths as `Probe` looks at it, with drift and diffusion in one."""
    stepper = run.stepper
    t = torch.full((u0.shape[1],), run.grid.t0, dtype=torch.float64, device=u0.device)

    def both(t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        return stepper.to_rows.add(stepper.drift(t, u, p), stepper.diffusion(t, u, p))

    return SimpleNamespace(rhs=both, t0=t, u0=u0, p=p, weights=weights, events=None)


def _gradient(sensealg: str) -> str:
    if sensealg in (DISCRETE, "auto"):
        return DISCRETE
    if sensealg == TAPE:
        return TAPE
    raise ValueError(
        f"paths of the torch engine have no sensealg {sensealg!r}: there are 'discrete', which does the "
        "steps again backward, and 'tape', which keeps all operations"
    )


def _grid(span: Tensor, how: PathOptions) -> Grid:
    if span.requires_grad:
        raise ValueError("the time span of a path with noise cannot be differentiated by: give two numbers")
    if span.ndim > 1:
        raise ValueError("paths with noise have one time span for all members of a batch: give two numbers")
    t0, t1 = span.tolist()
    require_span(t0, t1)
    if t1 < t0:
        raise ValueError(f"noise comes as time goes on, and the span is {t0:g} to {t1:g}")
    step = options.step_size(how.dt0, "dt0")
    found = equal_steps(t0, t1, step, limit_of(how.max_steps), how.method)
    return Grid(found.t0, found.h, found.steps)


def _times(saveat: Any, grid: Grid, span: Tensor) -> np.ndarray:
    t0, t1 = span.tolist()
    if saveat is None:
        return np.array([t1])
    if isinstance(saveat, Tensor):
        if saveat.requires_grad:
            raise ValueError("a path with noise has no slope: times to save cannot be differentiated by")
        if saveat.ndim > 1:
            raise ValueError("paths with noise have the same times to save for all members of a batch")
        saveat = saveat.detach().cpu().numpy() if saveat.ndim else saveat.item()
    times = options.save_times(saveat, t0, t1)
    assert times is not None
    return times


def _require_numbers(told: Told, u0: Tensor, p: Tensor | None) -> None:
    require_finite(u0.detach().cpu().numpy(), told.states, "initial value of state")
    if p is not None:
        require_finite(p.detach().cpu().numpy(), told.parameters, "parameter")


def _require_success(
    found: Followed, told: Told, how: PathOptions, grid: Grid, times: np.ndarray, members: int | None
) -> None:
    failed = torch.nonzero(found.taken < grid.steps)[:, 0].tolist()
    if not failed:
        return
    errors = {k: _failure(found, told, how, grid, times, k) for k in failed}
    raise errors[0] if members is None else BatchSolveError(errors, members)


def _failure(
    found: Followed, told: Told, how: PathOptions, grid: Grid, times: np.ndarray, k: int
) -> SolveError:
    taken = int(found.taken[k])
    reached = grid.t0 + taken * grid.h
    retcode = Retcode.DIVERGED if bool(found.diverged[k]) else Retcode.NON_FINITE
    message = explained(retcode, reached)
    known = times <= reached
    u = found.u[:, :, k].detach().cpu().numpy().astype(float)
    solution = NoiseSolution(
        told.problem(), times[known], u[known], retcode, None, {"steps": taken}, 0.0,
        (how.method,), message, how.seed or 0, how.trajectory + k,
    )  # fmt: skip
    return SolveError(message, solution)


def seed_of(seed: int | None) -> int:
    """The seed that was given, or a new one that `torch.manual_seed` determines.

    Raises:
        ValueError, TypeError: it is none.
    """
    if seed is None:
        return int(torch.randint(0, 2**63 - 1, (), dtype=torch.int64).item())
    return whole(seed, "seed")
