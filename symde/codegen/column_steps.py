"""Whole steps of explicit methods for states with sensitivity columns, and their interpolants, as kernels.

The states do not depend on the columns. So the first part of a kernel takes their step alone, as straight
code of the model's graph, and keeps J and P at every stage on the stack; the second takes that of the columns
in a loop over groups of four, one vector operation for each entry. Nothing is called between the pieces, and
the length of the code does not depend on the number of columns.

Both kernels read what step kernels read (`symde.codegen.steps`). `column_step` writes the increment, the
error (absent as there) and the stages after the first; `column_interpolant` reads the stages in the place of
`first_stage`, and writes the coefficients of theta^0..degree and the extra stages. Vectors lie as the engine
keeps them: u, then S by rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from symde.codegen.column_lanes import LaneCode, Pattern
from symde.codegen.kernel import Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.steps import NODE_LIMIT, STATES_LIMIT, STEP_INPUTS, Step

if TYPE_CHECKING:
    from symde.codegen.columns import ColumnGraph

STACK_LIMIT = 4096
"""Values of P on the stack, all columns and stages, above which the general step is as good: they are written
anew for every step."""

STEP, FIRST_STAGE = (STEP_INPUTS.index(name) for name in ("step", "first_stage"))
"""Places in the input table."""


@dataclass
class _Stages:
    """The stages of the states in a graph, with the values that the columns need at some of them.

    Attributes:
        work: The graph.
        slopes: The slopes of each stage, n nodes each.
        jacobian, partials: Nodes of the entries of J and of all of P, n * width, one stage after another.
    """

    columns: ColumnGraph
    width: int
    work: Step
    slopes: list[list[int]]
    jacobian: list[int] = field(default_factory=list)
    partials: list[int] = field(default_factory=list)

    def take(self, weights: Sequence[float], node: float) -> None:
        """One more stage."""
        work, entries = self.work, self.columns.partials
        u = [work.argument(k, weights, [slope[k] for slope in self.slopes]) for k in range(work.n)]
        t = work.later(node)
        self.slopes.append(work.derivatives(u, t))
        self.jacobian += [work.copy(entry, u, t) for entry in self.columns.model.jacobian.nodes]
        dense = [work.zero] * (work.n * self.width)
        for k, row, column in Pattern(entries.indptr, entries.indices).entries():
            dense[row * self.width + column] = work.copy(entries.nodes[k], u, t)
        self.partials += dense

    @property
    def too_long(self) -> bool:
        """Whether the general step serves as well."""
        return self.work.size > NODE_LIMIT or len(self.partials) > STACK_LIMIT

    def scaled(self, weights: Sequence[float], k: int) -> int:
        """h sum_j weights[j] * slopes[j] of one state."""
        total = self.work.total(weights, [slope[k] for slope in self.slopes])
        return self.work.apply("mul", self.work.h, total)

    def kernel(self, name: str, outputs: list[Output], read: int) -> str:
        """The text of the states' part, which reads so many values as stages."""
        own = (Vector("step", 1), Vector("first_stage", read))
        values = Output("jacobian", tuple(self.jacobian)), Output("partials", tuple(self.partials))
        inputs = (*self.columns.model.inputs(), *own)
        return ir_module([Kernel(name, self.work.graph, inputs, (*outputs, *values))])


def _begin(columns: ColumnGraph, width: int, known: int, padded: int) -> _Stages:
    """The stages that are read."""
    work = Step(columns.model)
    slopes = [[work.graph.input("first_stage", j * padded + k) for k in range(work.n)] for j in range(known)]
    return _Stages(columns, width, work, slopes)


class _Columns(LaneCode):
    """The part of the columns: values of one group, a row each.

    Args:
        columns: The model's graph.
        width: Columns as they lie in memory.
    """

    def __init__(self, columns: ColumnGraph, width: int) -> None:
        super().__init__(width)
        entries = columns.model.jacobian
        self.entries = Pattern(entries.indptr, entries.indices)
        self.n = self.entries.rows

    def rows(self, vector: str, start: int = 0) -> list[str]:
        """The rows of the columns in a vector that begins so far on."""
        matrix = self.offset(vector, start + self.n)
        return [self.load_row(matrix, i) for i in range(self.n)]

    def store(self, values: Sequence[str], vector: str, start: int = 0) -> None:
        """Write the rows."""
        matrix = self.offset(vector, start + self.n)
        for i, value in enumerate(values):
            self.store_row(value, matrix, i)

    def slopes(self, s: Sequence[str], jacobian: str, partials: str, place: int) -> list[str]:
        """J S + P for the values at a place among those of all stages."""
        count, out = len(self.entries.indices), []
        own = self.offset(partials, place * self.n * self.width)
        for i in range(self.n):
            total = self.load_row(own, i)
            for k, column in self.entries.row(i):
                total = self.multiply_add(self.spread(jacobian, place * count + k), s[column], total)
            out.append(total)
        return out

    def argument(self, s: str, h: str, weights: Sequence[float], slopes: Sequence[str]) -> str:
        """s + h sum_j weights[j] * slopes[j], the newest slope last, as `Step.argument`."""
        older = self.weighted(weights[:-1], slopes[:-1])
        if older is not None:
            s = self.multiply_add(h, older, s)
        return self.multiply_add(self.multiply(h, self.number(weights[-1])), slopes[-1], s)

    def scaled(self, h: str, weights: Sequence[float], slopes: Sequence[str]) -> str:
        """h sum_j weights[j] * slopes[j]."""
        total = self.weighted(weights, slopes)
        return self.zero if total is None else self.multiply(h, total)


def column_step(columns: ColumnGraph, method: Any, width: int, padded: int) -> str | None:
    """The module with the kernel `column_step` of an explicit method, None where it would be too long.

    Args:
        columns: The model's graph with the derivatives that columns need.
        method: An explicit Runge-Kutta method.
        width: Columns as they lie in memory.
        padded: Length of a stage vector as the engine keeps it.
    """
    if len(columns.model.lowered.states) > STATES_LIMIT:
        return None
    stages = _begin(columns, width, 1, padded)
    n = stages.work.n
    count = len(method.b) - (1 if method.fsal else 0)
    a, b = [[float(x) for x in row] for row in method.a], [float(x) for x in method.b][:count]
    error: list[float] = []
    if method.error is not None and not method.fsal:
        error = [float(x) for x in method.error][:count]
    for i in range(1, count):
        stages.take(a[i][:i], float(method.c[i]))
        if stages.too_long:
            return None
    outputs = [
        Output("increment", tuple(stages.scaled(b, k) for k in range(n))),
        Output("error", tuple(stages.scaled(error, k) for k in range(n)) if error else ()),
        *(Output(f"stage{i}", tuple(stages.slopes[i])) for i in range(1, count)),
    ]
    text = stages.kernel("states_step", outputs, n)

    code = _Columns(columns, width)
    u, first, jacobian = code.input(0), code.input(FIRST_STAGE), code.array(len(stages.jacobian))
    partials, places = code.array(len(stages.partials)), [code.output(number) for number in range(3)]
    own = [code.offset(places[2], padded * i) for i in range(1, count)]
    code.call("states_step", [places[0], places[1], *own, jacobian, partials])
    h = code.spread(code.input(STEP), 0)
    code.begin_groups()
    s, slopes = code.rows(u), [code.rows(first)]
    for i in range(1, count):
        at = [code.argument(s[row], h, a[i][:i], [slope[row] for slope in slopes]) for row in range(code.n)]
        slopes.append(code.slopes(at, jacobian, partials, i - 1))
        code.store(slopes[i], places[2], padded * i)
    for place, weights in ((0, b), (1, error)):
        if weights:
            sums = [code.scaled(h, weights, [slope[row] for slope in slopes]) for row in range(code.n)]
            code.store(sums, places[place])
    code.end_groups()
    return text + code.function("column_step")


def column_interpolant(
    columns: ColumnGraph, method: Any, numbers: Any, width: int, padded: int
) -> str | None:
    """The module with the kernel `column_interpolant` of an explicit method, None where it would be too long;
    arguments as above.

    Args:
        numbers: Weights of the stages by theta * T_q, shape (degree, all stages), and the coefficients of
            theta^m in T_q, shape (degree, degree), as the engine keeps them: see
            `symde.engine.cpu.families.explicit.in_chebyshev`.
    """
    if len(columns.model.lowered.states) > STATES_LIMIT:
        return None
    weights, powers = (matrix.tolist() for matrix in numbers)
    known, degree = len(method.b), len(weights)
    stages = _begin(columns, width, known, padded)
    n, work = stages.work.n, stages.work
    extra = [[float(x) for x in row] for row in method.extra_a] if len(method.extra_c) else []
    for i, row in enumerate(extra):
        stages.take(row[: known + i], float(method.extra_c[i]))
        if stages.too_long:
            return None
    within = [[stages.scaled(row, k) for row in weights] for k in range(n)]
    rows = [list(work.u)]
    rows += [[work.total(powers[m], within[k]) for k in range(n)] for m in range(degree)]
    outputs = [
        *(Output(f"power{m}", tuple(row)) for m, row in enumerate(rows)),
        *(Output(f"stage{known + i}", tuple(stages.slopes[known + i])) for i in range(len(extra))),
    ]
    if work.size > NODE_LIMIT:
        return None
    text = stages.kernel("states_interpolant", outputs, known * padded)

    code = _Columns(columns, width)
    u, given, jacobian = code.input(0), code.input(FIRST_STAGE), code.array(len(stages.jacobian))
    partials, places = code.array(len(stages.partials)), [code.output(number) for number in range(2)]
    own = [code.offset(places[0], padded * m) for m in range(degree + 1)]
    own += [code.offset(places[1], padded * i) for i in range(len(extra))]
    code.call("states_interpolant", [*own, jacobian, partials])
    h = code.spread(code.input(STEP), 0)
    code.begin_groups()
    s, slopes = code.rows(u), [code.rows(given, padded * j) for j in range(known)]
    for i, row in enumerate(extra):
        at = [code.argument(s[k], h, row[: known + i], [slope[k] for slope in slopes]) for k in range(code.n)]
        slopes.append(code.slopes(at, jacobian, partials, i))
        code.store(slopes[-1], places[1], padded * i)
    code.store(s, places[0])
    within_columns = [
        [code.scaled(h, row, [slope[k] for slope in slopes]) for row in weights] for k in range(code.n)
    ]
    for m in range(degree):
        sums = [code.weighted(powers[m], within_columns[k]) or code.zero for k in range(code.n)]
        code.store(sums, places[0], padded * (m + 1))
    code.end_groups()
    return text + code.function("column_interpolant")
