"""Loops over expressions of one shape, four at a time in the lanes of a vector.

The expressions of a group differ in the elements they read and write. Where the places of these are a grid,
as those of a layer of neurons or of the products of two vectors, they are counted up without a table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symde.codegen.graph import BOOLEAN
from symde.codegen.kernel import Kernel
from symde.codegen.llvm_elementary import ELEMENTARY_LINES
from symde.codegen.llvm_operations import SIMPLE, Operations, vector
from symde.codegen.llvm_special import constant
from symde.codegen.powers import integer_exponent
from symde.codegen.rolling import CONSTANT, TIME, Expression, kind_of

LANES = 4
"""Doubles of a vector: AVX2 has 4. Without it LLVM takes two vectors of 2."""

WIDTH = vector(LANES)
VECTOR, TRUTHS = WIDTH.number, WIDTH.truth

SHORTEST = 8
"""Expressions in a row from which lanes are worth it."""

_WRITTEN = SIMPLE | ELEMENTARY_LINES.keys()


@dataclass(frozen=True, slots=True)
class Grid:
    """Places counted up over rows of `inner`: place(k, j) = first + k*outer_step + j*step."""

    first: int
    outer_step: int
    step: int


@dataclass(slots=True)
class Order:
    """The expressions of a group in an order in which all places are grids.

    Attributes:
        rows: The expressions.
        inner: Length of a row.
        columns: The places of each leaf that is an element, of each output and of the kept value.
    """

    rows: list[Expression]
    inner: int
    columns: dict[tuple[str, int], Grid]


def can_vectorise(kernel: Kernel, pattern: Expression) -> bool:
    """Whether every operation of an expression is written for vectors."""
    graph = kernel.graph
    return all(
        graph.op[node] in _WRITTEN or (graph.op[node] == "pow" and integer_exponent(graph, node) is not None)
        for node in pattern.nodes
    )


def in_order(kernel: Kernel, group: list[Expression], kept: dict[int, int]) -> Order | None:
    """A group as a grid, None where its places are irregular."""
    if len(group) < SHORTEST:
        return None
    columns = _columns(kernel, group, kept)
    if columns is None:
        return None
    names, places = list(columns), np.array(list(columns.values()), dtype=np.int64).reshape(-1, len(group))
    distinct = list(dict.fromkeys(map(bytes, places)))
    best: Order | None = None
    # written one after another where that is a grid, else counted by what is read
    for key in [*reversed(distinct[-3:]), *distinct[:3]]:
        by = np.lexsort((places[-1], np.frombuffer(key, dtype=np.int64)))
        grids, inner = _grids(places[:, by])
        if inner >= SHORTEST and (best is None or inner > best.inner):
            best = Order([group[row] for row in by], inner, dict(zip(names, grids, strict=True)))
            if inner == len(group):
                break
    return best


def _columns(
    kernel: Kernel, group: list[Expression], kept: dict[int, int]
) -> dict[tuple[str, int], list[int]] | None:
    """The places of each leaf, the kept value and each output; None where constants differ."""
    graph, pattern = kernel.graph, group[0]
    columns: dict[tuple[str, int], list[int]] = {}
    for k, leaf in enumerate(pattern.leaves):
        kind = kind_of(graph, leaf)
        if kind == CONSTANT:
            first = constant(graph.value[leaf])
            if any(constant(graph.value[one.leaves[k]]) != first for one in group):
                return None
        elif graph.op[leaf] == "input":
            columns["leaf", k] = [graph.value[one.leaves[k]][1] for one in group]
        elif kind != TIME:
            columns["leaf", k] = [kept[one.leaves[k]] for one in group]
    if pattern.kept:
        columns["kept", 0] = [kept[one.root] for one in group]
    for k in range(len(pattern.places)):
        columns["place", k] = [one.places[k][1] for one in group]
    return columns


def _grids(places: np.ndarray) -> tuple[list[Grid], int]:
    """The grid of each row of places, and the length of a grid's row; 0 where they are none."""
    count = places.shape[1]
    turns = np.flatnonzero((np.diff(places, 2, axis=1) != 0).any(axis=0))
    inner = int(turns[0]) + 2 if len(turns) else count
    if count % inner:
        return [], 0
    grid = places.reshape(len(places), -1, inner)
    first, step = grid[:, 0, 0], grid[:, 0, 1] - grid[:, 0, 0]
    outer = grid[:, 1, 0] - first if count > inner else np.zeros_like(first)
    rows, lanes = np.arange(grid.shape[1])[None, :, None], np.arange(inner)[None, None, :]
    expected = first[:, None, None] + rows * outer[:, None, None] + lanes * step[:, None, None]
    if (grid != expected).any():
        return [], 0
    return [Grid(*map(int, one)) for one in zip(first, outer, step, strict=True)], inner


class LanesLoop:
    """The body of a loop over a grid.

    Args:
        kernel: What it is a part of.
        order: The expressions.
        declarations: Takes the functions that are called.
    """

    def __init__(self, kernel: Kernel, order: Order, declarations: dict[str, str]) -> None:
        self.graph, self.order = kernel.graph, order
        self.inputs = {vector.name: number for number, vector in enumerate(kernel.inputs)}
        self.operations = Operations(WIDTH, declarations, self.fresh)
        self.names: dict[int, str] = {}
        self.count = 0

    def lines(self) -> list[str]:
        """The whole function: rows outside, lanes inside; the last lanes of a row overlap those before."""
        order, pattern = self.order, self.order.rows[0]
        outer, inner = len(order.rows) // order.inner, order.inner
        body = []
        for k, leaf in enumerate(pattern.leaves):
            body += self._leaf(k, leaf)
        self.names[self.graph.time()] = self.names.get(self.graph.time(), "%time")
        for node in pattern.nodes:
            body += self._operation(node)
        value = self.names[pattern.root if pattern.nodes else pattern.leaves[0]]
        for k, (number, _) in enumerate(pattern.places):
            body += self._store(pattern.root, value, f"%o{number}", order.columns["place", k])
        if pattern.kept:
            body += self._store(pattern.root, value, "%kept", order.columns["kept", 0])
        return [
            *self._splat("%time", "%t"),
            "br label %rows\nrows:",
            "%k = phi i64 [ 0, %0 ], [ %k_next, %row_end ]",
            "br label %lanes\nlanes:",
            "%j = phi i64 [ 0, %rows ], [ %j_next, %lanes ]",
            *body,
            f"%more = icmp ult i64 %j, {inner - LANES}",
            f"%ahead = add nuw nsw i64 %j, {LANES}",
            f"%far = icmp ugt i64 %ahead, {inner - LANES}",
            f"%j_next = select i1 %far, i64 {inner - LANES}, i64 %ahead",
            "br i1 %more, label %lanes, label %row_end\nrow_end:",
            "%k_next = add nuw nsw i64 %k, 1",
            f"%again = icmp ult i64 %k_next, {outer}",
            "br i1 %again, label %rows, label %end\nend:",
            "ret i32 0",
        ]

    # -- memory
    # -----------------------------------------------------------------------------------------------

    def _leaf(self, k: int, leaf: int) -> list[str]:
        kind, graph = kind_of(self.graph, leaf), self.graph
        if kind == TIME:
            self.names[leaf] = "%time"
            return []
        if kind == CONSTANT:
            self.names[leaf] = splat(graph.value[leaf])
            return []
        inner = graph.op[leaf] != "input"
        source = "%kept" if inner else f"%i{self.inputs[kind]}"
        name, lines = self._load(source, self.order.columns["leaf", k])
        if graph.op[leaf] in BOOLEAN:
            truth = self.fresh()
            lines.append(f"{truth} = fcmp one {VECTOR} {name}, {splat(0.0)}")
            name = truth
        self.names[leaf] = name
        return lines

    def _place(self, vector: str, grid: Grid) -> tuple[str, list[str]]:
        """A pointer to the element of the first lane."""
        lines, terms = [], [str(grid.first)]
        for counter, step in (("%k", grid.outer_step), ("%j", grid.step)):
            if step:
                name = self.fresh()
                lines.append(f"{name} = mul i64 {counter}, {step}")
                terms.append(name)
        place = terms[0]
        for term in terms[1:]:
            name = self.fresh()
            lines.append(f"{name} = add i64 {place}, {term}")
            place = name
        pointer = self.fresh()
        return pointer, [*lines, f"{pointer} = getelementptr double, ptr {vector}, i64 {place}"]

    def _load(self, vector: str, grid: Grid) -> tuple[str, list[str]]:
        pointer, lines = self._place(vector, grid)
        name = self.fresh()
        if grid.step == 1:
            return name, [*lines, f"{name} = load {VECTOR}, ptr {pointer}, align 8"]
        if grid.step == 0:
            scalar = self.fresh()
            lines.append(f"{scalar} = load double, ptr {pointer}")
            return name, [*lines, *self._splat(name, scalar)]
        value = "poison"
        for lane in range(LANES):
            place, scalar, new = self.fresh(), self.fresh(), self.fresh()
            lines += [
                f"{place} = getelementptr double, ptr {pointer}, i64 {lane * grid.step}",
                f"{scalar} = load double, ptr {place}",
                f"{new} = insertelement {VECTOR} {value}, double {scalar}, i32 {lane}",
            ]
            value = new
        return value, lines

    def _splat(self, name: str, scalar: str) -> list[str]:
        one = self.fresh()
        zeros = f"<{LANES} x i32> zeroinitializer"
        return [
            f"{one} = insertelement {VECTOR} poison, double {scalar}, i32 0",
            f"{name} = shufflevector {VECTOR} {one}, {VECTOR} poison, {zeros}",
        ]

    def _store(self, root: int, value: str, vector: str, grid: Grid) -> list[str]:
        lines = []
        if self.graph.op[root] in BOOLEAN:
            number = self.fresh()
            lines.append(f"{number} = uitofp {TRUTHS} {value} to {VECTOR}")
            value = number
        pointer, places = self._place(vector, grid)
        lines += places
        if grid.step == 1:
            return [*lines, f"store {VECTOR} {value}, ptr {pointer}, align 8"]
        for lane in range(LANES):
            place, scalar = self.fresh(), self.fresh()
            lines += [
                f"{place} = getelementptr double, ptr {pointer}, i64 {lane * grid.step}",
                f"{scalar} = extractelement {VECTOR} {value}, i32 {lane}",
                f"store double {scalar}, ptr {place}",
            ]
        return lines

    # -- operations
    # -----------------------------------------------------------------------------------------------

    def _operation(self, node: int) -> list[str]:
        graph = self.graph
        op = graph.op[node]
        args = [self.names[argument] for argument in graph.args[node]]
        result = self.names[node] = f"%n{node}"
        if op in SIMPLE:
            return self.operations.simple(op, result, args)
        if op == "pow":
            exponent = integer_exponent(graph, node) or 0
            self.names[node], lines = self.operations.power(args[0], exponent)
            return lines
        return ELEMENTARY_LINES[op](self.operations, result, args[0])

    def fresh(self) -> str:
        """A new name."""
        self.count += 1
        return f"%x{self.count}"


def splat(value: float) -> str:
    """The constant vector with one number in all lanes."""
    return WIDTH.constant(value)
