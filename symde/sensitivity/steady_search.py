"""The steady state that a solution tends to: solved over longer and longer spans until Newton's method takes
over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.problem.problem import Problem, remake
from symde.problem.solution import Solution, SolveError
from symde.sensitivity.conservation import Laws, conservation_laws
from symde.sensitivity.model_values import ModelValues
from symde.sensitivity.steady_newton import Equations, balanced, newton, sizes_of
from symde.solve import solve

NEAR = 0.01
"""Relative distance from which Newton's method takes over: within it the basin is hardly left."""

SPANS = 13
"""Spans tried, each ten times as long as the one before."""

NOISE = 1e-12
"""Eigenvalues below this, relative to the largest, have no sign that means anything."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A steady state.

    Attributes:
        u: The state, shape (n,).
        t: When Newton's method took over.
        equations: What was solved.
        largest: Largest absolute values that the states had on the way, shape (n,).
        eigenvalues: Of the Jacobian along what is not conserved, the slowest first, shape (n - k,).
    """

    u: np.ndarray
    t: float
    equations: Equations
    largest: np.ndarray
    eigenvalues: np.ndarray

    @property
    def stable(self) -> bool:
        """Whether small deviations that keep the conserved quantities decay."""
        return not len(self.eigenvalues) or bool(np.real(self.eigenvalues[0]) < 0.0)


def search(problem: Problem, method: Any, values: ModelValues, options: dict[str, Any]) -> Found:
    """The steady state that the solution tends to.

    Raises:
        SolveError: there is none, with what the solution does instead.
    """
    (t, end), u = problem.tspan, problem.u0
    if _rests(values, u):
        return _at_start(problem, values)
    trajectory, span, laws, unstable = u[None], end - t, None, None
    for _ in range(SPANS):
        moved = remake(problem, u0=u, tspan=(t, t + span))
        solution = solve(moved, method, dense=False, throw=False, **options)
        trajectory = _thinned(np.vstack([trajectory, solution.u]))
        t, u = float(solution.t[-1]), solution.u[-1]
        if not np.isfinite(u).all():
            break
        laws = laws or conservation_laws(values, trajectory)
        found = _take_over(problem, values, laws, trajectory, u, t)
        if found is not None:
            if found.stable or (unstable is not None and _same(found, unstable)):
                return found
            unstable = found  # a solution may linger there and go on
        if not solution.success:
            raise SolveError(_refusal(problem, solution, values, trajectory), solution)
        span *= 10.0
    raise SolveError(_refusal(problem, solution, values, trajectory), solution)


def _rests(values: ModelValues, u: np.ndarray) -> bool:
    """Whether nothing moves, up to rounding."""
    f, terms = values.f(u), np.abs(values.jacobian(u)) @ np.abs(u)
    return bool((np.abs(f) <= 1e-14 * terms).all())


def _at_start(problem: Problem, values: ModelValues) -> Found:
    u = problem.u0
    laws = conservation_laws(values, u[None])
    equations, largest = Equations(values, laws, laws.matrix @ u), np.abs(u)
    return Found(u, problem.tspan[0], equations, largest, _eigenvalues(equations, u, largest))


def _thinned(trajectory: np.ndarray) -> np.ndarray:
    """At most some thousand points: what is needed of them are sizes."""
    if len(trajectory) <= 2000:
        return trajectory
    extremes = np.vstack([trajectory.min(axis=0), trajectory.max(axis=0)])
    return np.vstack([extremes, trajectory[:: len(trajectory) // 1000]])


def _take_over(
    problem: Problem, values: ModelValues, laws: Laws, trajectory: np.ndarray, u: np.ndarray, t: float
) -> Found | None:
    largest = np.abs(trajectory).max(axis=0)
    equations = Equations(values, laws, laws.matrix @ problem.u0)
    root = newton(equations, u, largest, NEAR)
    if root is None or not _all_vanish(values, root, largest):
        return None
    eigenvalues = _eigenvalues(equations, root, largest)
    return None if 0.0 in eigenvalues else Found(root, t, equations, largest, eigenvalues)


def _all_vanish(values: ModelValues, u: np.ndarray, largest: np.ndarray) -> bool:
    """Whether the equations that laws took the place of hold as well."""
    terms = np.abs(values.jacobian(u)) @ sizes_of(u, largest)
    return bool((np.abs(values.f(u)) <= 1e-9 * terms).all())


def _eigenvalues(equations: Equations, u: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """Eigenvalues of the Jacobian on the deviations that keep what is conserved, the largest real part
    first; those that are zero but for rounding are exactly 0."""
    sizes = sizes_of(u, largest)
    scaled = equations.values.jacobian(u) * sizes / sizes[:, None]
    laws = equations.laws.matrix * sizes
    if len(laws):
        _, _, right = np.linalg.svd(laws)
        basis = right[len(laws) :].T
        scaled = basis.T @ scaled @ basis
    eigenvalues = np.linalg.eigvals(scaled) if len(scaled) else np.empty(0, complex)
    if len(eigenvalues):
        eigenvalues = np.where(np.abs(eigenvalues) <= NOISE * np.abs(eigenvalues).max(), 0.0, eigenvalues)
    return eigenvalues[np.argsort(-np.real(eigenvalues), kind="stable")]


def _same(one: Found, other: Found) -> bool:
    return bool((np.abs(one.u - other.u) <= 1e-6 * sizes_of(one.u, one.largest)).all())


def _refusal(problem: Problem, solution: Solution, values: ModelValues, trajectory: np.ndarray) -> str:
    """What the solution does instead of settling."""
    names, t, u = problem.system.state_names, solution.t[-1], solution.u[-1]
    first = np.abs(trajectory[: max(len(trajectory) // 4, 1)]).max(axis=0)
    growth = np.abs(u) / np.where(first == 0.0, 1.0, first)
    worst = int(np.argmax(np.where(np.isfinite(growth), growth, np.inf)))
    head = f"no steady state found up to t = {t:g}: "
    if not np.isfinite(u).all() or growth[worst] > 1e6:
        return (
            f"{head}{names[worst]} grows without bound, it is {u[worst]:.6g}. Balance what feeds it by a loss"
        )
    if not solution.success and solution.retcode.word != "max_steps":
        return f"{head}the solve failed. {solution.message}"
    largest = np.abs(trajectory).max(axis=0)
    laws = conservation_laws(values, trajectory)
    system = balanced(Equations(values, laws, laws.matrix @ problem.u0).matrix(u), sizes_of(u, largest))
    null = system.null_direction()
    late = solution.u[len(solution.u) // 2 :]
    swing = (late.max(axis=0) - late.min(axis=0)) / sizes_of(late.mean(axis=0), largest)
    restless = int(np.argmax(swing))
    if swing[restless] > 1e-3:
        low, high = late[:, restless].min(), late[:, restless].max()
        return (
            f"{head}{names[restless]} goes on between {low:.6g} and {high:.6g}, so the solution oscillates "
            "or is chaotic. Averages over long times have derivatives by symde.shadowing"
        )
    if null is not None:
        named = ", ".join(names[i] for i in np.argsort(-np.abs(null))[:3] if abs(null[i]) > 0.1)
        return (
            f"{head}the Jacobian is singular beyond what is conserved (along {named}), so steady states are "
            "not isolated and no derivative of one is defined. Remove the state that nothing determines, or "
            "give it a loss"
        )
    return (
        f"{head}the solution drifts on, or comes to rest slower than any exponential, where the Jacobian is "
        "singular and no derivative of the steady state is defined. Give a longer tspan or tighter tolerances"
    )
