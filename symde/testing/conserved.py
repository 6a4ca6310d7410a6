"""Are the quantities that a model states as conserved kept by its equations?

At random points the derivative of each along the solution is computed exactly. Points of a model with
constraints are brought onto them first, by Gauss-Newton steps.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from symde.codegen.derivatives import jacobian, time_gradient
from symde.codegen.evaluate import evaluate
from symde.codegen.lower import lower
from symde.codegen.system import ModelKernels
from symde.lowering import solved_definition
from symde.model.definition import Definition, Observable
from symde.model.implicit import Invariant, MassEntry
from symde.model.model import Model
from symde.testing.points import Point, random_points

_STEPS = 100
"""Steps that bring a point onto constraints."""

_ON = 1e-12
"""Distance from constraints, in units of their terms, at which a point is on them."""


@dataclass(frozen=True, slots=True)
class ConservedReport:
    """What a check of conserved quantities looked at.

    Attributes:
        model: Name of the model.
        points: Number of points.
        quantities: Number of quantities.
        largest: Largest rate of change, in units of its terms.
    """

    model: str
    points: int
    quantities: int
    largest: float

    def __str__(self) -> str:
        return (
            f"{self.model}: {self.quantities} quantities at {self.points} points kept to {self.largest:.1e}"
        )


def check_conserved(model: Model, points: int = 5, rtol: float = 1e-9, seed: int = 0) -> ConservedReport:
    """Check that every `conserved e` of a model is kept by its equations.

    Args:
        model: The model.
        points: How many random points to draw around the model's own values.
        rtol: Bound for d/dt e along the solution, in units of the sum of the magnitudes of its terms.
        seed: Seed of the random points.

    Raises:
        AssertionError: a quantity changes; the message names it, its line and its rate.
        ValueError: the model states none, or no point was found that its constraints allow.
        TypeError: something other than a model.
    """
    if not isinstance(model, Model):
        raise TypeError(f"check_conserved takes a model (see symde.ode_def), got {type(model).__name__}")
    definition = solved_definition(model.definition)
    stated = [one for one in definition.invariants if not one.at_zero]
    if not stated:
        raise ValueError(f"`{model.name}` states nothing as conserved: write `conserved e`")
    rates = _Rates(definition, stated)
    found = [
        point for one in rates.points(points, seed) if (point := rates.onto_constraints(one)) is not None
    ]
    if not found:
        raise ValueError(f"no point found that the constraints of `{model.name}` allow")
    largest = 0.0
    for point in found:
        for one, rate, size in zip(stated, *rates.at(point), strict=True):
            part = 0.0 if rate == 0 else abs(rate) / size
            if not part <= rtol:
                raise AssertionError(_message(definition, one, rate, point))
            largest = max(largest, part)
    return ConservedReport(model.name, len(found), len(stated), largest)


class _Rates:
    """Derivatives of expressions along the solutions of M u' = f, at points."""

    def __init__(self, definition: Definition, stated: list[Invariant]):
        self.definition = definition
        constraints = [one.value for one in definition.invariants if one.at_zero]
        self.entries: tuple[MassEntry, ...] = definition.mass or ()
        more = [*(one.value for one in stated), *constraints, *(one.value for one in self.entries)]
        named = [Observable(f"{place} of what is checked", value) for place, value in enumerate(more)]
        extended = dataclasses.replace(definition, observables=(*definition.observables, *named))
        self.lowered = lower(dataclasses.replace(extended, mass=None))
        nodes = self.lowered.observables[len(definition.observables) :]
        first, second = len(stated), len(stated) + len(constraints)
        self.stated, self.constraints, self.mass = nodes[:first], nodes[first:second], nodes[second:]
        self.algebraic = np.array([state.algebraic for state in definition.states])

    def points(self, count: int, seed: int) -> list[Point]:
        return random_points(ModelKernels(self.definition), count, seed)

    def _values(self, nodes: tuple[int, ...], point: Point) -> np.ndarray:
        u, p, t = point
        values = evaluate(self.lowered.graph, nodes, t, {"u": u, "p": p})
        return np.array([values[node] for node in nodes], dtype=float)

    def _jacobian(self, nodes: tuple[int, ...], point: Point) -> np.ndarray:
        entries = jacobian(self.lowered.graph, nodes, self.lowered.states)
        values = self._values(entries.nodes, point)
        dense = np.zeros((len(nodes), len(self.lowered.states)))
        for row in range(len(nodes)):
            for k in range(entries.indptr[row], entries.indptr[row + 1]):
                dense[row, entries.indices[k]] = values[k]
        return dense

    def _by_time(self, nodes: tuple[int, ...], point: Point) -> np.ndarray:
        return self._values(tuple(time_gradient(self.lowered.graph, nodes)), point)

    def onto_constraints(self, point: Point) -> Point | None:
        """The nearest point that satisfies the equations without derivatives; None where none is found."""
        u, p, t = point
        algebraic = tuple(np.array(self.lowered.rhs, dtype=int)[self.algebraic].tolist())
        nodes = (*algebraic, *self.constraints)
        if not nodes:
            return point
        for _ in range(_STEPS):
            residual, slopes = self._values(nodes, (u, p, t)), self._jacobian(nodes, (u, p, t))
            if not (np.isfinite(residual).all() and np.isfinite(slopes).all()):
                return None
            if (np.abs(residual) <= _ON * (np.abs(slopes) @ np.abs(u) + 1e-300)).all():
                return u, p, t
            u = u - np.linalg.lstsq(slopes, residual)[0]
        return None

    def at(self, point: Point) -> tuple[np.ndarray, np.ndarray]:
        """The rate of each stated quantity, and the sum of the magnitudes of its terms."""
        slope = self._slope(point)
        by_state, by_time = self._jacobian(self.stated, point), self._by_time(self.stated, point)
        return by_state @ slope + by_time, np.abs(by_state) @ np.abs(slope) + np.abs(by_time)

    def _slope(self, point: Point) -> np.ndarray:
        """u' from the rows of M, and from the derivatives of the others: J u' + f_t = 0."""
        f = self._values(self.lowered.rhs, point)
        if not self.entries:
            return f
        matrix = np.zeros((len(f), len(f)))
        for entry, value in zip(self.entries, self._values(self.mass, point), strict=True):
            matrix[entry.row, entry.column] = value
        rows = self.algebraic
        matrix[rows] = self._jacobian(self.lowered.rhs, point)[rows]
        f[rows] = -self._by_time(self.lowered.rhs, point)[rows]
        return np.linalg.solve(matrix, f)


def _message(definition: Definition, one: Invariant, rate: float, point: Point) -> str:
    what, where = "a conserved quantity", ""
    if one.span is not None:
        what = f"`{' '.join(one.span.text.split())}`"
        where = f" (line {one.span.source.position(one.span.start)[0]})"
    u, _, t = point
    values = ", ".join(f"{name} = {value:.6g}" for name, value in zip(definition.state_names, u, strict=True))
    return f"{what}{where} is not kept: it changes by {rate:.6g} per unit of time at t = {t:.6g}, {values}"
