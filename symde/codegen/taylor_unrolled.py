"""Taylor coefficients of a small model as straight-line code that may be left after any order.

    int32 kernel(double t, const double *const *in, double *const *out)

`in` is a model kernel's table with the vector `order` (one number, how many orders are wanted) behind it;
`out` is the jet alone, coefficient k of state i at k*stride + i. Sums of one kind that do not need each other
share vectors of up to four (Kepler's problem: 240 instead of 450 ns for order 18); everything stays in
registers and on the stack. Sums add the oldest products first, so that the processor is done with them when
the newest arrive.
"""

from __future__ import annotations

from collections.abc import Sequence

from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.llvm import define, vector_tables
from symde.codegen.llvm_special import constant
from symde.codegen.llvm_writer import Places, Writer
from symde.codegen.taylor_jets import SUMS, Recurrences, groups, levels

NAME = "taylor_jet"

LANES = 4
"""Doubles of a register."""

Value = str | None
"""Text of a value; None is known to be zero."""


def unrolled(jets: Recurrences, vectors: tuple[Vector, ...], stride: int, least: int, most: int) -> str:
    """The kernel as a module of LLVM IR.

    Args:
        jets: The model's jets.
        vectors: The model's input vectors.
        stride: Doubles between coefficients k and k + 1.
        least, most: The orders that may be asked for.
    """
    graph, n = jets.graph, len(jets.rhs)
    starts = Output("start", (*(jet.initial for jet in jets.jets[:n]), *jets.initial_rhs))
    kernel = Kernel(NAME, graph, (*vectors, Vector("order", 1)), (starts,))
    places: Places = {}
    for i, node in enumerate(starts.nodes):
        places.setdefault(node, []).append((0, i if i < n else stride + i - n))
    declarations: dict[str, str] = {}
    writer = Writer(kernel, places, declarations)
    needed = [*starts.nodes, *(node for jet in jets.jets for node in (jet.initial, *jet.scalars))]
    order = graph.depth_first(needed)
    used = {graph.value[node][0] for node in order if graph.op[node] == "input"}
    body = [*vector_tables(kernel, used | {"order"}), f"%wanted = load double, ptr %i{len(INPUTS)}"]
    body += ["%order = fptosi double %wanted to i64", *writer.nodes(order, {})]
    coefficients = _Coefficients(jets, writer.names, body)
    for k in range(1, most):
        coefficients.next(k, stride)
        if least <= k + 1 < most:
            body.append(f"%enough{k} = icmp eq i64 %order, {k + 1}")
            body.append(f"br i1 %enough{k}, label %done, label %order{k + 1}\norder{k + 1}:")
    body += ["br label %done\ndone:", "ret i32 0"]
    function = define("dso_local i32", NAME, "double %t, ptr noalias %in, ptr noalias %out", body)
    return "\n".join([function, *declarations.values(), ""])


def length(jets: Recurrences, most: int) -> int:
    """About how many instructions the kernel has."""
    cost = {"square": 0.5, "root": 0.5, "power": 2.0}
    sums = 0.0
    for _, op, members in groups(jets.jets, levels(jets.jets)):
        sums += cost.get(op, 1.0) * len(_cut(members))
    return int(sums * most * (most + 3) + len(jets.jets) * most)


def _cut(members: Sequence[int]) -> list[tuple[int, ...]]:
    return [tuple(members[at : at + LANES]) for at in range(0, len(members), LANES)]


class _Coefficients:
    """Writes the coefficients order by order.

    Attributes:
        lines: The function's body; grows.
        known: Coefficients of each jet so far.
        packed: The same for jets side by side in a vector.
    """

    def __init__(self, jets: Recurrences, names: dict[int, str], lines: list[str]) -> None:
        self.jets, self.rhs, self.names, self.lines = jets.jets, jets.rhs, names, lines
        self.graph = jets.graph
        self.known: list[list[Value]] = [[names[jet.initial]] for jet in self.jets]
        self.first: list[Value] = [names[node] for node in jets.initial_rhs]
        self.packed: dict[tuple[int, ...], list[Value]] = {}
        self.splats: dict[tuple[int, ...], str] = {}
        self.count = 0
        self._plan()

    def _plan(self) -> None:
        """What is computed in which order: sums in vectors, and linear jets."""
        height = levels(self.jets)
        self.plan: list[tuple[str, tuple[int, ...]]] = []
        cuts = [
            (level, op, part) for level, op, members in groups(self.jets, height) for part in _cut(members)
        ]
        for level in range(max(height, default=0) + 1):
            self.plan += [(op, part) for at, op, part in cuts if at == level]
            for index, jet in enumerate(self.jets):
                if height[index] == level and jet.op not in SUMS and jet.op != "state":
                    self.plan.append((jet.op, (index,)))

    def next(self, k: int, stride: int) -> None:
        """Coefficients k of all jets, and k + 1 of the states, which are stored."""
        for i in range(len(self.rhs)):
            self.known[i].append(self.first[i])
        for op, members in self.plan:
            if op in SUMS:
                self._sum(op, members, k)
            else:
                (index,) = members
                self.known[index].append(self._linear(index, k))
        share = constant(1.0 / (k + 1))
        for i, index in enumerate(self.rhs):
            value = None if index is None else self.known[index][k]
            self.first[i] = None if value is None else self._one("fmul contract", "double", value, share)
            stored, name = self.first[i] or constant(0.0), f"%j{k + 1}_{i}"
            self.lines.append(f"{name} = getelementptr double, ptr %o0, i64 {(k + 1) * stride + i}")
            self.lines.append(f"store double {stored}, ptr {name}")

    def _fresh(self) -> str:
        self.count += 1
        return f"%y{self.count}"

    def _one(self, operation: str, kind: str, *args: str) -> str:
        name = self._fresh()
        self.lines.append(f"{name} = {operation} {kind} {', '.join(args)}")
        return name

    def _linear(self, index: int, k: int) -> Value:
        jet = self.jets[index]
        if jet.op == "time":
            return constant(1.0) if k == 1 else None
        args = [self.known[argument][k] for argument in jet.args]
        if jet.op in ("select", "gate", "gate_not"):
            return self._choice(jet.op, self.names[jet.scalars[0]], args)
        if jet.op in ("add", "sub") and args[1] is None:
            return args[0]
        if jet.op == "add" and args[0] is None:
            return args[1]
        value = args[-1]
        if value is None or jet.op == "copy":
            return value
        match jet.op:
            case "add" | "sub":
                if args[0] is not None:
                    return self._one(f"f{jet.op} contract", "double", args[0], value)
                return self._one("fneg", "double", value)
            case "neg":
                return self._one("fneg", "double", value)
            case _:
                numbers = {"theta": float(k), "iota": 1.0 / k}
                factor = constant(numbers[jet.op]) if jet.op in numbers else self.names[jet.scalars[0]]
                return self._one("fmul contract", "double", factor, value)

    def _choice(self, op: str, condition: str, args: list[Value]) -> Value:
        if all(value is None for value in args):
            return None
        values = [value or constant(0.0) for value in args]
        branches = {"select": values, "gate": [*values, constant(0.0)], "gate_not": [constant(0.0), *values]}[
            op
        ]
        name = self._fresh()
        self.lines.append(f"{name} = select i1 {condition}, double {branches[0]}, double {branches[1]}")
        return name

    def _vector(self, members: tuple[int, ...], k: int) -> Value:
        """Coefficient k of jets side by side."""
        if len(members) == 1:
            return self.known[members[0]][k]
        row = self.packed.setdefault(members, [])
        while len(row) <= k:
            values = [self.known[index][len(row)] for index in members]
            row.append(None if all(value is None for value in values) else self._pack(values))
        return row[k]

    def _pack(self, values: Sequence[Value]) -> str:
        kind, vector = f"<{len(values)} x double>", "undef"
        for lane, value in enumerate(values):
            name = self._fresh()
            text = value or constant(0.0)
            self.lines.append(f"{name} = insertelement {kind} {vector}, double {text}, i64 {lane}")
            vector = name
        return vector

    def _scalars(self, members: tuple[int, ...], slot: int) -> str:
        """A scalar of each of the jets."""
        nodes = tuple(self.jets[index].scalars[slot] for index in members)
        if len(nodes) == 1:
            return self.names[nodes[0]]
        if nodes not in self.splats:
            self.splats[nodes] = self._pack([self.names[node] for node in nodes])
        return self.splats[nodes]

    def _sum(self, op: str, members: tuple[int, ...], k: int) -> None:
        kind = "double" if len(members) == 1 else f"<{len(members)} x double>"
        slots = len(self.jets[members[0]].args)
        args = [tuple(self.jets[index].args[slot] for index in members) for slot in range(slots)]
        result = _Sum(self, kind, members, args, k).of(op)
        if len(members) == 1:
            self.known[members[0]].append(result)
            return
        self.packed.setdefault(members, [self._vector(members, 0)]).append(result)
        for lane, index in enumerate(members):
            value: Value = None
            if result is not None:
                value = self._fresh()
                self.lines.append(f"{value} = extractelement {kind} {result}, i64 {lane}")
            self.known[index].append(value)


class _Sum:
    """One vector of sums for coefficient k."""

    def __init__(
        self, to: _Coefficients, kind: str, members: tuple[int, ...], args: list[tuple[int, ...]], k: int
    ) -> None:
        self.to, self.kind, self.members, self.k = to, kind, members, k
        self.width = len(members)
        self.c, self.args = members, args

    def of(self, op: str) -> Value:
        """The result."""
        k, a = self.k, self.args[0]
        match op:
            case "mul":
                return self._products(a, self.args[1], 0, k)
            case "square":
                return self._symmetric(a, 0)
            case "div":
                return self._times(
                    self._minus(a, self._products(self.args[1], self.c, 1, k)), self._scalar(0)
                )
            case "ratio":
                return self._times(self._negative(self._products(a, self.c, 1, k)), self._scalar(0))
            case "root":
                return self._times(self._minus(a, self._symmetric(self.c, 1)), self._scalar(0))
            case "chain":
                return self._times(self._products(a, self.args[1], 1, k), self._number(1.0 / k))
            case _:
                by = self._times(self._scalar(1), self._number(1.0 / k))
                return self._times(self._weighted(a), by or "")

    def _number(self, value: float) -> str:
        text = constant(value)
        return text if self.width == 1 else "<" + ", ".join([f"double {text}"] * self.width) + ">"

    def _scalar(self, slot: int) -> str:
        return self.to._scalars(self.members, slot)

    def _at(self, jets: tuple[int, ...], k: int) -> Value:
        return self.to._vector(jets, k)

    def _op(self, operation: str, *args: str) -> str:
        return self.to._one(operation, self.kind, *args)

    def _times(self, value: Value, factor: str) -> Value:
        return None if value is None else self._op("fmul contract", value, factor)

    def _negative(self, value: Value) -> Value:
        return None if value is None else self._op("fneg", value)

    def _minus(self, a: tuple[int, ...], total: Value) -> Value:
        newest = self._at(a, self.k)
        if newest is None:
            return self._negative(total)
        return newest if total is None else self._op("fsub contract", newest, total)

    def _plus(self, total: Value, value: Value) -> Value:
        if value is None or total is None:
            return total if value is None else value
        return self._op("fadd contract", total, value)

    def _product(self, a: Value, b: Value) -> Value:
        return None if a is None or b is None else self._op("fmul contract", a, b)

    def _products(self, a: tuple[int, ...], b: tuple[int, ...], first: int, last: int) -> Value:
        """sum_{j=first..last} a_j b_(k-j)."""
        total: Value = None
        for j in _oldest_first(first, last, self.k):
            total = self._plus(total, self._product(self._at(a, j), self._at(b, self.k - j)))
        return total

    def _symmetric(self, a: tuple[int, ...], first: int) -> Value:
        """sum_{j=first..k-first} a_j a_(k-j), every product once."""
        k = self.k
        half = self._products(a, a, first, (k - 1) // 2)
        twice = None if half is None else self._op("fadd contract", half, half)
        if k % 2:
            return twice
        middle = self._at(a, k // 2)
        return self._plus(twice, self._product(middle, middle))

    def _weighted(self, a: tuple[int, ...]) -> Value:
        """sum_{j=0..k-1} (r k - (r+1) j) c_j a_(k-j)."""
        total: Value = None
        for j in _oldest_first(0, self.k - 1, self.k):
            product = self._product(self._at(self.c, j), self._at(a, self.k - j))
            if product is not None:
                total = self._plus(total, self._op("fmul contract", product, self._weight(j)))
        return total

    def _weight(self, j: int) -> str:
        k, graph = self.k, self.to.graph
        exponents = {self.to.jets[index].scalars[0] for index in self.members}
        if len(exponents) == 1 and graph.op[(exponent := exponents.pop())] == "const":
            return self._number(graph.value[exponent] * (k - j) - j)
        by_exponent = self._op("fmul contract", self._scalar(0), self._number(float(k - j)))
        return self._op("fsub contract", by_exponent, self._number(float(j)))


def _oldest_first(first: int, last: int, k: int) -> list[int]:
    return sorted(range(first, last + 1), key=lambda j: -min(j, k - j))
