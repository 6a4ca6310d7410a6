"""`symde.steady_state`: where a solution comes to rest, and how that depends on what it was made from.

With f(u*, p) = 0 and the conserved totals L u* = L u0, the implicit function theorem gives the derivatives of
u* by one linear system with the exact Jacobian, whatever way u* was found.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Never

import numpy as np

from symde.problem import options
from symde.problem.problem import Problem
from symde.problem.system import refuse_delays
from symde.problem.values import by_name, reals
from symde.sensitivity.constrained import refuse_constrained
from symde.sensitivity.model_values import ModelValues
from symde.sensitivity.run import expected_problem, refuse_events
from symde.sensitivity.start import start_of
from symde.sensitivity.steady_newton import balanced, sizes_of
from symde.sensitivity.steady_search import Found, search
from symde.sensitivity.wrt import Gradient, wrt_of

MANY_STATES = 100
"""Above so many states the default method is a multistep one, with fewer factorisations."""


@dataclass(frozen=True, eq=False)
class SteadyState:
    """A steady state and its derivatives.

    Attributes:
        problem: What was solved.
        u: The state, shape (n,), to rounding.
        t: The time at which the solution was within 1 % of it.
        eigenvalues: Of the Jacobian along what is not conserved, the largest real part first; one over the
            size of that is the slowest time of relaxation.
        stable: Whether small deviations that keep the conserved quantities decay.
        conserved: Coefficients of what is conserved, shape (k, n).
    """

    problem: Problem
    u: np.ndarray
    t: float
    eigenvalues: np.ndarray
    stable: bool
    conserved: np.ndarray
    _found: Found

    def __getitem__(self, name: str) -> float:
        """A state or an observed quantity by name."""
        system = self.problem.system
        if name in system.state_names:
            return float(self.u[system.state_names.index(name)])
        if name in system.observable_names:
            observed = system.observe(np.array([self.t]), self.u[None], self.problem.p)
            return float(observed[0, system.observable_names.index(name)])
        known = (*system.state_names, *system.observable_names)
        raise KeyError(f"unknown quantity {name!r}: the model has {', '.join(known)}")

    @cached_property
    def _by(self) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives by the initial values (n, n) and by the parameters at fixed initial values (n, m)."""
        equations = self._found.equations
        laws, values = equations.laws, equations.values
        system = balanced(equations.matrix(self.u), sizes_of(self.u, self._found.largest))
        if system.null_direction() is not None:
            raise ValueError(
                "the Jacobian is singular at this steady state beyond what is conserved: it is not isolated, "
                "or a bifurcation, and has no derivative"
            )
        by_p = -values.partials(self.u)
        by_p[laws.own] = (laws.by_parameters(values) @ (self.problem.u0 - self.u)).T
        by_u0 = np.zeros((values.n, values.n))
        by_u0[laws.own] = laws.matrix
        return system.solve(by_u0), system.solve(by_p)

    @property
    def du0(self) -> np.ndarray:
        """Derivatives by the initial values, shape (n, n): zero but for what is conserved."""
        return self._by[0]

    @cached_property
    def dp(self) -> np.ndarray:
        """Derivatives by the parameters with all that follows them, initial values included, shape (n, m)."""
        by_u0, by_p = self._by
        start = start_of(self.problem)
        return (by_p + by_u0 @ start.u0) @ start.parameters

    def gradient(self, weights: Any, wrt: Any = ("u0", "p")) -> Gradient:
        """The gradient of sum(weights * u), by name.

            state.gradient({"x": 1.0}, wrt="k1")["k1"]          # dx*/dk1
            state.gradient(2*(state.u - data))                  # of the sum of squares

        Args:
            weights: One for each state, in order or by name (names left out are 0): the derivative of a loss
                by the steady state.
            wrt: As in `symde.value_and_grad`.

        Raises:
            ValueError: a name is unknown, or no derivative exists.
        """
        names = self.problem.system.state_names
        if isinstance(weights, Mapping):
            given = by_name(weights, names, "state")
            vector = np.array([given.get(name, 0.0) for name in names])
        else:
            vector = reals(weights, "weights")
        if vector.shape != self.u.shape:
            raise ValueError(
                f"weights must have shape {self.u.shape}, one for each state, found {vector.shape}"
            )
        return wrt_of(wrt, self.problem.system).gradient(vector @ self.du0, vector @ self.dp)

    def __repr__(self) -> str:
        pairs = zip(self.problem.system.state_names[:6], self.u, strict=False)
        values = ", ".join(f"{name} = {value:.6g}" for name, value in pairs)
        more = ", ..." if len(self.u) > 6 else ""
        return f"<SteadyState ({'stable' if self.stable else 'not stable'}): {values}{more}>"


def steady_state(
    problem: Any,
    method: Any = None,
    *,
    rtol: float = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    max_steps: int = options.DEFAULT_MAX_STEPS,
    **unknown: Never,
) -> SteadyState:
    """The steady state that the solution of a problem tends to, to rounding, with exact derivatives.

        state = symde.steady_state(problem)
        state["x"], state.stable, state.dp              # dp of shape (n, m)

    The problem is solved over longer and longer spans, the first as long as its `tspan`, until Newton's
    method with the exact Jacobian takes over. Linear combinations of states that are conserved keep their
    initial values; they are found numerically and need not be named.

    Args:
        problem: What to solve; its equations must not read t.
        method: As in `symde.solve`, a stiff one. Default: "Rodas5P", for many states "FBDF".
        rtol, atol, max_steps: Of the solve, as in `symde.solve`. They do not limit the accuracy of the
            result, only which of several steady states a solution near a border goes to.

    Returns:
        The state. Where it is not stable a warning says so: the solution rests there as a pencil on its tip.

    Raises:
        SolveError: there is no steady state, with what the solution does instead.
        ValueError, TypeError: the equations read t, or an option is not what it should be.
    """
    if unknown:
        options.refuse_unknown(unknown, steady_state)
    system: Any = expected_problem(problem).system
    if not system.compiled:
        raise ValueError(
            "this model is a Python function that is called back, and its exact Jacobian is not known: write "
            "it so that it can be traced, or as a model text"
        )
    refuse_delays(system, "the search for a steady state")
    refuse_events(system)
    if system.kernels.constrained:
        refuse_constrained(
            system,
            "symde.steady_state knows no eigenvalues",
            "solve over a span in which all comes to rest, with forward sensitivities for derivatives",
        )
    t0, t1 = problem.tspan
    values = ModelValues(system, problem.p, t0)
    if values.timed:
        raise ValueError("the equations read t, so nothing need come to rest: a steady state has none")
    if t1 < t0:
        raise ValueError(f"a steady state is reached forward in time, and tspan goes from {t0:g} to {t1:g}")
    if method is None:
        method = "Rodas5P" if values.n <= MANY_STATES else "FBDF"
    found = search(problem, method, values, {"rtol": rtol, "atol": atol, "max_steps": max_steps})
    if not found.stable:
        warnings.warn(
            "this steady state is not stable: small deviations do not decay (eigenvalue "
            f"{found.eigenvalues[0]:.3g})",
            stacklevel=2,
        )
    conserved = found.equations.laws.matrix
    return SteadyState(problem, found.u, found.t, found.eigenvalues, found.stable, conserved, found)
