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
from symde.codegen.evaluate import Program
from symde.codegen.graph import Graph
from symde.codegen.lower import LoweredModel, LoweredStart
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.start_derivatives import Matrix
from symde.codegen.system import ModelKernels
from symde.model.definition import Definition


def tangent_name(name: str) -> str:
    """What the derivative of a state or parameter along the direction is called."""
    return f"d({name})"


def rate_name(name: str) -> str:
    """What the derivative of a state, parameter or observable by time, along the solution, is called."""
    return f"d({name})/dt"


def observed_names(definition: Definition) -> tuple[str, ...]:
    """What a `TangentGraph` observes: observables, their tangents, and rates of all that can be read."""
    names = tuple(observable.name for observable in definition.observables)
    read = definition.state_names + definition.parameter_names + names
    return (*names, *map(tangent_name, names), *map(rate_name, read))


def with_tangent(definition: Definition) -> Definition:
    """The definition with a name for each tangent; their equations and all that is observed are in the graph
    alone."""
    states = tuple(replace(state, split=None) for state in definition.states)
    tangents = tuple(replace(state, name=tangent_name(state.name), initial=None) for state in states)
    directions = tuple(
        replace(parameter, name=tangent_name(parameter.name), default=None)
        for parameter in definition.parameters
    )
    parameters = definition.parameters + directions
    return replace(definition, states=states + tangents, parameters=parameters, observables=(), invariants=())


class TangentGraph(ModelGraph):
    """The graph of a model with one tangent column.

    Args:
        definition: The model alone.
        lowered: Its nodes where these are others than the text's, as between changes of branches.
    """

    def __init__(self, definition: Definition, lowered: LoweredModel | None = None) -> None:
        lowered = ModelGraph(definition).lowered if lowered is None else lowered
        graph, n, m = lowered.graph, len(lowered.states), len(lowered.parameters)
        tangents = tuple(graph.input("u", n + i) for i in range(n))
        directions = tuple(graph.input("p", m + j) for j in range(m))
        seeds = dict(zip(lowered.states + lowered.parameters, tangents + directions, strict=True))
        slopes = tuple(directional(graph, lowered.rhs, seeds))
        tangents_of_observables = tuple(directional(graph, lowered.observables, seeds))
        flow = dict(zip(lowered.states, lowered.rhs, strict=True)) | {graph.time(): graph.constant(1.0)}
        read = lowered.states + lowered.parameters + lowered.observables
        rates = tuple(directional(graph, read, flow))
        observed = lowered.observables + tangents_of_observables + rates
        self.definition = with_tangent(definition)
        self.lowered = LoweredModel(
            graph, lowered.states + tangents, lowered.parameters + directions, lowered.rhs + slopes, observed
        )


class TangentKernels(ModelKernels):
    """The kernels of a model with one tangent column; arguments as of `TangentGraph`.

    Attributes:
        blocks: (start, rows, columns) of the parts that the error test judges by themselves.
    """

    def __init__(self, definition: Definition, lowered: LoweredModel | None = None) -> None:
        super().__init__(with_tangent(definition))
        self._alone = definition, lowered
        n = len(definition.states)
        self.blocks = ((0, n, 1), (n, n, 1))

    @property
    def model_graph(self) -> ModelGraph:
        """The graph of states and tangents."""
        return self._once("graph", lambda: TangentGraph(*self._alone))


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
    seeds = _seeds(graph, m)
    return tuple(None if node is None else directional(graph, [node], seeds)[0] for node in nodes)


def _seeds(graph: Graph, m: int) -> dict[int, int]:
    return {graph.input("p", j): graph.input("p", m + j) for j in range(m)}


class TangentFunction:
    """A function of parameters alone and its derivative along a direction.

    Args:
        graph: Holds the nodes.
        nodes: n values.
        m: Number of parameters.
    """

    def __init__(self, graph: Graph, nodes: tuple[int, ...], m: int) -> None:
        both = nodes + tuple(directional(graph, nodes, _seeds(graph, m)))
        self._values = Program(graph, both)
        self._matrix = Matrix(graph, both, [graph.input("p", j) for j in range(2 * m)])

    @classmethod
    def of_definition(cls, definition: Definition) -> TangentFunction:
        """The function that right-hand sides are which read parameters alone."""
        lowered = ModelGraph(definition).lowered
        return cls(lowered.graph, lowered.rhs, len(lowered.parameters))

    def __call__(self, p: np.ndarray) -> np.ndarray:
        """Values and derivatives at parameters and direction of shape (2m,), shape (2n,)."""
        return np.array(self._values.run(np.nan, {"p": p}))

    def derivative(self, p: np.ndarray) -> np.ndarray:
        """Derivative of both by parameters and direction, shape (2n, 2m)."""
        return self._matrix(np.nan, p)
