"""The lines of one LLVM function: a value for each node, loads and stores.

The values are single numbers, or lanes: then element i of a vector lies in the lanes from `lanes * i` on.
"""

from __future__ import annotations

from symde.codegen.graph import BOOLEAN
from symde.codegen.kernel import Kernel
from symde.codegen.llvm_elementary import ELEMENTARY_LINES
from symde.codegen.llvm_operations import SIMPLE, SINGLE, Operations, Width
from symde.codegen.llvm_special import USES, constant, definition
from symde.codegen.powers import half_exponent, integer_exponent

Places = dict[int, list[tuple[int, int]]]
"""Output and index within it of each node that is an output; a node may be several."""

_LIBRARY = {
    **{
        name: name
        for name in ("exp", "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "atan2")
    },
    **{name: name for name in ("sinh", "cosh", "tanh", "erf", "pow")},
    "gamma": "tgamma",
}


class Writer:
    """Writes the lines of one function."""

    def __init__(
        self, kernel: Kernel, places: Places, declarations: dict[str, str], width: Width = SINGLE
    ) -> None:
        self.width, self._aligned = width, "" if width.lanes == 1 else ", align 8"
        self.graph = kernel.graph
        self.inputs = {vector.name: number for number, vector in enumerate(kernel.inputs)}
        self.places = places
        self.declarations = declarations
        self._operations = Operations(width, declarations, self.fresh)
        self._single = Operations(SINGLE, declarations, self.fresh)
        self.names: dict[int, str] = {}
        self.count = 0

    def loads(self, cut: list[int], kept: dict[int, int]) -> list[str]:
        """Reads what earlier pieces computed, and leaves that they have read."""
        here = set(cut)
        lines: list[str] = []
        for node in cut:
            for argument in self.graph.args[node]:
                if argument in here or argument in self.names:
                    continue
                if argument in kept:
                    name = self.names[argument] = f"%k{argument}"
                    lines.append(self._element(f"%ka{argument}", "%kept", kept[argument]))
                    if self.graph.op[argument] in BOOLEAN:
                        lines.append(self._load(f"%kd{argument}", f"%ka{argument}"))
                        zero = self.width.constant(0.0)
                        lines.append(f"{name} = fcmp one {self.width.number} %kd{argument}, {zero}")
                    else:
                        lines.append(self._load(name, f"%ka{argument}"))
                else:
                    lines.extend(self._leaf(argument))
        return lines

    def nodes(self, order: list[int], kept: dict[int, int]) -> list[str]:
        """One value for each node, stored at once where it is an output or a later piece reads it."""
        lines: list[str] = []
        args = self.graph.args
        for node in order:
            lines.extend(self._operation(node) if args[node] else self._leaf(node))
            for number, index in self.places.get(node, ()):
                lines.append(self._element(f"%s{number}_{index}", f"%o{number}", index))
                lines.extend(self._store(node, f"%s{number}_{index}"))
            if node in kept:
                lines.append(self._element(f"%kp{node}", "%kept", kept[node]))
                lines.extend(self._store(node, f"%kp{node}"))
        return lines

    def result(self, code: int | None) -> list[str]:
        """Returns 1 where the condition `code` holds, else 0."""
        if code is None:
            return ["ret i32 0"]
        return [f"%code = zext i1 {self.names[code]} to i32", "ret i32 %code"]

    def _element(self, name: str, vector: str, index: int) -> str:
        return f"{name} = getelementptr double, ptr {vector}, i64 {self.width.lanes * index}"

    def _load(self, name: str, pointer: str) -> str:
        return f"{name} = load {self.width.number}, ptr {pointer}{self._aligned}"

    def _store(self, node: int, pointer: str) -> list[str]:
        value, number = self.names[node], self.width.number
        if self.graph.op[node] not in BOOLEAN:
            return [f"store {number} {value}, ptr {pointer}{self._aligned}"]
        name = self.fresh()
        return [
            f"{name} = uitofp {self.width.truth} {value} to {number}",
            f"store {number} {name}, ptr {pointer}{self._aligned}",
        ]

    def _leaf(self, node: int) -> list[str]:
        graph = self.graph
        op = graph.op[node]
        if op == "const":
            self.names[node] = self.width.constant(graph.value[node])
            return []
        if op == "time":
            if self.width.lanes > 1:
                raise ValueError("lanes have a time each: read it as an input")
            self.names[node] = "%t"
            return []
        vector, index = graph.value[node]
        number = self.inputs[vector]
        self.names[node] = f"%n{node}"
        return [self._element(f"%a{node}", f"%i{number}", index), self._load(f"%n{node}", f"%a{node}")]

    def _operation(self, node: int) -> list[str]:
        graph, names = self.graph, self.names
        op = graph.op[node]
        args = [names[argument] for argument in graph.args[node]]
        result = names[node] = f"%n{node}"
        if op in SIMPLE:
            return self._operations.simple(op, result, args)
        if op == "pow":
            exponent = integer_exponent(graph, node)
            if exponent is not None:
                names[node], lines = self._operations.power(args[0], exponent)
                return lines
        if self.width.lanes == 1:
            return self._called(op, result, args)
        half = half_exponent(graph, node) if op == "pow" else None
        if half is not None:
            return self._operations.half_power(result, args[0], half)
        if op in ELEMENTARY_LINES:
            return ELEMENTARY_LINES[op](self._operations, result, args[0])
        return self._lane_by_lane(op, result, args)

    def _called(self, op: str, result: str, args: list[str]) -> list[str]:
        """A function of single numbers."""
        if op in _LIBRARY:
            return [self._single.call(result, _LIBRARY[op], args)]
        if op == "mod":
            return self._mod(result, *args)
        return [self._own(result, op, args[0])]

    def _lane_by_lane(self, op: str, result: str, args: list[str]) -> list[str]:
        """A function of which there is none for lanes: its calls, one after the other."""
        lines: list[str] = []
        number, last, so_far = self.width.number, self.width.lanes - 1, "poison"
        for lane in range(self.width.lanes):
            singles = [self.fresh() for _ in args]
            for single, argument in zip(singles, args, strict=True):
                lines.append(f"{single} = extractelement {number} {argument}, i32 {lane}")
            value, name = self.fresh(), result if lane == last else self.fresh()
            lines += self._called(op, value, singles)
            lines.append(f"{name} = insertelement {number} {so_far}, double {value}, i32 {lane}")
            so_far = name
        return lines

    def _own(self, result: str, op: str, argument: str) -> str:
        for function in USES[op]:
            self._single.call("", function, [""])  # declares it
        self.declarations[op] = definition(op)
        return f"{result} = call double @symde_{op}(double {argument})"

    def _mod(self, result: str, x: str, y: str) -> list[str]:
        remainder, differ, below_x, below_y, some, shift, moved = (self.fresh() for _ in range(7))
        return [
            self._single.call(remainder, "fmod", [x, y]),
            f"{below_x} = fcmp olt double {remainder}, {constant(0.0)}",
            f"{below_y} = fcmp olt double {y}, {constant(0.0)}",
            f"{differ} = xor i1 {below_x}, {below_y}",
            f"{some} = fcmp one double {remainder}, {constant(0.0)}",
            f"{shift} = and i1 {differ}, {some}",
            f"{moved} = fadd double {remainder}, {y}",
            f"{result} = select i1 {shift}, double {moved}, double {remainder}",
        ]

    def fresh(self) -> str:
        """A new name."""
        self.count += 1
        return f"%x{self.count}"
