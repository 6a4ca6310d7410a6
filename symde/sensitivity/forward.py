"""Forward sensitivities: the columns du/dx solved beside the states, one factorisation for all of them.

Every method is applied to the states and the columns together, so the columns are the exact derivative of
what an explicit or a Rosenbrock method computes with these steps, and of what an implicit one computes up to
the tolerance of its iteration. Every column takes part in the error test.

Source: T. Maly, L. R. Petzold, Numerical methods and software for sensitivity analysis of differential-
algebraic systems, Applied Numerical Mathematics 20 (1996), for solving them together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from symde.problem.problem import Problem
from symde.problem.solution import Solution
from symde.sensitivity.augmented import augmented_problem
from symde.sensitivity.integrate import integrate
from symde.sensitivity.run import Run
from symde.sensitivity.scales import columns_tolerance
from symde.sensitivity.start import Start, start_of
from symde.sensitivity.wrt import Wrt

FAMILIES = ("explicit", "explicit_two_estimates", "adams", "rosenbrock", "esdirk", "bdf", "radau")
"""Families whose methods solve states and columns together by the columns' own kernels."""

WHOLE = ("taylor", "symplectic", "nystrom", "stabilised", "exponential", "gauss")
"""Families whose methods take states and columns as one model, all generated from its graph."""


@dataclass(frozen=True, eq=False)
class ForwardRecord:
    """A solve with its columns.

    Attributes:
        run: What was solved.
        wrt: What was differentiated by.
        start: Derivatives of the start.
        parameters: Indices of the parameters that have a column.
        columns: All saved columns, shape (n_times, n, number of columns), parameters first.
        solution: The solution of the states alone.
    """

    run: Run
    wrt: Wrt
    start: Start
    parameters: tuple[int, ...]
    columns: np.ndarray
    solution: Solution

    @cached_property
    def dp(self) -> np.ndarray:
        """Derivatives by the parameters of `wrt`, shape (n_times, n, number of parameters): each with those
        that follow it, and with the end time where that is saved and follows it."""
        raw = self.columns[:, :, : len(self.parameters)]
        moved = _moved_end(self.run, self.start, self.solution)
        if moved is not None:
            raw = raw.copy()
            raw[-1] += moved[:, list(self.parameters)]
        if not self.start.follows:
            return raw
        return raw @ self.start.parameters[np.ix_(self.parameters, self.wrt.parameters)]

    @property
    def du0(self) -> np.ndarray:
        """Derivatives by the initial values of `wrt`, shape (n_times, n, number of initial values)."""
        return self.columns[:, :, len(self.parameters) : len(self.parameters) + len(self.wrt.states)]

    def pull_back(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of sum(weights * u) by all initial values (n,) and parameters (m,), zero where `wrt`
        does not ask.

        Args:
            weights: Shape (n_times, n).
        """
        problem = self.run.problem
        u0, p = np.zeros(len(problem.u0)), np.zeros(len(problem.p))
        for target, chosen, columns in (
            (u0, self.wrt.states, self.du0), (p, self.wrt.parameters, self.dp),
        ):  # fmt: skip
            if chosen:
                target[_indices(chosen)] = weights.ravel() @ columns.reshape(weights.size, len(chosen))
        return u0, p


def _moved_end(run: Run, start: Start, solution: Solution) -> np.ndarray | None:
    """What the end time's dependence on the parameters adds to the derivative of the last saved state, shape
    (n, m); None where it does not depend on them."""
    if not start.moves or solution.t[-1] != run.problem.tspan[1]:
        return None
    slope = run.problem.system.slope(solution.t[-1], solution.u[-1], run.problem.p)
    return np.outer(slope, start.span[1])


def record(run: Run, wrt: Wrt) -> ForwardRecord:
    """Solve the states and the columns.

    Raises:
        ValueError: a method cannot, with the alternatives.
        SolveError: the solve did not reach its end.
    """
    refuse_unable(run.plan.methods)
    problem, start = run.problem, start_of(run.problem)
    parameters = wrt.parameters
    if start.follows:  # those that follow a parameter need a column as well
        parameters = tuple(np.flatnonzero(start.parameters[:, list(parameters)].any(axis=1)).tolist())
    whole = any(method.family in WHOLE for method in run.plan.methods)
    augmented = augmented_problem(run, parameters, wrt.states, start, whole)
    tolerance = columns_tolerance(run, augmented.system, _indices(parameters), _indices(wrt.states))
    solved = integrate(run, augmented, tolerance)
    n, count = len(problem.u0), len(parameters) + len(wrt.states)
    columns = solved.u[:, n:].reshape(len(solved.t), n, -1)[:, :, :count]
    return ForwardRecord(run, wrt, start, parameters, columns, _states_alone(solved, problem, n))


@lru_cache(maxsize=256)
def _indices(chosen: tuple[int, ...]) -> np.ndarray:
    return np.array(chosen, dtype=np.intp)


def _states_alone(whole: Solution, problem: Problem, n: int) -> Solution:
    return Solution(
        problem,
        whole.t,
        np.ascontiguousarray(whole.u[:, :n]),
        whole.retcode,
        counters=whole._counters,
        seconds=whole._seconds,
        method=whole.method,
    )


def refuse_unable(methods: tuple[Any, ...]) -> None:
    """Refuse methods that do not solve states and columns together."""
    for method in methods:
        if method.family not in (*FAMILIES, *WHOLE):
            raise ValueError(
                f"{method.name} has no forward sensitivities: use a Runge-Kutta, Rosenbrock, ESDIRK, Adams "
                "or BDF method, such as Tsit5, Vern7, Rodas5P, KenCarp4 or QNDF"
            )
