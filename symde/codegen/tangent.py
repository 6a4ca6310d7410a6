"""A model with one tangent column as a model: what turns first derivatives into second ones.

Its states are (u, s) and its parameters (p, d), where s' = J s + P d is the derivative of u along the
direction d of the parameters and some direction of the initial values. To whatever differentiates models it
is one more model, so that the exact derivative of s gives the exact second derivative of u along d.

Source: A. Griewank, A. Walther, Evaluating Derivatives (2008), section 5.1, second-order adjoints.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from symde.codegen.derivatives import directional
from symde.codegen.graph import Graph
from symde.codegen.lower import LoweredModel, LoweredStart
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.start_derivatives import Matrix
from symde.codegen.system import ModelKernels
from symde.model.definition import Definition


def tangent_name(name: str) -> str:
    """What the derivative of a state or parameter along the direction is called."""
    return f"d({name})"


def with_tangent(definition: Definition) -> Definition:
    """The definition with a name for each tangent; their equations are in the graph alone."""
    states = tuple(replace(state, split=None) for state in definition.states)
    tangents = tuple(replace(state, name=tangent_name(state.name), initial=None) for state in states)
    directions = tuple(
        replace(parameter, name=tangent_name(parameter.name), default=None)
        for parameter in definition.parameters
    )
    parameters = definition.parameters + directions
    return replace(definition, states=states + tangents, parameters=parameters, observables=())


class TangentGraph(ModelGraph):
    """The graph of a model with one tangent column.

    Args:
        definition: The model alone.
    """

    def __init__(self, definition: Definition) -> None:
        lowered = ModelGraph(definition).lowered
        graph, n, m = lowered.graph, len(lowered.states), len(lowered.parameters)
        tangents = tuple(graph.input("u", n + i) for i in range(n))
        directions = tuple(graph.input("p", m + j) for j in range(m))
        seeds = dict(zip(lowered.states + lowered.parameters, tangents + directions, strict=True))
        slopes = tuple(directional(graph, lowered.rhs, seeds))
        self.definition = with_tangent(definition)
        self.lowered = LoweredModel(
            graph, lowered.states + tangents, lowered.parameters + directions, lowered.rhs + slopes, ()
        )


class TangentKernels(ModelKernels):
    """The kernels of a model with one tangent column.

    Attributes:
        blocks: (start, rows, columns) of the parts that the error test judges by themselves.
    """

    def __init__(self, definition: Definition) -> None:
        super().__init__(with_tangent(definition))
        self._alone = definition
        n = len(definition.states)
        self.blocks = ((0, n, 1), (n, n, 1))

    @property
    def model_graph(self) -> ModelGraph:
        """The graph of states and tangents."""
        return self._once("graph", lambda: TangentGraph(self._alone))


def tangent_start(lowered: LoweredStart) -> LoweredStart:
    """What the model with a tangent says about its start: each default and initial value, and its derivative
    along the direction. The time span is left out."""
    m = len(lowered.defaults)
    return LoweredStart(
        lowered.graph,
        lowered.defaults + _along(lowered.graph, lowered.defaults, m),
        lowered.initial + _along(lowered.graph, lowered.initial, m),
        None,
    )


def _along(graph: Graph, nodes: tuple[int | None, ...], m: int) -> tuple[int | None, ...]:
    seeds = {graph.input("p", j): graph.input("p", m + j) for j in range(m)}
    return tuple(None if node is None else directional(graph, [node], seeds)[0] for node in nodes)


def tangent_derivative(definition: Definition, p: np.ndarray) -> np.ndarray:
    """Derivative of the right-hand sides of a definition that reads parameters alone, and of their
    derivatives along a direction, by parameters and direction, shape (2n, 2m).

    Args:
        definition: Of n right-hand sides.
        p: Parameters and direction, shape (2m,).
    """
    lowered = TangentGraph(definition).lowered
    return Matrix(lowered.graph, lowered.rhs, list(lowered.parameters))(np.nan, p)
