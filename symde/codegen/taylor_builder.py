"""Makes the jets of a graph's nodes by a rule for each operation, and the parts that rules are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symde.codegen.algebra import Algebra
from symde.codegen.graph import LEAVES, Graph
from symde.codegen.taylor_jets import Jet, Recurrences

KINKS = frozenset({"abs", "sign", "floor", "ceil", "mod", "min", "max", "lt", "le", "eq"})
_FLAT = frozenset({"sign", "floor", "ceil", "lt", "le", "eq", "and", "or", "not"})
_REFUSED = frozenset({"gamma", "digamma", "trigamma"})


class Builder:
    """Applies the rules, node by node."""

    def __init__(self, graph: Graph, n: int, rules: Mapping[str, Callable[..., int | None]]) -> None:
        self.graph, self.g = graph, Algebra(graph)
        self._rules = rules
        self.result = Recurrences(graph)
        self.jets = self.result.jets
        self._known: dict[int, int | None] = {}
        self._made: dict[tuple[str, int], int] = {}
        self._equal: dict[tuple[Any, ...], int] = {}
        self._shifted: set[int] = set()
        for i in range(n):
            node = graph.input("u", i)
            self._known[node] = self.new(node, "state")

    def new(self, initial: int, op: str, *args: int, scalars: tuple[int, ...] = ()) -> int:
        """A jet."""
        key = (initial, op, args, scalars)
        index = self._equal.setdefault(key, len(self.jets))
        if index == len(self.jets):
            self.jets.append(Jet(initial, op, args, scalars))
        return index

    def shifted(self, jet: int) -> int:
        """A multiple of its argument but for coefficient 0."""
        self._shifted.add(jet)
        return jet

    def bare(self, jet: int) -> tuple[int, int]:
        """A constant factor and the jet it multiplies.

        Products are made of bare jets: a model of bodies has each of its products several times, with
        different masses and signs (Pleiades: 42 quotients in the place of 84).
        """
        factor = self.g.one
        while self.jets[jet].op in ("neg", "scale") and jet not in self._shifted:
            one = self.jets[jet]
            factor = self.g.neg(factor) if one.op == "neg" else self.g.mul(factor, one.scalars[0])
            (jet,) = one.args
        return factor, jet

    def jet(self, node: int) -> int | None:
        """The jet of a node, None where it is constant along the solution."""
        if node not in self._known:
            self._known[node] = self._rule(node)
        return self._known[node]

    def _rule(self, node: int) -> int | None:
        op, args = self.graph.op[node], self.graph.args[node]
        if op in LEAVES:
            return self.new(node, "time") if op == "time" else None
        jets = [self.jet(argument) for argument in args]
        changes = any(jet is not None for jet in jets)
        if op in KINKS and changes:
            self.result.kinks = True
        if not changes or op in _FLAT:
            return None
        if op in _REFUSED:
            raise ValueError(
                f"the Taylor method cannot take `{op}` of something that changes in time: "
                "ask for another method, 'Vern7' say"
            )
        return self._rules[op](self, node, *args)

    def theta(self, node: int) -> int:
        """The jet t*da/dt, k*a_k, of a node that changes."""
        return self._once("theta", node, lambda: self.new(self.g.zero, "theta", self.of(node)))

    def of(self, node: int) -> int:
        """The jet of a node that changes."""
        jet = self.jet(node)
        assert jet is not None
        return jet

    def _once(self, what: str, node: int, make: Callable[[], int]) -> int:
        key = (what, node)
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def minus_theta(self, node: int) -> int:
        """The negative of theta."""
        return self._once("minus theta", node, lambda: self.new(self.g.zero, "neg", self.theta(node)))

    def reciprocal(self, node: int) -> int:
        """The scalar 1/node."""
        return self.g.div(self.g.one, node)

    def product(self, initial: int, a: int, b: int) -> int:
        """The jet of a product of nodes, at least one of which changes."""
        left, right = self.jet(a), self.jet(b)
        if left is None or right is None:
            return self.scaled(initial, a if left is None else b, self.of(b if left is None else a))
        (factor, left), (other, right) = self.bare(left), self.bare(right)
        factor = self.g.mul(factor, other)
        if self.graph.is_constant(factor, 1.0):
            value = initial
        else:
            value = self.graph.apply("mul", self.jets[left].initial, self.jets[right].initial)
        if left == right:
            return self.scaled(initial, factor, self.new(value, "square", left))
        return self.scaled(initial, factor, self.new(value, "mul", *sorted((left, right))))

    def quotient(self, initial: int, above: int, below: int) -> int:
        """The jet of a quotient of jets."""
        (factor, above), (other, below) = self.bare(above), self.bare(below)
        factor = self.g.div(factor, other)
        value, divisor = initial, self.jets[below].initial
        if not self.graph.is_constant(factor, 1.0):
            value = self.graph.apply("div", self.jets[above].initial, divisor)
        return self.scaled(
            initial, factor, self.new(value, "div", above, below, scalars=(self.reciprocal(divisor),))
        )

    def scaled(self, initial: int, scalar: int, jet: int) -> int:
        """A constant times a jet."""
        if self.graph.is_constant(scalar, 1.0):
            return jet if self.jets[jet].initial == initial else self.new(initial, "copy", jet)
        if self.graph.is_constant(scalar, -1.0):
            return self.new(initial, "neg", jet)
        return self.new(initial, "scale", jet, scalars=(scalar,))

    def integral(self, initial: int, theta: int, divisor: int) -> int:
        """The jet of c with c' = a'/b, from theta of a and the node b."""
        by = self.jet(divisor)
        inverse = self.reciprocal(divisor)
        if by is None:
            quotient = self.scaled(self.g.zero, inverse, theta)
        else:
            quotient = self.new(self.g.zero, "div", theta, by, scalars=(inverse,))
        return self.new(initial, "iota", quotient)

    def exponential(self, initial: int, argument: int) -> int:
        """The jet of the exponential of a jet."""
        theta = self.new(self.g.zero, "theta", argument)
        return self.new(initial, "chain", theta, len(self.jets))

    def pair(self, node: int, x: int, first: str, second: str, alternates: bool) -> int:
        """sin and cos, or sinh and cosh, which need each other."""
        if ("pair", self.graph.apply(first, x)) not in self._made:
            theta = self.theta(x)
            second_theta = self.minus_theta(x) if alternates else theta
            one = self.new(self.graph.apply(first, x), "chain", theta, len(self.jets) + 1)
            other = self.new(self.graph.apply(second, x), "chain", second_theta, one)
            for jet in (one, other):
                self._made["pair", self.jets[jet].initial] = jet
        return self._made["pair", node]
