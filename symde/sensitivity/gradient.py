"""`symde.value_and_grad`: a loss of a solution and its gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from symde.engine.cpu import linear_solvers
from symde.engine.cpu.pullback import PullBackError
from symde.problem import options
from symde.problem.values import real
from symde.sensitivity import auto, registry
from symde.sensitivity.riding import sizes
from symde.sensitivity.run import prepare
from symde.sensitivity.strategy import Record, Refinable
from symde.sensitivity.wrt import Gradient, Wrt, wrt_of

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
        sensealg: How to differentiate: "forward", "discrete", "interpolating", "gauss", "backsolve", or "auto"
            for the one that is fastest in a trial, which the first call makes; `grad.sensealg` tells which it
            was.
        method, rtol, atol, dt0, dtmax, max_steps, linear_solver: As in `symde.solve`.

    Returns:
        The value, and the gradient by name; `grad.sensealg`, `grad.stats` and `grad.error` tell how it was
        found and how good it is (`symde.sensitivity.wrt.Gradient`). A derivative by a parameter includes all
        that follows it: initial values, defaults of other parameters, the time span.

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
    refine = found.refinement() if isinstance(found, Refinable) else None

    def error() -> float | None:
        return None if refine is None else gradient_error(refine, loss, wanted, u0, p)

    return value, wanted.gradient(u0, p, name, found.solution.stats, error)


def gradient_error(
    refine: Callable[[], Record], loss: Any, wanted: Wrt, u0: np.ndarray, p: np.ndarray
) -> float:
    """An estimate of the relative error of a gradient: twice its change when every step is halved; infinite
    where that is as large as the gradient itself or the halves cannot be done.

    It bounds the error as long as that of the halved steps is at most half of it, and so for any order from 1
    on. A gradient that changes as a whole says nothing even of that. Errors of derivatives are measured by
    the size of what they are by, and relative to the largest.

    Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.4, on
    Richardson's extrapolation, with the factor of order 1 whatever the method's.
    """
    try:
        finer = refine()
        _, weights = evaluate_loss(loss, finer.solution.u)
        finer_u0, finer_p = finer.pull_back(weights)
    except PullBackError:
        return math.inf
    of_u0, of_p = sizes(finer.solution.problem)
    by_u0, by_p = list(wanted.states), list(wanted.parameters)
    fine = np.concatenate([(of_u0 * finer_u0)[by_u0], (of_p * finer_p)[by_p]])
    coarse = np.concatenate([(of_u0 * u0)[by_u0], (of_p * p)[by_p]])
    change, least = np.abs(fine - coarse).max(), min(np.abs(fine).max(), np.abs(coarse).max())
    if change == 0.0:
        return 0.0
    return float(2.0 * change / least) if 2.0 * change < least else math.inf


def evaluate_loss(loss: Any, u: np.ndarray) -> tuple[float, np.ndarray]:
    """The loss and its derivative by the saved states, checked.

    Raises:
        TypeError: it is no function, or does not give two things. ValueError: shapes do not agree.
    """
    if not callable(loss):
        raise TypeError(f"loss must be a function of the saved states, found {loss!r}")
    given = loss(u)
    # a loss for second derivatives gives a third thing, which is not needed here
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
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
