"""A large kernel as LLVM IR: a loop for each shape of expression that recurs, the rest straight-line."""

from __future__ import annotations

from collections.abc import Sequence

from symde.codegen.graph import BOOLEAN
from symde.codegen.kernel import Kernel
from symde.codegen.llvm_elementary import ELEMENTARY_LINES
from symde.codegen.llvm_lanes import LanesLoop, can_vectorise, in_order
from symde.codegen.llvm_special import constant
from symde.codegen.llvm_writer import Places, Writer
from symde.codegen.rolling import CONSTANT, TIME, Expression, Levels, kind_of, levels

ROLLED_FROM = 20_000
"""Nodes from which a kernel is written with loops.

Right-hand side with Jacobian, seconds to compile and microseconds a call, straight-line and with loops: the
Brusselator on 32 x 32 points (2048 states) 13.3 s and 17 us, 0.7 s and 36 us; a network of 1000 states 2.3 s
and 19 us, 1.2 s and 23 us; of 3000 states 8.3 s and 82 us, 5.4 s and 75 us.
"""


ELEMENTARY_FROM = 8
"""Functions of `ELEMENTARY_LINES` from which a kernel of any size is written with loops: see
`rolled_levels`."""


def rolled_levels(kernel: Kernel, order: Sequence[int]) -> Levels | None:
    """The levels of a kernel that is to be written with loops, None for one that is not.

    A small one is where it has a loop of functions that take most of its time and go four at a time, as the
    neurons of a network do. Of a network 2-50-2, in microseconds: right-hand side 0.84 straight-line and 0.23
    with loops, w'J and w'P together 1.2 and 0.35.
    """
    if len(order) >= ROLLED_FROM:
        return levels(kernel)
    graph = kernel.graph
    if sum(graph.op[node] in ELEMENTARY_LINES for node in order) < ELEMENTARY_FROM:
        return None
    found, kept = levels(kernel)
    for group in (group for level in found for group in level.groups):
        elementary = any(graph.op[node] in ELEMENTARY_LINES for node in group[0].nodes)
        if elementary and can_vectorise(kernel, group[0]) and in_order(kernel, group, kept) is not None:
            return found, kept
    return None


class RolledKernel:
    """The functions of one kernel, in the order in which they are to be called.

    Attributes:
        functions: Their text, tables included.
        names: Their names.
        kept: Place of each value that a later function reads.
    """

    def __init__(
        self,
        kernel: Kernel,
        found: Levels,
        vectors: Sequence[str],
        piece: int,
        declarations: dict[str, str],
    ) -> None:
        self.kernel, self.graph, self.piece = kernel, kernel.graph, piece
        self.declarations = declarations
        self.parameters = ", ".join(["double %t", *(f"ptr noalias {vector}" for vector in vectors)])
        self.functions: list[str] = []
        self.names: list[str] = []
        order, self.kept = found
        pending: list[Expression] = []
        for level in order:
            if level.groups and pending:
                self._write_out(pending)
                pending = []
            for group in level.groups:
                self._loop(group)
            pending += level.rest
        if pending:
            self._write_out(pending)

    # -- loops
    # -----------------------------------------------------------------------------------------------

    def _loop(self, group: list[Expression]) -> None:
        """One body for all expressions of a group; what differs between them is read from tables."""
        name = f"{self.kernel.name}_loop{len(self.names)}"
        if can_vectorise(self.kernel, group[0]):
            order = in_order(self.kernel, group, self.kept)
            if order is not None:
                self._define(name, LanesLoop(self.kernel, order, self.declarations).lines())
                return
        pattern, writer = group[0], Writer(self.kernel, {}, self.declarations)
        writer.names[self.graph.time()] = "%t"
        table = _Table(name, len(group))
        body = []
        for k, leaf in enumerate(pattern.leaves):
            body += self._slot(writer, table, leaf, [one.leaves[k] for one in group])
        for node in pattern.nodes:
            body += writer.nodes([node], {})
        value = writer.names[pattern.root] if pattern.nodes else writer.names[pattern.leaves[0]]
        for k, (number, _) in enumerate(pattern.places):
            body += self._store(
                pattern.root, value, table, f"%o{number}", [one.places[k][1] for one in group]
            )
        if pattern.kept:
            body += self._store(pattern.root, value, table, "%kept", [self.kept[one.root] for one in group])
        self.functions += table.text()
        self._define(name, _looped(body, table, len(group)))

    def _slot(self, writer: Writer, table: _Table, leaf: int, leaves: list[int]) -> list[str]:
        """Reads a leaf of the pattern, which is another one in each expression of the group."""
        kind, graph = kind_of(self.graph, leaf), self.graph
        if kind == TIME:
            writer.names[leaf] = "%t"
            return []
        if kind == CONSTANT:
            values = [graph.value[one] for one in leaves]
            writer.names[leaf], lines = table.number(values)
            return lines
        inner = graph.op[leaf] != "input"
        source = "%kept" if inner else f"%i{writer.inputs[kind]}"
        indices = [self.kept[one] if inner else graph.value[one][1] for one in leaves]
        pointer, lines = table.pointer(source, indices)
        name = f"%v{leaf}"
        if graph.op[leaf] in BOOLEAN:
            lines += [f"%d{leaf} = load double, ptr {pointer}"]
            lines += [f"{name} = fcmp one double %d{leaf}, {constant(0.0)}"]
        else:
            lines += [f"{name} = load double, ptr {pointer}"]
        writer.names[leaf] = name
        return lines

    def _store(self, root: int, value: str, table: _Table, target: str, indices: list[int]) -> list[str]:
        pointer, lines = table.pointer(target, indices)
        if self.graph.op[root] in BOOLEAN:
            lines.append(f"{pointer}_d = uitofp i1 {value} to double")
            value = f"{pointer}_d"
        return [*lines, f"store double {value}, ptr {pointer}"]

    # -- the rest
    # -----------------------------------------------------------------------------------------------

    def _write_out(self, expressions: list[Expression]) -> None:
        """Straight-line code, cut into pieces; what one piece computes for another is kept, too."""
        order: list[int] = []
        places: Places = {}
        for one in expressions:
            if one.nodes:
                order += one.nodes
            elif one.root not in places:  # a copy; the same leaf may be wanted in several places
                order.append(one.root)
            places.setdefault(one.root, []).extend(one.places)
        cuts = [order[start : start + self.piece] for start in range(0, len(order), self.piece)]
        self._keep_between(cuts)
        for cut in cuts:
            name = f"{self.kernel.name}_piece{len(self.names)}"
            writer = Writer(self.kernel, places, self.declarations)
            body = writer.loads(cut, self.kept)
            body += writer.nodes(cut, self.kept)
            self._define(name, [*body, "ret i32 0"])

    def _keep_between(self, cuts: list[list[int]]) -> None:
        piece = {node: number for number, cut in enumerate(cuts) for node in cut}
        for number, cut in enumerate(cuts):
            for node in cut:
                for argument in self.graph.args[node]:
                    if self.graph.args[argument] and piece.get(argument, number) != number:
                        self.kept.setdefault(argument, len(self.kept))

    def _define(self, name: str, body: Sequence[str]) -> None:
        lines = "\n  ".join(body)
        self.names.append(name)
        self.functions.append(
            f"define internal i32 @{name}({self.parameters}) noinline nounwind {{\n  {lines}\n}}\n"
        )


class _Table:
    """What differs between the expressions of a loop: a row of indices and a row of numbers for each."""

    def __init__(self, name: str, rows: int) -> None:
        self.name, self.rows = name, rows
        self.indices: list[list[int]] = []
        self.numbers: list[list[float]] = []
        self._known: dict[tuple[int, ...], str] = {}
        self._count = 0

    def pointer(self, vector: str, indices: list[int]) -> tuple[str, list[str]]:
        """A pointer to element indices[row] of a vector, and the lines that make it."""
        self._count += 1
        name = f"%p{self._count}"
        if all(index == indices[0] for index in indices):
            return name, [f"{name} = getelementptr double, ptr {vector}, i64 {indices[0]}"]
        index, lines = self._index(indices)
        return name, [*lines, f"{name} = getelementptr double, ptr {vector}, i64 {index}"]

    def _index(self, indices: list[int]) -> tuple[str, list[str]]:
        known = self._known.get(tuple(indices))
        if known is not None:
            return known, []
        k = len(self.indices)
        self.indices.append(indices)
        self._known[tuple(indices)] = f"%j{k}i"
        return f"%j{k}i", [
            f"%j{k}p = getelementptr i32, ptr %row, i64 {k}",
            f"%j{k} = load i32, ptr %j{k}p",
            f"%j{k}i = zext i32 %j{k} to i64",
        ]

    def number(self, values: list[float]) -> tuple[str, list[str]]:
        """A number that may differ from row to row."""
        first = constant(values[0])
        if all(constant(value) == first for value in values):
            return first, []
        k = len(self.numbers)
        self.numbers.append(values)
        return f"%c{k}", [
            f"%c{k}p = getelementptr double, ptr %numbers, i64 {k}",
            f"%c{k} = load double, ptr %c{k}p",
        ]

    def head(self) -> list[str]:
        """The lines that find a loop's row."""
        return [
            f"%at = mul i64 %i, {len(self.indices)}",
            f"%row = getelementptr i32, ptr @{self.name}_indices, i64 %at",
            f"%from = mul i64 %i, {len(self.numbers)}",
            f"%numbers = getelementptr double, ptr @{self.name}_numbers, i64 %from",
        ]

    def text(self) -> list[str]:
        """The tables."""
        indices = ", ".join(f"i32 {column[row]}" for row in range(self.rows) for column in self.indices)
        numbers = ", ".join(
            f"double {constant(column[row])}" for row in range(self.rows) for column in self.numbers
        )
        n, m = self.rows * len(self.indices), self.rows * len(self.numbers)
        return [
            f"@{self.name}_indices = internal unnamed_addr constant [{n} x i32] [{indices}]\n",
            f"@{self.name}_numbers = internal unnamed_addr constant [{m} x double] [{numbers}]\n",
        ]


def _looped(body: Sequence[str], table: _Table, rows: int) -> list[str]:
    return [
        "br label %loop\nloop:",
        "%i = phi i64 [ 0, %0 ], [ %next, %loop ]",
        *table.head(),
        *body,
        "%next = add nuw nsw i64 %i, 1",
        f"%more = icmp ult i64 %next, {rows}",
        "br i1 %more, label %loop, label %end\nend:",
        "ret i32 0",
    ]
