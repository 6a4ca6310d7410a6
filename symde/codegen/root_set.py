"""Functions whose signs matter to a solve, each once: of the comparisons in conditions of events, and of what
switches inside expressions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from symde.codegen.graph import Graph
from symde.codegen.lower import LoweredModel
from symde.codegen.same_sign import same_sign
from symde.diagnostics import Span
from symde.model.definition import Definition

SIDES = "modes"
"""Input vector with the side of zero of each root function, 1 or -1 (0: it is not watched), and from place
`INTEGERS` on the values of floors."""

INTEGERS = 4096
"""Most root functions of a model."""


class Released:
    """Modes all of which are released, as values of the input `SIDES`."""

    def __getitem__(self, place: int) -> float:
        return 0.0 if place < INTEGERS else math.nan


KEEP, NEGATIVE, POSITIVE, OPEN = 0.0, -1.0, 1.0, 2.0
"""What counts for the side of a function that is zero and stays so; `OPEN`: neither side, `sign(x)` is 0."""

EVENT, SWITCH, FLOOR_LOW, FLOOR_HIGH, INNER = 1, 2, 4, 8, 16
"""What a root function is for: an event, a switch of two sides, x - n and n + 1 - x of a floor n, a switch
inside the condition of an event; several may hold."""

TO_POSITIVE, TO_NEGATIVE = 32, 64
"""A root function by which a solution that slides along a switch leaves it to one side: see
`symde.codegen.sliding`."""


@dataclass(slots=True)
class Root:
    """A root function.

    Attributes:
        node: Its node.
        tie: The side on which it counts where it is zero and stays so.
        purpose: What it is for.
        integer: Of a floor the place of its value among the integers, of an exit from sliding that of the
            switch.
        span: Where what switches stands in the text, None: nowhere.
        rides: Of an event's function that is, up to a factor, one of a switch along which solutions slide:
            the place of the switch's first exit, negative where the signs differ; 0: it is none.
        group: Number of the switches that decide together how a solution slides along them; 0: it is alone.
    """

    node: int
    tie: float
    purpose: int
    integer: int = 0
    span: Span | None = None
    rides: int = 0
    group: int = 0


class RootSet:
    """The root functions of a model.

    Attributes:
        graph: Holds their nodes.
        roots: In the order of their places.
        floors: Number of floors.
    """

    def __init__(self, lowered: LoweredModel, definition: Definition) -> None:
        self.graph: Graph = lowered.graph
        self.roots: list[Root] = []
        self.floors = 0
        self._places: dict[Any, tuple[int, bool]] = {}
        self._pairs: dict[tuple[int, int, float, int], tuple[int, bool]] = {}
        states = zip(lowered.states, definition.states, strict=True)
        self._whole: dict[int, int] = {}
        self._moves: dict[int, bool] = {node: True for node, state in states if not state.discrete}

    def moves(self, node: int) -> bool:
        """Whether a quantity changes without an event and without a switch."""
        graph, known = self.graph, self._moves
        if node not in known:
            for one in graph.reachable([node]):
                if one not in known:
                    known[one] = graph.op[one] == "time" or any(known[a] for a in graph.args[one])
        return known[node]

    def stays(self, node: int) -> int:
        """A quantity that a switch alone changes; itself."""
        self._moves[node] = False
        return node

    def crossing(self, node: int) -> int:
        """The place of the root function of a crossing."""
        return self._root(node, KEEP, EVENT)[0]

    def switch(self, node: int, purpose: int, tie: float = KEEP) -> tuple[int, bool]:
        """The place of the root function of what switches by a quantity's sign, and whether its positive side
        is that of the quantity."""
        return self._root(node, tie, purpose)

    def _root(self, node: int, tie: float, purpose: int) -> tuple[int, bool]:
        """A function of switches is one, however it is written, since solutions slide along it. Events have
        theirs apart, and those that differ in what counts at zero, where a solution may rest."""
        key: Any = node, purpose, tie
        same = True
        if purpose == SWITCH:
            key, same = same_sign(self.graph, node)
        known = self._places.get(key)
        if known is None:
            known = self._places[key] = len(self.roots), same
            self.roots.append(Root(node, tie, purpose))
        place, first = known
        root = self.roots[place]
        tie = tie if same == first or tie in (KEEP, OPEN) else -tie
        if root.tie == KEEP:
            root.tie = tie
        elif tie not in (KEEP, root.tie):
            root.tie = OPEN
        return place, same == first

    def add(self, node: int, tie: float, purpose: int, integer: int) -> None:
        """One more root function, whatever others there are; its place in the text is that of its switch."""
        self.roots.append(Root(node, tie, purpose, integer, self.roots[integer].span))

    def compared(self, op: str, a: int, b: int, purpose: int) -> tuple[int, bool]:
        """The place of b - a for `a < b` or `a <= b`, and whether its positive side is meant: a - b may be
        there already."""
        graph, tie = self.graph, POSITIVE if op == "le" else NEGATIVE
        known = self._pairs.get((a, b, tie, purpose))
        if known is None:
            node = b if graph.is_constant(a, 0.0) else graph.apply("sub", b, a, span=graph.span[b])
            place, positive = self._root(node, tie, purpose)
            known = self._pairs[a, b, tie, purpose] = place, positive
            self._pairs[b, a, -tie, purpose] = place, not positive
        return known

    def floor(self, x: int, purpose: int) -> int:
        """The place among the integers of the value of floor(x), with its two root functions; one that
        conditions of events alone read is marked `INNER`."""
        graph = self.graph
        known = self._whole.get(x)
        if known is None:
            known = self._whole[x] = self.floors
            self.floors += 1
            value = graph.input(SIDES, INTEGERS + known)
            above = graph.apply("sub", x, value)
            below = graph.apply("sub", graph.constant(1.0), above)
            for node, end in ((above, FLOOR_LOW), (below, FLOOR_HIGH)):
                self.roots.append(Root(node, POSITIVE, end | purpose & INNER, known))
        return known

    def check_number(self) -> None:
        """Refuse more functions than there is room for.

        Raises:
            ValueError: there are.
        """
        if len(self.roots) > INTEGERS:
            raise ValueError(
                f"the conditions of the events and the switches of the model read {len(self.roots)} "
                f"different comparisons: {INTEGERS} at most; let one event see to many of them"
            )

    def watch(self, nodes: Iterable[int]) -> None:
        """Conditions of events read these nodes: what they switch by matters to events, too."""
        pending, seen = list(nodes), set()
        while pending:
            for vector, place in self.graph.inputs_read([pending.pop()]):
                if vector == SIDES and place not in seen:
                    seen.add(place)
                    for root in self._behind(place):
                        root.purpose |= EVENT
                        pending.append(root.node)

    def _behind(self, place: int) -> list[Root]:
        """The root functions that decide the side, or the floor, at a place."""
        if place < INTEGERS:
            return [self.roots[place]]
        floors = FLOOR_LOW | FLOOR_HIGH
        return [one for one in self.roots if one.purpose & floors and one.integer == place - INTEGERS]

    def exits(self) -> tuple[int, ...]:
        """Of each function the place of the first of its two exits from sliding, 0 where it has none."""
        owners = {root.integer: k for k, root in enumerate(self.roots) if root.purpose & TO_POSITIVE}
        return tuple(owners.get(k, 0) for k in range(len(self.roots)))

    def ride(self) -> None:
        """Events whose function is, up to a factor, that of a switch along which solutions slide: while one
        does, the function is zero and what is left of it is error, so that it stays on its side."""
        graph, first = self.graph, self.exits()
        sliding: dict[Any, tuple[int, bool]] = {}
        for place, root in enumerate(self.roots):
            if first[place]:
                key, same = same_sign(graph, root.node)
                sliding[key] = place, same
        for place, root in enumerate(self.roots):
            key, same = same_sign(graph, root.node)
            if key not in sliding or root.purpose & ~(EVENT | INNER):
                continue
            switch, other = sliding[key]
            exit_ = first[switch]
            root.rides = exit_ if same == other else -exit_
            for one in (exit_, exit_ + 1):
                self.roots[one].purpose |= EVENT
            slides = graph.apply("lt", graph.constant(0.0), graph.input(SIDES, exit_))
            root.node = graph.apply("select", slides, graph.input(SIDES, place), root.node)

    def timed(self) -> tuple[bool, ...]:
        """Of each function whether it follows time alone, so that it is known without a state."""
        graph, found = self.graph, []
        for root in self.roots:
            needed = graph.reachable([root.node])
            states = any(graph.op[one] == "input" and graph.value[one][0] == "u" for one in needed)
            found.append(not states and any(graph.op[one] == "time" for one in needed))
        return tuple(found)
