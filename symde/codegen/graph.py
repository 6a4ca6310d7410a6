"""The computation graph: scalar operations, single assignment, common subexpressions shared by construction.

A node is an integer; its arguments are always smaller integers, so ascending order is an order of
evaluation. Equal nodes are the same node (hash-consing). Every node may remember the place in the model
text it came from.

Nothing is rewritten here: what was asked for is what the graph holds. Folding of zeros and ones belongs to
`symde.codegen.algebra`, which builds derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

LEAVES = frozenset({"const", "input", "time"})
"""Nodes without arguments. `value` holds the number of a constant and (vector, index) of an input."""

ARITY: dict[str, int] = {
    **dict.fromkeys(("add", "sub", "mul", "div", "pow", "atan2", "min", "max", "mod"), 2),
    **dict.fromkeys(
        ("neg", "sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan"), 1
    ),
    **dict.fromkeys(("sinh", "cosh", "tanh", "abs", "sign", "floor", "ceil", "erf"), 1),
    **dict.fromkeys(("gamma", "digamma", "trigamma"), 1),
    **dict.fromkeys(("lt", "le", "eq", "and", "or"), 2),
    "not": 1,
    "select": 3,
}
"""Number of arguments of every operation that has any.

Meaning, all in float64 with NaN kept NaN: `min` and `max` are NaN when either argument is; `sign(0)` is 0 and
`sign(NaN)` NaN; `mod(x, y) = x - y*floor(x/y)` has the sign of y; `select(c, a, b)` is a where c holds,
else b.
"""

BOOLEAN = frozenset({"lt", "le", "eq", "and", "or", "not"})
"""Operations that give a truth value: legal only as arguments of these and as first argument of `select`."""

CALL = "call"
"""One value of a function that the graph does not know, a torch module: any number of arguments, and `value`
holds (function, place of the value among its values, number of its values). Nodes with the same function and
the same arguments are values of one call. Only a printer of torch can print it, and torch differentiates it.
"""


class Graph:
    """A growing list of scalar operations.

    Attributes:
        op: Name of each node's operation.
        args: Nodes that each node reads.
        value: Number of a `const`, `(vector, index)` of an `input`, what a `CALL` says, else None.
        span: Place of each node in the model text, or None.
        names: Readable names of some nodes (observables, say), for printers.
    """

    __slots__ = ("op", "args", "value", "span", "names", "_known")

    def __init__(self) -> None:
        self.op: list[str] = []
        self.args: list[tuple[int, ...]] = []
        self.value: list[Any] = []
        self.span: list[Any] = []
        self.names: dict[int, str] = {}
        self._known: dict[tuple[Any, ...], int] = {}

    def __len__(self) -> int:
        return len(self.op)

    def constant(self, value: float, span: Any = None) -> int:
        """The node of a float64 constant; 0.0 and -0.0 are different nodes."""
        value = float(value)
        key = ("const", value, math.copysign(1.0, value)) if value == value else ("const", "nan")
        return self._node(key, "const", (), value, span)

    def input(self, vector: str, index: int, span: Any = None) -> int:
        """The node that reads element `index` of the input named `vector`."""
        return self._node(("input", vector, index), "input", (), (vector, index), span)

    def time(self, span: Any = None) -> int:
        """The node of the independent variable t."""
        return self._node(("time",), "time", (), None, span)

    def apply(self, op: str, *args: int, span: Any = None) -> int:
        """The node of an operation on earlier nodes; the one already there if there is an equal one.

        Raises:
            ValueError: For an unknown operation or a wrong number of arguments.
        """
        key = (op, args)
        node = self._known.get(key)
        if node is not None:
            return node
        if ARITY.get(op) != len(args):
            raise ValueError(f"no operation `{op}` with {len(args)} arguments")
        return self._node(key, op, args, None, span)

    def call(self, function: str, place: int, count: int, args: tuple[int, ...], span: Any = None) -> int:
        """The node of one value of a call; see `CALL`."""
        return self._node((CALL, function, place, args), CALL, args, (function, place, count), span)

    def _node(self, key: tuple[Any, ...], op: str, args: tuple[int, ...], value: Any, span: Any) -> int:
        node = self._known.get(key)
        if node is None:
            node = self._known[key] = len(self.op)
            self.op.append(op)
            self.args.append(args)
            self.value.append(value)
            self.span.append(span)
        return node

    def known(self, op: str, *args: int) -> int | None:
        """The node of an operation if it is there already."""
        return self._known.get((op, args))

    def is_constant(self, node: int, value: float | None = None) -> bool:
        """Whether a node is a constant (equal to `value`, where given)."""
        return self.op[node] == "const" and (value is None or self.value[node] == value)

    def reachable(self, roots: Iterable[int]) -> list[int]:
        """All nodes that the roots need, the roots among them, in order of evaluation."""
        args = self.args
        seen = set(roots)
        pending = list(seen)
        while pending:
            for argument in args[pending.pop()]:
                if argument not in seen:
                    seen.add(argument)
                    pending.append(argument)
        return sorted(seen)

    def depth_first(self, roots: Iterable[int]) -> list[int]:
        """All nodes that the roots need, each as late as the order of the roots allows."""
        args = self.args
        seen: set[int] = set()
        order: list[int] = []
        stack = list(roots)
        stack.reverse()
        while stack:
            node = stack.pop()
            if node < 0:
                order.append(~node)
            elif node not in seen:
                seen.add(node)
                stack.append(~node)
                stack.extend(argument for argument in reversed(args[node]) if argument not in seen)
        return order

    def inputs_read(self, roots: Iterable[int]) -> set[tuple[str, int]]:
        """The (vector, index) pairs that the roots depend on."""
        return {self.value[node] for node in self.reachable(roots) if self.op[node] == "input"}
