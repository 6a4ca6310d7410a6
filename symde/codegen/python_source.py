"""What printed Python has in common, whether numpy or numba runs it."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Sequence

from symde.codegen.comments import one_line
from symde.codegen.expressions import ATOM, POWER, Dialect, Result, Temporary, Text, statements
from symde.codegen.layout import WIDTH, folded, listed
from symde.codegen.source import ModelSource, Quantity, Routine, default_order

RESERVED = frozenset(
    {
        *keyword.kwlist,
        *keyword.softkwlist,
        *dir(builtins),
        *("np", "numba", "math", "special", "digamma", "trigamma"),
        *("t", "t0", "u", "p", "du", "J", "values", "gradient", "out", "result"),
        *("STATES", "PARAMETERS", "OBSERVABLES"),
        *("rhs", "jacobian", "jacobian_values", "parameter_jacobian", "parameter_jacobian_values"),
        *("time_gradient", "observables", "parameters", "initial_state", "time_span"),
        *("JACOBIAN_ROW_POINTERS", "JACOBIAN_COLUMNS"),
        *("PARAMETER_JACOBIAN_ROW_POINTERS", "PARAMETER_JACOBIAN_COLUMNS"),
    }
)
"""Identifiers that a model's names may not take in printed Python."""


def python_power(base: Text, exponent: Text) -> Text:
    """`base**exponent`; a sign or a second power in an operand is bracketed."""
    left, right = base.within(ATOM), exponent.within(ATOM)
    return Text(f"{left.text}**{right.text}", POWER, max(left.nested, right.nested))


def conditional(condition: Text, then: Text, otherwise: Text) -> Text:
    """`(then if condition else otherwise)`."""
    text = f"({then.text} if {condition.text} else {otherwise.text})"
    return Text(text, nested=1 + max(condition.nested, then.nested, otherwise.nested))


def body(
    source: ModelSource,
    routine: Routine,
    dialect: Dialect,
    targets: Sequence[str],
    time: str = "t",
) -> list[str]:
    """The statements of a function: reading of its inputs, temporaries, results.

    Args:
        source: The model.
        routine: What to compute.
        dialect: How operations are written.
        targets: What each result is assigned to.
        time: What the independent variable is called.
    """
    scope = source.scope(routine, time)
    lines = [
        f"    {scope.inputs[vector, index]} = {vector}[{index}]" for vector, index in source.read(routine)
    ]
    for statement in statements(routine.graph, routine.roots, dialect, scope):
        if isinstance(statement, Temporary):
            lines += folded(f"    {statement.name} = ", statement.text, "", ("(", ")"))
        else:
            lines += _result(statement, routine, targets)
    return lines


def _result(statement: Result, routine: Routine, targets: Sequence[str]) -> list[str]:
    position = statement.position
    lines = [f"    # {one_line(routine.comments[position])}"] if routine.comments else []
    lines += folded(f"    {targets[position]} = ", statement.text, "", ("(", ")"))
    if routine.labels:
        lines[-1] += f"  # {routine.labels[position]}"
    return lines


def opening(lines: Sequence[str]) -> list[str]:
    """The comment that opens a file. Python looks for an encoding in the first two lines: those are ours."""
    rule = f"# {'-' * (WIDTH - 2)}"
    return [rule, rule, *(f"# {line}".rstrip() for line in lines), rule]


def name_tables(source: ModelSource) -> list[str]:
    """The modeller's names as tuples of strings."""
    return [
        *_table("STATES", source.states),
        *_table("PARAMETERS", source.parameters),
        *_table("OBSERVABLES", source.observables),
    ]


def _table(name: str, quantities: Sequence[Quantity]) -> list[str]:
    names = [repr(one.name) for one in quantities]  # escapes whatever does not show
    return [f"{name} = ({names[0]},)"] if len(names) == 1 else listed(f"{name} = (", names, ")")


def start_calls(source: ModelSource) -> list[tuple[str, str]]:
    """How the functions of `start_functions` are called, and what they give."""
    calls = [
        ("parameters(name=value, ...)", "the array p; parameters not given have their defaults"),
        ("initial_state(p, t0)", "the initial state u0"),
    ]
    return calls if source.start.tspan is None else [*calls, ("time_span(p)", "the model's time span")]


def start_functions(source: ModelSource, dialect: Dialect) -> list[str]:
    """`parameters()`, `initial_state()` and, where the model has one, `time_span()`, on numpy scalars."""
    lines = [*_parameters(source, dialect), "", "", *_initial_state(source, dialect)]
    if source.start.tspan is not None:
        routine = Routine(source.start.graph, source.start.tspan)
        lines += ["", "", "def time_span(p):", '    """The model\'s own time span (t0, t1)."""']
        lines += ["    p = np.asarray(p, dtype=float)"]
        lines += body(source, routine, dialect, ["t0", "t1"], "0.0")
        lines += ["    return float(t0), float(t1)"]
    return lines


def _parameters(source: ModelSource, dialect: Dialect) -> list[str]:
    graph, defaults = source.start.graph, source.start.defaults
    needed, given, following = [], [], []
    for j in range(len(defaults)):
        name, node = source.parameters[j].identifier, defaults[j]
        if node is None:
            needed.append(name)
        elif graph.op[node] == "const":
            given.append(f"{name}={dialect.number(graph.value[node]).text}")
        else:
            given.append(f"{name}=None")
            following.append(j)
    arguments = ["*", *needed, *given] if needed or given else []
    lines = listed("def parameters(", arguments, "):")
    lines += ['    """The parameters as an array p; a default that uses other parameters follows them."""']
    read = {index for j in following for _, index in graph.inputs_read([defaults[j]])}  # type: ignore[list-item]
    for j in sorted(read - set(following)):
        lines.append(f"    {source.parameters[j].identifier} = np.float64({source.parameters[j].identifier})")
    for j in default_order(source.start):
        if j in following:
            lines += _following(source, dialect, j)
    names = [parameter.identifier for parameter in source.parameters]
    return [*lines, *listed("    return np.array([", names, "], dtype=float)")]


def _following(source: ModelSource, dialect: Dialect, j: int) -> list[str]:
    node = source.start.defaults[j]
    assert node is not None
    routine = Routine(source.start.graph, (node,))
    name = source.parameters[j].identifier
    lines = [f"    if {name} is None:"]
    for statement in statements(routine.graph, routine.roots, dialect, source.scope(routine, "0.0")):
        target = statement.name if isinstance(statement, Temporary) else name
        lines += folded(f"        {target} = ", statement.text, "", ("(", ")"))
    return [*lines, f"    {name} = np.float64({name})"]


def _initial_state(source: ModelSource, dialect: Dialect) -> list[str]:
    nodes = source.start.initial
    missing = [source.states[i].identifier for i, node in enumerate(nodes) if node is None]
    arguments = ["p", "t0=0.0", *(["*", *missing] if missing else [])]
    lines = listed("def initial_state(", arguments, "):")
    lines += ['    """The initial state as an array u, shape (number of states,)."""']
    known = [(i, node) for i, node in enumerate(nodes) if node is not None]
    routine = Routine(source.start.graph, tuple(node for _, node in known))
    lines += ["    p = np.asarray(p, dtype=float)", "    t0 = np.float64(t0)"]
    lines += [f"    u = np.empty({len(nodes)})"]
    lines += body(source, routine, dialect, [f"u[{i}]" for i, _ in known], "t0")
    lines += [f"    u[{i}] = {source.states[i].identifier}" for i, node in enumerate(nodes) if node is None]
    return [*lines, "    return u"]
