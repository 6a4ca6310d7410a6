"""Sliding along several switches at once, where one decides how another one is held.

On the intersection of surfaces g_i = 0 a solution follows a combination of the right-hand sides around it
that leaves none of them. With s_i in [-1, 1] in place of the side of switch i that is the multilinear one,

    f(s) = sum over all sides e of prod_i (1 + e_i s_i)/2 f(e),    g_i' = 0 along f(s)

for those that it slides along, and s_i = +-1 for the others. Sliding along i ends where s_i comes to 1 or
-1: the solution goes on along the other surfaces, without a jump of u'. Of two switches s follows from a
quadratic equation. More are solved for where f is linear in their sides, as where branches are added up.

Source: L. Dieci, L. Lopez, Sliding motion on discontinuity surfaces of high co-dimension: a construction for
selecting a Filippov vector field, Numerische Mathematik 117 (2011) 779-811, for the combination; J. C.
Alexander, T. I. Seidman, Sliding modes in intersecting switching surfaces I: blending, Houston Journal of
Mathematics 24 (1998) 545-569.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from symde.codegen.graph import Graph
from symde.codegen.root_set import SIDES

if TYPE_CHECKING:
    from symde.codegen.sliding import Surfaces

NOISE = 1e-13
"""Part of its terms below which a difference is rounding."""

Polynomial = list[int]
"""Nodes of the coefficients of 1, s_1, s_2 and s_1 s_2; of more switches, of 1, s_1, s_2, ..."""


def slide_together(surfaces: Surfaces, group: Sequence[int]) -> None:
    """Let solutions slide along any of a group of switches."""
    graph = surfaces.graph
    one = graph.constant(1.0)
    linear = len(group) > 2
    corners = _corners(surfaces, group, linear)
    speeds = [[surfaces.speed(place, f) for f in corners] for place in group]
    first = len(surfaces.roots.roots)
    slides = [
        graph.apply("lt", graph.constant(0.0), graph.input(SIDES, first + 2 * k)) for k in range(len(group))
    ]
    equations = [
        _equation(surfaces, _polynomial(graph, speeds[k], linear), slides[k], k, place)
        for k, place in enumerate(group)
    ]
    if not linear:
        shares = _bilinear(graph, *equations)
    elif _adds_up(surfaces, group):
        shares = _solved(graph, equations)
    else:  # nothing is known of such: no solution begins to slide
        shares = [graph.constant(math.nan)] * len(group)
    for place, share in zip(group, shares, strict=True):
        surfaces.add_exits(place, graph.apply("sub", one, share), graph.apply("add", one, share))
    any_slides = slides[0]
    for other in slides[1:]:
        any_slides = graph.apply("or", any_slides, other)
    for row, own in enumerate(surfaces.rhs):
        values = [f[row] for f in corners]
        if len(set(values)) > 1:
            combined = _value(graph, _polynomial(graph, values, linear), shares)
            surfaces.rhs[row] = graph.apply("select", any_slides, combined, own)


def _corners(surfaces: Surfaces, group: Sequence[int], linear: bool) -> list[list[int]]:
    """The right-hand sides with all switches on their sides; where it is linear in these with all on the
    negative one, and each alone on the positive one."""
    if linear:
        lowest = dict.fromkeys(group, -1.0)
        chosen = [lowest, *({**lowest, place: 1.0} for place in group)]
    else:
        chosen = [dict(zip(group, sides, strict=True)) for sides in product((-1.0, 1.0), repeat=len(group))]
    return [surfaces.on_sides(sides) for sides in chosen]


def _polynomial(graph: Graph, corners: Sequence[int], linear: bool) -> Polynomial:
    """The polynomial in the sides with these values at the corners."""
    half = graph.constant(0.5)

    def mean(a: int, b: int) -> int:
        return graph.apply("mul", half, graph.apply("add", a, b))

    def slope(a: int, b: int) -> int:
        return graph.apply("mul", half, graph.apply("sub", b, a))

    if not linear:
        low_low, low_high, high_low, high_high = corners
        low, high = (low_low, low_high), (high_low, high_high)
        return [
            mean(mean(*low), mean(*high)),
            slope(mean(*low), mean(*high)),
            mean(slope(*low), slope(*high)),
            slope(slope(*low), slope(*high)),
        ]
    lowest, *others = corners
    slopes = [slope(lowest, one) for one in others]
    middle = lowest
    for one in slopes:
        middle = graph.apply("add", middle, one)
    return [middle, *slopes]


def _value(graph: Graph, polynomial: Polynomial, shares: Sequence[int]) -> int:
    value, *slopes = polynomial
    factors = list(shares)
    if len(slopes) > len(shares):
        factors.append(graph.apply("mul", *shares))
    for slope, factor in zip(slopes, factors, strict=True):
        if not graph.is_constant(slope, 0.0):
            value = graph.apply("add", value, graph.apply("mul", slope, factor))
    return value


def _equation(surfaces: Surfaces, speed: Polynomial, slides: int, k: int, place: int) -> Polynomial:
    """What determines s_k: the speed to its line is 0 while the solution slides there, else s_k is the side;
    where that is released, that of its function."""
    graph = surfaces.graph
    side = graph.input(SIDES, place)
    released = graph.apply("eq", side, graph.constant(0.0))
    side = graph.apply("select", released, graph.apply("sign", surfaces.roots.roots[place].node), side)
    fixed = [graph.constant(0.0)] * len(speed)
    fixed[0], fixed[1 + k] = graph.apply("neg", side), graph.constant(1.0)
    return [graph.apply("select", slides, a, b) for a, b in zip(speed, fixed, strict=True)]


def _bilinear(graph: Graph, p: Polynomial, q: Polynomial) -> list[int]:
    """s_1 and s_2 from p_0 + p_1 s_1 + p_2 s_2 + p_3 s_1 s_2 = 0 and the same of q: of both solutions the one
    that is farther within [-1, 1]."""
    apply = graph.apply

    def cross(i: int, j: int) -> int:
        return _difference(graph, apply("mul", q[i], p[j]), apply("mul", q[j], p[i]))

    # with s_2 = -(p_0 + p_1 s_1)/(p_2 + p_3 s_1):  a s_1^2 + b s_1 + c = 0
    a, b, c = cross(1, 3), apply("add", cross(0, 3), cross(1, 2)), cross(0, 2)
    four, zero = graph.constant(4.0), graph.constant(0.0)
    square = apply("sub", apply("mul", b, b), apply("mul", four, apply("mul", a, c)))
    root = apply("sqrt", apply("max", square, zero))
    # no real solution is none: the root is imaginary then
    root = apply("select", apply("lt", square, zero), graph.constant(math.nan), root)
    half = graph.constant(-0.5)
    signed = apply("select", apply("lt", b, zero), apply("sub", b, root), apply("add", b, root))
    larger = apply("mul", half, signed)
    found = [_pair(graph, p, q, apply("div", c, larger)), _pair(graph, p, q, apply("div", larger, a))]
    reach = [apply("max", apply("abs", first), apply("abs", second)) for first, second in found]
    # a solution without a value is farther out than any
    second = apply("lt", reach[1], reach[0])
    none = apply("not", apply("eq", reach[0], reach[0]))
    chosen = apply("or", second, none)
    return [apply("select", chosen, far, near) for near, far in zip(*found, strict=True)]


def _difference(graph: Graph, a: int, b: int) -> int:
    """a - b, and 0 where that is rounding: lines that are the same one determine no solution."""
    apply = graph.apply
    difference = apply("sub", a, b)
    larger = apply("max", apply("abs", a), apply("abs", b))
    clear = apply("lt", apply("mul", graph.constant(NOISE), larger), apply("abs", difference))
    return apply("select", clear, difference, graph.constant(0.0))


def _pair(graph: Graph, p: Polynomial, q: Polynomial, first: int) -> tuple[int, int]:
    """s_1, and s_2 by the equation in which it stands with the larger factor."""
    apply = graph.apply
    factors = [apply("add", one[2], apply("mul", one[3], first)) for one in (p, q)]
    rests = [apply("add", one[0], apply("mul", one[1], first)) for one in (p, q)]
    larger = apply("lt", apply("abs", factors[1]), apply("abs", factors[0]))
    quotients = [
        apply("neg", apply("div", rest, factor)) for rest, factor in zip(rests, factors, strict=True)
    ]
    return first, apply("select", larger, *quotients)


def _solved(graph: Graph, equations: Sequence[Polynomial]) -> list[int]:
    """All s by elimination: of switches that hold a solution each has the most to say of its own line."""
    apply = graph.apply
    rows = [[*one[1:], apply("neg", one[0])] for one in equations]
    count = len(rows)
    for k in range(count):
        for i in range(k + 1, count):
            factor = apply("div", rows[i][k], rows[k][k])
            for j in range(k + 1, count + 1):
                rows[i][j] = _difference(graph, rows[i][j], apply("mul", factor, rows[k][j]))
    shares = [0] * count
    for k in reversed(range(count)):
        value = rows[k][count]
        for j in range(k + 1, count):
            value = apply("sub", value, apply("mul", rows[k][j], shares[j]))
        shares[k] = apply("div", value, rows[k][k])
    return shares


def _adds_up(surfaces: Surfaces, group: Sequence[int]) -> bool:
    """Whether the right-hand side is linear in the sides: they meet in sums alone."""
    graph, own = surfaces.graph, set(group)
    sides: dict[int, frozenset[int]] = {}
    for node in graph.reachable(surfaces.rhs):
        args = graph.args[node]
        if graph.op[node] == "input":
            vector, place = graph.value[node]
            sides[node] = frozenset({place} & own) if vector == SIDES else frozenset()
            continue
        read = [sides[one] for one in args]
        sides[node] = frozenset().union(*read)
        several = len(sides[node]) > 1
        if several and graph.op[node] in ("mul", "div"):
            if all(read) or (graph.op[node] == "div" and read[1]):
                return False
        elif several and graph.op[node] not in ("add", "sub", "neg"):
            return False
    return True
