"""States with sensitivity columns as a problem of their own: s_j' = J s_j + df/dx_j beside u' = f.

To the rest of symde it is a problem like any other, so that it is solved, observed and explained by the same
code.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from symde.codegen.column_events import ColumnEvents
from symde.codegen.column_graph import WholeKernels
from symde.codegen.columns import ColumnKernels
from symde.codegen.delay_columns import DelayColumnsKernels
from symde.engine.cpu.columns import ColumnsSystem, padded_width
from symde.engine.cpu.delays import DelaySystem
from symde.problem.problem import Problem, with_system
from symde.problem.system import Equation, NonFinite
from symde.sensitivity.start import Start


class AugmentedSystem:
    """The system of a model with columns for some parameters and some initial values.

    Args:
        whole: Whether its kernels come from one graph of states and columns, and not from the columns' own.
        events: Whether the model's events take place as well.

    Attributes:
        base: The model's own system.
        parameters, states: Indices of the parameters and of the initial values that have a column, in the
            order of their columns, those of parameters first.
        partials: Kernels of the derivatives that columns need; None where the graph of the whole has them.
        combined: Whether there is but one column, along a direction of all of these: its weights by the
            parameters follow them as parameters, those by the initial values are its start.
    """

    compiled = True
    past_observables: frozenset[str] = frozenset()
    split = False
    nominal = None
    observable_names: tuple[str, ...] = ()

    def __init__(
        self,
        base: Any,
        parameters: tuple[int, ...],
        states: tuple[int, ...],
        whole: bool = False,
        combined: bool = False,
        events: bool = False,
    ) -> None:
        self.base, self.parameters, self.states, self.combined = base, parameters, states, combined
        self.delays = base.delays
        count = 1 if combined else len(parameters) + len(states)
        self.partials: Any = None
        self.kernels: Any
        if base.delays:
            self.kernels = _delay_columns(base.kernels, parameters, count, combined)
        else:
            kernels = base.kernels.for_parameters(parameters)
            self.partials = ColumnKernels(kernels.model_graph, parameters, combined)
            width, graph = padded_width(count), kernels.model_graph
            own: Any = ColumnEvents(graph, kernels.events, parameters, width) if events else None
            if whole:
                self.kernels = WholeKernels(kernels, parameters, width, own)
            else:
                self.kernels = ColumnsSystem(kernels, self.partials, count, own)
        self.parameter_names = base.parameter_names
        self.sessions: dict[Any, list[Any]] = {}
        self.plans: Any = None
        self.solved: Any = self

    @property
    def state_names(self) -> tuple[str, ...]:
        """The states, then d(state)/d(what a column belongs to), row by row; unused places are empty."""
        base = self.base
        if self.combined:
            return (*base.state_names, *(f"d({state})/d(a direction)" for state in base.state_names))
        columns = [base.parameter_names[j] for j in self.parameters]
        columns += [f"{base.state_names[i]}(0)" for i in self.states]
        columns += [""] * (self.kernels.width - len(columns))
        derivatives = (f"d({state})/d({x})" if x else "" for state in base.state_names for x in columns)
        return (*base.state_names, *derivatives)

    def equation(self, index: int) -> Equation:
        """The equation of a state; of a derivative, that of its state."""
        n = len(self.base.state_names)
        if index < n:
            return self.base.equation(index)
        state = self.base.equation((index - n) // self.kernels.width)
        return Equation(self.state_names[index], f"derivative of: {state.text}", state.file, state.line)

    def non_finite(self, t: float, u: np.ndarray, p: np.ndarray) -> NonFinite | None:
        """The first non-finite subexpression of the model."""
        return self.base.non_finite(t, u[: len(self.base.state_names)], p[: len(self.parameter_names)])

    def slope(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The slopes of the states; those of the columns are left out (zeros)."""
        n = len(self.base.state_names)
        slope = np.zeros(len(u))
        slope[:n] = self.base.slope(t, u[:n], p[: len(self.parameter_names)])
        return slope

    def unit(self, name: str) -> str | None:
        """The unit a state or parameter was declared with."""
        return self.base.unit(name)

    def take_error(self) -> BaseException | None:
        """Compiled kernels raise nothing."""
        return None


def _delay_columns(
    model: DelaySystem, parameters: tuple[int, ...], count: int, combined: bool
) -> DelaySystem:
    """States with delayed values and their columns."""
    return DelaySystem(DelayColumnsKernels(model.model, parameters, count, padded_width(count), combined))


_lock = threading.Lock()


def augmented_system(
    system: Any,
    parameters: tuple[int, ...],
    states: tuple[int, ...],
    whole: bool = False,
    combined: bool = False,
    events: bool = False,
) -> AugmentedSystem:
    """The augmented system of a model; the same object for the same columns."""
    known = system.augmented
    key = parameters, states, whole, combined, events
    if key not in known:
        with _lock:
            if key not in known:
                known[key] = AugmentedSystem(system, parameters, states, whole, combined, events)
    return known[key]


def augmented_start(problem: Problem, system: AugmentedSystem, start: Start, u: np.ndarray) -> None:
    """Set the initial values of the states and their columns.

    Args:
        problem: The model's own.
        system: Which columns there are.
        start: Derivatives of the start.
        u: To be filled, shape (n*(1 + width),).
    """
    n, count = len(problem.u0), len(system.parameters)
    u.fill(0.0)
    u[:n] = problem.u0
    columns = u[n:].reshape(n, -1)
    if not start.constant:
        columns[:, :count] = start.u0[:, list(system.parameters)]
    for place, state in enumerate(system.states, count):
        columns[state, place] = 1.0


def augmented_problem(problem: Problem, system: AugmentedSystem, start: Start) -> Problem:
    """The problem of the states and their columns, for messages; arguments as above."""
    u0 = np.zeros(system.kernels.n)
    augmented_start(problem, system, start, u0)
    return with_system(problem, system, u0)
