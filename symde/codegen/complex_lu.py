"""Kernels of a planned factorisation of (alpha + i beta)*M - J: complex arithmetic in pairs of real nodes.

The order of pivots and the fill-in are those of the real matrix. J is real, so an entry has no imaginary part
until elimination brings one in; parts that are zero by structure cost nothing.

There is no pivoting by size, and no test of the result here: the caller judges the first solution of each
factorisation. The plain formula of the reciprocal overflows where pivots leave 1e-154..1e154; the judgement
catches that too.
"""

from __future__ import annotations

from collections.abc import Sequence

from symde.codegen.graph import Graph
from symde.codegen.kernel import Kernel, Output, Vector
from symde.codegen.lu import StaticLU
from symde.codegen.lu_kernels import matrix_of, shifted

COMPLEX_OPERATION_LIMIT = 2500
"""Multiply-subtracts of the real plan above which complex kernels are not generated: each is four here."""

Pair = tuple[int, int | None]
"""Nodes of the real and the imaginary part; None for an imaginary part that is always zero."""


class ComplexArithmetic:
    """Operations on pairs of nodes."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def _add(self, a: int | None, b: int | None, op: str) -> int | None:
        if b is None:
            return a
        if a is None:
            return b if op == "add" else self.graph.apply("neg", b)
        return self.graph.apply(op, a, b)

    def times(self, a: Pair, b: Pair) -> Pair:
        """a * b."""
        apply = self.graph.apply
        real = apply("mul", a[0], b[0])
        if a[1] is not None and b[1] is not None:
            real = apply("sub", real, apply("mul", a[1], b[1]))
        cross = [
            apply("mul", x, y) for x, y in ((a[0], b[1]), (a[1], b[0])) if x is not None and y is not None
        ]
        imaginary = None
        for term in cross:
            imaginary = self._add(imaginary, term, "add")
        return real, imaginary

    def minus_product(self, start: Pair | None, a: Pair, b: Pair) -> Pair:
        """start - a * b, term by term so that each can be one fused operation."""
        apply = self.graph.apply
        real = None if start is None else start[0]
        imaginary = None if start is None else start[1]
        real = self._add(real, apply("mul", a[0], b[0]), "sub")
        if a[1] is not None and b[1] is not None:
            real = self._add(real, apply("mul", a[1], b[1]), "add")
        for x, y in ((a[0], b[1]), (a[1], b[0])):
            if x is not None and y is not None:
                imaginary = self._add(imaginary, apply("mul", x, y), "sub")
        assert real is not None
        return real, imaginary

    def reciprocal(self, a: Pair) -> Pair:
        """1 / a."""
        apply, one = self.graph.apply, self.graph.constant(1.0)
        if a[1] is None:
            return apply("div", one, a[0]), None
        size = apply("add", apply("mul", a[0], a[0]), apply("mul", a[1], a[1]))
        inverse = apply("div", one, size)
        return apply("mul", a[0], inverse), apply("neg", apply("mul", a[1], inverse))


def complex_lu_kernels(plan: StaticLU) -> tuple[Kernel, ...]:
    """The kernels of a plan.

    `lu_complex_factor` reads (jacobian, shift), shift = (alpha, beta), and `mass` where M is not the
    identity, and writes `lu`: all real parts in the
    plan's order, then all imaginary parts. `lu_complex_solve` reads (lu, real, imaginary), the parts of the
    right side, and writes the parts of the solution, `x` and `y`.
    """
    return _factor(plan), _solve(plan)


def _factor(plan: StaticLU) -> Kernel:
    graph = Graph()
    shift = graph.input("shift", 0), graph.input("shift", 1)
    jacobian = [graph.input("jacobian", k) for k in range(len(plan.indices))]
    mass = None if plan.massed is None else [graph.input("mass", k) for k in range(len(plan.indices))]
    slots = complex_eliminate(plan, graph, complex_matrix(plan, graph, shift, jacobian, mass))
    zero = graph.constant(0.0)
    nodes = [real for real, _ in slots] + [zero if part is None else part for _, part in slots]
    inputs = (Vector("jacobian", len(plan.indices)), Vector("shift", 2))
    if plan.massed is not None:
        inputs = (*inputs, Vector("mass", len(plan.indices)))
    return Kernel("lu_complex_factor", graph, inputs, (Output("lu", tuple(nodes)),))


def _solve(plan: StaticLU) -> Kernel:
    graph, n, length = Graph(), plan.n, plan.length
    lu: list[Pair] = [(graph.input("lu", slot), graph.input("lu", length + slot)) for slot in range(length)]
    right: list[Pair] = [(graph.input("real", i), graph.input("imaginary", i)) for i in range(n)]
    solution = complex_substitute(plan, graph, lu, right)
    zero = graph.constant(0.0)
    outputs = (
        Output("x", tuple(real for real, _ in solution)),
        Output("y", tuple(zero if part is None else part for _, part in solution)),
    )
    inputs = (Vector("lu", 2 * length), Vector("real", n), Vector("imaginary", n))
    return Kernel("lu_complex_solve", graph, inputs, outputs)


def complex_matrix(
    plan: StaticLU,
    graph: Graph,
    shift: tuple[int, int],
    jacobian: Sequence[int],
    mass: Sequence[int] | None = None,
) -> list[dict[int, Pair]]:
    """Nodes of each entry of (alpha + i beta)*M - J, by row and column."""
    reals = matrix_of(plan, graph, shift[0], jacobian, mass)
    imaginary = {(i, i): shift[1] for i in range(plan.n) if plan.shifted[i]}
    if plan.massed is not None and mass is not None:
        for i in range(plan.n):
            for k in range(plan.indptr[i], plan.indptr[i + 1]):
                if plan.massed[k]:
                    imaginary[i, plan.indices[k]] = shifted(graph, shift[1], mass[k])
    return [{j: (node, imaginary.get((i, j))) for j, node in row.items()} for i, row in enumerate(reals)]


def complex_eliminate(plan: StaticLU, graph: Graph, matrix: Sequence[dict[int, Pair]]) -> list[Pair]:
    """Gaussian elimination in the planned order: the nodes of each slot of `lu`."""
    arithmetic = ComplexArithmetic(graph)
    position = {column: k for k, column in enumerate(plan.columns)}
    work = [{position[j]: pair for j, pair in matrix[row].items()} for row in plan.rows]
    below: list[list[int]] = [[] for _ in range(plan.n)]
    for k, entries in enumerate(plan.lower):
        for m in entries:
            below[m].append(k)
    slots: list[Pair] = [(0, None)] * plan.length
    for k in range(plan.n):
        reciprocal = slots[plan.diagonal[k]] = arithmetic.reciprocal(work[k][k])
        for m, slot in plan.upper[k].items():
            slots[slot] = work[k][m]
        for row in below[k]:
            factor = slots[plan.lower[row][k]] = arithmetic.times(work[row][k], reciprocal)
            for m in plan.upper[k]:
                work[row][m] = arithmetic.minus_product(work[row].get(m), factor, work[k][m])
    return slots


def complex_substitute(plan: StaticLU, graph: Graph, lu: Sequence[Pair], right: Sequence[Pair]) -> list[Pair]:
    """Nodes of the solution from the nodes of the factors."""
    arithmetic = ComplexArithmetic(graph)
    z: list[Pair] = []
    for k in range(plan.n):
        value = right[plan.rows[k]]
        for m, slot in plan.lower[k].items():
            value = arithmetic.minus_product(value, lu[slot], z[m])
        z.append(value)
    solution: list[Pair] = [(0, None)] * plan.n
    for k in reversed(range(plan.n)):
        value = z[k]
        for m, slot in plan.upper[k].items():
            value = arithmetic.minus_product(value, lu[slot], z[m])
        z[k] = solution[plan.columns[k]] = arithmetic.times(value, lu[plan.diagonal[k]])
    return solution
