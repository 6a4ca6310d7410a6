"""Paths by the torch engine as the layers want them: with the batch before, and failures told."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.engine.batched.paths.follow import Followed
from symde.engine.batched.probe import Probe
from symde.engine.batched.stateful import refuse_stateful
from symde.engine.cpu import linear_solvers
from symde.engine.cpu.layout import Status
from symde.jumps import whole
from symde.layers.bridge.interface import transformed
from symde.layers.bridge.points import require_finite
from symde.layers.failures import BatchSolveError
from symde.layers.path_steps import PathOptions, PathSteps, span_of, steps_of, times_of
from symde.noise import RETCODES, chosen_method, explained
from symde.problem import options
from symde.problem.noise_solution import NoiseSolution
from symde.problem.solution import SolveError

DISCRETE, TAPE = "discrete", "tape"

_TOLERANCES = {"rtol": options.DEFAULT_RTOL, "atol": options.DEFAULT_ATOL}
_USUAL = {"dtmax": None, "linear_solver": linear_solvers.AUTO}


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What messages need: names of states and parameters, and what gives the problem; and the scales of the
    states' tolerances, None where all are 1."""

    states: tuple[str, ...]
    parameters: tuple[str, ...]
    problem: Any
    nominal: np.ndarray | None = None


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
                f"{name}={solving[name]!r} means nothing for paths of the torch engine: leave it out"
            )
    tolerances = {
        name: None if solving[name] is usual or solving[name] == usual else solving[name]
        for name, usual in _TOLERANCES.items()
    }
    adaptive = any(one is not None for one in tolerances.values())
    method = chosen_method(system, solving["method"], adaptive)
    how = PathOptions(
        method, solving["dt0"], seed_of(rest["seed"]), 0, rest["sensealg"], solving["max_steps"],
        **tolerances, cuts=system.cuts,
    )  # fmt: skip
    told = Told(system.state_names, system.parameter_names, lambda: problem, system.nominal)
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
    ends = span_of(span)
    times = times_of(saveat, ends)
    gradient = _gradient(how.sensealg)
    refuse_stateful(modules)
    members = next((len(one) for one in (u0, p) if one is not None and one.ndim > 1), None)
    if members == 0:
        return u0.new_zeros(0, len(times), u0.shape[-1])
    if not transformed():
        _require_numbers(told, u0, p)
    count = members or 1
    paths = whole(how.trajectory, "trajectory") + torch.arange(count, device=u0.device)
    steps = steps_of(equation, told.states, told.nominal, ends, times, how, paths, u0)
    states = u0.expand(count, u0.shape[-1]).T.contiguous()  # forward mode writes into no expanded tensor
    p = None if p is None else torch.atleast_2d(p).T.to(u0.dtype)
    found = _followed(steps, states, p, gradient, modules, how.adaptive)
    if not transformed():
        _require_success(found, told, how, times, members)
    u = found.u.permute(2, 0, 1)
    return u[0] if members is None else u


def _followed(
    steps: PathSteps, u0: Tensor, p: Tensor | None, gradient: str, modules: tuple[torch.nn.Module, ...],
    adaptive: bool,
) -> Followed:  # fmt: skip
    weights: list[Tensor] = [one for it in modules for one in it.parameters() if one.requires_grad]
    wanted = torch.is_grad_enabled() and any(
        one is not None and one.requires_grad for one in (u0, p, *weights)
    )
    if transformed():
        _refuse_transforms(steps, gradient, adaptive)
        return steps.tape(steps.run, u0, p)
    if gradient == TAPE:
        return (steps.tape if torch.is_grad_enabled() else steps.plain)(steps.run, u0, p)
    if not wanted:
        return steps.plain(steps.run, u0, p)
    look = Probe(_start(steps, u0, p, weights))
    look.refuse_unseen()
    found = steps.again(steps.run, u0, p, weights)
    look.refuse_changed()
    return found


def _refuse_transforms(steps: PathSteps, gradient: str, adaptive: bool) -> None:
    """Refuse transforms that paths do not know.

    Raises:
        NotImplementedError: always but for a tape of explicit steps of one size.
    """
    if steps.stepper.implicit or adaptive:
        what = "steps that follow the error" if adaptive else "implicit steps"
        raise NotImplementedError(
            f"transforms of torch.func and forward mode are not known of {what}: take backward(), an "
            "explicit method with dt0, or backend='cpu'"
        )
    if gradient != TAPE:
        raise NotImplementedError(
            "transforms of torch.func and forward mode go through paths by sensealg='tape' alone"
        )


def _start(steps: PathSteps, u0: Tensor, p: Tensor | None, weights: list[Tensor]) -> Any:
    """The start of paths as `Probe` looks at it, with drift and diffusion in one."""
    stepper = steps.stepper
    t = torch.full((u0.shape[1],), steps.t0, dtype=torch.float64, device=u0.device)

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


def _require_numbers(told: Told, u0: Tensor, p: Tensor | None) -> None:
    given = [(u0, told.states, "initial value of state")]
    given += [] if p is None else [(p, told.parameters, "parameter")]
    if not bool(torch.stack([torch.isfinite(one).all() for one, _, _ in given]).all()):  # one look
        for one, names, what in given:
            require_finite(one.detach().cpu().numpy(), names, what)


def _require_success(
    found: Followed, told: Told, how: PathOptions, times: np.ndarray, members: int | None
) -> None:
    failed = torch.nonzero(found.status != int(Status.DONE))[:, 0].tolist()
    if not failed:
        return
    errors = {k: _failure(found, told, how, times, k) for k in failed}
    raise errors[0] if members is None else BatchSolveError(errors, members)


def _failure(found: Followed, told: Told, how: PathOptions, times: np.ndarray, k: int) -> SolveError:
    retcode, reached = RETCODES[Status(int(found.status[k]))], float(found.reached[k])
    message = explained(retcode, reached)
    known = times <= reached
    u = found.u[:, :, k].detach().cpu().numpy().astype(float)
    solution = NoiseSolution(
        told.problem(), times[known], u[known], retcode, None, {"steps": int(found.taken[k])}, 0.0,
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
