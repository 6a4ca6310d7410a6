"""What is solved when a solve is differentiated: the options, checked, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.choice import methods_for
from symde.engine.cpu import linear_solvers
from symde.problem import options
from symde.problem.problem import Problem
from symde.problem.traits import Traits


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A problem and how it is to be solved.

    Attributes:
        problem: The problem.
        methods: One method, or two and a switch between them.
        rtol: Relative tolerance.
        atol: Absolute tolerance, a number or shape (n,).
        times: Times to save, in the order of integration; None for every step.
        dt0, dtmax, max_steps, linear_solver: As in `symde.solve`.
    """

    problem: Problem
    methods: tuple[Any, ...]
    rtol: float
    atol: Any
    times: np.ndarray | None
    dt0: float | None
    dtmax: float | None
    max_steps: int
    linear_solver: str


def prepare(
    problem: Any,
    method: Any,
    *,
    rtol: Any = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    saveat: Any = None,
    dt0: Any = None,
    dtmax: Any = None,
    max_steps: Any = options.DEFAULT_MAX_STEPS,
    linear_solver: str = linear_solvers.AUTO,
) -> Run:
    """The options of a solve that is to be differentiated.

    Raises:
        ValueError, TypeError: as `symde.solve`; or the model is a function that cannot be differentiated.
    """
    if not isinstance(problem, Problem):
        raise TypeError(
            f"expected a symde.Problem, found {type(problem).__name__}: write symde.Problem(model, ...)"
        )
    system = problem.system
    if not system.compiled:
        raise ValueError(
            "this model is a Python function that is called back, and no exact derivative of it is known: "
            "write it so that it can be traced (operators and numpy functions of u, p and t, no branches on "
            "values), or as a model text"
        )
    linear_solvers.check(linear_solver, None)
    # series and second-order form are the model's, not those of what is differentiated with it
    methods = methods_for(method, rtol, Traits(system.kernels.n), system.split)
    rtol, first, largest, limit = options.scalars(rtol, dt0, dtmax, max_steps)
    if first is None and not methods[0].adaptive:
        raise ValueError(f"{methods[0].name} has no error estimate: give its step size as dt0=...")
    return Run(
        problem,
        methods,
        rtol,
        options.absolute_tolerance(atol, system.state_names, system.nominal, rtol),
        options.save_times(saveat, *problem.tspan),
        first,
        largest,
        limit,
        linear_solver,
    )
