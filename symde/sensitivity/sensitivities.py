"""`symde.sensitivities`: the solution with its derivatives at every saved time."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Never

import numpy as np

from symde.call_events import with_call_events
from symde.engine.cpu import linear_solvers
from symde.problem import options
from symde.problem.problem import Problem
from symde.problem.solution import Solution
from symde.sensitivity import registry
from symde.sensitivity.modes import locates_jumps, with_modes
from symde.sensitivity.observation import observation
from symde.sensitivity.run import expected_problem, prepare, refuse_path_options
from symde.sensitivity.start import Start, start_of
from symde.sensitivity.wrt import Wrt, pair_of, wrt_of


@dataclass(frozen=True, eq=False)
class Sensitivities:
    """A solution and its derivatives.

    Attributes:
        solution: The solution.
        du0: Derivatives by the initial values asked for, shape (n_times, n, number of initial values).
        dp: Derivatives by the parameters asked for, shape (n_times, n, number of parameters).
    """

    solution: Solution
    du0: np.ndarray
    dp: np.ndarray
    _names: tuple[tuple[str, ...], tuple[str, ...]]
    _start: Start
    _parameters: tuple[int, ...]
    _end: np.ndarray | None

    @property
    def t(self) -> np.ndarray:
        """Saved times, shape (n_times,)."""
        return self.solution.t

    @property
    def u(self) -> np.ndarray:
        """Saved states, shape (n_times, n)."""
        return self.solution.u

    def __getitem__(self, pair: tuple[str, str]) -> np.ndarray:
        """The derivative of a state or an observed quantity by a parameter or an initial value, by name,
        shape (n_times,): `sens["y1", "k1"]`, `sens["y1", "y2(0)"]`."""
        quantity, by = pair_of(pair, 'sens["y1", "k1"]')
        names, system = self.solution.names, self.solution.problem.system
        parameters, initial = self._names
        if quantity not in (*names, *system.observable_names):
            known = ", ".join((*names, *system.observable_names))
            raise KeyError(f"unknown quantity {quantity!r}: the model has {known}")
        if by in parameters:
            column, of_parameters = parameters.index(by), True
        elif by.removesuffix("(0)") in initial:
            column, of_parameters = initial.index(by.removesuffix("(0)")), False
        else:
            known = (*parameters, *(f"{name}(0)" for name in initial))
            raise KeyError(f"no derivative by {by!r} was asked for: there are {', '.join(known)}")
        columns = (self.dp if of_parameters else self.du0)[:, :, column]
        if quantity in names:
            return columns[:, names.index(quantity)]
        parameter = self._parameters[column] if of_parameters else None
        end = 0.0
        if self._end is not None:
            end = self._end[column if of_parameters else len(parameters) + column]
        return self._of_observed(quantity, columns, parameter, end)

    def _of_observed(self, name: str, columns: np.ndarray, parameter: int | None, end: float) -> np.ndarray:
        """The derivative of an observed quantity, from that of the states (n_times, n); by which parameter,
        or None where it is an initial value; and the derivative of the time of an end that an event made."""
        solution, start = self.solution, self._start
        problem = solution.problem
        found = observation(problem.system, (name,))
        own = np.zeros((len(problem.p), 1))
        if parameter is not None:
            own[:, 0] = start.parameters[:, parameter]
        at_points = found(solution.t, solution.u, problem.p)
        derivative = at_points.push_forward(columns[:, :, None], own)[:, 0, 0]
        if parameter is not None and start.ends and solution.t[-1] == problem.tspan[1]:
            end += start.span[1] @ own[:, 0]
        if end:
            derivative[-1] += end * found.by_time(solution.t[-1:], solution.u[-1:], problem.p)[0, 0]
        return derivative

    def __repr__(self) -> str:
        parameters, initial = (len(names) for names in self._names)
        by = f"{parameters} parameters and {initial} initial values"
        return f"<Sensitivities: {len(self.solution.names)} states by {by} at {len(self.t)} times>"


def sensitivities(
    problem: Any,
    method: Any = None,
    *,
    wrt: Any = ("u0", "p"),
    saveat: Any = None,
    events: Any = None,
    sensealg: str = "forward",
    rtol: float = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    dt0: float | None = None,
    dtmax: float | None = None,
    max_steps: int = options.DEFAULT_MAX_STEPS,
    linear_solver: str = linear_solvers.AUTO,
    seed: int | None = None,
    **unknown: Never,
) -> Sensitivities:
    """Solve a problem and differentiate the solution at every saved time.

    Args:
        problem: What to solve.
        wrt: What to differentiate by: "u0" (all initial values), "p" (all parameters), names of parameters,
            names of states for their initial values, or several of these.
        events: Events for this solve beside the model's own, as in `symde.solve`.
        sensealg: "forward", the only strategy that gives whole solutions' derivatives.
        method, saveat, rtol, atol, dt0, dtmax, max_steps, linear_solver: As in `symde.solve`. The derivatives
            are held to the same relative tolerance, and to the absolute tolerance of their state over the
            size of what they are by.
        seed: Of a problem with noise, as in `symde.solve`. The derivatives are those of the path, exact for
            its steps and its noise; without `saveat` at every step, or at 101 times.

    Returns:
        The solution with `du0` of shape (n_times, n, n_u0) and `dp` of shape (n_times, n, n_p). A derivative
        by a parameter includes all that follows it: initial values, defaults of other parameters, the time
        span.

    Raises:
        SolveError: the solve did not reach its end.
        ValueError, TypeError: an option is not what it should be, or the method has no forward sensitivities.
    """
    if unknown:
        options.refuse_unknown(unknown, sensitivities)
    if sensealg != "forward":
        raise ValueError(
            f"sensealg={sensealg!r}: derivatives of a whole solution come from 'forward' alone; for the "
            "gradient of one number use symde.value_and_grad"
        )
    expected_problem(problem)
    if events is not None:
        problem = with_call_events(problem, events)
    if problem.kind == "sde":
        given = {"rtol": rtol, "atol": atol, "dtmax": dtmax, "linear_solver": linear_solver}
        others = options.changed(given, sensitivities)
        path, du0, dp, wanted = importlib.import_module("symde.sensitivity.noise_gradient").sensitivities(
            problem, method, wrt, saveat, seed, dt0, max_steps, others
        )
        names, start = _names(problem, wanted), start_of(problem)
        return Sensitivities(path, du0, dp, names, start, wanted.parameters, None)
    refuse_path_options(problem, seed=seed)
    run = prepare(
        problem,
        method,
        rtol=rtol,
        atol=atol,
        saveat=saveat,
        dt0=dt0,
        dtmax=dtmax,
        max_steps=max_steps,
        linear_solver=linear_solver,
        events=True,
    )
    wanted = wrt_of(wrt, problem.system)
    if locates_jumps(problem, wanted, 2):
        run = with_modes(run)
    found: Any = registry.get("forward", run.problem.system.kernels.has_events).record(run, wanted)
    found.solution.problem = problem
    start, end = start_of(problem), found.end
    if end is not None:
        count = len(found.parameters)
        follow = start.parameters[np.ix_(found.parameters, wanted.parameters)]
        end = np.concatenate([end[:count] @ follow, end[count:]])
    names = _names(problem, wanted)
    return Sensitivities(found.solution, found.du0, found.dp, names, start, wanted.parameters, end)


def _names(problem: Problem, wanted: Wrt) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the parameters and of the initial values that derivatives are by."""
    system = problem.system
    return (
        tuple(system.parameter_names[j] for j in wanted.parameters),
        tuple(system.state_names[i] for i in wanted.states),
    )
