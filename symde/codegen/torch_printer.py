"""A model as a Python module for torch: an `nn.Module` of many points at once, the points last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symde.codegen.derivatives import SparseJacobian
from symde.codegen.expressions import Dialect, Temporary, Text, call, compared, statements
from symde.codegen.guarding import guarded
from symde.codegen.layout import folded, listed
from symde.codegen.naming import Names, ascii_identifier
from symde.codegen.numpy_printer import NumpyDialect
from symde.codegen.python_source import (
    RESERVED,
    body,
    name_tables,
    opening,
    python_power,
    start_calls,
    start_functions,
)
from symde.codegen.source import ModelSource, Routine, header, model_source
from symde.model.definition import Definition

TORCH_RESERVED = RESERVED | {
    "torch",
    "self",
    "number",
    "gamma",
    "whole_power",
    "like",
    "RightHandSide",
    "functions",
    "inputs",
    "one",
    "JACOBIAN_ROWS",
}

_TORCH = {
    **{name: f"torch.{name}" for name in ("sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan")},
    **{name: f"torch.{name}" for name in ("asin", "acos", "atan", "sinh", "cosh", "tanh", "abs", "sign")},
    **{name: f"torch.{name}" for name in ("floor", "ceil", "erf", "digamma")},
    **{"mod": "torch.remainder", "select": "torch.where", "not": "torch.logical_not"},
    **{"and": "torch.logical_and", "or": "torch.logical_or"},
}
_COMPARISONS = {"lt": "<", "le": "<=", "eq": "=="}
_INTO = {"add": "torch.add", "sub": "torch.sub", "mul": "torch.mul", "div": "torch.div", "neg": "torch.neg"}
"""Operations that write into a place they are given."""

UNEVEN = frozenset({"pow", "atan2", "sinh"})
"""Operations of which torch computes the last few of many points by another function than the others, to
another last bit."""


class TorchDialect(Dialect):
    """Operations on tensors; numbers stand as they are where torch takes them.

    Args:
        functions: Names of the modules that the model calls, in the order in which they are held.
    """

    FUNCTIONS = _TORCH
    OPAQUE = "number"
    INFINITY = "float('inf')"
    NAN = "float('nan')"

    def __init__(self, functions: Sequence[str] = ()) -> None:
        super().__init__()
        self.numbers: set[str] = set()
        self.applied: dict[str, tuple[str, tuple[Text, ...]]] = {}
        self.places = {name: place for place, name in enumerate(functions)}

    def called(self, function: str, args: Sequence[Text]) -> Text:
        """All values of a module from the rows of its arguments."""
        inputs = ", ".join(one.text for one in args) + "," * (len(args) == 1)
        return Text(f"self.called({self.places[function]}, ({inputs}), like)")

    def number(self, value: float) -> Text:
        """A number, remembered as one."""
        text = super().number(value)
        self.numbers.add(text.text)
        return text

    def is_number(self, text: Text) -> bool:
        """Whether an expression is a bare number."""
        return text.text in self.numbers

    def operation(self, op: str, args: Sequence[Text], exponent: int | None) -> Text:
        """Any operation, remembered by its text."""
        made = super().operation(op, self._tensors(op, args), exponent)
        self.applied[made.text] = op, tuple(args)
        return made

    def _tensors(self, op: str, args: Sequence[Text]) -> Sequence[Text]:
        """Where torch wants a tensor, a bare number becomes one."""
        if op == "atan2":
            return [self.opaque(one) if self.is_number(one) else one for one in args]
        if op == "select" and self.is_number(args[1]) and self.is_number(args[2]):
            # of two bare numbers torch would make float32
            return [args[0], self.opaque(args[1]), args[2]]
        return args

    def whole_power(self, base: Text, exponent: int) -> Text:
        """Products, to the same last bit for every point."""
        if exponent == 0:
            return call("torch.ones_like", base)
        if exponent == 1:
            return base
        if exponent == 2:
            return call("torch.square", base)
        self.helpers.add("whole_power")
        return call("whole_power", base, Text(str(exponent)))

    def power(self, base: Text, exponent: Text) -> Text:
        """`x**y`."""
        return python_power(base, exponent)

    def special(self, op: str, args: Sequence[Text]) -> Text:
        """Comparisons, bounds, and functions of another shape."""
        if op in _COMPARISONS:
            return compared(args[0], _COMPARISONS[op], args[1])
        if op in ("min", "max"):
            return self._bound(op, *args)
        if op == "atan2":
            return call("torch.atan2", *args)
        if op == "trigamma":
            return call("torch.polygamma", Text("1"), args[0])
        self.helpers.add(op)
        return call(op, args[0])

    def _bound(self, op: str, a: Text, b: Text) -> Text:
        if self.is_number(a):
            a, b = b, a
        if self.is_number(b):
            return call("torch.clamp", a, Text(f"{'max' if op == 'min' else 'min'}={b.text}"))
        return call("torch.minimum" if op == "min" else "torch.maximum", a, b)


@dataclass(frozen=True, slots=True)
class _Method:
    """A method of the module: a routine of (t, u, p) that gives rows."""

    name: str
    into: str
    result: str
    meaning: str
    count: str
    routine: Routine


def torch_source(definition: Definition) -> str:
    """The text of a module that defines `RightHandSide`, an `nn.Module` of (t, u, p).

    Nothing but torch and numpy is needed to run it. Modules that the model calls are given to
    `RightHandSide`, which holds them; torch finds the derivatives of such a right-hand side, so that none are
    printed.
    """
    source = model_source(definition, TORCH_RESERVED)
    dialect, starting = TorchDialect([one.name for one in source.externs]), NumpyDialect()
    methods = _methods(source)
    blocks = [line for one in methods for line in _lines(source, dialect, one)]
    start = start_functions(source, starting)
    made = f"RightHandSide({', '.join(_arguments(source))})"
    calls = [(f"{made}{_called(one)}", f"{one.meaning}, shape ({one.count}, B)") for one in methods]
    use = [line.replace("RightHandSide()", made) for line in _USE]
    lines = opening([*header(source, "torch", [*calls, *start_calls(source)]), "", *use])
    lines += ["", "import numpy as np", "import torch"]
    lines += ["from scipy import special"] if "special" in starting.helpers else []
    lines += ["", *name_tables(source)]
    if not source.calls(source.rhs):
        lines += _pattern("JACOBIAN", source.jacobian_pattern)
    lines += helpers_of(dialect)
    lines += ["", "", *_opening_of_class(source, methods), *blocks]
    lines += ["", "", *start]
    return "\n".join([*lines, ""])


_USE = (
    "Every method takes many points at once: u of shape (n, B), p of shape (m, B) or (m, 1), t of shape",
    "(B,), and gives a new tensor that can be differentiated. Its fellow of the name that ends in `into`",
    "writes rows that it is given, one for each equation, and is for use without gradients. For example:",
    "    rhs = RightHandSide()",
    "    u = torch.tensor(initial_state(parameters())).reshape(-1, 1)",
    "    p = torch.tensor(parameters()).reshape(-1, 1)",
    "    rhs(torch.zeros(1, dtype=torch.float64), u, p)",
)

_HELPERS = {
    "number": [
        "def number(value):",
        '    """A number as a tensor without dimensions."""',
        "    return torch.tensor(value, dtype=torch.float64)",
    ],
    "whole_power": [
        "def whole_power(x, exponent):",
        '    """x to a positive whole power, by products."""',
        "    power = None",
        "    while True:",
        "        if exponent % 2:",
        "            power = x if power is None else power*x",
        "        exponent //= 2",
        "        if not exponent:",
        "            return power",
        "        x = x*x",
    ],
    "gamma": [
        "def gamma(x):",
        '    """The gamma function; below zero by reflection, Abramowitz and Stegun (1964), 6.1.17."""',
        "    left = x < 0.5",
        "    value = torch.exp(torch.lgamma(torch.where(left, 1.0 - x, x)))",
        "    sine = torch.where(left, torch.sin(torch.pi*x), 1.0)",
        "    return torch.where(left, torch.pi/(sine*value), value)",
    ],
}


def helpers_of(dialect: TorchDialect) -> list[str]:
    """The functions of symde's own that printed expressions call."""
    return [line for one in sorted(dialect.helpers & set(_HELPERS)) for line in ("", "", *_HELPERS[one])]


def _methods(source: ModelSource) -> list[_Method]:
    n, k = str(len(source.states)), str(len(source.observables))
    values = _Method("forward", "into", "du", "du/dt", n, source.rhs)
    observed = _Method(
        "observables", "observables_into", "out", "The observed quantities", k, source.observed
    )
    if source.calls(source.rhs):
        return [values, observed]
    entries = str(len(source.jacobian.roots))
    return [
        values,
        _Method(
            "jacobian_values",
            "jacobian_values_into",
            "values",
            "The nonzeros of d(du/dt)/du in compressed rows",
            entries,
            source.jacobian,
        ),
        _Method("time_gradient", "time_gradient_into", "gradient", "d(du/dt)/dt", n, source.time_gradient),
        observed,
    ]


def _called(method: _Method) -> str:
    return "(t, u, p)" if method.name == "forward" else f".{method.name}(t, u, p)"


def _opening_of_class(source: ModelSource, methods: Sequence[_Method]) -> list[str]:
    used = {op for one in methods for op in _operations(one.routine)}
    autonomous = f"    autonomous = {not source.reads_time(source.rhs)}"
    lines = [
        "class RightHandSide(torch.nn.Module):",
        '    """The model\'s right-hand side and its derivatives.',
        "",
        *_of_arguments(source),
        "    Attributes:",
    ]
    if source.calls(source.rhs):
        # nothing is said of last bits: a module may look at how many points there are
        lines += ["        autonomous: Whether du/dt does not read t.", '    """', "", autonomous]
    else:
        lines += [
            "        jacobian_rows, jacobian_columns: Places of the entries of `jacobian_values`.",
            "        autonomous: Whether du/dt does not read t.",
            "        uneven: Whether the last bit of a point may depend on how many others there are.",
            '    """',
            "",
            "    jacobian_rows = JACOBIAN_ROWS",
            "    jacobian_columns = JACOBIAN_COLUMNS",
            autonomous,
            f"    uneven = {bool(used & UNEVEN)}",
        ]
    return [*lines, *_holding(source)]


def _arguments(source: ModelSource) -> list[str]:
    """The names by which modules are given."""
    return list(Names(TORCH_RESERVED).identifiers(one.name for one in source.externs))


def _of_arguments(source: ModelSource) -> list[str]:
    if not source.externs:
        return []
    lines = ["    Args:"]
    for name, one in zip(_arguments(source), source.externs, strict=True):
        read = ", ".join(map(ascii_identifier, one.parameters))
        shapes = f"(B, {one.outputs}) of (B, {len(one.parameters)})"
        lines.append(f"        {name}: A module that gives {shapes}: {read}.")
    return [*lines, ""]


def _holding(source: ModelSource) -> list[str]:
    """How modules are held and called."""
    if not source.externs:
        return []
    names = _arguments(source)
    outputs = [str(one.outputs) for one in source.externs]
    return [
        "",
        *listed("    def __init__(", ["self", *names], "):"),
        "        super().__init__()",
        *listed("        self.functions = torch.nn.ModuleList([", names, "])"),
        *listed("        self.outputs = (", outputs, ",)" if len(outputs) == 1 else ")"),
        "",
        "    def called(self, place, inputs, like):",
        '        """The values of a module as rows, from its arguments as rows or numbers."""',
        "        rows = [",
        "            one.to(like).expand_as(like) if torch.is_tensor(one) else torch.full_like(like, one)",
        "            for one in inputs",
        "        ]",
        "        values = self.functions[place](torch.stack(rows, -1))",
        "        expected = (len(like), self.outputs[place])",
        "        if values.shape != expected:",
        "            raise ValueError(",
        '                f"expected values of shape {expected} of a module, found {tuple(values.shape)}"',
        "            )",
        "        return values.to(like).unbind(-1)",
    ]


def _operations(routine: Routine) -> set[str]:
    graph = routine.graph
    return {graph.op[node] for node in graph.reachable(routine.roots)}


def _pattern(name: str, entries: SparseJacobian) -> list[str]:
    rows = [str(i) for i in range(len(entries.indptr) - 1) for _ in range(*entries.indptr[i : i + 2])]
    return [
        *listed(f"{name}_ROWS = (", rows, ",)" if len(rows) == 1 else ")"),
        *listed(
            f"{name}_COLUMNS = (", [str(one) for one in entries.indices], ",)" if len(rows) == 1 else ")"
        ),
    ]


def _lines(source: ModelSource, dialect: TorchDialect, method: _Method) -> list[str]:
    return [*_new(source, dialect, method), *_into(source, dialect, method)]


def _new(source: ModelSource, dialect: TorchDialect, method: _Method) -> list[str]:
    """The method that gives a new tensor, and one of the rows that it is made of."""
    rows = "rows" if method.name == "forward" else f"{method.name}_rows"
    graph, roots = guarded(method.routine.graph, method.routine.roots)
    routine = replace(method.routine, graph=graph, roots=roots)
    whole = [
        "",
        f"    def {method.name}(self, t, u, p):",
        f'        """{method.meaning}, shape ({method.count}, B)."""',
    ]
    if not roots:
        return [*whole, "        return u[:0]"]
    whole += [f"        return torch.stack(self.{rows}(t, u.unbind(0), p.unbind(0)))"]
    lines = ["", f"    def {rows}(self, t, u, p):", f'        """{method.meaning} as rows, from rows."""']
    names = [source.names.fresh(f"{method.result}{k}") for k in range(len(roots))]
    parts = [row_of(routine, name, root) for name, root in zip(names, roots, strict=True)]
    if any("like" in part for part in parts) or source.calls(routine):
        lines += ["        like = u[0]"]
    lines += [f"    {line}" for line in body(source, routine, dialect, names)]
    end = ",)" if len(parts) == 1 else ")"
    return [*whole, *lines, *listed("        return (", parts, end)]


def row_of(routine: Routine, name: str, root: int) -> str:
    """A result as a row as long, and of the type, as that of a state."""
    graph = routine.graph
    used = graph.reachable([root])
    operations = {graph.op[node] for node in used}
    if not any(graph.op[node] == "input" for node in used) and "time" not in operations:
        return (
            f"torch.full_like(like, {name})"
            if graph.op[root] == "const"
            else f"({name}).to(like).expand_as(like)"
        )
    if not any(graph.op[node] == "input" and graph.value[node][0] == "u" for node in used):
        return f"{name}.to(like).expand_as(like)"
    return f"{name}.to(like)" if operations & {"time", "select"} else name


def _into(source: ModelSource, dialect: TorchDialect, method: _Method) -> list[str]:
    """The method that writes into rows."""
    routine, result = method.routine, method.result
    lines = [
        "",
        f"    def {method.into}(self, t, u, p, {result}):",
        f'        """{method.meaning} into the rows of {result}."""',
    ]
    if not routine.roots:
        return [*lines, "        pass"]
    scope = source.scope(routine)
    if source.calls(routine):
        lines.append("        like = u[0]")
    for vector, index in source.read(routine):
        lines.append(f"        {scope.inputs[vector, index]} = {vector}[{index}]")
    for statement in statements(routine.graph, routine.roots, dialect, scope):
        if isinstance(statement, Temporary):
            lines += folded(f"        {statement.name} = ", statement.text, "", ("(", ")"))
        else:
            root, place = routine.roots[statement.position], f"{result}[{statement.position}]"
            even = _is_even(routine, root)
            lines += folded("        ", _stored(dialect, statement.text, place, even), "")
    return lines


def _is_even(routine: Routine, root: int) -> bool:
    """Whether a result is as long as its row: it reads a state or the time."""
    graph = routine.graph
    return any(
        graph.op[node] == "time" or (graph.op[node] == "input" and graph.value[node][0] == "u")
        for node in graph.reachable([root])
    )


def _stored(dialect: TorchDialect, text: str, place: str, even: bool) -> str:
    """The statement that puts an expression into a row: by its last operation, where that can write there,
    and by the last two where that is a sum with a product."""
    if text in dialect.numbers:
        return f"{place}.fill_({text})"
    op, args = dialect.applied.get(text, ("", ()))
    if op not in _INTO or not even:
        return f"{place}.copy_({text})"
    if op in ("add", "sub"):
        inner, factors = dialect.applied.get(args[1].text, ("", ()))
        if inner == "mul" and not any(map(dialect.is_number, (args[0], *factors))):
            value = "" if op == "add" else "value=-1, "
            return f"torch.addcmul({args[0].text}, {factors[0].text}, {factors[1].text}, {value}out={place})"
    if dialect.is_number(args[0]) and op in ("add", "mul"):
        args = args[::-1]
    if dialect.is_number(args[0]):
        return f"{place}.copy_({text})"
    return f"{_INTO[op]}({', '.join(one.text for one in args)}, out={place})"
