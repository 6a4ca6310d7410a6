"""Sliding along a switch: the right-hand side on the surface from which both sides lead back.

Where a solution meets g = 0 and f on either side leads to the other, it stays there and follows the convex
combination of both that does not leave g = 0,

    f = a f+ + (1 - a) f-,    a = g-' / (g-' - g+'),    g+-' the derivative of g along f+-,

until one of g-' > 0 > g+' ceases to hold. Whether it slides is the side of the function -g+' then, which is a
mode as any other; it and g-' end the sliding at their roots.

Source: A. F. Filippov, Differential Equations with Discontinuous Righthand Sides (1988), section 4, equation
(4); L. Dieci, L. Lopez, Sliding motion in Filippov differential systems, SIAM Journal on Numerical Analysis
47 (2009) 2023-2051, for the entries and exits.
"""

from __future__ import annotations

from collections.abc import Sequence

from symde.codegen.derivatives import directional
from symde.codegen.graph import Graph
from symde.codegen.lower import LoweredModel
from symde.codegen.modes import replaced_inputs
from symde.codegen.root_set import KEEP, SIDES, SWITCH, TO_NEGATIVE, TO_POSITIVE, RootSet


def can_slide(roots: RootSet, place: int) -> bool:
    """Whether a solution may slide along a switch: one of two sides that decides no other root function."""
    graph, root = roots.graph, roots.roots[place]
    others = [one.node for one in roots.roots if not one.purpose & (TO_POSITIVE | TO_NEGATIVE)]
    return root.purpose == SWITCH and all((SIDES, place) not in graph.inputs_read([one]) for one in others)


def with_sliding(lowered: LoweredModel, rhs: Sequence[int], roots: RootSet, place: int) -> list[int]:
    """The right-hand side that slides along a switch while its exits are watched; they join the root
    functions.

    Args:
        lowered: The model.
        rhs: Its right-hand side with modes.
        place: The switch's place among the root functions.
    """
    graph = roots.graph
    g = roots.roots[place].node
    plus, minus = (_on_side(graph, rhs, place, side) for side in (1.0, -1.0))
    to_minus, to_plus = (_along(lowered, g, f) for f in (plus, minus))
    exits = (graph.apply("neg", to_minus), TO_POSITIVE), (to_plus, TO_NEGATIVE)
    first = len(roots.roots)
    for node, purpose in exits:
        roots.add(node, KEEP, purpose, place)
    share = graph.apply("div", to_plus, graph.apply("sub", to_plus, to_minus))
    slides = graph.apply("lt", graph.constant(0.0), graph.input(SIDES, first))
    roots.stays(slides)
    new = []
    for own, a, b in zip(rhs, plus, minus, strict=True):
        if a == b:
            new.append(own)
            continue
        combined = graph.apply("add", b, graph.apply("mul", share, graph.apply("sub", a, b)))
        new.append(graph.apply("select", slides, combined, own))
    return new


def _on_side(graph: Graph, rhs: Sequence[int], place: int, side: float) -> list[int]:
    def fixed(vector: str, index: int) -> int | None:
        return graph.constant(side) if vector == SIDES and index == place else None

    return replaced_inputs(graph, rhs, fixed)


def _along(lowered: LoweredModel, g: int, rhs: Sequence[int]) -> int:
    graph = lowered.graph
    along = {graph.time(): graph.constant(1.0), **dict(zip(lowered.states, rhs, strict=True))}
    (slope,) = directional(graph, [g], along)
    return slope
