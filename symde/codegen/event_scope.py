"""Scopes in which a model's events are lowered."""

from __future__ import annotations

from collections.abc import Callable

from symde.codegen.graph import Graph
from symde.codegen.lower import LoweredModel, Lowering, numbers
from symde.language.syntax import Expr
from symde.model.definition import INITIAL_TIME, TIME, Definition


def lowering_of(model: LoweredModel, definition: Definition) -> Lowering:
    """What puts further expressions of a model, of its events say, into its graph."""
    graph = model.graph
    scope = {TIME: graph.time(), **numbers(graph, definition)}
    scope.update(zip(definition.parameter_names, model.parameters, strict=True))
    # a discrete variable may have the name of the parameter that it starts at
    scope.update(zip(definition.state_names, model.states, strict=True))
    scope.update(zip(definition.observable_names, model.observables, strict=True))
    return Lowering(graph, definition.functions, scope, definition.externs)


def lower_times(definition: Definition) -> tuple[Graph, Callable[[Expr], int]]:
    """A graph of expressions that are known at the start, of parameters and t0 (time), and what puts them
    there."""
    graph = Graph()
    scope = {INITIAL_TIME: graph.time(), **numbers(graph, definition)}
    for j, name in enumerate(definition.parameter_names):
        scope[name] = graph.input("p", j, definition.parameters[j].span)
    return graph, Lowering(graph, definition.functions, scope).lower
