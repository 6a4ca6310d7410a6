"""The graph evaluated in Python: every node's value, for failures, initial values and tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from symde.codegen import special
from symde.codegen.graph import Graph
from symde.codegen.powers import integer_exponent, multiplication_chain

Value = np.float64 | np.bool_ | np.ndarray
"""Value of a node: a number or truth value, or an array of them where many points are evaluated at once."""

Operation = Callable[[int, str, Sequence[Value]], Value]


def _power(x: Value, y: Value) -> Value:
    # numpy takes the power 0.5 for the square root, which differs from C's pow at -0.0 and -inf.
    if np.ndim(y) == 0 and y == 0.5:
        x = np.where(np.isneginf(x), np.inf, x) + 0.0
    return np.power(x, y)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "pow": _power,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "min": np.minimum,
    "max": np.maximum,
    "mod": np.mod,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "select": np.where,
    "erf": np.vectorize(special.erf, otypes=[float]),
    "gamma": np.vectorize(special.gamma, otypes=[float]),
    "digamma": np.vectorize(special.digamma, otypes=[float]),
    "trigamma": np.vectorize(special.trigamma, otypes=[float]),
}
"""Each operation on float64 numbers or arrays, with the meaning that `graph.ARITY` tells."""


def evaluate(
    graph: Graph,
    roots: Iterable[int],
    t: float | np.ndarray = 0.0,
    inputs: Mapping[str, Sequence[float] | np.ndarray] | None = None,
) -> dict[int, Value]:
    """The value of every node that the roots need.

    Args:
        graph: The graph.
        roots: Nodes to evaluate.
        t: Time, a number or an array.
        inputs: Elements of each input vector; an element may itself be an array (many points at once).

    Returns:
        Node -> value, in order of evaluation. Nothing is raised or warned of: values may be infinite or NaN.
    """
    return evaluate_by(None, graph, roots, t, inputs)


def evaluate_by(
    operation: Operation | None,
    graph: Graph,
    roots: Iterable[int],
    t: float | np.ndarray = 0.0,
    inputs: Mapping[str, Sequence[float] | np.ndarray] | None = None,
) -> dict[int, Value]:
    """As `evaluate`, with a meaning of one's own for operations: of a node, its operation and the values of
    its arguments; None: their own."""
    values: dict[int, Value] = {}
    with np.errstate(all="ignore"):
        for node in graph.reachable(roots):
            values[node] = _value(graph, node, values, t, inputs or {}, operation)
    return values


def _value(
    graph: Graph,
    node: int,
    values: Mapping[int, Value],
    t: float | np.ndarray,
    inputs: Mapping,
    operation: Operation | None = None,
) -> Value:
    op = graph.op[node]
    if op == "const":
        return np.float64(graph.value[node])
    if op == "time":
        return np.float64(t)
    if op == "input":
        vector, index = graph.value[node]
        return np.float64(inputs[vector][index])
    args = graph.args[node]
    if op == "pow":
        exponent = integer_exponent(graph, node)
        if exponent is not None:
            return _integer_power(values[args[0]], exponent)
    if operation is not None:
        return operation(node, op, [values[argument] for argument in args])
    return FUNCTIONS[op](*[values[argument] for argument in args])[()]


class Program:
    """Nodes of a graph made ready for repeated evaluation at single points, about 1 us a node."""

    __slots__ = ("_graph", "_order", "_roots")

    def __init__(self, graph: Graph, roots: Sequence[int]) -> None:
        self._graph = graph
        self._order = graph.reachable(roots)
        self._roots = tuple(roots)

    def run(self, t: float, inputs: Mapping[str, Sequence[float] | np.ndarray]) -> list[float]:
        """The values of the roots."""
        values: dict[int, Value] = {}
        with np.errstate(all="ignore"):
            for node in self._order:
                values[node] = _value(self._graph, node, values, t, inputs)
        return [float(values[root]) for root in self._roots]


def _integer_power(x: Any, exponent: int) -> Any:
    if exponent == 0:
        return np.ones_like(x)
    chain = [x]
    for a, b in multiplication_chain(abs(exponent)):
        chain.append(chain[a] * chain[b])
    return 1.0 / chain[-1] if exponent < 0 else chain[-1]


def first_nonfinite(graph: Graph, roots: Iterable[int], values: Mapping[int, Value]) -> int | None:
    """The node where the first non-finite root became so: not finite itself though its arguments are.

    Branches that a condition leaves out do not count. None where all roots are finite.

    Args:
        graph: The graph.
        roots: Nodes to explain, the most important first.
        values: Values of all nodes that the roots need, as `evaluate` gives them.
    """
    bad = next((root for root in roots if not np.isfinite(values[root])), None)
    while bad is not None:
        culprit = next(
            (argument for argument in _read(graph, bad, values) if not np.isfinite(values[argument])), None
        )
        if culprit is None:
            return bad
        bad = culprit
    return None


def _read(graph: Graph, node: int, values: Mapping[int, Value]) -> tuple[int, ...]:
    args = graph.args[node]
    if graph.op[node] == "select":
        return (args[1],) if values[args[0]] else (args[2],)
    return args
