"""Taylor coefficients of a model's solution: which recurrences give them, one rule for each operation.

The jet of a quantity is the list of its normalised Taylor coefficients c_k = (d/dt)^k c / k! along the
solution. Every operation on quantities becomes a few recurrences between their jets, each of which makes
coefficient k from coefficients already there; u_(k+1) = f_k / (k+1) closes the circle. Quantities that
neither states nor t enter smoothly (parameters, signs, conditions) have one coefficient and cost nothing
beyond it. At a kink the jet is that of the branch in force at the expansion point.

Sources: R. E. Moore, Interval Analysis (1966), chapter 11; A. Griewank, A. Walther, Evaluating Derivatives
(2008), chapter 13, tables 13.1 and 13.2; A. Jorba, M. Zou, A software package for the numerical integration
of ODEs by means of high-order Taylor methods, Experimental Mathematics 14 (2005), proposition 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from symde.codegen.algebra import Algebra
from symde.codegen.graph import LEAVES, Graph
from symde.codegen.powers import integer_exponent, multiplication_chain

LINEAR = frozenset(
    {"state", "time", "add", "sub", "neg", "copy", "scale", "theta", "iota", "select", "gate", "gate_not"}
)
"""Recurrences whose coefficient k needs coefficients k alone: state and time are given; copy a_k; scale
s*a_k; theta k*a_k; iota a_k/k; select a_k where s holds, else b_k; gate a_k where s holds, else 0."""

SUMS = frozenset({"mul", "square", "div", "ratio", "root", "power", "chain"})
"""Recurrences that sum over all lower coefficients; s are scalars, c is the result, all for k >= 1:

    mul     c_k = sum_{j=0..k} a_j b_(k-j)                  square  the same with b = a
    div     c_k = s (a_k - sum_{j=1..k} b_j c_(k-j))        ratio   the same with a_k = 0;  s = 1/b_0
    root    c_k = s (a_k - sum_{j=1..k-1} c_j c_(k-j))      s = 1/(2 c_0)
    power   c_k = s/k sum_{j=0..k-1} (r k - (r+1) j) c_j a_(k-j)    scalars r and s = 1/a_0
    chain   c_k = 1/k sum_{j=1..k} a_j b_(k-j)              a is a theta: c' = b a'
"""

LAGGING = {"chain": 1}
"""Place of the argument of which coefficients below k suffice: it may be made later than the result."""

KINKS = frozenset({"abs", "sign", "floor", "ceil", "mod", "min", "max", "lt", "le", "eq"})
_FLAT = frozenset({"sign", "floor", "ceil", "lt", "le", "eq", "and", "or", "not"})
_REFUSED = frozenset({"gamma", "digamma", "trigamma"})


@dataclass(slots=True)
class Jet:
    """One jet: the node of its coefficient 0, and the recurrence of the others from jets and scalar nodes."""

    initial: int
    op: str
    args: tuple[int, ...] = ()
    scalars: tuple[int, ...] = ()

    def present(self) -> tuple[int, ...]:
        """The arguments whose coefficient k is needed for coefficient k."""
        lagging = LAGGING.get(self.op)
        return self.args if lagging is None else self.args[:lagging]


@dataclass(slots=True)
class Recurrences:
    """All jets of a model, those of its states first; jets come after those whose coefficient k they need.

    Attributes:
        graph: Holds the nodes of coefficients 0 and of scalars.
        jets: The jets.
        rhs: Jet of each state's derivative, None where it is constant.
        initial_rhs: Node of each state's derivative at the expansion point.
        kinks: Whether a branch is taken on something that changes.
    """

    graph: Graph
    jets: list[Jet] = field(default_factory=list)
    rhs: list[int | None] = field(default_factory=list)
    initial_rhs: list[int] = field(default_factory=list)
    kinks: bool = False


def levels(jets: Sequence[Jet]) -> list[int]:
    """How many sums stand one on another below each jet, its own with them."""
    result: list[int] = []
    for jet in jets:
        below = max((result[argument] for argument in jet.present()), default=0)
        result.append(below + (jet.op in SUMS))
    return result


def groups(jets: Sequence[Jet], levels: Sequence[int]) -> list[tuple[int, str, list[int]]]:
    """Sums of one level and one kind, which do not need each other: (level, operation, jets), by level."""
    found: dict[tuple[int, str], list[int]] = {}
    for index, jet in enumerate(jets):
        if jet.op in SUMS:
            found.setdefault((levels[index], jet.op), []).append(index)
    return [(level, op, members) for (level, op), members in sorted(found.items())]


def recurrences(graph: Graph, rhs: Sequence[int], n: int) -> Recurrences:
    """The jets of a model.

    Args:
        graph: Holds the right-hand side; it is left as it is.
        rhs: Node of each state's derivative; states are the input `u`.
        n: Number of states.

    Raises:
        ValueError: The right-hand side applies a function without a recurrence to something that changes.
    """
    copied, nodes = _copy(graph, rhs)
    builder = _Builder(copied, n)
    for node in copied.reachable(nodes):
        builder.jet(node)
    builder.result.initial_rhs = nodes
    return _pruned(builder.result, n, [builder.jet(node) for node in nodes])


def _pruned(result: Recurrences, n: int, rhs: Sequence[int | None]) -> Recurrences:
    """Only the jets that the right-hand side needs."""
    jets = result.jets
    needed = set(range(n))
    pending = [jet for jet in rhs if jet is not None]
    while pending:
        index = pending.pop()
        if index not in needed:
            needed.add(index)
            pending.extend(jets[index].args)
    place = {index: number for number, index in enumerate(sorted(needed))}
    for index in place:
        jets[index].args = tuple(place[argument] for argument in jets[index].args)
    result.jets = [jets[index] for index in place]
    result.rhs = [None if jet is None else place[jet] for jet in rhs]
    return result


def _copy(graph: Graph, roots: Sequence[int]) -> tuple[Graph, list[int]]:
    copy = Graph()
    place: dict[int, int] = {}
    for node in graph.reachable(roots):
        op = graph.op[node]
        if op == "const":
            place[node] = copy.constant(graph.value[node], graph.span[node])
        elif op == "time":
            place[node] = copy.time()
        elif op == "input":
            place[node] = copy.input(*graph.value[node])
        else:
            place[node] = copy.apply(op, *(place[a] for a in graph.args[node]), span=graph.span[node])
    return copy, [place[root] for root in roots]


class _Builder:
    """Applies the rules, node by node."""

    def __init__(self, graph: Graph, n: int) -> None:
        self.graph, self.g = graph, Algebra(graph)
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
        return _RULES[op](self, node, *args)

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


def _add(b: _Builder, node: int, x: int, y: int) -> int:
    left, right = b.jet(x), b.jet(y)
    if left is not None and right is not None:
        return b.new(node, "add", left, right)
    return b.new(node, "copy", b.of(x if right is None else y))


def _sub(b: _Builder, node: int, x: int, y: int) -> int:
    left, right = b.jet(x), b.jet(y)
    if left is not None and right is not None:
        opposite = b.graph.known("sub", y, x)
        if opposite is not None and opposite < node:
            return b.new(node, "neg", b.of(opposite))
        return b.new(node, "sub", left, right)
    return b.shifted(b.new(node, "neg", b.of(y))) if left is None else b.new(node, "copy", b.of(x))


def _div(b: _Builder, node: int, x: int, y: int) -> int:
    above, below = b.jet(x), b.jet(y)
    inverse = b.reciprocal(y)
    if below is None:
        return b.scaled(node, inverse, b.of(x))
    if above is None:
        return b.new(node, "ratio", below, scalars=(inverse,))
    return b.quotient(node, above, below)


def _pow(b: _Builder, node: int, x: int, y: int) -> int | None:
    exponent = integer_exponent(b.graph, node)
    if exponent is not None:
        return _whole_power(b, node, x, exponent)
    if b.jet(y) is not None:
        # x^y = exp(y log x)
        logarithm = b.graph.apply("log", x)
        argument = b.graph.apply("mul", y, logarithm)
        return b.exponential(node, b.of(argument))
    if b.graph.is_constant(y, 0.5):
        return _sqrt(b, node, x)
    return b.new(node, "power", b.of(x), scalars=(y, b.reciprocal(x)))


def _whole_power(b: _Builder, node: int, x: int, exponent: int) -> int | None:
    # by products, as its value is computed: they hold at x = 0, where the recurrence of powers divides by 0
    if exponent == 0:
        return None
    chain = [x]
    for left, right in multiplication_chain(abs(exponent)):
        chain.append(b.graph.apply("mul", chain[left], chain[right]))
    power = b.of(chain[-1])
    if exponent > 0:
        return power
    return b.new(node, "ratio", power, scalars=(node,))


def _sqrt(b: _Builder, node: int, x: int) -> int:
    return b.new(node, "root", b.of(x), scalars=(b.g.div(b.g.constant(0.5), node),))


def _log(base: float) -> Callable[..., int]:
    def rule(b: _Builder, node: int, x: int) -> int:
        if base == math.e:
            return b.integral(node, b.theta(x), x)
        natural = b.of(b.graph.apply("log", x))
        return b.scaled(node, b.g.constant(1.0 / math.log(base)), natural)

    return rule


def _tan(b: _Builder, node: int, x: int) -> int:
    square = b.g.add(b.g.one, b.graph.apply("mul", node, node))
    theta = b.theta(x)
    result = b.new(node, "chain", theta, len(b.jets) + 1)
    b.new(square, "square", result)
    return result


def _tanh(b: _Builder, node: int, x: int) -> int:
    square = b.graph.apply("mul", node, node)
    theta = b.theta(x)
    result = b.new(node, "chain", theta, len(b.jets) + 2)
    b.new(b.g.sub(b.g.one, square), "neg", b.new(square, "square", result))
    return result


def _chord(b: _Builder, x: int) -> int:
    g = b.g
    return g.apply("sqrt", g.mul(g.sub(g.one, x), g.add(g.one, x)))


def _asin(b: _Builder, node: int, x: int) -> int:
    return b.integral(node, b.theta(x), _chord(b, x))


def _acos(b: _Builder, node: int, x: int) -> int:
    return b.integral(node, b.minus_theta(x), _chord(b, x))


def _atan(b: _Builder, node: int, x: int) -> int:
    return b.integral(node, b.theta(x), b.g.add(b.g.one, b.graph.apply("mul", x, x)))


def _atan2(b: _Builder, node: int, y: int, x: int) -> int:
    # (y/x)' / (1 + (y/x)^2) = (x y' - y x') / (x^2 + y^2)
    g = b.g
    parts = [_rotation(b, y, x), _rotation(b, x, y)]
    if parts[0] is None or parts[1] is None:
        both = parts[0] if parts[0] is not None else b.new(g.zero, "neg", parts[1] or 0)
    else:
        both = b.new(g.zero, "sub", parts[0], parts[1])
    squares = [b.graph.apply("mul", x, x), b.graph.apply("mul", y, y)]
    return b.integral(node, both, b.graph.apply("add", *squares))


def _rotation(b: _Builder, moving: int, other: int) -> int | None:
    """other * theta(moving)."""
    if b.jet(moving) is None:
        return None
    theta, factor = b.theta(moving), b.jet(other)
    if factor is None:
        return b.scaled(b.g.zero, other, theta)
    return b.new(b.g.zero, "mul", theta, factor)


def _erf(b: _Builder, node: int, x: int) -> int:
    g = b.g
    bell = g.apply("exp", g.neg(b.graph.apply("mul", x, x)))
    slope = g.mul(g.constant(2.0 / math.sqrt(math.pi)), bell)
    return b.new(node, "chain", b.theta(x), b.of(slope))


def _mod(b: _Builder, node: int, x: int, y: int) -> int:
    left, right = b.jet(x), b.jet(y)
    if right is None:
        return b.new(node, "copy", b.of(x))
    whole = b.g.apply("floor", b.g.div(x, y))
    if left is None:
        return b.shifted(b.scaled(node, b.g.neg(whole), right))
    return b.new(node, "sub", left, b.scaled(b.g.mul(whole, y), whole, right))


def _select(b: _Builder, node: int, condition: int, x: int, y: int) -> int | None:
    left, right = b.jet(x), b.jet(y)
    if left is None and right is None:
        return None
    if left is None:
        return b.new(node, "gate_not", b.of(y), scalars=(condition,))
    if right is None:
        return b.new(node, "gate", left, scalars=(condition,))
    return b.new(node, "select", left, right, scalars=(condition,))


_RULES: dict[str, Callable[..., int | None]] = {
    "add": _add,
    "sub": _sub,
    "mul": lambda b, node, x, y: b.product(node, x, y),
    "div": _div,
    "neg": lambda b, node, x: b.new(node, "neg", b.of(x)),
    "pow": _pow,
    "sqrt": _sqrt,
    "exp": lambda b, node, x: b.exponential(node, b.of(x)),
    "log": _log(math.e),
    "log2": _log(2.0),
    "log10": _log(10.0),
    "sin": lambda b, node, x: b.pair(node, x, "sin", "cos", True),
    "cos": lambda b, node, x: b.pair(node, x, "sin", "cos", True),
    "sinh": lambda b, node, x: b.pair(node, x, "sinh", "cosh", False),
    "cosh": lambda b, node, x: b.pair(node, x, "sinh", "cosh", False),
    "tan": _tan,
    "tanh": _tanh,
    "asin": _asin,
    "acos": _acos,
    "atan": _atan,
    "atan2": _atan2,
    "erf": _erf,
    "abs": lambda b, node, x: b.scaled(node, b.g.apply("sign", x), b.of(x)),
    "mod": _mod,
    "select": _select,
    "min": lambda b, node, x, y: _select(b, node, b.g.apply("le", x, y), x, y),
    "max": lambda b, node, x, y: _select(b, node, b.g.apply("le", y, x), x, y),
}
