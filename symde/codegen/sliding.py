"""Sliding along switches: the right-hand side on surfaces from which all sides lead back.

Where a solution meets g = 0 and f on either side leads to the other, it stays there and follows the convex
combination of both that does not leave g = 0,

    f = a f+ + (1 - a) f-,    a = g-' / (g-' - g+'),    g+-' the derivative of g along f+-,

until one of g-' > 0 > g+' ceases to hold. Whether it slides is the side of the function -g+' then, which is a
mode as any other; it and g-' end the sliding at their roots. Switches of which one decides how another one is
held slide in `symde.codegen.intersection`.

With a mass matrix the same is done of M u' = f, where branches stand in equations with one derivative each
and what switches reads differential variables alone: algebraic variables have one value on all sides then.

Source: A. F. Filippov, Differential Equations with Discontinuous Righthand Sides (1988), section 4, equation
(4); L. Dieci, L. Lopez, Sliding motion in Filippov differential systems, SIAM Journal on Numerical Analysis
47 (2009) 2023-2051, for the entries and exits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symde.codegen.derivatives import directional
from symde.codegen.intersection import slide_together
from symde.codegen.lower import LoweredModel
from symde.codegen.modes import replaced_inputs
from symde.codegen.root_set import KEEP, SIDES, SWITCH, TO_NEGATIVE, TO_POSITIVE, RootSet

Slopes = dict[int, int]
"""Of each state its derivative by time as a node of the right-hand side."""


class Surfaces:
    """The switches of a model along which solutions slide.

    Args:
        lowered: The model.
        rhs: Its right-hand side with modes.
        roots: Its root functions.
        places: Those of the switches.
    """

    def __init__(
        self, lowered: LoweredModel, rhs: Sequence[int], roots: RootSet, places: Sequence[int]
    ) -> None:
        self.lowered, self.roots, self.graph = lowered, roots, lowered.graph
        self.rhs = list(rhs)
        self._divisors = _divisors(lowered)
        self.places = [place for place in places if self._can_slide(place)]

    def _can_slide(self, place: int) -> bool:
        """Whether a solution may slide along a switch: one of two sides that decides no other root function,
        and with a mass matrix no algebraic variable."""
        graph, root = self.graph, self.roots.roots[place]
        if root.purpose != SWITCH or any(self._reads(one.node, place) for one in self.roots.roots):
            return False
        if self._divisors is None:
            return True
        read = {index for vector, index in graph.inputs_read([root.node]) if vector == "u"}
        mass = self.lowered.mass or ()
        held = all(row or not self._reads(node, place) for row, node in zip(mass, self.rhs, strict=True))
        return held and read <= self._divisors.keys()

    def _reads(self, node: int, place: int) -> bool:
        return (SIDES, place) in self.graph.inputs_read([node])

    def speed(self, place: int, rhs: Sequence[int]) -> int:
        """The derivative of a switch's function along a right-hand side."""
        graph, states = self.graph, self.lowered.states
        along = {graph.time(): graph.constant(1.0)}
        if self._divisors is None:
            along.update(zip(states, rhs, strict=True))
        else:
            for column, (row, factor) in self._divisors.items():
                along[states[column]] = graph.apply("div", rhs[row], factor)
        (slope,) = directional(graph, [self.roots.roots[place].node], along)
        return slope

    def on_sides(self, sides: Mapping[int, float], nodes: Sequence[int] | None = None) -> list[int]:
        """The right-hand side, or other nodes, with some switches on given sides."""

        def fixed(vector: str, index: int) -> int | None:
            return self.graph.constant(sides[index]) if vector == SIDES and index in sides else None

        return replaced_inputs(self.graph, self.rhs if nodes is None else nodes, fixed)

    def add_exits(self, place: int, to_positive: int, to_negative: int) -> int:
        """Watch two functions of which a root ends the sliding to one side; whether solutions slide."""
        graph, first = self.graph, len(self.roots.roots)
        self.roots.add(to_positive, KEEP, TO_POSITIVE, place)
        self.roots.add(to_negative, KEEP, TO_NEGATIVE, place)
        return self.roots.stays(graph.apply("lt", graph.constant(0.0), graph.input(SIDES, first)))

    def groups(self) -> list[list[int]]:
        """Switches of which one decides how fast a solution gets to another's line, in groups."""
        speeds = {place: self.speed(place, self.rhs) for place in self.places}
        found: list[list[int]] = []
        for place in self.places:
            joined = [
                group
                for group in found
                if any(
                    self._reads(speeds[place], other) or self._reads(speeds[other], place) for other in group
                )
            ]
            found = [group for group in found if group not in joined]
            found.append([*(one for group in joined for one in group), place])
        return found


def with_sliding(
    lowered: LoweredModel, rhs: Sequence[int], roots: RootSet, places: Sequence[int]
) -> list[int]:
    """The right-hand side that slides along switches while their exits are watched; these join the root
    functions.

    Args:
        lowered: The model.
        rhs: Its right-hand side with modes.
        roots: Its root functions.
        places: Those of the switches.
    """
    surfaces = Surfaces(lowered, rhs, roots, places)
    for number, group in enumerate(surfaces.groups(), 1):
        if len(group) == 1:
            _slide_alone(surfaces, group[0])
            continue
        slide_together(surfaces, group)
        for place in group:
            roots.roots[place].group = number
    return surfaces.rhs


def _slide_alone(surfaces: Surfaces, place: int) -> None:
    graph = surfaces.graph
    plus, minus = (surfaces.on_sides({place: side}) for side in (1.0, -1.0))
    to_minus, to_plus = (surfaces.speed(place, f) for f in (plus, minus))
    share = graph.apply("div", to_plus, graph.apply("sub", to_plus, to_minus))
    slides = surfaces.add_exits(place, graph.apply("neg", to_minus), to_plus)
    for row, (own, a, b) in enumerate(zip(surfaces.rhs, plus, minus, strict=True)):
        if a != b:
            combined = graph.apply("add", b, graph.apply("mul", share, graph.apply("sub", a, b)))
            surfaces.rhs[row] = graph.apply("select", slides, combined, own)


def _divisors(lowered: LoweredModel) -> dict[int, tuple[int, int]] | None:
    """Of each state with an equation of its own, M_ij u_j' = f_i, the equation's row and the factor; None
    where all states have one that is u' = f."""
    if lowered.mass is None:
        return None
    return {row[0][0]: (place, row[0][1]) for place, row in enumerate(lowered.mass) if len(row) == 1}
