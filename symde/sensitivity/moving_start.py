"""Starts and ends that follow the parameters, for a problem with a tangent: what is differentiated twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.codegen.derivatives import directional
from symde.codegen.evaluate import Program
from symde.codegen.lower import lower_start
from symde.codegen.start_derivatives import Matrix
from symde.codegen.tangent import TangentFunction, rate_name, tangent_name
from symde.problem.problem import Problem
from symde.sensitivity.observation import observation
from symde.sensitivity.start import traced_start


def given_start(problem: Problem) -> Any:
    """What of the initial state does not follow the model's text: names, or a function."""
    given = problem.given_u0
    if callable(given):
        return TangentFunction.of_definition(traced_start(given, problem.p, problem.system.state_names, "u0"))
    return {name: 0.0 for one in given for name in (one, tangent_name(one))}


class TangentSpan:
    """A time span that follows the parameters, as a function of parameters and direction."""

    def __init__(self, problem: Problem) -> None:
        given, m = problem.given_tspan, len(problem.p)
        if callable(given):
            traced = traced_start(given, problem.p, ("t0", "t1"), "tspan")
            self._both = TangentFunction.of_definition(traced)
        else:
            system: Any = problem.system
            lowered = lower_start(system.definition)
            assert lowered.tspan is not None, "only a span of the model follows its parameters otherwise"
            self._both = TangentFunction(lowered.graph, lowered.tspan, m)

    def __call__(self, p: np.ndarray) -> np.ndarray:
        """Start and end at parameters and direction of shape (2m,)."""
        return self._both(p)[:2]

    def derivative(self, p: np.ndarray) -> np.ndarray:
        """Derivative of both by parameters and direction, shape (2, 2m)."""
        return self._both.derivative(p)[:2]

    def moved_start(self, p: np.ndarray) -> tuple[float, np.ndarray]:
        """How the start moves along the direction, and the derivative of that, shape (2m,)."""
        return float(self._both(p)[2]), self._both.derivative(p)[2]

    def moved_end(self, p: np.ndarray) -> tuple[float, np.ndarray]:
        """How the end moves along the direction, and the derivative of that, shape (2m,)."""
        return float(self._both(p)[3]), self._both.derivative(p)[3]


class MovedStart:
    """States and tangents at a start time that follows the parameters.

    With a(p, t0) the initial values, A their derivative along the direction at a fixed t0, and tau how far t0
    moves along it, the tangents are s = A + (a_t - f) tau.

    Args:
        problem: Without tangents.
        system: With them.
        span: The time span.
        u0: States and tangents, shape (2n,).
    """

    def __init__(self, problem: Problem, system: Any, span: TangentSpan, u0: np.ndarray) -> None:
        self._problem, self._system, self._span, self._u0 = problem, system, span, u0

    def __call__(self, p: np.ndarray) -> np.ndarray:
        """States and tangents at the parameters and the direction they were made with."""
        return self._u0

    def derivative(self, p: np.ndarray) -> np.ndarray:
        """Derivative of both by parameters and direction, the change of t0 with it, shape (2n, 2m)."""
        n, m, t0 = len(self._u0) // 2, len(p) // 2, self._problem.tspan[0]
        u0, of_t0 = self._u0[:n], self._span.derivative(p)[0]
        tau, of_tau = self._span.moved_start(p)
        at_t0, by_t = self._at_fixed_time(p)
        result = at_t0 + np.outer(by_t, of_t0)
        mixed, twice = self._of_rate(p[:m])
        slope, by_time = self._system.base.slope(t0, u0, p[:m]), self._by_time(t0, u0, p)
        moved = result[:n, :m]  # of the states themselves
        for j in range(m):
            along = self._along(t0, u0, p[:m], moved[:, j], np.eye(m)[j])
            rate = mixed[:, j] + twice * of_t0[j] - along - by_time * of_t0[j]
            result[n:, j] += rate * tau
        result[n:] += np.outer(by_t[:n] - slope, of_tau)
        return result

    def by_states(self, p: np.ndarray) -> np.ndarray:
        """Derivative of the tangents by the states at the start, shape (n, n)."""
        n, m, t0 = len(self._u0) // 2, len(p) // 2, self._problem.tspan[0]
        tau, _ = self._span.moved_start(p)
        columns = [self._along(t0, self._u0[:n], p[:m], unit, np.zeros(m)) for unit in np.eye(n)]
        return -tau * np.array(columns).T

    def _along(self, t: float, u: np.ndarray, p: np.ndarray, s: np.ndarray, d: np.ndarray) -> np.ndarray:
        """J s + P d."""
        return self._system.slope(t, np.concatenate([u, s]), np.concatenate([p, d]))[len(u) :]

    def _by_time(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """f_t."""
        rates = observation(self._system, tuple(map(rate_name, self._system.base.state_names)))
        return rates.by_time(np.array([t]), np.concatenate([u, u])[None], p)[0]

    def _at_fixed_time(self, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of (a, A) by parameters and direction (2n, 2m), and by t0 (2n,)."""
        given = given_start(self._problem)
        if isinstance(given, TangentFunction):
            return given.derivative(p), np.zeros(len(self._u0))
        names = self._system.state_names
        fixed = {names.index(name) for name in given}
        return self._system.start_derivatives.initial(p, self._problem.tspan[0], fixed)

    def _of_rate(self, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of a_t by the parameters, shape (n, m), and by t0, shape (n,)."""
        problem, n, m = self._problem, len(self._problem.u0), len(p)
        system: Any = problem.system
        if callable(problem.given_u0):
            return np.zeros((n, m)), np.zeros(n)
        lowered = lower_start(system.definition)
        graph, time = lowered.graph, {lowered.graph.time(): lowered.graph.constant(1.0)}
        names, zero = system.state_names, graph.constant(0.0)
        initial = [
            zero if node is None or name in problem.given_u0 else node
            for name, node in zip(names, lowered.initial, strict=True)
        ]
        rates = directional(graph, initial, time)
        twice = Program(graph, directional(graph, rates, time)).run(problem.tspan[0], {"p": p})
        mixed = Matrix(graph, tuple(rates), [graph.input("p", j) for j in range(m)])
        return mixed(problem.tspan[0], p), np.array(twice)
