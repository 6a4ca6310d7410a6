"""Kernels as LLVM IR text.

A kernel is straight-line code: one value for each node, in an order that keeps values near their uses. A
large one is cut into internal functions, since instruction selection takes more than linear time in the
length of a block; values that a later piece reads go through an array on the stack.
"""

from __future__ import annotations

from collections.abc import Sequence

from symde.codegen.graph import Graph
from symde.codegen.kernel import Kernel
from symde.codegen.llvm_operations import SINGLE, Width
from symde.codegen.llvm_rolled import RolledKernel, rolled_levels
from symde.codegen.llvm_writer import Places, Writer
from symde.codegen.rolling import Levels

PIECE = 400
"""Nodes of one function of a large kernel.

Measured at 1000 states, right-hand side with Jacobian, 23,000 nodes: pieces of 200 take 1.07 s to compile
and 5.4 us to run, of 400 0.93 s and 4.5 us, of 1500 1.32 s and 4.9 us.
"""

DIRECT = 64
"""Nodes up to which a kernel is one function.

A piece gets its vectors as arguments that are known not to overlap; that halves the time of compilation
(2.3 s against 0.93 s above), and a tiny kernel is better off without the second call.
"""

STACK = 16_384
"""Values a large kernel keeps on the stack, 128 KB; more go to the heap: threads may have small stacks."""

OUT_OF_MEMORY = 2
"""Code of a large kernel that found no memory."""


def ir_module(kernels: Sequence[Kernel], width: Width = SINGLE) -> str:
    """One module with a function for each kernel, under the kernel's name.

    The functions follow the calling convention of `symde.codegen.kernel`; outputs must not overlap inputs.

    Args:
        kernels: The kernels.
        width: Of their values. Of lanes each element of a vector is as many numbers as there are lanes, and
            the argument t is not read: the kernels have their times as an input.
    """
    declarations: dict[str, str] = {}
    functions = [text for kernel in kernels for text in _functions(kernel, declarations, width)]
    return "\n".join([*functions, *declarations.values(), ""])


def _functions(kernel: Kernel, declarations: dict[str, str], width: Width) -> list[str]:
    roots = kernel.roots() if kernel.code is None else [*kernel.roots(), kernel.code]
    order = kernel.graph.depth_first(roots)
    places = _places(kernel)
    used = {kernel.graph.value[node][0] for node in order if kernel.graph.op[node] == "input"}
    tables = vector_tables(kernel, used)
    if len(order) <= DIRECT:
        writer = Writer(kernel, places, declarations, width)
        body = [*tables, *writer.nodes(order, {}), *writer.result(kernel.code)]
        return [define("dso_local i32", kernel.name, "double %t, ptr %in, ptr %out", body)]
    vectors = [f"%i{number}" for number, vector in enumerate(kernel.inputs) if vector.name in used]
    vectors += [f"%o{number}" for number, output in enumerate(kernel.outputs) if output.nodes]
    levels = rolled_levels(kernel, order) if kernel.code is None and width is SINGLE else None
    if levels is not None:
        return _rolled(kernel, levels, tables, vectors, declarations)
    return _pieces(kernel, order, places, tables, vectors, declarations, width)


def _places(kernel: Kernel) -> Places:
    """Output and index within it of each node that is an output; a node may be several."""
    places: Places = {}
    for number, output in enumerate(kernel.outputs):
        for index, node in enumerate(output.nodes):
            places.setdefault(node, []).append((number, index))
    return places


def vector_tables(kernel: Kernel, used: set[str]) -> list[str]:
    """Reads the addresses of the vectors from the two tables."""
    lines = []
    for number, vector in enumerate(kernel.inputs):
        if vector.name in used:
            lines.append(f"%ia{number} = getelementptr ptr, ptr %in, i64 {number}")
            lines.append(f"%i{number} = load ptr, ptr %ia{number}")
    for number, output in enumerate(kernel.outputs):
        if output.nodes:
            lines.append(f"%oa{number} = getelementptr ptr, ptr %out, i64 {number}")
            lines.append(f"%o{number} = load ptr, ptr %oa{number}")
    return lines


def define(
    linkage: str, name: str, parameters: str, body: Sequence[str], attributes: str = "nounwind"
) -> str:
    """The text of a function."""
    lines = "\n  ".join(body)
    return f"define {linkage} @{name}({parameters}) {attributes} {{\n  {lines}\n}}\n"


def _pieces(
    kernel: Kernel,
    order: list[int],
    places: Places,
    tables: list[str],
    vectors: list[str],
    declarations: dict[str, str],
    width: Width,
) -> list[str]:
    cuts = [order[start : start + PIECE] for start in range(0, len(order), PIECE)]
    kept = _kept(kernel.graph, cuts)
    names = [f"{kernel.name}_piece{number}" for number in range(len(cuts))]
    vectors = [*vectors, "%kept"]
    parameters = ", ".join(["double %t", *(f"ptr noalias {vector}" for vector in vectors)])
    functions = []
    for name, cut in zip(names, cuts, strict=True):
        writer = Writer(kernel, places, declarations, width)
        body = [*writer.loads(cut, kept), *writer.nodes(cut, kept)]
        body += writer.result(kernel.code if cut is cuts[-1] else None)
        functions.append(define("internal i32", name, parameters, body, "noinline nounwind"))
    functions.append(_caller(kernel, tables, vectors, names, width.lanes * len(kept), declarations))
    return functions


def _rolled(
    kernel: Kernel, levels: Levels, tables: list[str], vectors: list[str], declarations: dict[str, str]
) -> list[str]:
    vectors = [*vectors, "%kept"]
    rolled = RolledKernel(kernel, levels, vectors, PIECE, declarations)
    caller = _caller(kernel, tables, vectors, rolled.names, len(rolled.kept), declarations)
    return [*rolled.functions, caller]


def _caller(
    kernel: Kernel,
    tables: list[str],
    vectors: list[str],
    names: list[str],
    kept: int,
    declarations: dict[str, str],
) -> str:
    """The kernel itself, which calls its pieces one after the other; the last one's code is its own."""
    arguments = ", ".join(["double %t", *(f"ptr {vector}" for vector in vectors)])
    calls = [f"%r{number} = call i32 @{name}({arguments})" for number, name in enumerate(names)]
    last = f"ret i32 %r{len(names) - 1}"
    before, after = _array(kept, declarations)
    body = [*tables, *before, *calls, *after, last]
    return define("dso_local i32", kernel.name, "double %t, ptr %in, ptr %out", body)


def _array(length: int, declarations: dict[str, str]) -> tuple[list[str], list[str]]:
    """Lines that make the array %kept, and lines that end it."""
    if length <= STACK:
        return [f"%kept = alloca [{max(1, length)} x double], align 16"], []
    declarations["malloc"] = "declare noalias ptr @malloc(i64)"
    declarations["free"] = "declare void @free(ptr)"
    made = [f"%kept = call ptr @malloc(i64 {8 * length})", "%none = icmp eq ptr %kept, null"]
    return [
        *made,
        "br i1 %none, label %empty, label %run\nempty:",
        f"ret i32 {OUT_OF_MEMORY}\nrun:",
    ], ["call void @free(ptr %kept)"]


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
