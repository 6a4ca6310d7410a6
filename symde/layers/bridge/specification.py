"""What stays the same from one solve of a layer to the next: the problem, its options, the strategy."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.layers.bridge.formula import Formula, slope_formula, tangent_slope_formula
from symde.members.lanes import NONE, LaneChoice, lanes_for
from symde.members.loops import hosted
from symde.plan import Plan, plan_for
from symde.problem import options
from symde.problem.problem import Problem
from symde.problem.values import tolerances_by_name
from symde.sensitivity import auto, discrete, registry
from symde.sensitivity.modes import with_located_jumps
from symde.sensitivity.run import Run, prepare
from symde.sensitivity.strategy import Record
from symde.sensitivity.tangent import Direction, tangent_run
from symde.sensitivity.wrt import Wrt

REMEMBERED = 64
"""Specifications remembered, with their problems."""


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """One solve's numbers: initial state (n,), parameters (m,), time span (2,) and times to save (T,)."""

    u0: np.ndarray
    p: np.ndarray
    span: np.ndarray
    times: np.ndarray


class Specification:
    """How the solves of a layer are done.

    Args:
        problem: Names the model, and gives what no tensor gives.
        sensealg: The strategy of differentiation.
        solving: method, rtol, atol, dt0, dtmax, max_steps and linear_solver, as in `symde.solve`.
        parameters: Indices of the parameters that derivatives are taken by; the others are constants. None:
            all of them.
        workers: Threads of a batch.
        lanes: Whether members of a batch may be solved side by side.

    Attributes:
        n, m: Numbers of states and of parameters.
        pointwise: Whether plain solves at two points differ in the points' numbers alone.

    Raises:
        ValueError, TypeError: an option is not what it should be.
    """

    pointwise = True

    def __init__(
        self,
        problem: Problem,
        sensealg: str,
        solving: dict[str, Any],
        parameters: tuple[int, ...] | None = None,
        workers: int = 1,
        lanes: bool = True,
    ) -> None:
        if not isinstance(problem, Problem):
            raise TypeError(
                f"expected a symde.Problem, found {type(problem).__name__}: write symde.Problem(model, ...)"
            )
        if getattr(problem.system.kernels, "constrained", False):
            raise ValueError(
                "torch functions know no models with equations without a derivative, mass matrices or "
                "projections: symde.value_and_grad and symde.sensitivities differentiate them"
            )
        if sensealg != registry.AUTO:
            registry.get(sensealg)
        self.problem, self.sensealg = problem, sensealg
        self.parameters = tuple(range(len(problem.p))) if parameters is None else parameters
        self.n, self.m = len(problem.u0), len(problem.p)
        self._solving = solving
        self.workers = options.count(workers, "workers")
        self._side_by_side = options.truth(lanes, "lanes")
        self._restricted: dict[tuple[int, ...], Specification] = {}
        system = problem.system
        names = ("method", "rtol", "dt0", "dtmax", "max_steps", "linear_solver")
        self.plan: Plan = plan_for(system, *(solving[name] for name in names), None)
        self.atol = options.absolute_tolerance(
            tolerances_by_name(solving["atol"], system), system.state_names, system.nominal, self.plan.rtol
        )

    @functools.cached_property
    def _run(self) -> Run:
        """The options of solves that are differentiated.

        Raises:
            ValueError: the model is a function of which no derivative is known.
        """
        return prepare(self.problem, events=True, **self._solving)

    @functools.cached_property
    def lanes(self) -> LaneChoice | None:
        """How the compiled loops solve the members of a batch; None where the host sees to each, or calls a
        function of the user."""
        system = self.problem.system
        if not system.compiled or hosted(system, self.plan):
            return None
        return lanes_for(system, self.plan) if self._side_by_side else NONE

    @functools.cached_property
    def slope(self) -> Formula:
        """The right-hand side as a function of (t, u, p)."""
        return slope_formula(self.problem.system)

    @functools.cached_property
    def tangent(self) -> TangentSpecification:
        """How solution and tangent are solved together."""
        return TangentSpecification(self)

    def restricted(self, parameters: tuple[int, ...]) -> Specification:
        """The same with derivatives by these parameters alone."""
        if parameters == self.parameters:
            return self
        if parameters not in self._restricted:
            new = Specification(
                self.problem, self.sensealg, self._solving, parameters, self.workers, self._side_by_side
            )
            self._restricted[parameters] = new
        return self._restricted[parameters]

    def wrt(self, wanted: tuple[bool, bool]) -> Wrt:
        """What is differentiated by: initial values, parameters."""
        states, parameters = wanted
        return Wrt((), self.parameters if parameters else (), tuple(range(self.n)) if states else ())

    def plain(self, point: Point) -> Run:
        """What is to be solved where no derivative is wanted."""
        return Run(self._at(point), self.plan, self.atol, point.times)

    def run(self, point: Point) -> Run:
        """What is to be solved and differentiated."""
        return Run(self._at(point), self._run.plan, self.atol, point.times)

    def record(self, point: Point, wanted: tuple[bool, bool]) -> Record:
        """A solve ready to be differentiated by initial values and parameters, as wanted.

        Raises:
            SolveError: the solve did not reach its end.
            ValueError: the strategy cannot differentiate such a solve.
        """
        wrt = self.wrt(wanted)
        sensealg, run = self.strategy(point, wrt)
        return registry.get(sensealg, run.problem.system.kernels.has_events).record(run, wrt)

    def strategy(self, point: Point, wrt: Wrt) -> tuple[str, Run]:
        """The name of the strategy, and what it is to record."""
        run = with_located_jumps(self.run(point), wrt)
        if self.sensealg != registry.AUTO:
            return self.sensealg, run
        return auto.choose(run, wrt, free=self._solving["method"] is None)

    def _at(self, point: Point) -> Problem:
        return problem_at(self.problem, point)

    def refuse_underived(self) -> None:
        """Refuse a model of which no derivative is known.

        Raises:
            ValueError: it is none, with the remedy.
        """
        _ = self._run


class TangentSpecification:
    """How a solution is solved with its derivative along a direction: states (u, s), parameters (p, d).

    Args:
        below: How the solution alone is solved.
    """

    pointwise = False
    lanes: LaneChoice | None = None

    def __init__(self, below: Specification) -> None:
        self.below = below
        self.n, self.m = 2 * below.n, 2 * below.m
        self.problem, self.sensealg, self.workers = below.problem, below.sensealg, below.workers
        self.parameters = (*below.parameters, *(below.m + j for j in below.parameters))

    @functools.cached_property
    def slope(self) -> Formula:
        """The right-hand side of solution and tangent as a function of (t, u, p)."""
        return tangent_slope_formula(self.problem.system)

    @property
    def tangent(self) -> TangentSpecification:
        """There is none.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("third derivatives of a solve are not known, only first and second ones")

    wrt = Specification.wrt

    def run(self, point: Point) -> Run:
        """What is to be solved and differentiated."""
        n, m = self.below.n, self.below.m
        run = self.below.run(replace(point, u0=point.u0[:n], p=point.p[:m]))
        return tangent_run(run, Direction(point.u0[n:], point.p[m:]))

    plain = run

    def record(self, point: Point, wanted: tuple[bool, bool]) -> Record:
        """As `Specification.record`."""
        run, sensealg = self.run(point), self.sensealg
        if sensealg == registry.AUTO:
            able = all(method.family in discrete.FAMILIES for method in run.plan.methods)
            sensealg = "discrete" if able else "forward"
        return registry.get(sensealg).record(run, self.wrt(wanted))

    def refuse_underived(self) -> None:
        """Refuse a model of which no derivative is known."""
        self.below.refuse_underived()


AnySpecification = Specification | TangentSpecification


def problem_at(problem: Problem, point: Point) -> Problem:
    """A problem with all its numbers given."""
    t0, t1 = point.span.tolist()
    system = problem.system
    new: Any = object.__new__(Problem)
    new._set(
        problem.model,
        system,
        problem.kind,
        point.u0,
        (t0, t1),
        point.p,
        dict.fromkeys(system.state_names, 0.0),
        (t0, t1),
        dict.fromkeys(system.parameter_names, 0.0),
    )
    return new


def specification(
    problem: Any, sensealg: Any, workers: Any = 1, lanes: Any = True, **solving: Any
) -> Specification:
    """The specification of a problem and options; the same object for the same ones."""
    given = problem, sensealg, workers, lanes, *solving.items()
    try:
        return _remembered(*given)
    except TypeError:  # an option that may change, or a mistake: the checks themselves tell which
        return _made(*given)


def _made(problem: Any, sensealg: Any, workers: Any, lanes: Any, *solving: tuple[str, Any]) -> Specification:
    return Specification(problem, sensealg, dict(solving), workers=workers, lanes=lanes)


_remembered = functools.lru_cache(REMEMBERED, typed=True)(_made)
