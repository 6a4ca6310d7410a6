"""Products and solutions for sensitivity columns as straight-line code on registers of several columns.

The pattern of a sparse matrix is known, so that no index is read while the code runs: one loop over groups of
four columns, and in it one vector operation for each entry. The length of the code does not depend on the
number of columns.

Both kernels follow the calling convention of `symde.codegen.kernel`; matrices of columns lie row by row,
`width` columns side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from symde.codegen.llvm import define
from symde.codegen.llvm_special import constant
from symde.codegen.lu import StaticLU

ENTRY_LIMIT = 4000
"""Entries of matrices up to which the code is generated: a block of so many operations compiles in 0.3 s."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A sparse matrix by compressed rows: row i has the entries indptr[i] <= k < indptr[i + 1]."""

    indptr: Sequence[int]
    indices: Sequence[int]

    def row(self, i: int) -> Iterator[tuple[int, int]]:
        """Number and column of each entry of a row."""
        return ((k, self.indices[k]) for k in range(self.indptr[i], self.indptr[i + 1]))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.indptr) - 1

    def entries(self) -> Iterator[tuple[int, int, int]]:
        """Number, row and column of each entry."""
        return ((k, i, column) for i in range(self.rows) for k, column in self.row(i))


def lanes_of(width: int) -> int:
    """Columns of one register: four, or all where there are fewer."""
    return min(width, 4)


def product_ir(jacobian: Pattern, partials: Pattern, width: int) -> str:
    """The kernel `columns_product`: reads the values of J, those of P, and S; writes J S + [P, 0]."""
    code = LaneCode(width)
    values, matrix, out = code.input(0), code.input(2), code.output(0)
    code.begin_groups()
    for i in range(jacobian.rows):
        total = code.zero
        for k, column in jacobian.row(i):
            total = code.multiply_add(code.spread(values, k), code.load_row(matrix, column), total)
        code.store_row(total, out, i)
    code.end_groups()
    code.add_entries(partials, code.input(1), out)
    return code.function("columns_product")


def solve_ir(plan: StaticLU, jacobian: Pattern, partials: Pattern, width: int) -> str:
    """The kernel `columns_solve`: every column of W X = B + J' S + [P', 0] with the factors of W.

    It reads the values of J' and P' (derivatives of J and P along the solution for the states), S, B and the
    factors, and writes X and the right side.
    """
    code = LaneCode(width)
    values, matrix, rhs, factors = code.input(0), code.input(2), code.input(3), code.input(4)
    out, right = code.output(0), code.output(1)
    if partials.indices:
        code.copy_rows(plan.n, rhs, right)
        code.add_entries(partials, code.input(1), right)
        rhs = right
    code.begin_groups()
    sides = []
    for i in range(plan.n):
        total = code.load_row(rhs, i)
        for k, column in jacobian.row(i):
            total = code.multiply_add(code.spread(values, k), code.load_row(matrix, column), total)
        code.store_row(total, right, i)
        sides.append(total)
    z: list[str] = []
    for k in range(plan.n):
        total = sides[plan.rows[k]]
        for m, slot in plan.lower[k].items():
            total = code.multiply_subtract(code.spread(factors, slot), z[m], total)
        z.append(total)
    for k in reversed(range(plan.n)):
        for m, slot in plan.upper[k].items():
            z[k] = code.multiply_subtract(code.spread(factors, slot), z[m], z[k])
        z[k] = code.multiply(code.spread(factors, plan.diagonal[k]), z[k])
        code.store_row(z[k], out, plan.columns[k])
    code.end_groups()
    return code.function("columns_solve")


class LaneCode:
    """Lines of one function; values are names of LLVM registers."""

    def __init__(self, width: int) -> None:
        self.width, self.lanes = width, lanes_of(width)
        self.kind = f"<{self.lanes} x double>"
        self.zero = "zeroinitializer"
        self._lines: list[str] = []
        self._numbers = count()
        self._tables: dict[str, str] = {}
        self._group = ""
        self._loops = 0

    def _value(self, operation: str) -> str:
        name = f"%v{next(self._numbers)}"
        self._lines.append(f"{name} = {operation}")
        return name

    def _table(self, table: str, number: int) -> str:
        key = f"{table}{number}"
        if key not in self._tables:
            place = self._value(f"getelementptr ptr, ptr %{table}, i64 {number}")
            self._tables[key] = self._value(f"load ptr, ptr {place}")
        return self._tables[key]

    def input(self, number: int) -> str:
        """The address of an input vector."""
        return self._table("in", number)

    def output(self, number: int) -> str:
        """The address of an output vector."""
        return self._table("out", number)

    def begin_groups(self) -> None:
        """What follows is done for each group of columns."""
        before = "entry" if self._loops == 0 else f"after{self._loops - 1}"
        loop = self._loops
        self._group = f"%g{loop}"
        self._lines += [
            f"br label %loop{loop}\nloop{loop}:",
            f"{self._group} = phi i64 [ 0, %{before} ], [ %next{loop}, %loop{loop} ]",
        ]

    def end_groups(self) -> None:
        """The end of what is done for each group."""
        loop = self._loops
        self._lines += [
            f"%next{loop} = add i64 {self._group}, {self.lanes}",
            f"%more{loop} = icmp ult i64 %next{loop}, {self.width}",
            f"br i1 %more{loop}, label %loop{loop}, label %after{loop}\nafter{loop}:",
        ]
        self._loops += 1

    def _row(self, matrix: str, row: int) -> str:
        group = self._value(f"getelementptr double, ptr {matrix}, i64 {self._group}")
        return self._value(f"getelementptr double, ptr {group}, i64 {row * self.width}")

    def load_row(self, matrix: str, row: int) -> str:
        """The group's part of a row."""
        return self._value(f"load {self.kind}, ptr {self._row(matrix, row)}, align 8")

    def store_row(self, value: str, matrix: str, row: int) -> None:
        """Write the group's part of a row."""
        self._lines.append(f"store {self.kind} {value}, ptr {self._row(matrix, row)}, align 8")

    def spread(self, vector: str, index: int) -> str:
        """One number of a vector in every lane."""
        place = self._value(f"getelementptr double, ptr {vector}, i64 {index}")
        number = self._value(f"load double, ptr {place}")
        first = self._value(f"insertelement {self.kind} poison, double {number}, i32 0")
        return self._value(
            f"shufflevector {self.kind} {first}, {self.kind} poison, <{self.lanes} x i32> zeroinitializer"
        )

    def number(self, value: float) -> str:
        """A constant in every lane."""
        return f"<{', '.join([f'double {constant(value)}'] * self.lanes)}>"

    def add(self, a: str, b: str) -> str:
        """a + b."""
        return self._value(f"fadd contract {self.kind} {a}, {b}")

    def weighted(self, weights: Sequence[float], values: Sequence[str]) -> str | None:
        """sum_j weights[j] * values[j] without the terms of weight zero; None where none is left."""
        total: str | None = None
        for weight, value in zip(weights, values, strict=True):
            if weight != 0.0:
                term = value if weight == 1.0 else self.multiply(self.number(weight), value)
                total = term if total is None else self.add(total, term)
        return total

    def offset(self, vector: str, index: int) -> str:
        """The address of an element of a vector."""
        return self._value(f"getelementptr double, ptr {vector}, i64 {index}")

    def array(self, length: int) -> str:
        """The address of memory on the stack."""
        return self._value(f"alloca [{max(length, 1)} x double], align 32")

    def call(self, name: str, outputs: Sequence[str]) -> None:
        """Call a kernel with this one's time and inputs, and these outputs."""
        table = self._value(f"alloca [{len(outputs)} x ptr]")
        for number, output in enumerate(outputs):
            place = self._value(f"getelementptr ptr, ptr {table}, i64 {number}")
            self._lines.append(f"store ptr {output}, ptr {place}")
        self._value(f"call i32 @{name}(double %t, ptr %in, ptr {table})")

    def multiply(self, a: str, b: str) -> str:
        """a * b."""
        return self._value(f"fmul contract {self.kind} {a}, {b}")

    def multiply_add(self, a: str, b: str, total: str) -> str:
        """total + a * b."""
        product = self.multiply(a, b)
        if total == self.zero:
            return product
        return self._value(f"fadd contract {self.kind} {total}, {product}")

    def multiply_subtract(self, a: str, b: str, total: str) -> str:
        """total - a * b."""
        return self._value(f"fsub contract {self.kind} {total}, {self.multiply(a, b)}")

    def copy_rows(self, rows: int, source: str, target: str) -> None:
        """target = source."""
        self.begin_groups()
        for i in range(rows):
            self.store_row(self.load_row(source, i), target, i)
        self.end_groups()

    def add_entries(self, entries: Pattern, values: str, matrix: str) -> None:
        """Add the entries of a sparse matrix."""
        for k, row, column in entries.entries():
            place = self._value(f"getelementptr double, ptr {values}, i64 {k}")
            value = self._value(f"load double, ptr {place}")
            target = self._value(f"getelementptr double, ptr {matrix}, i64 {row * self.width + column}")
            old = self._value(f"load double, ptr {target}")
            new = self._value(f"fadd double {old}, {value}")
            self._lines.append(f"store double {new}, ptr {target}")

    def function(self, name: str) -> str:
        """The text of the whole function."""
        # the entry needs a name: the first loop comes from there
        return define(
            "dso_local i32", name, "double %t, ptr %in, ptr %out", ["entry:", *self._lines, "ret i32 0"]
        )
