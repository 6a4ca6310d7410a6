"""`symde.value_and_grad`: a loss of a solution and its gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu import linear_solvers
from symde.problem import options
from symde.problem.problem import Problem
from symde.problem.stats import Stats
from symde.sensitivity import auto, registry
from symde.sensitivity.gradient_error import Derivatives, gradient_error
from symde.sensitivity.loss import Part, parts_of
from symde.sensitivity.run import prepare
from symde.sensitivity.start import start_of
from symde.sensitivity.strategy import Record, Refinable
from symde.sensitivity.wrt import Gradient, Wrt, wrt_of


def value_and_grad(
    loss: Any,
    problem: Any,
    method: Any = None,
    *,
    wrt: Any = ("u0", "p"),
    saveat: Any = None,
    of: Any = None,
    sensealg: str = registry.AUTO,
    rtol: float = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    dt0: float | None = None,
    dtmax: float | None = None,
    max_steps: int = options.DEFAULT_MAX_STEPS,
    linear_solver: str = linear_solvers.AUTO,
    memory: int = options.DEFAULT_MEMORY,
) -> tuple[float, Gradient]:
    """A loss of the saved states, and its gradient.

        def loss(u):                                # u of shape (n_times, n)
            residual = u - data
            return (residual**2).sum(), 2*residual  # the value, and its derivative by u

        value, grad = symde.value_and_grad(loss, problem, saveat=0.1)
        grad["p"], grad["u0"]                       # shapes (m,), (n,)

    Args:
        loss: Function of the saved states, shape (n_times, n), that gives its value and its derivative by
            them, of the same shape; or an object that knows when it needs the solution, such as
            `symde.LeastSquares` (the protocols are in `symde.sensitivity.loss`).
        problem: What to solve.
        wrt: What to differentiate by: "u0" (all initial values), "p" (all parameters), names of parameters,
            names of states for their initial values, or several of these.
        saveat: Times to save, as in `symde.solve`. Default: the end alone.
        of: Names of the states, observables or parameters that a loss function reads in place of the states;
            it is then given an array of shape (n_times, number of names).
        sensealg: How to differentiate: "forward", "discrete", "interpolating", "gauss", "backsolve", or
            "auto" for the one that is fastest in a trial, which the first call makes; `grad.sensealg` tells
            which it was.
        method, rtol, atol, dt0, dtmax, max_steps, linear_solver: As in `symde.solve`.
        memory: Bytes that an adjoint may keep of the solution, 256 MiB: states of a discrete one (32 bytes
            of every step come on top), interpolants of a continuous one. What does not fit is computed again
            on the way back. Forward sensitivities keep nothing.

    Returns:
        The value, and the gradient by name; `grad.sensealg`, `grad.stats` and `grad.error` tell how it was
        found and how good it is (`symde.sensitivity.wrt.Gradient`). A derivative by a parameter includes all
        that follows it: initial values, defaults of other parameters, the time span.

    Raises:
        SolveError: the solve did not reach its end.
        ValueError, TypeError: an option is not what it should be, the loss does not give what it should, or
            the strategy cannot differentiate such a solve, with the alternatives.
    """
    if not isinstance(problem, Problem):
        raise TypeError(
            f"expected a symde.Problem, found {type(problem).__name__}: write symde.Problem(model, ...)"
        )
    wanted = wrt_of(wrt, problem.system)
    solving = dict(
        method=method,
        rtol=rtol,
        atol=atol,
        dt0=dt0,
        dtmax=dtmax,
        max_steps=max_steps,
        linear_solver=linear_solver,
        memory=memory,
    )
    shares = [_share(part, sensealg, wanted, solving) for part in parts_of(loss, problem, saveat, of)]
    u0 = np.sum([share.u0 for share in shares], axis=0)
    p = np.sum([share.p for share in shares], axis=0)
    finer = [share.finer for share in shares if share.finer is not None]

    def error() -> float | None:
        return gradient_error(problem, wanted, (u0, p), finer) if len(finer) == len(shares) else None

    names = dict.fromkeys(share.sensealg for share in shares)
    stats = shares[0].stats if len(shares) == 1 else None
    return sum(share.value for share in shares), wanted.gradient(u0, p, ", ".join(names), stats, error)


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What one solve adds to a loss and its gradient.

    Attributes:
        value: Its share of the loss.
        u0, p: Derivatives of that by the common initial values (n,) and parameters (m,).
        sensealg: The strategy that found them.
        stats: Work of the solve.
        finer: Gives the derivatives from halved steps; None where the strategy cannot.
    """

    value: float
    u0: Any
    p: Any
    sensealg: str
    stats: Stats
    finer: Callable[[], Derivatives] | None


def _share(part: Part, sensealg: str, wanted: Wrt, solving: dict[str, Any]) -> Share:
    """Solve one part and differentiate its loss."""
    run = prepare(part.problem, saveat=part.loss.times(part.problem), **solving)
    if sensealg == registry.AUTO:
        sensealg, run = auto.choose(run, wanted, free=solving["method"] is None)
    record: Record = registry.get(sensealg).record(run, wanted)
    value, u0, p = _pulled(part, record)
    refine = record.refinement() if isinstance(record, Refinable) else None
    finer = None if refine is None else lambda: _pulled(part, refine())[1:]
    return Share(value, u0, p, sensealg, record.solution.stats, finer)


def _pulled(part: Part, record: Record) -> tuple[float, np.ndarray, np.ndarray]:
    """The value of a part's loss and its derivatives by the common initial values and parameters."""
    problem, system = part.problem, part.problem.system
    loss = part.loss.evaluate(problem, record.solution.t, record.solution.u)
    u0, p = record.pull_back(loss.states)
    if loss.parameters is not None and loss.parameters.any():
        p = p + loss.parameters @ start_of(problem).parameters
    # what this solve sets itself does not follow the common values
    if part.fixed_states:
        u0 = np.where([name in part.fixed_states for name in system.state_names], 0.0, u0)
    if part.fixed_parameters:
        p = np.where([name in part.fixed_parameters for name in system.parameter_names], 0.0, p)
    return loss.value, u0, p
