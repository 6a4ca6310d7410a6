"""Do Taylor coefficients tell all of a right-hand side? Then a solution may be continued by its series.

They do where the right-hand side is analytic wherever it is finite, and where what lies ahead shows in the
coefficients from afar, as poles and branch points do. What forbids it:

- branches and kinks;
- a root or power of something that may vanish while the right-hand side stays finite: `sqrt(u)`, `u^n` with a
  parameter n. In `x/sqrt(x^2 + y^2)` the root divides: where it vanishes the right-hand side is not finite;
- an infinity that a later operation makes finite again: `1/(1 + K/u)` at u = 0;
- exponentials and what is made of them. They rise from below the rounding of the coefficients, so that a step
  may leap over them: of the pulse exp(-((t - 5)/w)^2) Taylor's method at rtol 1e-6 saw nothing at w = 0.1,
  where Vern7, whose steps are shorter and have stages between their ends, had seven digits.

The answer is no where the operations alone do not tell.
"""

from __future__ import annotations

from collections.abc import Sequence

from symde.codegen.graph import LEAVES, Graph
from symde.codegen.powers import integer_exponent

_STRICT = frozenset({"add", "sub", "mul", "neg", "sin", "cos", "tan"})
"""Analytic, and not finite where an argument is not."""

_LOGARITHMS = frozenset({"log", "log2", "log10"})
"""Infinite where the argument vanishes."""

_KNOWN = _STRICT | _LOGARITHMS | {"div", "sqrt", "pow", "atan"}


def is_analytic(graph: Graph, rhs: Sequence[int]) -> bool:
    """Whether Taylor coefficients are known to tell all of a right-hand side.

    Args:
        graph: Holds the nodes; states are the input `u`.
        rhs: Node of each state's derivative.
    """
    scan = _Scan(graph)
    return all(scan.admits(node) for node in graph.reachable(rhs)) and scan.roots_divide()


class _Scan:
    """What is known of the nodes so far.

    Attributes:
        changing: Nodes that follow the states or the time.
        infinite: Those of them that may be infinite at finite states.
        roots: Those that are finite but not analytic where their base vanishes.
        divisors: Those whose vanishing makes something infinite.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.changing: set[int] = set()
        self.infinite: set[int] = set()
        self.roots: list[int] = []
        self.divisors: list[int] = []

    def admits(self, node: int) -> bool:
        """Take the next node in order of evaluation; whether the answer may still be yes."""
        graph = self.graph
        op, args = graph.op[node], graph.args[node]
        if op in LEAVES:
            if op == "time" or (op == "input" and graph.value[node][0] == "u"):
                self.changing.add(node)
            return True
        if self.changing.isdisjoint(args):
            return True
        self.changing.add(node)
        if op == "pow":
            return self._power(node, *args)
        if op in _LOGARITHMS or not self.infinite.isdisjoint(args):
            self.infinite.add(node)
        if op == "sqrt":
            self.roots.append(node)
        if op == "div":
            return self._divides(node, args[1])
        return op in _KNOWN and not (op == "atan" and args[0] in self.infinite)

    def _divides(self, node: int, divisor: int) -> bool:
        if divisor in self.changing:
            self.divisors.append(divisor)
            self.infinite.add(node)
        return divisor not in self.infinite

    def _power(self, node: int, base: int, exponent: int) -> bool:
        if not self.graph.is_constant(exponent):
            return False
        if self.graph.value[exponent] < 0:
            return self._divides(node, base)
        if base in self.infinite:
            self.infinite.add(node)
        if integer_exponent(self.graph, node) is None:
            self.roots.append(node)
        return True

    def roots_divide(self) -> bool:
        """Whether something is infinite where a root vanishes, for each root."""
        factors = self._factors()
        return all(root in factors or self.graph.args[root][0] in factors for root in self.roots)

    def _factors(self) -> set[int]:
        """The divisors, and what makes a divisor vanish by vanishing."""
        found: set[int] = set()
        pending = list(self.divisors)
        while pending:
            node = pending.pop()
            if node not in found:
                found.add(node)
                op, args = self.graph.op[node], self.graph.args[node]
                if op in ("mul", "neg", "sqrt"):
                    pending += args
                elif op in ("pow", "div"):
                    pending.append(args[0])
        return found
