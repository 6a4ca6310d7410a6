"""A model as a Python module for numba: compiled functions that write into the arrays they are given."""

from __future__ import annotations

from collections.abc import Sequence

from symde.codegen.derivatives import SparseJacobian
from symde.codegen.expressions import AND, COMPARISON, NOT, OR, Dialect, Text, call, compared
from symde.codegen.layout import listed
from symde.codegen.numba_helpers import COMPILED, HELPERS
from symde.codegen.numpy_printer import NumpyDialect
from symde.codegen.python_source import (
    RESERVED,
    body,
    conditional,
    name_tables,
    opening,
    python_power,
    start_calls,
    start_functions,
)
from symde.codegen.source import ModelSource, Routine, header, model_source
from symde.model.definition import Definition


class NumbaDialect(Dialect):
    """Operations on float64 scalars in numba's subset of Python."""

    FUNCTIONS = {
        **{name: f"math.{name}" for name in ("sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan")},
        **{name: f"math.{name}" for name in ("asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh")},
        **{"erf": "math.erf", "gamma": "math.gamma", "abs": "abs", "mod": "np.mod"},
        # math.floor gives an integer in numba, and the built-in min forgets a NaN.
        **{
            "floor": "np.floor",
            "ceil": "np.ceil",
            "sign": "np.sign",
            "min": "np.minimum",
            "max": "np.maximum",
        },
    }
    OPAQUE = "float"
    INFINITY = "math.inf"
    NAN = "math.nan"

    def whole_power(self, base: Text, exponent: int) -> Text:
        """`x**3`, which numba multiplies out."""
        return python_power(base, Text(str(exponent)))

    def power(self, base: Text, exponent: Text) -> Text:
        """`x**y`."""
        return python_power(base, exponent)

    def special(self, op: str, args: Sequence[Text]) -> Text:
        """Comparisons, logic, choices, and the module's own digamma."""
        if op in _COMPARISONS:
            return compared(args[0], _COMPARISONS[op], args[1])
        if op in _LOGIC:
            binding = _LOGIC[op]
            left, right = args[0].within(COMPARISON), args[1].within(COMPARISON)
            return Text(f"{left.text} {op} {right.text}", binding, max(left.nested, right.nested))
        if op == "not":
            inner = args[0].within(COMPARISON)
            return Text(f"not {inner.text}", NOT, inner.nested)
        if op == "select":
            return conditional(*args)
        self.helpers.add(op)
        return call(op, args[0])


_COMPARISONS = {"lt": "<", "le": "<=", "eq": "=="}
_LOGIC = {"and": AND, "or": OR}


def numba_source(definition: Definition) -> str:
    """The text of a module that defines `rhs`, `jacobian` and the other functions of a model."""
    source = model_source(definition, RESERVED)
    dialect, starting = NumbaDialect(), NumpyDialect()
    blocks = [
        _function(source, dialect, "rhs", "du", "du/dt into du", source.rhs),
        _function(source, dialect, "jacobian_values", "values", _VALUES, source.jacobian),
        _dense("jacobian", "d(du/dt)/du", len(source.jacobian.roots)),
        _function(source, dialect, "parameter_jacobian_values", "values", _VALUES, source.parameter_jacobian),
        _dense("parameter_jacobian", "d(du/dt)/dp", len(source.parameter_jacobian.roots)),
        _function(
            source, dialect, "time_gradient", "gradient", "d(du/dt)/dt into gradient", source.time_gradient
        ),
        _function(source, dialect, "observables", "out", "The observed quantities into out", source.observed),
        start_functions(source, starting),
    ]
    lines = opening([*header(source, "numba", [*_calls(source), *start_calls(source)]), "", *_USE])
    lines += ["", "import math", "", "import numba", "import numpy as np"]
    lines += ["from scipy import special"] if "special" in starting.helpers else []
    lines += ["", *name_tables(source)]
    lines += [*_pattern("JACOBIAN", source.jacobian_pattern)]
    lines += [*_pattern("PARAMETER_JACOBIAN", source.parameter_jacobian_pattern)]
    for helper in ("digamma", "trigamma"):
        if helper in dialect.helpers:
            lines += ["", "", *HELPERS[helper]]
    for block in blocks:
        lines += ["", "", *block]
    return "\n".join([*lines, ""])


_VALUES = "The structural nonzeros in compressed rows into values"
_USE = (
    "Arrays are float64; results are written into the last argument and nothing is returned. The Jacobians",
    "come dense, one row for each equation, or as values of a sparse matrix whose pattern never changes:",
    "    scipy.sparse.csr_array((values, JACOBIAN_COLUMNS, JACOBIAN_ROW_POINTERS))",
    "For use with numbalsoda and the like, call rhs from a function of the signature they ask for.",
)


def _calls(source: ModelSource) -> list[tuple[str, str]]:
    n, m = len(source.states), len(source.parameters)
    return [
        ("rhs(t, u, p, du)", f"du/dt, shape ({n},)"),
        ("jacobian(t, u, p, J)", f"d(du/dt)/du, shape ({n}, {n})"),
        ("jacobian_values(t, u, p, values)", f"its nonzeros, shape ({len(source.jacobian.roots)},)"),
        ("parameter_jacobian(t, u, p, J)", f"d(du/dt)/dp, shape ({n}, {m})"),
        (
            "parameter_jacobian_values(t, u, p, values)",
            f"its nonzeros, shape ({len(source.parameter_jacobian.roots)},)",
        ),
        ("time_gradient(t, u, p, gradient)", f"d(du/dt)/dt, shape ({n},)"),
        ("observables(t, u, p, out)", f"the observed quantities, shape ({len(source.observables)},)"),
    ]


def _function(
    source: ModelSource, dialect: Dialect, name: str, result: str, meaning: str, routine: Routine
) -> list[str]:
    lines = [COMPILED, f"def {name}(t, u, p, {result}):", f'    """{meaning}."""']
    return lines + body(source, routine, dialect, [f"{result}[{k}]" for k in range(len(routine.roots))])


def _dense(name: str, meaning: str, nonzeros: int) -> list[str]:
    pattern = name.upper()
    return [
        COMPILED,
        f"def {name}(t, u, p, J):",
        f'    """{meaning} into J, one row for each equation."""',
        f"    values = np.empty({nonzeros})",
        f"    {name}_values(t, u, p, values)",
        "    J[:, :] = 0.0",
        "    for i in range(J.shape[0]):",
        f"        for k in range({pattern}_ROW_POINTERS[i], {pattern}_ROW_POINTERS[i + 1]):",
        f"            J[i, {pattern}_COLUMNS[k]] = values[k]",
    ]


def _pattern(name: str, entries: SparseJacobian) -> list[str]:
    end = "], dtype=np.int32)"
    return [
        *listed(f"{name}_ROW_POINTERS = np.array([", [str(one) for one in entries.indptr], end),
        *listed(f"{name}_COLUMNS = np.array([", [str(one) for one in entries.indices], end),
    ]
