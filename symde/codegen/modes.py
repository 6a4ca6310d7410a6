"""Branches inside expressions as modes: what switches is an input that stays as it is during a step.

A conditional, `abs`, `min`, `max`, `sign`, `floor`, `ceil` and `mod` of what changes have kinks or jumps.
Each is decided by the side of zero of a root function, which the engine locates; between its roots the
equations are smooth, and methods have their order.

    a < b        the side of b - a            |x|, sign(x)    that of x
    min, max     the side of b - a            floor(x)        an integer, left at its two ends
    mod(x, y)    x - y floor(x/y)             ceil(x)         -floor(-x)

A side of 0, and a floor that is no number, release a switch: it is evaluated as it stands then.

Source: T. Park, P. I. Barton, State event location in differential-algebraic models, ACM Transactions on
Modeling and Computer Simulation 6 (1996) 137-165.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from symde.codegen.graph import Graph
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.root_set import EVENT, INNER, INTEGERS, KEEP, OPEN, SIDES, SWITCH, Released, RootSet

SWITCHES = frozenset({"lt", "le", "abs", "sign", "min", "max", "floor", "ceil", "mod"})

MOST = 64
"""Switches of a model from which on they are evaluated as they stand: each is watched in every step."""


class Locked:
    """A model's graph with its switches as modes.

    Attributes:
        model: The model, its right-hand side with modes.
        roots: Their root functions, to which those of events may be added.

    Args:
        model: The model's graph.
        events: The root functions of its events; the right-hand side stays as it is then, and conditions may
            be locked.
        sliding: Places of root functions of switches along which solutions slide.
    """

    def __init__(self, model: ModelGraph, events: RootSet | None = None, sliding: Sequence[int] = ()) -> None:
        lowered = model.lowered
        self.graph: Graph = lowered.graph
        self.roots = RootSet(lowered, model.definition) if events is None else events
        self._known: dict[int, int] = {}
        self.count, self.model = 0, model
        self._purpose = SWITCH if events is None else EVENT | INNER
        if events is None:
            rhs = tuple(self.locked(node) for node in lowered.rhs)
            if sliding:
                from symde.codegen.sliding import with_sliding  # few solutions slide

                rhs = tuple(with_sliding(lowered, rhs, self.roots, sliding))
            self.model = ModelGraph(model.definition, lowered=replace(lowered, rhs=rhs))

    def locked(self, node: int) -> int:
        """A quantity with its switches as modes."""
        graph, known = self.graph, self._known
        for one in graph.reachable([node]):
            if one not in known:
                known[one] = self._node(one)
        return known[node]

    def _node(self, node: int) -> int:
        graph, op = self.graph, self.graph.op[node]
        if not graph.args[node]:
            return node
        args = tuple(self._known[argument] for argument in graph.args[node])
        if op in SWITCHES and any(self.roots.moves(argument) for argument in args):
            self.count += 1
            known = len(self.roots.roots)
            switch = self._switch(op, args)
            for root in self.roots.roots[known:]:
                root.span = graph.span[node]
            return switch
        return node if args == graph.args[node] else _like(graph, node, args)

    def _switch(self, op: str, args: Sequence[int]) -> int:
        graph = self.graph
        if op in ("lt", "le"):
            return self._comparison(op, *args)
        if op in ("min", "max"):
            first = self._comparison("le", *(args if op == "min" else reversed(args)))
            return graph.apply("select", first, *args)
        if op in ("abs", "sign"):
            (x,) = args
            open_ = op == "sign" and self._purpose == SWITCH
            place, positive = self.roots.switch(x, self._purpose, OPEN if open_ else KEEP)
            side = graph.input(SIDES, place)
            if not positive:
                side = graph.apply("neg", side)
            value = side if op == "sign" else graph.apply("mul", side, x)
            chosen = graph.apply("select", self._released(side), graph.apply(op, x), value)
            return self.roots.stays(chosen) if op == "sign" else chosen
        if op == "floor":
            return self._floor(args[0])
        if op == "ceil":
            return graph.apply("neg", self._floor(graph.apply("neg", args[0])))
        x, y = args
        whole = self._floor(graph.apply("div", x, y))
        return graph.apply("sub", x, graph.apply("mul", y, whole))

    def _comparison(self, op: str, a: int, b: int) -> int:
        """A truth value by the side, or by the values where the switch is released."""
        graph = self.graph
        place, positive = self.roots.compared(op, a, b, self._purpose)
        side, zero = graph.input(SIDES, place), graph.constant(0.0)
        holds = graph.apply("lt", zero, side) if positive else graph.apply("lt", side, zero)
        as_it_stands = graph.apply("and", self._released(side), graph.apply(op, a, b))
        return self.roots.stays(graph.apply("or", holds, as_it_stands))

    def _released(self, side: int) -> int:
        return self.graph.apply("eq", side, self.graph.constant(0.0))

    def _floor(self, x: int) -> int:
        graph = self.graph
        value = graph.input(SIDES, INTEGERS + self.roots.floor(x, self._purpose))
        is_number = graph.apply("eq", value, value)
        return self.roots.stays(graph.apply("select", is_number, value, graph.apply("floor", x)))


def _like(graph: Graph, node: int, args: tuple[int, ...]) -> int:
    """The operation of a node on other arguments."""
    if graph.op[node] == "call":
        function, place, count = graph.value[node]
        return graph.call(function, place, count, args, graph.span[node])
    new = graph.apply(graph.op[node], *args, span=graph.span[node])
    if node in graph.names:
        graph.names.setdefault(new, graph.names[node])
    return new


def replaced_inputs(graph: Graph, nodes: Sequence[int], by: Callable[[str, int], int | None]) -> list[int]:
    """Nodes that read others in place of some inputs; `by` tells which, from vector and place."""
    known: dict[int, int] = {}
    for one in graph.reachable(nodes):
        new = by(*graph.value[one]) if graph.op[one] == "input" else None
        if new is None:
            args = tuple(known[argument] for argument in graph.args[one])
            new = one if args == graph.args[one] else _like(graph, one, args)
        known[one] = new
    return [known[node] for node in nodes]


def as_it_stands(graph: Graph, node: int) -> int:
    """A quantity with modes, all of which are released."""

    def released(vector: str, place: int) -> int | None:
        return graph.constant(Released()[place]) if vector == SIDES else None

    return replaced_inputs(graph, [node], released)[0]


def switches(graph: Graph, rhs: Sequence[int]) -> int:
    """Number of operations that may switch."""
    return sum(graph.op[node] in SWITCHES for node in graph.reachable(rhs))


def lock(model: ModelGraph, sliding: Sequence[int] = ()) -> Locked | None:
    """The model with its switches as modes; None where it has none, or too many; `sliding` as of `Locked`."""
    graph, rhs = model.lowered.graph, model.lowered.rhs
    if not 0 < switches(graph, rhs) <= MOST:
        return None
    locked = Locked(model, sliding=sliding)
    return locked if locked.count else None
