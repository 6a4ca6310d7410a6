"""Dense layers as graph nodes: sums of products of weights, and activations.

The weights are elements of the input "p", so derivatives by them and by the inputs are those of any model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symde.codegen.graph import Graph
from symde.diagnostics import Span
from symde.model.definition import Extern, Layer

STRANDS = 4
"""Partial sums of a long sum: a chain of additions waits for each, 4 of them overlap."""

STRANDS_FROM = 8
"""Terms from which a sum has them."""

SOFTPLUS_LINEAR = 37.0
"""Above it softplus(x) is x in float64: exp(-37) is 8.5e-17, and 37 is told to 3.6e-15."""


def dense_layers(
    graph: Graph, extern: Extern, weights: Mapping[str, int], inputs: Sequence[int], span: Span | None
) -> list[int]:
    """The values of a network.

    Args:
        graph: Takes the nodes.
        extern: The function with its layers.
        weights: Node of each weight by the name of its parameter.
        inputs: Node of each input.
        span: Where it is called.
    """
    values = list(inputs)
    for layer in extern.layers or ():
        sums = [_neuron(graph, extern, layer, weights, row, values, span) for row in range(layer.outputs)]
        values = [activation(graph, layer.activation, one, span) for one in sums]
    return values


def _neuron(
    graph: Graph,
    extern: Extern,
    layer: Layer,
    weights: Mapping[str, int],
    row: int,
    values: Sequence[int],
    span: Span | None,
) -> int:
    name = f"{extern.name}.{layer.key}"
    terms = [
        graph.apply("mul", weights[f"{name}.weight[{row},{column}]"], value, span=span)
        for column, value in enumerate(values)
    ]
    if layer.bias:
        terms.insert(0, weights[f"{name}.bias[{row}]"])
    return total(graph, terms, span)


def total(graph: Graph, terms: Sequence[int], span: Span | None = None) -> int:
    """The sum of the terms, a long one as the sum of `STRANDS` sums."""
    if len(terms) >= STRANDS_FROM:
        terms = [total_of(graph, terms[k::STRANDS], span) for k in range(STRANDS)]
    return total_of(graph, terms, span)


def total_of(graph: Graph, terms: Sequence[int], span: Span | None) -> int:
    """The sum from left to right."""
    result = terms[0]
    for term in terms[1:]:
        result = graph.apply("add", result, term, span=span)
    return result


def activation(graph: Graph, name: str | None, x: int, span: Span | None = None) -> int:
    """An activation of a node.

    The sigmoid is (1 + tanh(x/2))/2, which has the absolute accuracy of float64 and derivatives that never
    overflow.
    """
    if name is None:
        return x

    def apply(op: str, *args: int) -> int:
        return graph.apply(op, *args, span=span)

    half = graph.constant(0.5)
    match name:
        case "tanh":
            return apply("tanh", x)
        case "relu":  # zero first: at x = 0 the derivative is that of the zero, as in torch
            return apply("max", graph.constant(0.0), x)
        case "sigmoid" | "silu":
            sigmoid = apply("add", half, apply("mul", half, apply("tanh", apply("mul", half, x))))
            return sigmoid if name == "sigmoid" else apply("mul", x, sigmoid)
        case "softplus":
            soft = apply("log", apply("add", graph.constant(1.0), apply("exp", x)))
            return apply("select", apply("lt", graph.constant(SOFTPLUS_LINEAR), x), x, soft)
    raise ValueError(f"no activation {name!r}")
