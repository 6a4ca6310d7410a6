"""What a fit asks of solves: the data compared with a problem, and derivatives of what was saved.

Of an ordinary problem it is one solve; of one with noise the paths of a seed, whose mean the data are
compared with. The seed stays the same through the fit, so that the loss is smooth in what is estimated.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from symde.fit.matched import Compared, Matched
from symde.problem import options
from symde.problem.problem import Problem
from symde.problem.solution import Solution
from symde.sensitivity import registry
from symde.sensitivity.integrate import integrate
from symde.sensitivity.modes import with_located_jumps
from symde.sensitivity.noise_gradient import along, path_run, refuse_moving_span
from symde.sensitivity.noise_paths import follow, solution_of
from symde.sensitivity.run import prepare
from symde.sensitivity.start import start_of
from symde.sensitivity.wrt import Wrt, wrt_of

RTOL, ATOL = 1e-8, 1e-10
"""Tighter than those of a solve: an optimiser sees the noise that tolerances leave in a sum of squares."""


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """Data compared with a solve, and its derivatives by what was asked for.

    Attributes:
        compared: The comparison.
        du0, dp: Derivatives of the saved states by initial values and by parameters, shapes (n_times, n, ...)
            and, of paths, (paths, n_times, n, ...).
        parameters: What each parameter takes along, shape (m, m).
    """

    compared: Compared
    du0: np.ndarray
    dp: np.ndarray
    parameters: np.ndarray


class Solves(Protocol):
    """How the problems of a fit are solved; experiments are counted, as each has noise of its own.

    Attributes:
        options: The same as options of `symde.value_and_grad`.
        derivative_error: Of derivatives, relative: that of tolerances, and none where they are of the very
            steps that were taken.
    """

    options: dict[str, Any]
    derivative_error: float

    def compared(self, number: int, data: Matched, problem: Problem) -> tuple[Solution, Compared]:
        """A solve, and the data compared with it.

        Raises:
            SolveError: it did not reach its end.
        """
        ...

    def derived(self, number: int, data: Matched, problem: Problem, names: Sequence[str]) -> Derived:
        """The same with derivatives by parameters and initial values."""
        ...

    def curve(
        self, number: int, data: Matched, problem: Problem, times: np.ndarray
    ) -> Mapping[str, np.ndarray]:
        """What the data are of at some times, by name."""
        ...


def solves_of(problem: Problem, solving: dict[str, Any]) -> Solves:
    """How a problem is solved with some options, of which the two tolerances are always given.

    Raises:
        ValueError, TypeError: an option is not what it should be.
    """
    return PathSolves(problem, solving) if problem.kind == "sde" else OrdinarySolves(problem, solving)


def _refuse_unknown(solving: Mapping[str, Any], function: Callable[..., Any], own: tuple[str, ...]) -> None:
    """Refuse options that no solve of a fit has."""
    known = [name for name in inspect.signature(function).parameters if name not in own]
    for name in solving:
        if name not in known:
            raise TypeError(f"unexpected option `{name}`: those of the solves are {', '.join(known)}")


class OrdinarySolves:
    """Solves of ordinary equations; arguments as of `solves_of`."""

    def __init__(self, problem: Problem, solving: dict[str, Any]) -> None:
        _refuse_unknown(solving, prepare, ("problem", "saveat"))
        self.options = self._solving = solving
        self.derivative_error = float(solving["rtol"])
        prepare(problem, events=True, **solving)  # what is wrong with the options is told here

    def compared(self, number: int, data: Matched, problem: Problem) -> tuple[Solution, Compared]:
        """A solve, and the data compared with it."""
        run = prepare(problem, saveat=data.times, events=True, **self._solving)
        solution = integrate(run, problem, run.atol)
        return solution, data.at(solution.t, solution.u, problem.p)

    def derived(self, number: int, data: Matched, problem: Problem, names: Sequence[str]) -> Derived:
        """The same with derivatives."""
        run = prepare(problem, saveat=data.times, events=True, **self._solving)
        wanted = wrt_of(names, problem.system)
        run = with_located_jumps(run, wanted)
        found: Any = registry.get("forward", run.problem.system.kernels.has_events).record(run, wanted)
        compared = data.at(found.solution.t, found.solution.u, problem.p)
        return Derived(compared, found.du0, found.dp, found.start.parameters)

    def curve(
        self, number: int, data: Matched, problem: Problem, times: np.ndarray
    ) -> Mapping[str, np.ndarray]:
        """What the data are of."""
        run = prepare(problem, saveat=times, events=True, **self._solving)
        solution = integrate(run, problem, run.atol)
        return {name: solution[name] for name in ("t", *data.quantities)}


class PathSolves:
    """Paths of equations with noise; arguments as of `solves_of`."""

    derivative_error = 0.0

    def __init__(self, problem: Problem, solving: dict[str, Any]) -> None:
        _refuse_unknown(solving, path_run, ("problem", "saveat", "first"))
        usual: dict[str, Any] = {"rtol": RTOL, "atol": ATOL}  # those of ordinary solves mean nothing here
        self.options: dict[str, Any] = {
            name: one
            for name, one in solving.items()
            if name not in usual or not (isinstance(one, float) and one == usual[name])
        }
        self._solving = self.options
        refuse_moving_span(problem)
        self._count = options.count(self._solving.get("n", 1), "n")
        path_run(problem, **self._solving)

    def _run(self, number: int, problem: Problem, times: np.ndarray) -> Any:
        return path_run(problem, saveat=times, first=number * self._count, **self._solving)

    def compared(self, number: int, data: Matched, problem: Problem) -> tuple[Solution, Compared]:
        """The first path, and the data compared with the mean of all."""
        run = self._run(number, problem, data.times)
        found = follow(run)
        first = solution_of(run, found.u[0], int(found.steps[0]), found.seconds)
        return first, data.at(run.times, found.u, problem.p)

    def derived(self, number: int, data: Matched, problem: Problem, names: Sequence[str]) -> Derived:
        """The same with derivatives."""
        run, start = self._run(number, problem, data.times), start_of(problem)
        wanted: Wrt = wrt_of(names, problem.system)
        found, du0, dp = along(run, start, wanted)
        return Derived(data.at(run.times, found.u, problem.p), du0, dp, start.parameters)

    def curve(
        self, number: int, data: Matched, problem: Problem, times: np.ndarray
    ) -> Mapping[str, np.ndarray]:
        """The means of what the data are of."""
        run = self._run(number, problem, times)
        values = data.observe.of_paths(run.times, follow(run).u, problem.p).values
        return {"t": run.times, **dict(zip(data.quantities, values.T, strict=False))}
