"""Are the derivatives of a model what they should be?

Three ways to the same numbers are held against each other at random points: the compiled kernels,
sympy's exact derivatives in 30 digits, and central differences of the right-hand side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.codegen.call import call
from symde.codegen.derivatives import SparseJacobian
from symde.codegen.evaluate import evaluate
from symde.codegen.kernel import INPUTS
from symde.codegen.system import ModelKernels
from symde.lowering import solved_definition
from symde.model.definition import Definition
from symde.model.model import Model
from symde.testing.differences import TOLERANCE, Differences, differences
from symde.testing.points import Point, given_point, random_points, right_hand_side

SYMBOLIC_LIMIT = 100
"""States up to which sympy takes part when not told: its dense Jacobian of more takes many seconds."""

_SHOWN = 10
"""Wrong entries that a message lists."""

Values = dict[str, np.ndarray]
"""By kind: "rhs" (n, 1), "jacobian" (n, n), "parameter_jacobian" (n, m), "time_gradient" (n, 1)."""


@dataclass(frozen=True, slots=True)
class DerivativeReport:
    """What a check of derivatives looked at.

    Attributes:
        model: Name of the model.
        points: Number of points.
        entries: Entries compared at each point.
        symbolic: Largest disagreement with sympy, by the sum of an entry's terms; None without sympy.
        differences: Largest disagreement with the differences, by all terms of the entry's row.
        undecided: Entries beside a kink, where differences say nothing; sympy's word stands there.
    """

    model: str
    points: int
    entries: int
    symbolic: float | None
    differences: float
    undecided: int

    def __str__(self) -> str:
        against = "" if self.symbolic is None else f"sympy to {self.symbolic:.1e}, "
        kinks = f" ({self.undecided} beside a kink left out)" if self.undecided else ""
        return (
            f"{self.model}: {self.entries} entries at {self.points} points agree with "
            f"{against}differences to {self.differences:.1e}{kinks}"
        )


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Entries of one kind held against another source of the same numbers."""

    kind: str
    source: str
    found: np.ndarray
    expected: np.ndarray
    error: np.ndarray
    bound: float
    undecided: int = 0


def check_derivatives(
    model: Model,
    points: int | Sequence[Any] = 5,
    rtol: float = 1e-11,
    seed: int = 0,
    symbolic: bool | None = None,
) -> DerivativeReport:
    """Check right-hand side, Jacobian, parameter Jacobian and time gradient of a model.

    Of implicit equations it is the system that is solved, M u' = f of index 1, whose f is checked.

    Args:
        model: The model.
        points: How many random points to draw around the model's own values, or a list of (u, p, t).
        rtol: Bound for the disagreement with sympy, by the sum of the magnitudes of an entry's terms.
        seed: Seed of the random points.
        symbolic: Whether sympy takes part. Default: up to 100 states.

    Returns:
        What was compared, and how well it agreed.

    Raises:
        AssertionError: entries disagree; the message names them, their equations and lines.
        ValueError: no point was found where the right-hand side is finite.
        TypeError: something other than a model.
    """
    if not hasattr(model, "definition"):
        raise TypeError(f"expected a model (symde.ode_def(...)), found {type(model).__name__}")
    if not isinstance(model, Model):
        raise TypeError(f"check_derivatives takes a model (see symde.ode_def), got {type(model).__name__}")
    model = Model(solved_definition(model.definition))  # of implicit equations, what is made of them
    kernels = ModelKernels(model.definition)
    if isinstance(points, int):
        drawn = random_points(kernels, points, seed)
    else:
        drawn = [given_point(point) for point in points]
    exact = _Exact(model) if symbolic or (symbolic is None and kernels.n <= SYMBOLIC_LIMIT) else None
    worst = {"sympy": 0.0, "differences": 0.0}
    failures: list[str] = []
    undecided = 0
    for point in drawn:
        for one in _comparisons(kernels, exact, point, rtol):
            worst[one.source] = max(worst[one.source], float(one.error.max(initial=0.0)))
            undecided += one.undecided
            failures += _failures(model.definition, one, point)
    if failures:
        raise AssertionError(_message(model.definition, failures))
    return DerivativeReport(
        model=model.name,
        points=len(drawn),
        entries=kernels.n * (kernels.n + kernels.m + 2),
        symbolic=None if exact is None else worst["sympy"],
        differences=worst["differences"],
        undecided=undecided,
    )


def _comparisons(
    kernels: ModelKernels, exact: _Exact | None, point: Point, rtol: float
) -> Iterator[_Comparison]:
    """Everything compiled at one point against everything it can be held against."""
    compiled = _compiled(kernels, point)
    if exact is not None:
        values, sizes = exact.at(point)
        for kind, found in compiled.items():
            error = _relative(found - values[kind], sizes[kind])
            yield _Comparison(kind, "sympy", found, values[kind], error, rtol)
    for kind, steps in _differences(kernels, point).items():
        error = np.where(steps.smooth, _relative(compiled[kind] - steps.values, steps.scale), 0.0)
        kinks = int((~steps.smooth).sum())
        yield _Comparison(kind, "differences", compiled[kind], steps.values, error, TOLERANCE, kinks)


def _relative(error: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Error by scale, 0 where there is none; what is not finite counts as infinitely wrong."""
    with np.errstate(all="ignore"):
        ratio = np.where(error == 0, 0.0, np.abs(error) / scale)
    return np.where(np.isfinite(ratio), ratio, np.inf)


def _compiled(kernels: ModelKernels, point: Point) -> Values:
    """What the compiled kernels say; the parameter Jacobian is the graph's own."""
    u, p, t = point
    n, graph = kernels.n, kernels.model_graph
    table: dict[str, Any] = {"u": u, "p": p}
    inputs = [table.get(name, ()) for name in INPUTS]
    lengths = [n, len(graph.jacobian.nodes), n]
    _, (f, entries, gradient) = call(kernels.address("rhs_jacobian"), t, inputs, lengths)
    nodes = graph.parameter_jacobian.nodes
    values = evaluate(graph.lowered.graph, nodes, t, table)
    by_parameter = np.array([values[node] for node in nodes], dtype=float)
    return {
        "rhs": f[:, None],
        "jacobian": _dense(graph.jacobian, entries, n),
        "parameter_jacobian": _dense(graph.parameter_jacobian, by_parameter, kernels.m),
        "time_gradient": gradient[:, None],
    }


def _dense(pattern: SparseJacobian, entries: np.ndarray, columns: int) -> np.ndarray:
    rows = np.repeat(np.arange(len(pattern.indptr) - 1), np.diff(pattern.indptr))
    matrix = np.zeros((len(pattern.indptr) - 1, columns))
    matrix[rows, np.array(pattern.indices, dtype=int)] = entries
    return matrix


def _differences(kernels: ModelKernels, point: Point) -> dict[str, Differences]:
    """Differences by kind."""
    u, p, t = point
    return {
        "jacobian": differences(lambda moved: right_hand_side(kernels, moved, p, t), u),
        "parameter_jacobian": differences(lambda moved: right_hand_side(kernels, u, moved, t), p),
        "time_gradient": differences(lambda moved: right_hand_side(kernels, u, p, moved[0]), np.array([t])),
    }


class _Exact:
    """Sympy's derivatives of a model, evaluated in 30 digits."""

    def __init__(self, model: Model) -> None:
        self._symbols = (*model.states, *model.parameters)
        self._matrices = {
            "rhs": model.rhs(),
            "jacobian": model.jacobian(),
            "parameter_jacobian": model.parameter_jacobian(),
            "time_gradient": model.time_gradient(),
        }

    def at(self, point: Point) -> tuple[Values, Values]:
        """Values by kind, and the sums of the magnitudes of their terms."""
        from symde.testing.sympy_value import Evaluator

        u, p, t = point
        evaluator = Evaluator(dict(zip(self._symbols, [*u, *p], strict=True)), t)
        values, sizes = {}, {}
        for kind, matrix in self._matrices.items():
            pairs = np.array([evaluator(entry) for entry in matrix], dtype=float).reshape(*matrix.shape, 2)
            values[kind], sizes[kind] = pairs[..., 0], pairs[..., 1]
        return values, sizes


def _failures(definition: Definition, one: _Comparison, point: Point) -> list[str]:
    """For each wrong entry what it is, where, and its equation."""
    columns = {"jacobian": definition.state_names, "parameter_jacobian": definition.parameter_names}
    u, p, t = point
    lines = []
    for row, column in np.argwhere(one.error > one.bound):
        state = definition.states[row]
        names = columns.get(one.kind, ("t",))
        entry = f"{state.name}'" if one.kind == "rhs" else f"∂({state.name}')/∂{names[column]}"
        found, expected = one.found[row, column], one.expected[row, column]
        lines.append(
            f"{entry} = {found:.12g} compiled, {expected:.12g} by {one.source}\n"
            f"    at t = {t:.6g}, u = {u.tolist()}, p = {p.tolist()}{_equation(state)}"
        )
    return lines


def _equation(state: Any) -> str:
    span = state.equation
    if span is None:
        return ""
    line, _ = span.source.position(span.start)
    return f"\n    equation: {' '.join(span.text.split())}    ({span.source.name}, line {line})"


def _message(definition: Definition, failures: list[str]) -> str:
    shown = [f"  {line}" for line in failures[:_SHOWN]]
    if len(failures) > len(shown):
        shown.append(f"  and {len(failures) - len(shown)} more")
    return f"derivatives of `{definition.name}` disagree:\n" + "\n".join(shown)
