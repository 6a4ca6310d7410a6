"""Where a solve begins and ends, as tensors: what is given, and what follows the parameters.

Defaults, initial values and time spans of a model, and functions of p given in their place, are formulas, so
that derivatives go through them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symde.codegen.lower import lower, lower_start
from symde.codegen.start import in_order
from symde.layers.bridge.formula import Formula
from symde.layers.bridge.interface import transformed
from symde.problem.problem import Problem
from symde.problem.values import by_name
from symde.sensitivity.start import traced_start


def is_constant(problem: Problem) -> bool:
    """Whether neither initial values nor time span of a problem depend on parameters or times."""
    if callable(problem.given_u0) or callable(problem.given_tspan):
        return False
    system: Any = problem.system
    return not system.compiled or system.start_derivatives.constant


class Start:
    """What a problem says of its start, beyond what a call gives.

    Attributes:
        parameters, u0, span: The problem's own numbers, shapes (m,), (n,), (2,).
        constant: Whether neither initial values nor time span depend on parameters or times.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._known: dict[str, Formula] = {}
        # never on a device that is torch's default
        self.parameters, self.u0, self.span = (
            torch.from_numpy(np.array(one, dtype=float)) for one in (problem.p, problem.u0, problem.tspan)
        )
        self.constant = is_constant(problem)

    @functools.cached_property
    def _lowered(self) -> Any:
        return lower_start(self._problem.system.definition)  # type: ignore[attr-defined]

    @functools.cached_property
    def _inputs(self) -> tuple[int, ...]:
        return tuple(self._lowered.graph.input("p", j) for j in range(len(self.parameters)))

    @functools.cached_property
    def _followers(self) -> list[tuple[int, Formula]]:
        """Parameters whose default reads others, each after those it reads."""
        if not self._problem.system.compiled:
            return []
        graph = self._lowered.graph
        dependent = {
            j: node
            for j, node in enumerate(self._lowered.defaults)
            if node is not None and graph.inputs_read([node])
        }
        return [(j, Formula(graph, (node,), self._inputs)) for j, node in in_order(graph, dependent)]

    def followers(self, given: set[int]) -> list[int]:
        """Parameters that follow others when these are given."""
        names, own = self._problem.system.parameter_names, self._problem.given_parameters
        return [j for j, _ in self._followers if j not in given and names[j] not in own]

    def all_parameters(self, given: Sequence[tuple[range, Tensor]]) -> Tensor:
        """All parameters (..., m), the others the problem's or their defaults.

        Args:
            given: Places of some and their values (..., count).
        """
        leading = torch.broadcast_shapes(*(values.shape[:-1] for _, values in given))
        places = [j for some, _ in given for j in some]
        known = set(places)
        rest = [j for j in range(len(self.parameters)) if j not in known]
        columns = [values.expand(*leading, len(some)) for some, values in given]
        columns.append(self.parameters[rest].expand(*leading, len(rest)))
        order = np.argsort([*places, *rest])
        p = torch.cat(columns, -1)
        if (np.diff(order) != 1).any():
            p = p[..., order.tolist()]
        follow = self.followers(known)
        for j, formula in self._followers:
            if j in follow:
                p = torch.cat([p[..., :j], formula(p), p[..., j + 1 :]], -1)
        return p

    def time_span(self, p: Tensor) -> Tensor:
        """The time span, shape (..., 2)."""
        given = self._problem.given_tspan
        if callable(given):
            return self._function(given, ("t0", "t1"), "tspan")(p)
        if given is not None or not self._problem.system.compiled:
            return self.span
        graph = self._lowered.graph
        if self._lowered.tspan is None or not graph.inputs_read(self._lowered.tspan):
            return self.span
        return Formula(graph, self._lowered.tspan, self._inputs)(p)

    def initial_state(self, p: Tensor, t0: Tensor) -> Tensor:
        """The initial state, shape (..., n), from t0 of shape (..., 1)."""
        given, names = self._problem.given_u0, self._problem.system.state_names
        if callable(given):
            return self._function(given, names, "u0")(p)
        if not self._problem.system.compiled or len(given) == len(names):
            return self.u0
        u0 = self._initial(t0, p)
        fixed = [names.index(name) for name in given]
        if not fixed:
            return u0
        return torch.where(torch.from_numpy(np.isin(np.arange(len(names)), fixed)), self.u0, u0)

    @functools.cached_property
    def _initial(self) -> Formula:
        graph, given = self._lowered.graph, self._problem.given_u0
        names = self._problem.system.state_names
        zero = graph.constant(0.0)
        nodes = [
            zero if node is None or name in given else node
            for name, node in zip(names, self._lowered.initial, strict=True)
        ]
        return Formula(graph, nodes, (graph.time(), *self._inputs))

    def _function(self, function: Callable[..., Any], names: tuple[str, ...], what: str) -> Any:
        """A function of p for the start: traced, so that derivatives go through it, where they are wanted."""

        def called(p: Tensor) -> Tensor:
            if p.requires_grad or transformed():
                return self._traced(function, names, what)(p)
            rows = p.detach().numpy().reshape(-1, p.shape[-1])
            values = np.array([_values(function, row, names, what) for row in rows])
            return torch.from_numpy(values.reshape(*p.shape[:-1], len(names)))

        return called

    def _traced(self, function: Callable[..., Any], names: tuple[str, ...], what: str) -> Formula:
        if what not in self._known:
            p = self._problem.p
            lowered = lower(traced_start(function, p, names, what))
            formula = Formula(lowered.graph, lowered.rhs, lowered.parameters)
            if not np.allclose(formula.evaluate(p), _values(function, p, names, what), rtol=1e-12, atol=0.0):
                raise ValueError(
                    f"the function given as {what} gives other values where it is traced, so that its "
                    "derivative is not known: write it with operators and numpy functions of p alone"
                )
            self._known[what] = formula
        return self._known[what]


def _values(function: Callable[..., Any], p: np.ndarray, names: tuple[str, ...], what: str) -> list[float]:
    found = by_name(function(p.copy()), names, what)
    return [found[name] for name in names]


@functools.lru_cache(64)
def start_of(problem: Problem) -> Start:
    """What a problem says of its start; the same object for the same problem."""
    return Start(problem)
