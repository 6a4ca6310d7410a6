"""The lines of one LLVM function: a value for each node, loads and stores."""

from __future__ import annotations

from symde.codegen.graph import BOOLEAN
from symde.codegen.kernel import Kernel
from symde.codegen.llvm_operations import SIMPLE, SINGLE, Operations
from symde.codegen.llvm_special import USES, constant, definition
from symde.codegen.powers import integer_exponent

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

    def __init__(self, kernel: Kernel, places: Places, declarations: dict[str, str]) -> None:
        self.graph = kernel.graph
        self.inputs = {vector.name: number for number, vector in enumerate(kernel.inputs)}
        self.places = places
        self.declarations = declarations
        self._operations = Operations(SINGLE, declarations, self._fresh)
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
                    lines.append(f"%ka{argument} = getelementptr double, ptr %kept, i64 {kept[argument]}")
                    if self.graph.op[argument] in BOOLEAN:
                        lines.append(f"%kd{argument} = load double, ptr %ka{argument}")
                        lines.append(f"{name} = fcmp one double %kd{argument}, {constant(0.0)}")
                    else:
                        lines.append(f"{name} = load double, ptr %ka{argument}")
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
                lines.append(f"%s{number}_{index} = getelementptr double, ptr %o{number}, i64 {index}")
                lines.extend(self._store(node, f"%s{number}_{index}"))
            if node in kept:
                lines.append(f"%kp{node} = getelementptr double, ptr %kept, i64 {kept[node]}")
                lines.extend(self._store(node, f"%kp{node}"))
        return lines

    def result(self, code: int | None) -> list[str]:
        """Returns 1 where the condition `code` holds, else 0."""
        if code is None:
            return ["ret i32 0"]
        return [f"%code = zext i1 {self.names[code]} to i32", "ret i32 %code"]

    def _store(self, node: int, pointer: str) -> list[str]:
        value = self.names[node]
        if self.graph.op[node] not in BOOLEAN:
            return [f"store double {value}, ptr {pointer}"]
        number = self._fresh()
        return [f"{number} = uitofp i1 {value} to double", f"store double {number}, ptr {pointer}"]

    def _leaf(self, node: int) -> list[str]:
        graph = self.graph
        op = graph.op[node]
        if op == "const":
            self.names[node] = constant(graph.value[node])
            return []
        if op == "time":
            self.names[node] = "%t"
            return []
        vector, index = graph.value[node]
        number = self.inputs[vector]
        self.names[node] = f"%n{node}"
        return [
            f"%a{node} = getelementptr double, ptr %i{number}, i64 {index}",
            f"%n{node} = load double, ptr %a{node}",
        ]

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
        if op in _LIBRARY:
            return [self._operations.call(result, _LIBRARY[op], args)]
        if op == "mod":
            return self._mod(result, *args)
        return [self._own(result, op, args[0])]

    def _own(self, result: str, op: str, argument: str) -> str:
        for function in USES[op]:
            self._operations.call("", function, [""])  # declares it
        self.declarations[op] = definition(op)
        return f"{result} = call double @symde_{op}(double {argument})"

    def _mod(self, result: str, x: str, y: str) -> list[str]:
        remainder, differ, below_x, below_y, some, shift, moved = (self._fresh() for _ in range(7))
        return [
            self._operations.call(remainder, "fmod", [x, y]),
            f"{below_x} = fcmp olt double {remainder}, {constant(0.0)}",
            f"{below_y} = fcmp olt double {y}, {constant(0.0)}",
            f"{differ} = xor i1 {below_x}, {below_y}",
            f"{some} = fcmp one double {remainder}, {constant(0.0)}",
            f"{shift} = and i1 {differ}, {some}",
            f"{moved} = fadd double {remainder}, {y}",
            f"{result} = select i1 {shift}, double {moved}, double {remainder}",
        ]

    def _fresh(self) -> str:
        self.count += 1
        return f"%x{self.count}"
