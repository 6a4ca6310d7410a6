"""`symde.value_and_grad`: a loss of a solution and its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symde.engine.cpu import linear_solvers
from symde.problem import options
from symde.problem.values import real
from symde.sensitivity import auto, registry
from symde.sensitivity.run import prepare
from symde.sensitivity.strategy import Record
from symde.sensitivity.wrt import Gradient, wrt_of

Loss = Callable[[np.ndarray], tuple[float, Any]]


def value_and_grad(
    loss: Loss,
    problem: Any,
    method: Any = None,
    *,
    wrt: Any = ("u0", "p"),
    saveat: Any = None,
    sensealg: str = registry.AUTO,
    rtol: float = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    dt0: float | None = None,
    dtmax: float | None = None,
    max_steps: int = options.DEFAULT_MAX_STEPS,
    linear_solver: str = linear_solvers.AUTO,
) -> tuple[float, Gradient]:
    """A loss of the saved states, and its gradient.

        def loss(u):                                # u of shape (n_times, n)
            residual = u - data
            return (residual**2).sum(), 2*residual  # the value, and its derivative by u

        value, grad = symde.value_and_grad(loss, problem, saveat=0.1)
        grad["p"], grad["u0"]                       # shapes (m,), (n,)

    Args:
        loss: Function of the saved states, shape (n_times, n), that gives its value and its derivative by
            them, of the same shape.
        problem: What to solve.
        wrt: What to differentiate by: "u0" (all initial values), "p" (all parameters), names of parameters,
            names of states for their initial values, or several of these.
        saveat: Times to save, as in `symde.solve`. Default: the end alone.
        sensealg: How to differentiate: "forward", "discrete", or "auto" for the one that is fastest in a
            trial, which the first call makes; `grad.sensealg` tells which it was.
        method, rtol, atol, dt0, dtmax, max_steps, linear_solver: As in `symde.solve`.

    Returns:
        The value, and the gradient by name. A derivative by a parameter includes all that follows it: initial
        values, defaults of other parameters, the time span.

    Raises:
        SolveError: the solve did not reach its end.
        ValueError, TypeError: an option is not what it should be, the loss does not give what it should, or
            the strategy cannot differentiate such a solve, with the alternatives.
    """
    run = prepare(
        problem,
        method,
        rtol=rtol,
        atol=atol,
        saveat=[problem.tspan[1]] if saveat is None and hasattr(problem, "tspan") else saveat,
        dt0=dt0,
        dtmax=dtmax,
        max_steps=max_steps,
        linear_solver=linear_solver,
    )
    wanted = wrt_of(wrt, problem.system)
    name = sensealg
    if sensealg == registry.AUTO:
        name, run = auto.choose(run, wanted, free=method is None)
    found: Record = registry.get(name).record(run, wanted)
    value, weights = evaluate_loss(loss, found.solution.u)
    u0, p = found.pull_back(weights)
    return value, wanted.gradient(u0, p, name)


def evaluate_loss(loss: Any, u: np.ndarray) -> tuple[float, np.ndarray]:
    """The loss and its derivative by the saved states, checked.

    Raises:
        TypeError: it is no function, or does not give two things. ValueError: shapes do not agree.
    """
    if not callable(loss):
        raise TypeError(f"loss must be a function of the saved states, found {loss!r}")
    given = loss(u)
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise TypeError(
            "the loss must return two things, its value and its derivative by the saved states: "
            f"(value, du) with du of shape {u.shape}; found {given!r:.200}"
        )
    value, weights = real(given[0], "value of the loss"), np.asarray(given[1], dtype=float)
    if weights.shape != u.shape:
        raise ValueError(
            f"the loss gave a derivative of shape {weights.shape}: it must have the shape of the saved "
            f"states, {u.shape} (times, states)"
        )
    return value, weights
