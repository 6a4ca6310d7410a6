"""The kernels of a planned factorisation: factor, solve with a test of the backward error, residual."""

from __future__ import annotations

from collections.abc import Sequence

from symde.codegen.graph import Graph
from symde.codegen.kernel import Kernel, Output, Vector
from symde.codegen.lu import StaticLU

TOLERANCE = 1e-10
"""A solution is refused when some |r_i| > TOLERANCE*(|b_i| + sum_j |W_ij x_j|), where r = b - W x."""

SUSPICION = 1e-13
"""The same where x is a sum of solutions, of which a poor one may hide behind larger ones: what is worse than
rounding (1e-15) is refused, so that each is tested by itself."""


def lu_kernels(plan: StaticLU) -> tuple[Kernel, ...]:
    """The kernels of a plan.

    `lu_factor` reads (jacobian, shift) and writes `lu`. `lu_solve` and `lu_solve_transposed` read
    (jacobian, shift, lu, rhs), write `x` and return 1 where the backward error of x is above `TOLERANCE` or
    x is not finite. `lu_substitute` is `lu_solve` without the test, which takes two thirds of its time: for
    further right-hand sides of a factorisation that has passed. `lu_accept` is the test alone, for sums of
    solutions: it reads (jacobian, shift, x, rhs), writes nothing and returns 1 where x is not good to
    `SUSPICION`. `lu_residual` reads the same
    and writes `r` = rhs - W x. Those that read W read `mass` last, where M is not the identity.
    """
    return (
        _factor(plan),
        _solve(plan, "lu_solve", transposed=False),
        _solve(plan, "lu_substitute", transposed=False, tested=False),
        _solve(plan, "lu_solve_transposed", transposed=True),
        _accept(plan),
        _residual(plan),
    )


def _mass(plan: StaticLU) -> tuple[Vector, ...]:
    """What kernels read last: the entries of M by the places of the pattern, where it is not the identity."""
    return () if plan.massed is None else (Vector("mass", len(plan.indices)),)


def _vectors(plan: StaticLU) -> tuple[Vector, Vector]:
    return Vector("jacobian", len(plan.indices)), Vector("shift", 1)


def _matrix(plan: StaticLU, graph: Graph) -> list[dict[int, int]]:
    """Node of each entry of W, read from the kernel's inputs."""
    shift = graph.input("shift", 0)
    entries = range(len(plan.indices))
    mass = None if plan.massed is None else [graph.input("mass", k) for k in entries]
    return matrix_of(plan, graph, shift, [graph.input("jacobian", k) for k in entries], mass)


def matrix_of(
    plan: StaticLU, graph: Graph, shift: int, jacobian: Sequence[int], mass: Sequence[int] | None = None
) -> list[dict[int, int]]:
    """Node of each entry of W = shift*M - J, by row and column; `jacobian` and `mass` hold the entries of J
    and of M in order."""
    matrix: list[dict[int, int]] = []
    for i in range(plan.n):
        row: dict[int, int] = {i: shift} if plan.shifted[i] else {}
        for k in range(plan.indptr[i], plan.indptr[i + 1]):
            j, entry = plan.indices[k], jacobian[k]
            if plan.massed is not None and mass is not None and plan.massed[k]:
                row[j] = graph.apply("sub", shifted(graph, shift, mass[k]), entry)
            else:
                row[j] = graph.apply("sub", shift, entry) if j in row else graph.apply("neg", entry)
        matrix.append(row)
    return matrix


def shifted(graph: Graph, shift: int, mass: int) -> int:
    """The shift times an entry of M."""
    return shift if graph.is_constant(mass, 1.0) else graph.apply("mul", shift, mass)


def _factor(plan: StaticLU) -> Kernel:
    graph = Graph()
    slots = eliminate(plan, graph, _matrix(plan, graph))
    return Kernel("lu_factor", graph, (*_vectors(plan), *_mass(plan)), (Output("lu", tuple(slots)),))


def eliminate(plan: StaticLU, graph: Graph, matrix: Sequence[dict[int, int]]) -> list[int]:
    """Gaussian elimination in the planned order: the node of each slot of `lu`."""
    position = {column: k for k, column in enumerate(plan.columns)}
    work = [{position[j]: node for j, node in matrix[row].items()} for row in plan.rows]
    below: list[list[int]] = [[] for _ in range(plan.n)]
    for k, entries in enumerate(plan.lower):
        for m in entries:
            below[m].append(k)
    slots = [0] * plan.length
    one = graph.constant(1.0)
    for k in range(plan.n):
        reciprocal = slots[plan.diagonal[k]] = graph.apply("div", one, work[k][k])
        for m, slot in plan.upper[k].items():
            slots[slot] = work[k][m]
        for row in below[k]:
            factor = slots[plan.lower[row][k]] = graph.apply("mul", work[row][k], reciprocal)
            for m in plan.upper[k]:
                product = graph.apply("mul", factor, work[k][m])
                entry = work[row].get(m)
                work[row][m] = (
                    graph.apply("neg", product) if entry is None else graph.apply("sub", entry, product)
                )
    return slots


def _solve(plan: StaticLU, name: str, transposed: bool, tested: bool = True) -> Kernel:
    graph = Graph()
    n = plan.n
    rhs = [graph.input("rhs", i) for i in range(n)]
    lu = [graph.input("lu", slot) for slot in range(plan.length)]
    solution = (
        _substitute_transposed(plan, graph, lu, rhs) if transposed else substitute(plan, graph, lu, rhs)
    )
    inputs = (*_vectors(plan), Vector("lu", plan.length), Vector("rhs", n), *_mass(plan))
    refused = None
    if tested:
        matrix = _matrix(plan, graph)
        refused = graph.apply(
            "not", acceptance(graph, _transpose(matrix) if transposed else matrix, solution, rhs, TOLERANCE)
        )
    return Kernel(name, graph, inputs, (Output("x", tuple(solution)),), code=refused)


def _subtract_products(graph: Graph, start: int, pairs: list[tuple[int, int]]) -> int:
    for a, b in pairs:
        start = graph.apply("sub", start, graph.apply("mul", a, b))
    return start


def substitute(plan: StaticLU, graph: Graph, lu: Sequence[int], rhs: Sequence[int]) -> list[int]:
    """Nodes of the solution of W x = rhs from the nodes of the factors."""
    z: list[int] = []
    for k in range(plan.n):
        pairs = [(lu[slot], z[m]) for m, slot in plan.lower[k].items()]
        z.append(_subtract_products(graph, rhs[plan.rows[k]], pairs))
    solution = [0] * plan.n
    for k in reversed(range(plan.n)):
        z[k] = _subtract_products(graph, z[k], [(lu[slot], z[m]) for m, slot in plan.upper[k].items()])
        z[k] = graph.apply("mul", z[k], lu[plan.diagonal[k]])
        solution[plan.columns[k]] = z[k]
    return solution


def _substitute_transposed(plan: StaticLU, graph: Graph, lu: list[int], rhs: list[int]) -> list[int]:
    n = plan.n
    left: list[list[tuple[int, int]]] = [[] for _ in range(n)]  # of U transposed
    right: list[list[tuple[int, int]]] = [[] for _ in range(n)]  # of L transposed
    for k in range(n):
        for m, slot in plan.upper[k].items():
            left[m].append((slot, k))
        for m, slot in plan.lower[k].items():
            right[m].append((slot, k))
    z: list[int] = []
    for k in range(n):
        value = _subtract_products(graph, rhs[plan.columns[k]], [(lu[slot], z[m]) for slot, m in left[k]])
        z.append(graph.apply("mul", value, lu[plan.diagonal[k]]))
    solution = [0] * n
    for k in reversed(range(n)):
        z[k] = _subtract_products(graph, z[k], [(lu[slot], z[m]) for slot, m in right[k]])
        solution[plan.rows[k]] = z[k]
    return solution


def _transpose(matrix: list[dict[int, int]]) -> list[dict[int, int]]:
    transposed: list[dict[int, int]] = [{} for _ in matrix]
    for i, row in enumerate(matrix):
        for j, node in row.items():
            transposed[j][i] = node
    return transposed


def acceptance(
    graph: Graph, matrix: Sequence[dict[int, int]], x: Sequence[int], rhs: Sequence[int], bound: float
) -> int:
    """Whether every component of the residual is finite and small against the terms it sums."""
    tolerance, tiny = graph.constant(bound), graph.constant(1e-300)
    accepted = -1
    for row, right in zip(matrix, rhs, strict=True):
        residual, size = right, graph.apply("abs", right)
        for j, entry in row.items():
            term = graph.apply("mul", entry, x[j])
            residual = graph.apply("sub", residual, term)
            size = graph.apply("add", size, graph.apply("abs", term))
        # Strictly less, so that NaN and infinity fail; the tiny term lets a row of zeros pass.
        limit = graph.apply("add", graph.apply("mul", tolerance, size), tiny)
        good = graph.apply("lt", graph.apply("abs", residual), limit)
        accepted = good if accepted < 0 else graph.apply("and", accepted, good)
    return accepted


def _accept(plan: StaticLU) -> Kernel:
    graph = Graph()
    x = [graph.input("x", j) for j in range(plan.n)]
    rhs = [graph.input("rhs", i) for i in range(plan.n)]
    refused = graph.apply("not", acceptance(graph, _matrix(plan, graph), x, rhs, SUSPICION))
    inputs = (*_vectors(plan), Vector("x", plan.n), Vector("rhs", plan.n), *_mass(plan))
    return Kernel("lu_accept", graph, inputs, (), code=refused)


def _residual(plan: StaticLU) -> Kernel:
    graph = Graph()
    x = [graph.input("x", j) for j in range(plan.n)]
    nodes = []
    for i, row in enumerate(_matrix(plan, graph)):
        pairs = [(entry, x[j]) for j, entry in row.items()]
        nodes.append(_subtract_products(graph, graph.input("rhs", i), pairs))
    inputs = (*_vectors(plan), Vector("x", plan.n), Vector("rhs", plan.n), *_mass(plan))
    return Kernel("lu_residual", graph, inputs, (Output("r", tuple(nodes)),))
