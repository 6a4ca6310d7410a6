"""Quantities of a model along a solution, and how derivatives pass through them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symde.codegen.derivatives import directional
from symde.codegen.observed import ObservedKernels
from symde.problem.system import System, refuse_delays
from symde.problem.values import unknown_name

_lock = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """Some quantities at saved times.

    Attributes:
        values: Shape (n_times, k).
    """

    values: np.ndarray
    _by_states: np.ndarray
    _by_parameters: np.ndarray
    _observation: Observation

    def pull_back(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of sum(weights * values) by the saved states, shape (n_times, n), and by the parameters
        with the states held fixed, shape (m,).

        Args:
            weights: Shape (n_times, k).
        """
        observation = self._observation
        rows, columns = observation.by_states
        states = np.zeros((len(weights), observation.n))
        _add_by_columns(states, columns, weights[:, rows] * self._by_states)
        rows, columns = observation.by_parameters
        parameters = np.zeros(observation.m)
        _add_by_columns(parameters, columns, (weights[:, rows] * self._by_parameters).sum(axis=0))
        return states, parameters

    def push_forward(self, states: np.ndarray, parameters: np.ndarray) -> np.ndarray:
        """Derivatives of the quantities by some x, shape (n_times, k, x).

        Args:
            states: Derivatives of the saved states, shape (n_times, n, x).
            parameters: Derivatives of the parameters, shape (m, x).
        """
        observation = self._observation
        if observation.columns is not None:
            return states[:, observation.columns]
        result = np.zeros((*self.values.shape, states.shape[2]))
        for entry, (row, column) in enumerate(zip(*observation.by_states, strict=True)):
            result[:, row] += self._by_states[:, entry, None] * states[:, column]
        for entry, (row, column) in enumerate(zip(*observation.by_parameters, strict=True)):
            result[:, row] += self._by_parameters[:, entry, None] * parameters[column]
        return result


class MeanObserved:
    """Means of quantities over paths at saved times.

    Attributes:
        values: Shape (n_times, k).
    """

    def __init__(self, every: Observed, paths: int) -> None:
        self._every, self._paths = every, paths
        self.values = every.values.reshape(paths, -1, every.values.shape[1]).mean(axis=0)

    def pull_back(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `Observed.pull_back`, with the derivatives by the states of all paths, (paths, n_times, n)."""
        states, parameters = self._every.pull_back(np.tile(weights / self._paths, (self._paths, 1)))
        return states.reshape(self._paths, len(weights), -1), parameters

    def push_forward(self, states: np.ndarray, parameters: np.ndarray) -> np.ndarray:
        """As `Observed.push_forward`, from derivatives of the states of all paths, (paths, n_times, n, x)."""
        every = self._every.push_forward(states.reshape(-1, *states.shape[2:]), parameters)
        return every.reshape(self._paths, -1, *every.shape[1:]).mean(axis=0)


def _add_by_columns(total: np.ndarray, columns: np.ndarray, terms: np.ndarray) -> None:
    """Adds terms to the places that their (ascending) columns name in the last axis."""
    if len(columns):
        starts = np.flatnonzero(np.diff(columns, prepend=-1))
        total[..., columns[starts]] += np.add.reduceat(terms, starts, axis=-1)


class Observation:
    """Some quantities of a model, by name: states, observables or parameters.

    Attributes:
        names: The quantities.
        n, m: Numbers of states and parameters.
        by_states, by_parameters: Rows and columns of the derivatives that are not zero.
        columns: Columns of the saved states that the quantities are, None where they are more than that.
    """

    def __init__(self, system: Any, names: tuple[str, ...]) -> None:
        graph = getattr(system, "quantities", None) or system.kernels.model_graph
        lowered = graph.lowered
        nodes = dict(zip(system.parameter_names, lowered.parameters, strict=True))
        nodes.update(zip(system.observable_names, lowered.observables, strict=True))
        nodes.update(zip(system.state_names, lowered.states, strict=True))
        self.names, self.n, self.m = names, len(lowered.states), len(lowered.parameters)
        self._model, self._nodes = graph, [nodes[name] for name in names]
        self._kernels = ObservedKernels(self._model, self._nodes)
        self.by_states, self.by_parameters = self._kernels.by_states, self._kernels.by_parameters
        # states alone, the common case, are columns of what was saved
        plain = all(name in system.state_names for name in names)
        self.columns = [system.state_names.index(name) for name in names] if plain else None

    def __call__(self, t: np.ndarray, u: np.ndarray, p: np.ndarray) -> Observed:
        """The quantities at times (n_times,) and states (n_times, n) under parameters (m,)."""
        if self.columns is not None:
            return Observed(u[:, self.columns], np.ones((1, len(self.names))), np.empty((1, 0)), self)
        return Observed(*self._kernels(t, u, p), self)

    def of_paths(self, t: np.ndarray, u: np.ndarray, p: np.ndarray) -> MeanObserved:
        """Their means over paths, from states of shape (paths, n_times, n)."""
        rows = u.reshape(-1, u.shape[-1])
        return MeanObserved(self(np.tile(t, len(u)), rows, p), len(u))

    @cached_property
    def _by_time(self) -> ObservedKernels | None:
        graph = self._model.lowered.graph
        nodes = directional(graph, self._nodes, {graph.time(): graph.constant(1.0)})
        return (
            None
            if all(graph.is_constant(node, 0.0) for node in nodes)
            else ObservedKernels(self._model, nodes)
        )

    def by_time(self, t: np.ndarray, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """Derivatives by time with states and parameters held fixed, shape (n_times, k)."""
        return np.zeros((len(t), len(self.names))) if self._by_time is None else self._by_time(t, u, p)[0]


def observation(system: System, names: Sequence[Any]) -> Observation:
    """Quantities of a model by name; the same object for the same names.

    Raises:
        ValueError: a name is unknown.
    """
    wanted = tuple(str(name) for name in names)
    if system.delays and not system.past_observables.isdisjoint(wanted):
        refuse_delays(system, "the derivative of a quantity that reads delayed values")
    known = (*system.state_names, *system.observable_names, *system.parameter_names)
    for name in wanted:
        if name not in known:
            raise unknown_name(name, "quantity", known)
    of_model: Any = system
    with _lock:
        if wanted not in of_model.observations:
            of_model.observations[wanted] = Observation(system, wanted)
        return of_model.observations[wanted]
