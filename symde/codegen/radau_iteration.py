"""The first guess and one Newton iteration of a Radau IIA formula as kernels, straight-line.

For a few states the general iteration spends most of its time between the pieces: the calls for each stage,
the short loops of both transformations, the calls of the solvers. Here the formula is constants of the code.

The kernel `radau_iteration` reads the model's inputs and `step` (h), `rtol`, `atol`, `w` and `z` (transformed
variables and stages, padded as the engine keeps them) and the factors `lu` and `lu_complex` (those of all
pairs in a row). It writes the new `w` and `z` and `square`: the mean square of the corrections over the
tolerance. The kernel `radau_guess` reads `z` of the last step and `ratio` (h over the last h) and writes `w`
and `z`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from symde.codegen.complex_lu import Pair, complex_substitute
from symde.codegen.graph import Graph
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.lu import StaticLU
from symde.codegen.lu_kernels import substitute
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.steps import NODE_LIMIT, Step

ITERATION_INPUTS = (*INPUTS, "step", "rtol", "atol", "w", "z", "lu", "lu_complex")
"""The input table of the kernel."""


class CollocationNumbers(Protocol):
    """What an iteration needs of a formula."""

    @property
    def stages(self) -> int: ...

    def array(self, key: str) -> Any: ...


def radau_iteration(
    model: ModelGraph, plan: StaticLU, table: CollocationNumbers, padded: int
) -> Kernel | None:
    """The iteration for a model, None where it would be too long.

    Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8, (8.5).
    """
    work = Step(model)
    n, stages = work.n, table.stages
    w = [[work.graph.input("w", k * padded + i) for i in range(n)] for k in range(stages)]
    z = [[work.graph.input("z", k * padded + i) for i in range(n)] for k in range(stages)]
    slopes = []
    for share, stage in zip(table.array("c"), z, strict=True):
        u = [work.apply("add", work.u[i], stage[i]) for i in range(n)]
        slopes.append(work.derivatives(u, work.later(float(share))))
        if work.size > NODE_LIMIT:
            return None
    rhs = _right_sides(work, table, slopes, w)
    corrections = _corrections(work, plan, rhs)
    pairs = zip(w, corrections, strict=True)
    w = [[work.apply("add", a, b) for a, b in zip(old, new, strict=True)] for old, new in pairs]
    z = _transformed(work.graph, table.array("t"), w)
    square = _mean_square(work, corrections, z[-1])
    if work.size > NODE_LIMIT:
        return None
    outputs = (_laid_out("w", w, padded, work.zero), _laid_out("z", z, padded, work.zero))
    outputs = (*outputs, Output("square", (square,)))
    own = {"step": 1, "rtol": 1, "atol": n, "w": stages * padded, "z": stages * padded, "lu": plan.length}
    own["lu_complex"] = (stages - 1) * plan.length
    inputs = (*model.inputs(), *(Vector(name, own[name]) for name in ITERATION_INPUTS[len(INPUTS) :]))
    return Kernel("radau_iteration", work.graph, inputs, outputs)


def radau_guess(n: int, table: CollocationNumbers, padded: int) -> Kernel:
    """The last step's polynomial goes on: Z_i = q(1 + ratio c_i) - q(1) and W = T^-1 Z.

    Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8, (8.14).
    """
    graph, stages = Graph(), table.stages
    one, ratio = graph.constant(1.0), graph.input("ratio", 0)
    last = [[graph.input("z", k * padded + i) for i in range(n)] for k in range(stages)]
    coefficients = _transformed(graph, table.array("interpolant"), last)
    z = []
    for share in table.array("c"):
        x = power = graph.apply("add", one, graph.apply("mul", ratio, graph.constant(float(share))))
        weights = [graph.apply("sub", x, one)]
        for _ in range(stages - 1):
            power = graph.apply("mul", power, x)
            weights.append(graph.apply("sub", power, one))
        z.append([_sum_of_products(graph, weights, column) for column in zip(*coefficients, strict=True)])
    w = _transformed(graph, table.array("t_inverse"), z)
    zero = graph.constant(0.0)
    inputs = (Vector("z", stages * padded), Vector("ratio", 1))
    outputs = (_laid_out("w", w, padded, zero), _laid_out("z", z, padded, zero))
    return Kernel("radau_guess", graph, inputs, outputs)


def _laid_out(name: str, stages: list[list[int]], padded: int, zero: int) -> Output:
    padding = [zero] * (padded - len(stages[0]))
    return Output(name, tuple(node for stage in stages for node in (*stage, *padding)))


def _transformed(graph: Graph, matrix: Any, vectors: Sequence[Sequence[int]]) -> list[list[int]]:
    """matrix * vectors, stage by stage, without the terms of weight zero."""
    result = []
    for row in matrix:
        weights = [(graph.constant(float(weight)), k) for k, weight in enumerate(row) if weight]
        places = [k for _, k in weights]
        columns = [[column[k] for k in places] for column in zip(*vectors, strict=True)]
        result.append([_sum_of_products(graph, [node for node, _ in weights], column) for column in columns])
    return result


def _sum_of_products(graph: Graph, weights: Sequence[int], nodes: Sequence[int]) -> int:
    total: int | None = None
    for weight, node in zip(weights, nodes, strict=True):
        term = node if graph.is_constant(weight, 1.0) else graph.apply("mul", weight, node)
        total = term if total is None else graph.apply("add", total, term)
    assert total is not None
    return total


def _right_sides(
    work: Step, table: CollocationNumbers, slopes: list[list[int]], w: list[list[int]]
) -> list[list[int]]:
    """T^-1 F - Lambda/h M W."""
    w = [[_or_zero(work, work.mass_times(i, stage.__getitem__)) for i in range(work.n)] for stage in w]
    apply = work.apply
    inverse_h = apply("div", work.number(1.0), work.h)
    rhs = _transformed(work.graph, table.array("t_inverse"), slopes)
    shift = apply("mul", work.number(float(table.array("gamma"))), inverse_h)
    rhs[0] = [apply("sub", a, apply("mul", shift, b)) for a, b in zip(rhs[0], w[0], strict=True)]
    for k, (x, y) in enumerate(zip(table.array("alpha"), table.array("beta"), strict=True)):
        real, imaginary = 1 + 2 * k, 2 + 2 * k
        alpha = apply("mul", work.number(float(x)), inverse_h)
        beta = apply("mul", work.number(float(y)), inverse_h)
        for i in range(work.n):
            p, q = w[real][i], w[imaginary][i]
            less = apply("sub", rhs[real][i], apply("mul", alpha, p))
            rhs[real][i] = apply("add", less, apply("mul", beta, q))
            less = apply("sub", rhs[imaginary][i], apply("mul", alpha, q))
            rhs[imaginary][i] = apply("sub", less, apply("mul", beta, p))
    return rhs


def _or_zero(work: Step, node: int | None) -> int:
    return work.zero if node is None else node


def _corrections(work: Step, plan: StaticLU, rhs: list[list[int]]) -> list[list[int]]:
    """The solutions of the real and the complex systems."""
    graph, length = work.graph, plan.length
    lu = [graph.input("lu", slot) for slot in range(length)]
    solutions = [substitute(plan, graph, lu, rhs[0])]
    for k in range(len(rhs) // 2):
        first = 2 * k * length
        factors: list[Pair] = [
            (graph.input("lu_complex", first + slot), graph.input("lu_complex", first + length + slot))
            for slot in range(length)
        ]
        right: list[Pair] = list(zip(rhs[1 + 2 * k], rhs[2 + 2 * k], strict=True))
        pairs = complex_substitute(plan, graph, factors, right)
        solutions.append([real for real, _ in pairs])
        solutions.append([work.zero if part is None else part for _, part in pairs])
    return solutions


def _mean_square(work: Step, corrections: list[list[int]], last: list[int]) -> int:
    """Of the corrections over atol + rtol*max(|u|, |u + z|)."""
    apply, graph = work.apply, work.graph
    # its inverse is finite: no 0 * inf where a state and its tolerance are both zero
    rtol, tiny = graph.input("rtol", 0), work.number(1e-300)
    total = work.zero
    for i in range(work.n):
        old, new = apply("abs", work.u[i]), apply("abs", apply("add", work.u[i], last[i]))
        # not `max`, which asks for NaN; a NaN of u + z is one of its correction too
        largest = apply("select", apply("lt", new, old), old, new)
        scale = apply("add", apply("mul", rtol, largest), apply("add", graph.input("atol", i), tiny))
        inverse = apply("div", work.number(1.0), scale)
        for correction in corrections:
            # the ratio's square: that of the correction alone leaves the range beyond 1e154 and below 1e-162
            ratio = apply("mul", correction[i], inverse)
            total = apply("add", total, apply("mul", ratio, ratio))
    return apply("mul", total, work.number(1.0 / (work.n * len(corrections))))
