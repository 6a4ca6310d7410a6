"""`symde.value_and_grad`: a loss of a solution and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu import linear_solvers
from symde.problem import options
from symde.problem.problem import Problem
from symde.sensitivity import registry
from symde.sensitivity.loss import Part, parts_of
from symde.sensitivity.run import prepare
from symde.sensitivity.start import start_of
from symde.sensitivity.strategy import Record, Strategy
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
        sensealg: How to differentiate: "forward", "discrete", or "auto" for the one expected to be fastest.
        method, rtol, atol, dt0, dtmax, max_steps, linear_solver: As in `symde.solve`.

    Returns:
        The value, and the gradient by name. A derivative by a parameter includes all that follows it: initial
        values, defaults of other parameters, the time span.

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
    strategy = registry.get("forward" if sensealg == registry.AUTO else sensealg)
    solving = dict(
        method=method,
        rtol=rtol,
        atol=atol,
        dt0=dt0,
        dtmax=dtmax,
        max_steps=max_steps,
        linear_solver=linear_solver,
    )
    total, by_u0, by_p = 0.0, np.zeros(len(problem.u0)), np.zeros(len(problem.p))
    for part in parts_of(loss, problem, saveat, of):
        value, u0, p = _share(part, strategy, wanted, solving)
        total, by_u0, by_p = total + value, by_u0 + u0, by_p + p
    return total, wanted.gradient(by_u0, by_p)


def _share(
    part: Part, strategy: Strategy, wanted: Wrt, solving: dict[str, Any]
) -> tuple[float, np.ndarray, np.ndarray]:
    """The value of one solve's share and its derivatives by the common initial values and parameters."""
    problem, system = part.problem, part.problem.system
    record: Record = strategy.record(prepare(problem, saveat=part.loss.times(problem), **solving), wanted)
    loss = part.loss.evaluate(problem, record.solution.t, record.solution.u)
    u0, p = record.pull_back(loss.states)
    if loss.parameters is not None and loss.parameters.any():
        p = p + loss.parameters @ start_of(problem).parameters
    # what this solve sets itself does not follow the common values
    u0 = np.where([name in part.fixed_states for name in system.state_names], 0.0, u0)
    p = np.where([name in part.fixed_parameters for name in system.parameter_names], 0.0, p)
    return loss.value, u0, p
