"""A model as a Python module for numpy: functions of one point or of many points at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symde.codegen.expressions import Dialect, Text, call, compared
from symde.codegen.python_source import (
    RESERVED,
    body,
    name_tables,
    opening,
    python_power,
    start_calls,
    start_functions,
)
from symde.codegen.source import ModelSource, Routine, header, model_source, places
from symde.model.definition import Definition

_NUMPY = {
    **{name: f"np.{name}" for name in ("sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan")},
    **{name: f"np.{name}" for name in ("sinh", "cosh", "tanh", "abs", "sign", "floor", "ceil", "mod")},
    **{"asin": "np.arcsin", "acos": "np.arccos", "atan": "np.arctan", "atan2": "np.arctan2"},
    **{"min": "np.minimum", "max": "np.maximum", "select": "np.where"},
    **{"and": "np.logical_and", "or": "np.logical_or", "not": "np.logical_not"},
}


class NumpyDialect(Dialect):
    """Operations on float64 scalars and arrays of numpy."""

    FUNCTIONS = _NUMPY
    OPAQUE = "np.float64"
    INFINITY = "np.inf"
    NAN = "np.nan"

    def whole_power(self, base: Text, exponent: int) -> Text:
        """`x**3`."""
        return python_power(base, Text(str(exponent)))

    def power(self, base: Text, exponent: Text) -> Text:
        """`x**y`."""
        return python_power(base, exponent)

    def special(self, op: str, args: Sequence[Text]) -> Text:
        """Comparisons, and functions that scipy has."""
        if op in _COMPARISONS:
            return compared(args[0], _COMPARISONS[op], args[1])
        self.helpers.add("special")
        if op == "trigamma":
            return call("special.polygamma", Text("1"), args[0])
        return call(f"special.{op}", args[0])


_COMPARISONS = {"lt": "<", "le": "<=", "eq": "=="}


@dataclass(frozen=True, slots=True)
class _Function:
    """A function of (t, u, p) that gives a new array."""

    name: str
    meaning: str
    result: str
    shape: tuple[int, ...]
    places: tuple[str, ...]
    routine: Routine


def numpy_source(definition: Definition) -> str:
    """The text of a module that defines `rhs`, `jacobian` and the other functions of a model.

    Nothing but numpy is needed to run it, and scipy where the model calls `erf` or `gamma`.
    """
    source = model_source(definition, RESERVED)
    dialect = NumpyDialect()
    functions = _functions(source)
    blocks = [_lines(source, dialect, function) for function in functions]
    blocks.append(start_functions(source, dialect))
    calls = [(f"{one.name}(t, u, p)", f"{one.meaning}, shape {_shape(one)}") for one in functions]
    lines = opening([*header(source, "numpy", [*calls, *start_calls(source)]), "", *_USE])
    lines += ["", "import numpy as np"]
    lines += ["from scipy import special"] if "special" in dialect.helpers else []
    lines += ["", *name_tables(source)]
    for block in blocks:
        lines += ["", "", *block]
    return "\n".join([*lines, ""])


_USE = (
    "Every function takes one point, u of shape (n,) and t a number, or many points at once, u of shape",
    "(n, k) and t a number or of shape (k,); p may then be of shape (m,) or (m, k). For example:",
    "    scipy.integrate.solve_ivp(rhs, (0.0, 1.0), u0, method='BDF', jac=jacobian, args=(p,))",
)


def _functions(source: ModelSource) -> list[_Function]:
    n, m, k = len(source.states), len(source.parameters), len(source.observables)
    states = tuple(f"[{i}]" for i in range(n))
    by_state = tuple(f"[{row}, {column}]" for row, column in places(source.jacobian_pattern))
    by_parameter = tuple(f"[{row}, {column}]" for row, column in places(source.parameter_jacobian_pattern))
    return [
        _Function("rhs", "du/dt", "du", (n,), states, source.rhs),
        _Function("jacobian", "d(du/dt)/du", "J", (n, n), by_state, source.jacobian),
        _Function("parameter_jacobian", "d(du/dt)/dp", "J", (n, m), by_parameter, source.parameter_jacobian),
        _Function("time_gradient", "d(du/dt)/dt", "gradient", (n,), states, source.time_gradient),
        _Function(
            "observables",
            "The observed quantities",
            "out",
            (k,),
            tuple(f"[{one}]" for one in range(k)),
            source.observed,
        ),
    ]


def _shape(function: _Function) -> str:
    return f"({', '.join(map(str, function.shape))}{',' if len(function.shape) == 1 else ''})"


def _lines(source: ModelSource, dialect: NumpyDialect, function: _Function) -> list[str]:
    routine = function.routine
    # np.where computes both of its branches: what the one left out does is nobody's concern.
    quiet = any(routine.graph.op[node] == "select" for node in routine.graph.reachable(routine.roots))
    lines = ['@np.errstate(all="ignore")'] if quiet else []
    lines += [f"def {function.name}(t, u, p):"]
    lines += [f'    """{function.meaning}, shape {_shape(function)}, or that + (k,)."""']
    lines += ["    t = np.asarray(t, dtype=float)[()]"] if source.reads_time(routine) else []
    lines += ["    u = np.asarray(u, dtype=float)", "    p = np.asarray(p, dtype=float)"]
    lines += [f"    {function.result} = np.zeros({_shape(function)} + u.shape[1:])"]
    lines += body(source, routine, dialect, [function.result + place for place in function.places])
    return [*lines, f"    return {function.result}"]
