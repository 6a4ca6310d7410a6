"""A problem with one tangent along a direction of its parameters and initial values, as a problem.

To the rest of symde it is a problem like any other: every strategy differentiates it, and the derivative of a
derivative along a direction is the Hessian times that direction.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.codegen.adjoints import AdjointKernels
from symde.codegen.evaluate import evaluate
from symde.codegen.fixed_modes import FixedModes
from symde.codegen.lower import lower_start
from symde.codegen.start_derivatives import StartDerivatives
from symde.codegen.tangent import (
    TangentKernels,
    observed_names,
    tangent_name,
    tangent_start,
)
from symde.plan import plan_like
from symde.problem.problem import with_system
from symde.problem.system import Equation, NonFinite
from symde.problem.traits import Traits
from symde.sensitivity.constrained import refuse_constrained
from symde.sensitivity.moving_start import MovedStart, TangentSpan, given_start
from symde.sensitivity.observation import observation
from symde.sensitivity.run import Run, refuse_events
from symde.sensitivity.start import Start, start_of


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """A direction of initial values, shape (n,), and of parameters, shape (m,)."""

    u0: np.ndarray
    p: np.ndarray


class TangentSystem:
    """The system of a model with one tangent.

    Attributes:
        base: The model's own system.
    """

    compiled = True
    delays = False
    past_observables: frozenset[str] = frozenset()
    split = False
    nominal = None

    def __init__(self, base: Any) -> None:
        self.base = base
        lowered = base.kernels.lowered if isinstance(base.kernels, FixedModes) else None
        self.kernels = TangentKernels(base.definition, lowered)
        self.definition = self.kernels.definition
        self.state_names = self.definition.state_names
        self.parameter_names = self.definition.parameter_names
        directions = len(self.parameter_names) - len(base.parameter_names)
        self.observable_names = observed_names(base.definition)
        self.observations: dict[tuple[str, ...], Any] = {}
        self.parameter_nominals = (*base.parameter_nominals, *[None] * directions)
        self.sessions: dict[Any, list[Any]] = {}
        self.plans: Any = None
        self.solved: Any = self
        self.augmented: dict[Any, Any] = {}

    @functools.cached_property
    def adjoint_kernels(self) -> AdjointKernels:
        """Products of row vectors with the derivatives of the right-hand side."""
        return AdjointKernels(self.kernels.model_graph)

    @functools.cached_property
    def start_derivatives(self) -> StartDerivatives:
        """Derivatives of defaults, initial values and their tangents by parameters and direction."""
        return StartDerivatives(tangent_start(lower_start(self.base.definition)))

    @property
    def traits(self) -> Traits:
        """What the choice of methods must know."""
        return Traits(self.kernels.n)

    def parameters(self, given: Mapping[str, float]) -> np.ndarray:
        """Parameters and direction, all given."""
        return np.array([given[name] for name in self.parameter_names])

    def initial_state(self, p: np.ndarray, t0: float, given: Mapping[str, float]) -> np.ndarray:
        """States and tangents, all given."""
        return np.array([given[name] for name in self.state_names])

    def time_span(self, p: np.ndarray) -> None:
        """Always given."""
        return None

    def observe(self, t: np.ndarray, u: np.ndarray, p: np.ndarray, solution: Any = None) -> np.ndarray:
        """Observables, tangents and rates, shape (n_times, number of names)."""
        return observation(self, self.observable_names)(t, u, p).values

    def unit(self, name: str) -> str | None:
        """The unit a state or parameter was declared with."""
        return self.base.unit(name)

    def equation(self, index: int) -> Equation:
        """The equation of a state; of a tangent, that of its state."""
        n = len(self.base.state_names)
        if index < n:
            return self.base.equation(index)
        state = self.base.equation(index - n)
        return Equation(self.state_names[index], f"derivative of: {state.text}", state.file, state.line)

    def non_finite(self, t: float, u: np.ndarray, p: np.ndarray) -> NonFinite | None:
        """The first non-finite subexpression of the model."""
        base = self.base
        return base.non_finite(t, u[: len(base.state_names)], p[: len(base.parameter_names)])

    def slope(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The right-hand side, by the graph's interpreter."""
        lowered = self.kernels.lowered
        values = evaluate(lowered.graph, lowered.rhs, t, {"u": u, "p": p})
        return np.array([values[node] for node in lowered.rhs], dtype=float)

    def derivative(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """u', shape (n,): the right-hand side, as a model with a mass matrix has no tangent."""
        return self.slope(t, u, p)

    def take_error(self) -> BaseException | None:
        """Compiled kernels raise nothing."""
        return None


_lock = threading.Lock()


def tangent_system(system: Any) -> TangentSystem:
    """The system of a model with one tangent; the same object each time."""
    with _lock:
        known = system.augmented
        if "tangent" not in known:
            known["tangent"] = TangentSystem(system)
        return known["tangent"]


def tangent_run(run: Run, direction: Direction) -> Run:
    """What is solved to know a solution and its derivative along a direction.

    Raises:
        ValueError: no derivative of the start is known, or the model has events.
    """
    refuse_events(run.problem.system)
    if run.problem.system.kernels.constrained:
        refuse_constrained(
            run.problem.system,
            "no second derivatives and no derivatives along a direction are known",
            "take central differences of first derivatives by forward sensitivities",
        )
    problem, start = run.problem, start_of(run.problem)
    # parameters that follow others move with them
    p_direction = start.parameters @ direction.p
    u0 = np.concatenate([problem.u0, start.u0 @ p_direction + direction.u0])
    p = np.concatenate([problem.p, p_direction])
    system = tangent_system(problem.system)
    given = {name: 0.0 for one in problem.given_parameters for name in (one, tangent_name(one))}
    span = TangentSpan(problem) if start.span.any() else None
    given_u0 = (
        MovedStart(problem, system, span, u0)
        if span is not None and start.span[0].any()
        else given_start(problem)
    )
    with_tangent = with_system(problem, system, u0, p, given_u0, given, span)
    atol = _tolerance(run, start, direction)
    return replace(run, problem=with_tangent, plan=plan_like(run.plan, system), atol=atol)


def _tolerance(run: Run, start: Start, direction: Direction) -> np.ndarray:
    """Absolute tolerances of states and tangents, shape (2n,): a tangent is judged by what it says of the
    state where the direction is followed until some parameter or value has changed by its own size."""
    problem = run.problem
    atol = np.broadcast_to(np.asarray(run.atol, dtype=float), problem.u0.shape)
    sizes = np.abs(np.concatenate([problem.u0, problem.p]))
    moved = np.abs(np.concatenate([direction.u0, direction.p]))
    largest = np.max(moved / np.where(sizes == 0.0, 1.0, sizes), initial=0.0)
    return np.concatenate([atol, atol * (largest or 1.0)])
