"""Graphs for the tests of codegen: compiled values of any nodes, and random expressions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from symde.codegen.call import call
from symde.codegen.evaluate import evaluate
from symde.codegen.graph import Graph
from symde.codegen.kernel import Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.native import load_ir

UNARY = ["neg", "sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan"]
UNARY += ["sinh", "cosh", "tanh", "abs", "sign", "floor", "ceil", "erf", "gamma", "digamma", "trigamma"]
BINARY = ["add", "sub", "mul", "div", "pow", "atan2", "min", "max", "mod"]


def variables(graph: Graph, n: int) -> list[int]:
    """The inputs u[0], ..., u[n-1]."""
    return [graph.input("u", i) for i in range(n)]


def interpreted(graph: Graph, nodes: Sequence[int], u: Sequence[float], t: float = 0.0) -> np.ndarray:
    """Values of nodes by the interpreter."""
    values = evaluate(graph, nodes, t, {"u": u})
    return np.array([values[node] for node in nodes], dtype=float)


def compiled(graph: Graph, nodes: Sequence[int], u: Sequence[float], t: float = 0.0) -> np.ndarray:
    """Values of nodes by compiled code."""
    kernel = Kernel("values", graph, (Vector("u", len(u)),), (Output("values", tuple(nodes)),))
    code, (values,) = call(load_ir(ir_module([kernel])).address("values"), t, [np.array(u)], [len(nodes)])
    assert code == 0
    return values


@st.composite
def expressions(draw: st.DrawFn, operations: Sequence[str], n: int = 3) -> tuple[Graph, int]:
    """A random graph of up to 12 operations over u[0..n-1], and its last node."""
    graph = Graph()
    nodes = [*variables(graph, n), graph.constant(draw(st.sampled_from([0.5, 1.5, 2.0, -1.25])))]
    for _ in range(draw(st.integers(1, 12))):
        op = draw(st.sampled_from(operations))
        pick = [draw(st.sampled_from(nodes)) for _ in range(4)]
        if op == "mod" and pick[0] == pick[1]:
            continue  # mod(x, x) is at a jump for every x
        if op in BINARY:
            node = graph.apply(op, pick[0], pick[1])
        elif op == "select":
            node = graph.apply("select", graph.apply("lt", pick[0], pick[1]), pick[2], pick[3])
        elif op == "power":
            node = graph.apply("pow", pick[0], graph.constant(draw(st.integers(-3, 5))))
        else:
            node = graph.apply(op, pick[0])
        nodes.append(node)
    return graph, nodes[-1]
