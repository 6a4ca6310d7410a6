"""Arithmetic on graph nodes that folds zeros, ones and pure constants: what derivatives are built with.

Every folding here is exact in float64 for finite operands. What a modeller wrote never passes through it.
"""

from __future__ import annotations

import math
from typing import Any

from symde.codegen.graph import Graph


class Algebra:
    """Node constructors over one graph. New nodes carry the span set last in `span`."""

    __slots__ = ("graph", "span", "zero", "one")

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.span: Any = None
        self.zero = graph.constant(0.0)
        self.one = graph.constant(1.0)

    def constant(self, value: float) -> int:
        """A constant."""
        return self.graph.constant(value)

    def apply(self, op: str, *args: int) -> int:
        """Any operation, unfolded."""
        return self.graph.apply(op, *args, span=self.span)

    def is_zero(self, node: int) -> bool:
        """Whether a node is the constant 0."""
        return self.graph.op[node] == "const" and self.graph.value[node] == 0.0

    def add(self, a: int, b: int) -> int:
        """a + b."""
        graph = self.graph
        kind_a, kind_b = graph.op[a], graph.op[b]
        if kind_a == "const":
            if graph.value[a] == 0.0:
                return b
            if kind_b == "const":
                return self._folded("add", a, b, graph.value[a] + graph.value[b])
        if kind_b == "const" and graph.value[b] == 0.0:
            return a
        if kind_b == "neg":
            return self.apply("sub", a, graph.args[b][0])
        if kind_a == "neg":
            return self.apply("sub", b, graph.args[a][0])
        return self._commutative("add", a, b)

    def sub(self, a: int, b: int) -> int:
        """a - b."""
        graph = self.graph
        kind_a, kind_b = graph.op[a], graph.op[b]
        if kind_b == "const":
            if graph.value[b] == 0.0:
                return a
            if kind_a == "const":
                return self._folded("sub", a, b, graph.value[a] - graph.value[b])
        if kind_a == "const" and graph.value[a] == 0.0:
            return self.neg(b)
        if kind_b == "neg":
            return self.add(a, graph.args[b][0])
        return self.apply("sub", a, b)

    def neg(self, a: int) -> int:
        """-a."""
        graph = self.graph
        kind = graph.op[a]
        if kind == "const":
            return graph.constant(-graph.value[a]) if graph.value[a] != 0.0 else self.zero
        if kind == "neg":
            return graph.args[a][0]
        return self.apply("neg", a)

    def mul(self, a: int, b: int) -> int:
        """a*b; structural zeros win over whatever they meet."""
        graph = self.graph
        for x, y in ((a, b), (b, a)):
            if graph.op[x] == "const":
                value = graph.value[x]
                if value == 0.0:
                    return self.zero
                if value == 1.0:
                    return y
                if value == -1.0:
                    return self.neg(y)
        if graph.op[a] == "const" and graph.op[b] == "const":
            return self._folded("mul", a, b, graph.value[a] * graph.value[b])
        return self._commutative("mul", a, b)

    def div(self, a: int, b: int) -> int:
        """a/b; a structural zero above wins."""
        graph = self.graph
        if graph.op[a] == "const" and graph.value[a] == 0.0:
            return self.zero
        if graph.op[b] == "const":
            if graph.value[b] == 1.0:
                return a
            if graph.op[a] == "const" and graph.value[b] != 0.0:
                return self._folded("div", a, b, graph.value[a] / graph.value[b])
        return self.apply("div", a, b)

    def power(self, a: int, exponent: float) -> int:
        """a to a constant power."""
        if exponent == 0.0:
            return self.one
        if exponent == 1.0:
            return a
        return self.apply("pow", a, self.constant(exponent))

    def select(self, condition: int, a: int, b: int) -> int:
        """a where the condition holds, else b."""
        return a if a == b else self.apply("select", condition, a, b)

    def _commutative(self, op: str, a: int, b: int) -> int:
        # The order the modeller used, if there is one, so that it is shared.
        known = self.graph.known(op, b, a)
        return known if known is not None else self.apply(op, a, b)

    def _folded(self, op: str, a: int, b: int, value: float) -> int:
        return self.constant(value) if math.isfinite(value) else self.apply(op, a, b)
