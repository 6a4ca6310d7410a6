"""A model as a Python module for torch: an `nn.Module` of many points at once, the points last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symde.codegen.derivatives import SparseJacobian
from symde.codegen.expressions import Dialect, Temporary, Text, call, compared, statements
from symde.codegen.guarding import guarded
from symde.codegen.layout import folded, listed
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
    """Operations on tensors; numbers stand as they are where torch takes them."""

    FUNCTIONS = _TORCH
    OPAQUE = "number"
    INFINITY = "float('inf')"
    NAN = "float('nan')"

    def __init__(self) -> None:
        super().__init__()
        self.numbers: set[str] = set()
        self.applied: dict[str, tuple[str, tuple[Text, ...]]] = {}

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

    Nothing but torch and numpy is needed to run it.
    """
    source = model_source(definition, TORCH_RESERVED)
    dialect, starting = TorchDialect(), NumpyDialect()
    methods = _methods(source)
    blocks = [line for one in methods for line in _lines(source, dialect, one)]
    start = start_functions(source, starting)
    calls = [(f"RightHandSide(){_called(one)}", f"{one.meaning}, shape ({one.count}, B)") for one in methods]
    lines = opening([*header(source, "torch", [*calls, *start_calls(source)]), "", *_USE])
    lines += ["", "import numpy as np", "import torch"]
    lines += ["from scipy import special"] if "special" in starting.helpers else []
    lines += ["", *name_tables(source)]
    lines += _pattern("JACOBIAN", source.jacobian_pattern)
    for helper in sorted(dialect.helpers & set(_HELPERS)):
        lines += ["", "", *_HELPERS[helper]]
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


def _methods(source: ModelSource) -> list[_Method]:
    n, k = str(len(source.states)), str(len(source.observables))
    entries = str(len(source.jacobian.roots))
    return [
        _Method("forward", "into", "du", "du/dt", n, source.rhs),
        _Method(
            "jacobian_values",
            "jacobian_values_into",
            "values",
            "The nonzeros of d(du/dt)/du in compressed rows",
            entries,
            source.jacobian,
        ),
        _Method("time_gradient", "time_gradient_into", "gradient", "d(du/dt)/dt", n, source.time_gradient),
        _Method("observables", "observables_into", "out", "The observed quantities", k, source.observed),
    ]


def _called(method: _Method) -> str:
    return "(t, u, p)" if method.name == "forward" else f".{method.name}(t, u, p)"


def _opening_of_class(source: ModelSource, methods: Sequence[_Method]) -> list[str]:
    used = {op for one in methods for op in _operations(one.routine)}
    return [
        "class RightHandSide(torch.nn.Module):",
        '    """The model\'s right-hand side and its derivatives.',
        "",
        "    Attributes:",
        "        jacobian_rows, jacobian_columns: Places of the entries of `jacobian_values`.",
        "        autonomous: Whether du/dt does not read t.",
        "        uneven: Whether the last bit of a point may depend on how many others there are.",
        '    """',
        "",
        "    jacobian_rows = JACOBIAN_ROWS",
        "    jacobian_columns = JACOBIAN_COLUMNS",
        f"    autonomous = {not source.reads_time(source.rhs)}",
        f"    uneven = {bool(used & UNEVEN)}",
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
    parts = [_row(routine, name, root) for name, root in zip(names, roots, strict=True)]
    if any("like" in part for part in parts):
        lines += ["        like = u[0]"]
    lines += [f"    {line}" for line in body(source, routine, dialect, names)]
    end = ",)" if len(parts) == 1 else ")"
    return [*whole, *lines, *listed("        return (", parts, end)]


def _row(routine: Routine, name: str, root: int) -> str:
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
