"""Graph nodes as readable statements of a C-like language: what the source printers share.

A node is written inside its reader as long as it has one reader, no name of its own and no exceeding length;
else it becomes a temporary. Parentheses keep the order of evaluation of the graph exactly: nothing is
re-associated. Nothing recurses.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from symde.codegen.graph import BOOLEAN, CALL, Graph
from symde.codegen.powers import integer_exponent

LONGEST = 500
"""Characters from which on an expression becomes a temporary: about five lines."""

NESTED = 8
"""Brackets within brackets from which on an expression becomes a temporary."""

CHOICE, OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(10)
"""How tightly an expression binds, the loosest first."""


@dataclass(frozen=True, slots=True)
class Text:
    """An expression as text: how tightly it binds and how deep its brackets nest."""

    text: str
    binding: int = ATOM
    nested: int = 0

    def within(self, binding: int) -> Text:
        """The expression as operand of an operator that binds so: bracketed if it binds less tightly."""
        if self.binding >= binding:
            return self
        return Text(f"({self.text})", ATOM, self.nested + 1)

    def after(self, binding: int) -> Text:
        """The expression behind an operator: bracketed also if it starts with a sign."""
        return self.within(ATOM if self.text.startswith("-") else binding)


def infix(a: Text, operator: str, b: Text, binding: int) -> Text:
    """`a operator b`, evaluated left to right."""
    left, right = a.within(binding), b.after(binding + 1)
    return Text(f"{left.text}{operator}{right.text}", binding, max(left.nested, right.nested))


def compared(a: Text, operator: str, b: Text) -> Text:
    """A comparison of two numbers; comparisons are never chained."""
    left, right = a.within(SUM), b.within(SUM)
    return Text(f"{left.text} {operator} {right.text}", COMPARISON, max(left.nested, right.nested))


def call(function: str, *args: Text) -> Text:
    """`function(a, b)`."""
    inner = ", ".join(argument.text for argument in args)
    return Text(f"{function}({inner})", ATOM, 1 + max((argument.nested for argument in args), default=0))


def negated(a: Text) -> Text:
    """`-a`. The sign of a product is the sign of its first factor: -(a*b) and (-a)*b are the same number."""
    inner = a.after(PRODUCT)
    return Text(f"-{inner.text}", min(inner.binding, SIGN), inner.nested)


class Dialect(ABC):
    """How a language writes operations.

    Attributes:
        FUNCTIONS: Operation -> function of the language that means exactly that.
        OPAQUE: A function that gives its argument back. Operations on bare numbers that have no finite value
            (1/0) go through it, since compilers stumble over them.
        helpers: Functions of symde's own that the printed expressions call, in any order.
    """

    FUNCTIONS: ClassVar[Mapping[str, str]]
    OPAQUE: ClassVar[str]
    INFINITY: ClassVar[str]
    NAN: ClassVar[str]

    def __init__(self) -> None:
        self.helpers: set[str] = set()

    @abstractmethod
    def whole_power(self, base: Text, exponent: int) -> Text:
        """The base to a whole power, positive or 0."""

    @abstractmethod
    def power(self, base: Text, exponent: Text) -> Text:
        """The base to any power."""

    @abstractmethod
    def special(self, op: str, args: Sequence[Text]) -> Text:
        """An operation that is neither arithmetic nor in FUNCTIONS."""

    def called(self, function: str, args: Sequence[Text]) -> Text:
        """All values of a function from outside, which `[k]` behind a name tells apart.

        Raises:
            ValueError: the language cannot call it.
        """
        raise ValueError(
            f"`{function}` is bound to a torch module, which only the target 'torch' can call: bind a "
            f"network, model.bind({function}=symde.Network([...]))"
        )

    def number(self, value: float) -> Text:
        """A float64 that reads back exactly."""
        if math.isnan(value):
            return Text(self.NAN)
        text = repr(abs(value)) if math.isfinite(value) else self.INFINITY
        return Text(f"-{text}", SIGN) if math.copysign(1.0, value) < 0 else Text(text)

    def opaque(self, text: Text) -> Text:
        """A number of which the language's compiler does not know that it is one."""
        self.helpers.add(self.OPAQUE)
        return call(self.OPAQUE, text)

    def operation(self, op: str, args: Sequence[Text], exponent: int | None) -> Text:
        """Any operation; `exponent` is that of a power to be multiplied out."""
        if op in _INFIX:
            return infix(args[0], _INFIX[op][0], args[1], _INFIX[op][1])
        if op == "neg":
            return negated(args[0])
        if op == "pow":
            if exponent is None:
                return self.power(*args)
            power = self.whole_power(args[0], abs(exponent))
            return power if exponent >= 0 else infix(self.number(1.0), "/", power, PRODUCT)
        if op in self.FUNCTIONS:
            return call(self.FUNCTIONS[op], *args)
        return self.special(op, args)


_INFIX = {"add": (" + ", SUM), "sub": (" - ", SUM), "mul": ("*", PRODUCT), "div": ("/", PRODUCT)}


@dataclass(frozen=True, slots=True)
class Temporary:
    """`name = text`, once. A boolean one holds a truth value."""

    name: str
    text: str
    boolean: bool


@dataclass(frozen=True, slots=True)
class Result:
    """The text of one root, told by its position among the roots."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What the leaves and some nodes are called.

    Attributes:
        inputs: (vector, index) -> identifier or expression that reads it.
        named: Node -> identifier of the temporary that shall hold it.
        temporaries: Endless identifiers for other temporaries.
        time: What the independent variable is called.
    """

    inputs: Mapping[tuple[str, int], str]
    named: Mapping[int, str]
    temporaries: Iterator[str]
    time: str = "t"


def statements(
    graph: Graph, roots: Sequence[int], dialect: Dialect, scope: Scope
) -> Iterator[Temporary | Result]:
    """The statements that compute the roots, in an order in which they can be executed.

    Results come in the order of the roots, each as early as its temporaries allow.
    """
    order = graph.depth_first(roots)
    uses = Counter(argument for node in order for argument in graph.args[node])
    uses.update(roots)
    ends = set(roots)
    texts: dict[int, Text] = {}
    calls: dict[tuple[str, tuple[int, ...]], str] = {}
    done = 0
    for node in order:
        if graph.op[node] == CALL:
            function, place, _ = graph.value[node]
            key = function, graph.args[node]
            if key not in calls:
                calls[key] = next(scope.temporaries)
                written = dialect.called(function, [texts[one] for one in key[1]])
                yield Temporary(calls[key], written.text, False)
            text = Text(f"{calls[key]}[{place}]")
        else:
            text = _text(graph, node, texts, dialect, scope)
        if graph.args[node] and _is_temporary(graph, node, text, uses[node], node in ends, scope):
            name = scope.named.get(node) or next(scope.temporaries)
            yield Temporary(name, text.text, graph.op[node] in BOOLEAN)
            text = Text(name)
        texts[node] = text
        while done < len(roots) and roots[done] in texts:
            yield Result(done, texts[roots[done]].text)
            done += 1


def _text(graph: Graph, node: int, texts: Mapping[int, Text], dialect: Dialect, scope: Scope) -> Text:
    op = graph.op[node]
    if op == "const":
        return dialect.number(graph.value[node])
    if op == "time":
        return Text(scope.time)
    if op == "input":
        return Text(scope.inputs[graph.value[node]])
    args = graph.args[node]
    written = [texts[argument] for argument in args]
    if all(graph.op[argument] == "const" for argument in args):
        written[0] = dialect.opaque(written[0])
    return dialect.operation(op, written, integer_exponent(graph, node) if op == "pow" else None)


def _is_temporary(graph: Graph, node: int, text: Text, uses: int, is_root: bool, scope: Scope) -> bool:
    if node in scope.named:
        return True
    if uses > 1:
        return graph.op[node] != "neg" or bool(graph.args[graph.args[node][0]])
    return not is_root and (len(text.text) > LONGEST or text.nested > NESTED)
