"""A model as one C99 file that needs nothing but the C library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symde.codegen.c_helpers import helper_functions
from symde.codegen.c_words import RESERVED
from symde.codegen.comments import c_block, c_comment, c_string
from symde.codegen.derivatives import SparseJacobian
from symde.codegen.expressions import (
    AND,
    COMPARISON,
    OR,
    PRODUCT,
    SIGN,
    Dialect,
    Temporary,
    Text,
    call,
    compared,
    statements,
)
from symde.codegen.layout import folded, listed
from symde.codegen.source import ModelSource, Quantity, Routine, default_order, header, model_source
from symde.model.definition import Definition


class CDialect(Dialect):
    """Operations on doubles in C99."""

    FUNCTIONS = {
        **{
            name: name
            for name in ("sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos")
        },
        **{name: name for name in ("atan", "atan2", "sinh", "cosh", "tanh", "floor", "ceil", "erf")},
        **{"abs": "fabs", "gamma": "tgamma"},
    }
    OPAQUE = "symde_number"
    INFINITY = "INFINITY"
    NAN = "NAN"

    def whole_power(self, base: Text, exponent: int) -> Text:
        """Products of a name up to the third power, else a function that multiplies out."""
        if exponent == 0:
            return self.number(1.0)
        if exponent == 1:
            return base
        if exponent <= 3 and base.text.isidentifier():
            return Text("*".join([base.text] * exponent), PRODUCT)
        self.helpers.add(f"symde_power{exponent}")
        return call(f"symde_power{exponent}", base)

    def power(self, base: Text, exponent: Text) -> Text:
        """`pow(x, y)`."""
        return call("pow", base, exponent)

    def special(self, op: str, args: Sequence[Text]) -> Text:
        """Comparisons, logic, choices, and the file's own functions."""
        if op in _COMPARISONS:
            return compared(args[0], _COMPARISONS[op], args[1])
        if op in _LOGIC:
            operator, binding = _LOGIC[op]
            left, right = args[0].within(COMPARISON), args[1].within(COMPARISON)
            return Text(f"{left.text} {operator} {right.text}", binding, max(left.nested, right.nested))
        if op == "not":
            return Text(f"!({args[0].text})", SIGN, args[0].nested + 1)
        if op == "select":
            condition, then, otherwise = args
            text = f"({condition.text} ? {then.text} : {otherwise.text})"
            return Text(text, nested=1 + max(one.nested for one in args))
        self.helpers.add(f"symde_{op}")
        return call(f"symde_{op}", *args)


_COMPARISONS = {"lt": "<", "le": "<=", "eq": "=="}
_LOGIC = {"and": ("&&", AND), "or": ("||", OR)}


def c_source(definition: Definition) -> str:
    """The text of a file that defines the functions `<model>_rhs`, `<model>_jacobian` and others."""
    source = model_source(definition, RESERVED)
    dialect = CDialect()
    dialect.helpers.add("symde_spread")
    rows, columns = len(source.states), len(source.parameters)
    functions = [
        _point_function(source, dialect, "rhs", "du", source.rhs),
        _point_function(source, dialect, "jacobian", "values", source.jacobian),
        _dense(source, "jacobian", rows, rows),
        _point_function(source, dialect, "parameter_jacobian", "values", source.parameter_jacobian),
        _dense(source, "parameter_jacobian", rows, columns),
        _point_function(source, dialect, "time_gradient", "gradient", source.time_gradient),
        _point_function(source, dialect, "observables", "out", source.observed),
        _default_parameters(source, dialect),
        _initial_state(source, dialect),
    ]
    if source.start.tspan is not None:
        functions.append(_time_span(source, dialect))
    lines = c_block([*header(source, "C99", _calls(source)), "", *_USE])
    lines += ["#include <math.h>", "#include <stddef.h>", "", *_sizes(source), "", *_tables(source), ""]
    lines += helper_functions(dialect.helpers)
    for function in functions:
        lines += [*function, ""]
    return "\n".join(lines)


_USE = (
    "Results are written through the last argument. A Jacobian is its structural nonzeros in compressed rows",
    "(row i holds the entries row_pointers[i] <= k < row_pointers[i + 1], entry k is in column columns[k]),",
    "or dense, one row for each equation: d(du[i]/dt)/du[j] is J[i*n + j].",
    "Results must not overlap u or p. Compile with the C99 option of your compiler and link with -lm.",
)


def _calls(source: ModelSource) -> list[tuple[str, str]]:
    name, point = source.identifier, "double t, const double *u, const double *p"
    n, m = len(source.states), len(source.parameters)
    by_state, by_parameter = len(source.jacobian.roots), len(source.parameter_jacobian.roots)
    calls = [
        (f"void {name}_rhs({point}, double *du);", f"du/dt, {n}"),
        (f"void {name}_jacobian({point}, double *values);", f"d(du/dt)/du, {by_state} nonzeros"),
        (f"void {name}_jacobian_dense({point}, double *J);", f"the same, {n} by {n}"),
        (
            f"void {name}_parameter_jacobian({point}, double *values);",
            f"d(du/dt)/dp, {by_parameter} nonzeros",
        ),
        (f"void {name}_parameter_jacobian_dense({point}, double *J);", f"the same, {n} by {m}"),
        (f"void {name}_time_gradient({point}, double *gradient);", f"d(du/dt)/dt, {n}"),
        (
            f"void {name}_observables({point}, double *out);",
            f"observed quantities, {len(source.observables)}",
        ),
        (f"void {name}_default_parameters(double *p);", f"{m}; NaN where one is to be given"),
        (f"void {name}_initial_state(double t0, const double *p, double *u);", f"{n}; NaN likewise"),
    ]
    if source.start.tspan is not None:
        calls.append((f"void {name}_time_span(const double *p, double *tspan);", "start and end"))
    return calls


def _sizes(source: ModelSource) -> list[str]:
    sizes = {
        "n_states": len(source.states),
        "n_parameters": len(source.parameters),
        "n_observables": len(source.observables),
        "jacobian_nonzeros": len(source.jacobian.roots),
        "parameter_jacobian_nonzeros": len(source.parameter_jacobian.roots),
    }
    return listed("enum {", [f"{source.identifier}_{name} = {size}" for name, size in sizes.items()], "};")


def _tables(source: ModelSource) -> list[str]:
    return [
        *_strings(source, "state_names", source.states),
        *_strings(source, "parameter_names", source.parameters),
        *_strings(source, "observable_names", source.observables),
        *_pattern(source, "jacobian", source.jacobian_pattern),
        *_pattern(source, "parameter_jacobian", source.parameter_jacobian_pattern),
    ]


def _strings(source: ModelSource, name: str, quantities: Sequence[Quantity]) -> list[str]:
    # C knows no empty arrays: an unused null pointer stands in.
    elements = [c_string(one.name) for one in quantities] or ["NULL"]
    start = f"const char *const {source.identifier}_{name}[{len(elements)}] = {{"
    return listed(start, elements, "};")


def _pattern(source: ModelSource, name: str, entries: SparseJacobian) -> list[str]:
    lines = []
    for part, numbers in (("row_pointers", entries.indptr), ("columns", entries.indices or (0,))):
        start = f"const int {source.identifier}_{name}_{part}[{len(numbers)}] = {{"
        lines += listed(start, [str(one) for one in numbers], "};")
    return lines


PIECE = 1000
"""Nodes of one function.

Measured at 1000 states in a ring, 10,000 results: gcc -O1 takes 55 s without a limit, 19 s with 3000 nodes,
14 s with 1000, 12 s with 300. numba gains nothing by it.
"""


def _point_function(
    source: ModelSource, dialect: CDialect, name: str, result: str, routine: Routine
) -> list[str]:
    """A function of (t, u, p); a long one calls several static ones."""
    full = f"{source.identifier}_{name}"
    pieces = routine.pieces(PIECE)
    if len(pieces) == 1:
        return _piece(source, dialect, f"void {full}", result, routine)
    lines, calls = [], []
    for number, piece in enumerate(pieces, start=1):
        lines += [*_piece(source, dialect, f"static void {full}_part{number}", result, piece), ""]
        calls.append(f"    {full}_part{number}(t, u, p, {result});")
    return [*lines, *_opened(f"void {full}", result), *calls, "}"]


def _piece(source: ModelSource, dialect: CDialect, start: str, result: str, routine: Routine) -> list[str]:
    vectors = {vector for vector, _ in source.read(routine)}
    unused = [] if source.reads_time(routine) else ["t"]
    unused += [vector for vector in ("u", "p") if vector not in vectors]
    unused += [] if routine.roots else [result]
    targets = [f"{result}[{routine.first + k}]" for k in range(len(routine.roots))]
    return [*_opened(start, result), *_unused(unused), *_body(source, dialect, routine, targets, "t"), "}"]


def _opened(start: str, result: str) -> list[str]:
    return [f"{start}(double t, const double *u, const double *p, double *{result})", "{"]


def _unused(names: Sequence[str]) -> list[str]:
    return [f"    {' '.join(f'(void){name};' for name in names)}"] if names else []


def _body(
    source: ModelSource, dialect: CDialect, routine: Routine, targets: Sequence[str], time: str
) -> Iterator[str]:
    scope = source.scope(routine, time)
    for vector, index in source.read(routine):
        yield f"    const double {scope.inputs[vector, index]} = {vector}[{index}];"
    for statement in statements(routine.graph, routine.roots, dialect, scope):
        if isinstance(statement, Temporary):
            yield from _declared(statement)
            continue
        position = statement.position
        if routine.comments:
            yield f"    {c_comment(routine.comments[position])}"
        label = f"  {c_comment(routine.labels[position])}" if routine.labels else ""
        *lines, last = folded(f"    {targets[position]} = ", statement.text, ";")
        yield from (*lines, last + label)


def _declared(statement: Temporary) -> list[str]:
    kind = "int" if statement.boolean else "double"
    return folded(f"    const {kind} {statement.name} = ", statement.text, ";")


def _dense(source: ModelSource, name: str, rows: int, columns: int) -> list[str]:
    prefix = f"{source.identifier}_{name}"
    return [
        f"void {prefix}_dense(double t, const double *u, const double *p, double *J)",
        "{",
        f"    {prefix}(t, u, p, J);",
        f"    symde_spread({rows}, {columns}, {prefix}_row_pointers, {prefix}_columns, J);",
        "}",
    ]


def _default_parameters(source: ModelSource, dialect: CDialect) -> list[str]:
    defaults = source.start.defaults
    order = default_order(source.start)
    routine = Routine(source.start.graph, tuple(node for j in order if (node := defaults[j]) is not None))
    lines = [
        f"void {source.identifier}_default_parameters(double *p)",
        "{",
        *_unused([] if defaults else ["p"]),
    ]
    for j, node in enumerate(defaults):
        if node is None:
            lines.append(f"    const double {source.parameters[j].identifier} = NAN;  /* to be given */")
    for statement in statements(routine.graph, routine.roots, dialect, source.scope(routine, "0.0")):
        if isinstance(statement, Temporary):
            lines += _declared(statement)
        else:
            name = source.parameters[order[statement.position]].identifier
            lines += folded(f"    const double {name} = ", statement.text, ";")
    return [*lines, *(f"    p[{j}] = {one.identifier};" for j, one in enumerate(source.parameters)), "}"]


def _initial_state(source: ModelSource, dialect: CDialect) -> list[str]:
    known = [(i, node) for i, node in enumerate(source.start.initial) if node is not None]
    routine = Routine(source.start.graph, tuple(node for _, node in known))
    lines = [f"void {source.identifier}_initial_state(double t0, const double *p, double *u)", "{"]
    unused = [] if source.reads_time(routine) else ["t0"]
    unused += [] if source.read(routine) else ["p"]
    unused += [] if source.states else ["u"]
    lines += _unused(unused)
    lines += _body(source, dialect, routine, [f"u[{i}]" for i, _ in known], "t0")
    missing = [i for i, node in enumerate(source.start.initial) if node is None]
    lines += [f"    u[{i}] = NAN;  /* {source.states[i].identifier}: to be given */" for i in missing]
    return [*lines, "}"]


def _time_span(source: ModelSource, dialect: CDialect) -> list[str]:
    assert source.start.tspan is not None
    routine = Routine(source.start.graph, source.start.tspan)
    lines = [f"void {source.identifier}_time_span(const double *p, double *tspan)", "{"]
    lines += _unused([] if source.read(routine) else ["p"])
    return [*lines, *_body(source, dialect, routine, ["tspan[0]", "tspan[1]"], "0.0"), "}"]
