"""Kernels as LLVM IR text.

A kernel is straight-line code: one value for each node, in an order that keeps values near their uses. A large one is
cut into internal functions, since instruction selection takes more than linear time in the length of a block; values
that a later piece reads go through an array on the stack.
"""

from __future__ import annotations

from collections.abc import Sequence

from symde.codegen.graph import BOOLEAN, Graph
from symde.codegen.kernel import Kernel
from symde.codegen.llvm_special import USES, constant, definition
from symde.codegen.powers import integer_exponent, multiplication_chain

PIECE = 1500
"""Nodes of one function of a large kernel. Measured at 1000 states, right-hand side with Jacobian."""

_ARITHMETIC = {"add": "fadd contract", "sub": "fsub contract", "mul": "fmul contract", "div": "fdiv contract"}
_INTRINSICS = {"sqrt": "sqrt", "abs": "fabs", "floor": "floor", "ceil": "ceil", "min": "minimum", "max": "maximum"}
_COMPARISONS = {"lt": "olt", "le": "ole", "eq": "oeq"}
_LIBRARY = {
    **{name: name for name in ("exp", "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "atan2")},
    **{name: name for name in ("sinh", "cosh", "tanh", "erf", "pow")},
    "gamma": "tgamma",
}
# `contract` allows a fused multiply-add and nothing else: NaN and infinity keep their meaning.


def ir_module(kernels: Sequence[Kernel]) -> str:
    """One module with a function for each kernel, under the kernel's name.

    The functions follow the calling convention of `symde.codegen.kernel`; outputs must not overlap inputs.
    """
    declarations: dict[str, str] = {}
    functions = [text for kernel in kernels for text in _functions(kernel, declarations)]
    return "\n".join([*functions, *declarations.values(), ""])


def _functions(kernel: Kernel, declarations: dict[str, str]) -> list[str]:
    order = kernel.graph.depth_first(kernel.roots())
    if len(order) <= PIECE:
        writer = _Writer(kernel, declarations)
        body = [*writer.tables(), *writer.nodes(order), *writer.stores(order, {})]
        return [_define("dso_local i32", kernel.name, "double %t, ptr %in, ptr %out", [*body, "ret i32 0"])]
    return _pieces(kernel, order, declarations)


def _define(linkage: str, name: str, parameters: str, body: Sequence[str], attributes: str = "nounwind") -> str:
    lines = "\n  ".join(body)
    return f"define {linkage} @{name}({parameters}) {attributes} {{\n  {lines}\n}}\n"


def _pieces(kernel: Kernel, order: list[int], declarations: dict[str, str]) -> list[str]:
    cuts = [order[start : start + PIECE] for start in range(0, len(order), PIECE)]
    kept = _kept(kernel.graph, cuts)
    names = [f"{kernel.name}_piece{number}" for number in range(len(cuts))]
    parameters = "double %t, ptr noalias readonly %in, ptr noalias readonly %out, ptr noalias %kept"
    functions = []
    for name, cut in zip(names, cuts, strict=True):
        writer = _Writer(kernel, declarations)
        body = [*writer.tables(), *writer.loads(cut, kept), *writer.nodes(cut), *writer.stores(cut, kept)]
        functions.append(_define("internal void", name, parameters, [*body, "ret void"], "noinline nounwind"))
    calls = [f"call void @{name}(double %t, ptr %in, ptr %out, ptr %kept)" for name in names]
    body = [f"%kept = alloca [{max(1, len(kept))} x double], align 16", *calls, "ret i32 0"]
    functions.append(_define("dso_local i32", kernel.name, "double %t, ptr %in, ptr %out", body))
    return functions


def _kept(graph: Graph, cuts: list[list[int]]) -> dict[int, int]:
    """Place in the array of each node that a later piece reads. Leaves are read anew instead."""
    piece = {node: number for number, cut in enumerate(cuts) for node in cut}
    kept: dict[int, int] = {}
    for number, cut in enumerate(cuts):
        for node in cut:
            for argument in graph.args[node]:
                if piece[argument] != number and graph.args[argument]:
                    kept.setdefault(argument, len(kept))
    return kept


class _Writer:
    """Writes the lines of one function."""

    def __init__(self, kernel: Kernel, declarations: dict[str, str]) -> None:
        self.graph = kernel.graph
        self.inputs = {vector.name: number for number, vector in enumerate(kernel.inputs)}
        self.outputs = kernel.outputs
        self.declarations = declarations
        self.names: dict[int, str] = {}
        self.vectors: set[int] = set()
        self.count = 0

    def tables(self) -> list[str]:
        """Pointers of the output vectors; those of inputs are read where first needed."""
        lines = []
        for number, output in enumerate(self.outputs):
            if output.nodes:
                lines.append(f"%oa{number} = getelementptr ptr, ptr %out, i64 {number}")
                lines.append(f"%o{number} = load ptr, ptr %oa{number}")
        return lines

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

    def nodes(self, order: list[int]) -> list[str]:
        """One value for each node."""
        lines: list[str] = []
        args = self.graph.args
        for node in order:
            lines.extend(self._operation(node) if args[node] else self._leaf(node))
        return lines

    def stores(self, cut: list[int], kept: dict[int, int]) -> list[str]:
        """Writes outputs, and what later pieces read."""
        here = set(cut)
        lines: list[str] = []
        for number, output in enumerate(self.outputs):
            for index, node in enumerate(output.nodes):
                if node in here:
                    lines.append(f"%s{number}_{index} = getelementptr double, ptr %o{number}, i64 {index}")
                    lines.extend(self._store(node, f"%s{number}_{index}"))
        for node in cut:
            if node in kept:
                lines.append(f"%kp{node} = getelementptr double, ptr %kept, i64 {kept[node]}")
                lines.extend(self._store(node, f"%kp{node}"))
        return lines

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
        lines = []
        if number not in self.vectors:
            self.vectors.add(number)
            lines.append(f"%ia{number} = getelementptr ptr, ptr %in, i64 {number}")
            lines.append(f"%i{number} = load ptr, ptr %ia{number}")
        self.names[node] = f"%n{node}"
        lines.append(f"%a{node} = getelementptr double, ptr %i{number}, i64 {index}")
        lines.append(f"%n{node} = load double, ptr %a{node}")
        return lines

    def _operation(self, node: int) -> list[str]:
        graph, names = self.graph, self.names
        op = graph.op[node]
        args = [names[argument] for argument in graph.args[node]]
        result = names[node] = f"%n{node}"
        if op in _ARITHMETIC:
            return [f"{result} = {_ARITHMETIC[op]} double {args[0]}, {args[1]}"]
        if op == "neg":
            return [f"{result} = fneg double {args[0]}"]
        if op == "pow":
            exponent = integer_exponent(graph, node)
            if exponent is not None:
                return self._power(node, args[0], exponent)
        if op in _LIBRARY:
            return [self._call(result, _LIBRARY[op], args)]
        if op in _INTRINSICS:
            return [self._call(result, f"llvm.{_INTRINSICS[op]}.f64", args)]
        if op in _COMPARISONS:
            return [f"{result} = fcmp {_COMPARISONS[op]} double {args[0]}, {args[1]}"]
        if op in ("and", "or"):
            return [f"{result} = {op} i1 {args[0]}, {args[1]}"]
        if op == "not":
            return [f"{result} = xor i1 {args[0]}, true"]
        if op == "select":
            return [f"{result} = select i1 {args[0]}, double {args[1]}, double {args[2]}"]
        if op == "sign":
            return self._sign(result, args[0])
        if op == "mod":
            return self._mod(result, *args)
        return [self._own(result, op, args[0])]

    def _own(self, result: str, op: str, argument: str) -> str:
        for function in USES[op]:
            self._call("", function, [""])  # declares it
        self.declarations[op] = definition(op)
        return f"{result} = call double @symde_{op}(double {argument})"

    def _call(self, result: str, function: str, args: Sequence[str]) -> str:
        if function not in self.declarations:
            types = ", ".join("double" for _ in args)
            self.declarations[function] = f"declare double @{function}({types}) nounwind willreturn memory(none)"
        return f"{result} = call double @{function}({', '.join('double ' + argument for argument in args)})"

    def _power(self, node: int, x: str, exponent: int) -> list[str]:
        chain, lines = [x], []
        for a, b in multiplication_chain(abs(exponent)) if exponent else ():
            name = self._fresh()
            lines.append(f"{name} = fmul double {chain[a]}, {chain[b]}")
            chain.append(name)
        if exponent < 0:
            name = self._fresh()
            lines.append(f"{name} = fdiv double {constant(1.0)}, {chain[-1]}")
            chain.append(name)
        self.names[node] = chain[-1] if exponent else constant(1.0)
        return lines

    def _sign(self, result: str, x: str) -> list[str]:
        above, below, rest = self._fresh(), self._fresh(), self._fresh()
        return [
            f"{above} = fcmp ogt double {x}, {constant(0.0)}",
            f"{below} = fcmp olt double {x}, {constant(0.0)}",
            f"{rest} = select i1 {below}, double {constant(-1.0)}, double {x}",
            f"{result} = select i1 {above}, double {constant(1.0)}, double {rest}",
        ]

    def _mod(self, result: str, x: str, y: str) -> list[str]:
        remainder, differ, below_x, below_y, some, shift, moved = (self._fresh() for _ in range(7))
        return [
            self._call(remainder, "fmod", [x, y]),
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
