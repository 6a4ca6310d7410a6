"""A model as LLVM IR text: the kernels that symde compiles, and more of them for its start."""

from __future__ import annotations

from collections.abc import Sequence

from symde.codegen.comments import one_line
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.source import ModelSource, Routine, header, independent_defaults, model_source
from symde.model.definition import Definition


def llvm_source(definition: Definition) -> str:
    """The text of a module with one function for each thing a model has, all of one calling convention."""
    source = model_source(definition, ())
    kernels = _kernels(source)
    calls = [(f"@{kernel.name}", _contents(kernel)) for kernel in kernels]
    lines = [*header(source, "LLVM IR", calls), "", *_USE, ""]
    lines += [f"du[{i}]: {one_line(text)}" for i, text in enumerate(source.rhs.comments)]
    lines += [f"observables[{k}]: {one_line(text)}" for k, text in enumerate(source.observed.comments)]
    return "\n".join([*(f"; {line}".rstrip() for line in lines), "", ir_module(kernels)])


_USE = (
    "Every function is  i32 (double t, ptr in, ptr out)  and returns 0. `in` and `out` are arrays of",
    f"pointers to vectors of doubles: in = {{{', '.join(INPUTS)}}}, of",
    "which these functions read u and p alone (the others may be null); out is told above. A vector that",
    "is written must not overlap one that is read.",
)


def _kernels(source: ModelSource) -> list[Kernel]:
    start = source.start
    by_state, by_parameter = source.jacobian_pattern, source.parameter_jacobian_pattern
    kernels = [
        _kernel(source, "rhs", "du", source.rhs),
        _kernel(source, "jacobian", "values", source.jacobian, _pattern(by_state.indptr, by_state.indices)),
        _kernel(
            source,
            "parameter_jacobian",
            "values",
            source.parameter_jacobian,
            _pattern(by_parameter.indptr, by_parameter.indices),
        ),
        _kernel(source, "time_gradient", "gradient", source.time_gradient),
        _kernel(source, "observables", "observables", source.observed),
        _kernel(source, "default_parameters", "p", _given(source, independent_defaults(start))),
        _kernel(source, "initial_state", "u0", _given(source, start.initial), "t is t0"),
    ]
    if start.tspan is not None:
        kernels.append(_kernel(source, "time_span", "tspan", Routine(start.graph, start.tspan)))
    return kernels


def _kernel(source: ModelSource, name: str, result: str, routine: Routine, comment: str = "") -> Kernel:
    lengths = {"u": len(source.states), "p": len(source.parameters)}
    inputs = tuple(Vector(vector, lengths.get(vector, 0)) for vector in INPUTS)
    return Kernel(
        name, routine.graph, inputs, (Output(result, routine.roots),), (comment,) if comment else ()
    )


def _contents(kernel: Kernel) -> str:
    (output,) = kernel.outputs
    return "; ".join([f"out = {{{output.name}}}, length {len(output.nodes)}", *kernel.comments])


def _pattern(row_pointers: Sequence[int], columns: Sequence[int]) -> str:
    return f"row pointers {_numbers(row_pointers)}, columns {_numbers(columns)}"


def _numbers(numbers: Sequence[int]) -> str:
    return f"[{', '.join(map(str, numbers))}]"


def _given(source: ModelSource, nodes: Sequence[int | None]) -> Routine:
    """What the model gives; NaN for what it leaves to the caller."""
    graph = source.start.graph
    missing = graph.constant(float("nan"))
    return Routine(graph, tuple(missing if node is None else node for node in nodes))
