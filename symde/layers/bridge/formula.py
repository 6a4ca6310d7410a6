"""Expressions of a model as torch functions, with the derivatives that the rest of symde takes of them.

A formula is differentiated on its graph, into formulas of more variables, so its derivatives of any order are
exact and treat kinks and branches as the compiled code does.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from symde.codegen.derivatives import adjoint, directional
from symde.codegen.evaluate import evaluate
from symde.codegen.graph import Graph
from symde.codegen.lower import lower
from symde.codegen.tangent import TangentGraph
from symde.layers.bridge.interface import Differentiable, refuse_nested_forward
from symde.problem.system import refuse_delays

_lock = threading.RLock()


class Formula:
    """Some nodes of a graph as a function of some of its inputs.

    Args:
        graph: The graph; it grows by the derivatives.
        roots: Nodes to evaluate.
        variables: Nodes of the inputs, in the order in which they are given.
        order: How often it has been differentiated.
    """

    def __init__(self, graph: Graph, roots: Sequence[int], variables: Sequence[int], order: int = 0) -> None:
        self._graph, self._roots, self._variables = graph, tuple(roots), tuple(variables)
        self._order = order

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """The values, shape (..., number of roots).

        Args:
            x: Shape (..., number of variables).
        """
        graph, inputs, t = self._graph, {}, np.nan
        for place, node in enumerate(self._variables):
            if graph.op[node] == "time":
                t = x[..., place]
            else:
                vector, index = graph.value[node]
                inputs.setdefault(vector, {})[index] = x[..., place]
        with _lock:
            values = evaluate(graph, self._roots, t, inputs)
        result = np.empty((*x.shape[:-1], len(self._roots)))
        for place, node in enumerate(self._roots):
            result[..., place] = values[node]
        return result

    @functools.cached_property
    def transposed(self) -> Formula:
        """Derivatives of the sum of weights*roots by each variable: a formula of variables and weights."""
        graph = self._graph
        with _lock:
            weights = [graph.input(f"weights{self._order}", i) for i in range(len(self._roots))]
            roots = adjoint(graph, self._roots, weights, self._variables)
        return Formula(graph, roots, (*self._variables, *weights), self._order + 1)

    @functools.cached_property
    def along(self) -> Formula:
        """The derivative along a direction: a formula of variables and the direction's components."""
        graph = self._graph
        with _lock:
            direction = [graph.input(f"along{self._order}", i) for i in range(len(self._variables))]
            roots = directional(graph, self._roots, dict(zip(self._variables, direction, strict=True)))
        return Formula(graph, roots, (*self._variables, *direction), self._order + 1)

    def __call__(self, *parts: torch.Tensor) -> torch.Tensor:
        """The values, shape (..., number of roots), of variables given in parts of shape (..., some)."""
        leading = torch.broadcast_shapes(*(part.shape[:-1] for part in parts))
        x = torch.cat([part.expand(*leading, part.shape[-1]) for part in parts], -1)
        return Evaluation.apply(self, x)  # type: ignore[return-value]


class Evaluation(Differentiable):
    """A formula's values."""

    @staticmethod
    def forward(formula: Formula, x: torch.Tensor) -> torch.Tensor:
        """The values, shape (..., number of roots), at x of shape (..., number of variables)."""
        return torch.from_numpy(formula.evaluate(x.detach().numpy()))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        """Keep the formula and where it was evaluated."""
        ctx.formula, x = inputs
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)

    @staticmethod
    def backward(ctx: Any, weights: torch.Tensor) -> tuple[Any, ...]:
        """Derivatives by the variables."""
        (x,) = ctx.saved_tensors
        return None, ctx.formula.transposed(x, weights)

    @staticmethod
    def jvp(ctx: Any, formula: None, direction: torch.Tensor) -> torch.Tensor:
        """The derivative along a direction."""
        refuse_nested_forward()
        (x,) = ctx.saved_tensors
        return ctx.formula.along(x, direction)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], formula: Formula, x: torch.Tensor) -> tuple[Any, int]:
        """Many points are as good as one."""
        return Evaluation.apply(formula, x.movedim(in_dims[1], 0)), 0


def slope_formula(system: Any) -> Formula:
    """The right-hand side of a model as a function of (t, u, p)."""
    refuse_delays(system, "a derivative by times")
    return _of_lowered(lower(system.definition))


def tangent_slope_formula(system: Any) -> Formula:
    """The right-hand side of a model with a tangent as a function of (t, (u, s), (p, d))."""
    return _of_lowered(TangentGraph(system.definition).lowered)


def _of_lowered(lowered: Any) -> Formula:
    variables = (lowered.graph.time(), *lowered.states, *lowered.parameters)
    return Formula(lowered.graph, lowered.rhs, variables)
