"""How paths of the torch engine step: by steps of one size, or by steps that follow the error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.engine.batched.paths import adaptive_adjoint, adjoint, follow
from symde.engine.batched.paths.adaptive import AdaptiveRun
from symde.engine.batched.paths.brownian_tree import BrownianTree
from symde.engine.batched.paths.draws import Draws
from symde.engine.batched.paths.families import stepper_of
from symde.engine.batched.paths.increments import Brownian, Grid
from symde.engine.batched.paths.step_sizes import Tolerances
from symde.engine.batched.paths.steps import Stepper
from symde.engine.cpu.noise_layout import LEVELS
from symde.engine.noise.grid import equal_steps
from symde.engine.noise.method import NoiseMethod
from symde.layers.bridge.points import require_span
from symde.noise import adaptive_steps, limit_of
from symde.problem import options


@dataclass(frozen=True, slots=True, eq=False)
class PathOptions:
    """How paths are followed.

    Attributes:
        method: Whose steps.
        dt0: Their size, or that of the first where they follow the error.
        seed: A whole number of up to 64 bits, or None for a new one of torch's generator.
        trajectory: Number of the first path.
        sensealg: "discrete", "auto" (the same) or "tape".
        max_steps: Limit on the steps.
        rtol, atol: Tolerances of steps that follow the error; None: they are of one size.
        cuts: Where coefficients are not smooth, in words.
    """

    method: NoiseMethod
    dt0: Any
    seed: int | None
    trajectory: int = 0
    sensealg: str = "discrete"
    max_steps: int = options.DEFAULT_MAX_STEPS
    rtol: Any = None
    atol: Any = None
    cuts: tuple[str, ...] = ()

    @property
    def adaptive(self) -> bool:
        """Whether steps follow the error."""
        return self.rtol is not None or self.atol is not None


@dataclass(frozen=True, slots=True, eq=False)
class PathSteps:
    """The steps of paths and three ways to follow them, each a function of (run, u0, p).

    Attributes:
        run: The steps.
        stepper: Equation and method.
        t0: The start of the span.
        plain, tape: Without derivatives, and with all operations kept.
        again: Whose steps are done again backward; takes the weights of modules besides.
    """

    run: Any
    stepper: Stepper
    t0: float
    plain: Callable[..., Any]
    tape: Callable[..., Any]
    again: Callable[..., Any]


def span_of(span: Tensor) -> tuple[float, float]:
    """The span of all paths.

    Raises:
        ValueError: it is to be differentiated by, differs between members, or goes back.
    """
    if span.requires_grad:
        raise ValueError("the time span of a path with noise cannot be differentiated by: give two numbers")
    if span.ndim > 1:
        raise ValueError("paths with noise have one time span for all members of a batch: give two numbers")
    t0, t1 = span.tolist()
    require_span(t0, t1)
    if t1 < t0:
        raise ValueError(f"noise comes as time goes on, and the span is {t0:g} to {t1:g}")
    return t0, t1


def times_of(saveat: Any, span: tuple[float, float]) -> np.ndarray:
    """The times to save; without any the end alone.

    Raises:
        ValueError: they are to be differentiated by, or differ between members.
    """
    if saveat is None:
        return np.array([span[1]])
    if isinstance(saveat, Tensor):
        if saveat.requires_grad:
            raise ValueError("a path with noise has no slope: times to save cannot be differentiated by")
        if saveat.ndim > 1:
            raise ValueError("paths with noise have the same times to save for all members of a batch")
        saveat = saveat.detach().cpu().numpy() if saveat.ndim else saveat.item()
    times = options.save_times(saveat, *span)
    assert times is not None
    return times


def steps_of(
    equation: Any, states: tuple[str, ...], nominal: np.ndarray | None, span: tuple[float, float],
    times: np.ndarray, how: PathOptions, paths: Tensor, like: Tensor,
) -> PathSteps:  # fmt: skip
    """The steps of some paths.

    Args:
        equation: A `StochasticEquation`.
        states, nominal: Names of the states, and the scales of their tolerances; None: all 1.
        span, times: The span, and the times to save.
        how: The rest.
        paths: Numbers of the paths, int64, shape (B,).
        like: A tensor of the states' type and device, whose last axis they are.

    Raises:
        ValueError: an option is not what it should be.
    """
    stepper = stepper_of(equation, how.method, like.shape[-1], like.device)
    size = options.step_size(how.dt0, "dt0")
    if not how.adaptive:
        found = equal_steps(*span, size, limit_of(how.max_steps), how.method)
        grid = Grid(found.t0, found.h, found.steps)
        pairs = equation.pairs if how.method.double else ()
        draws = Draws.of(how.method, equation.motions, pairs, grid.steps)
        noise = Brownian(grid, how.seed or 0, paths, draws, like.dtype)
        run = follow.Run(stepper, grid, follow.Saves.of(grid, times), noise)
        return PathSteps(run, stepper, span[0], follow.follow, follow.follow, adjoint.follow_again)
    plan = adaptive_steps(
        how.method, how.cuts, states, nominal, span, size, limit_of(how.max_steps), how.rtol, how.atol
    )
    tick = (plan.t1 - plan.t0) / 2**LEVELS
    ticks = np.minimum(np.rint((times - plan.t0) / tick).astype(np.int64), 2**LEVELS)
    different, places = np.unique(ticks, return_inverse=True)
    run = AdaptiveRun(
        stepper,
        BrownianTree(tick, how.seed or 0, paths, equation.motions),
        plan.t0,
        int(plan.first / tick),
        plan.steps,
        Tolerances(plan.rtol, torch.as_tensor(plan.atol, dtype=torch.float64, device=like.device)[:, None]),
        torch.as_tensor(different, device=like.device),
        places,
    )
    ways = adaptive_adjoint.follow, adaptive_adjoint.follow_on_tape, adaptive_adjoint.follow_again
    return PathSteps(run, stepper, span[0], *ways)
