"""Definitions in numbers: what rows, invariants and observed quantities are worth at a point."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from symde.model.definition import PI, Definition
from symde.model.evaluate import evaluate
from symde.model.implicit import mass_rows
from symde.model.inline import Inliner


class Point:
    """A definition at given values of its states, parameters and t."""

    def __init__(self, definition: Definition, given: Mapping[str, float]):
        self.definition = definition
        self.inliner = Inliner(definition.functions)
        self.values = {PI: np.pi} | {one.name: one.value for one in definition.constants} | dict(given)
        for one in definition.parameters:
            if one.name not in self.values and one.default is not None:
                self.values[one.name] = self.of(one.default)
        for one in definition.observables:
            self.values[one.name] = self.of(one.value)

    def of(self, expression) -> float:
        """The value of an expression."""
        return evaluate(self.inliner.inline(expression), self.values)

    def rhs(self) -> np.ndarray:
        """f of M u' = f."""
        return np.array([self.of(state.derivative) for state in self.definition.states])

    def mass(self) -> np.ndarray:
        """M."""
        n = len(self.definition.states)
        matrix = np.zeros((n, n))
        for row, entries in enumerate(mass_rows(self.definition)):
            for column, value in entries.items():
                matrix[row, column] = self.of(value)
        return matrix

    def invariants(self, at_zero: bool = True) -> np.ndarray:
        """Values of the invariants."""
        return np.array([self.of(one.value) for one in self.definition.invariants if one.at_zero == at_zero])


def jacobian(definition: Definition, given: Mapping[str, float], step: float = 1e-6) -> np.ndarray:
    """df/du by central differences."""
    columns = []
    for name in definition.state_names:
        high = Point(definition, {**given, name: given[name] + step}).rhs()
        low = Point(definition, {**given, name: given[name] - step}).rhs()
        columns.append((high - low) / (2 * step))
    return np.stack(columns, axis=1)


def index_one_matrix(definition: Definition, given: Mapping[str, float]) -> np.ndarray:
    """Rows of M where it has entries, of df/du where it has none: regular just where the index is 1."""
    mass, slopes = Point(definition, given).mass(), jacobian(definition, given)
    algebraic = np.array([state.algebraic for state in definition.states])
    return np.where(algebraic[:, None], slopes, mass)


def solved(definition, given, iterations=4):
    """The algebraic variables by Newton's method, all else as given."""
    algebraic = np.array([state.algebraic for state in definition.states])
    for _ in range(iterations):
        residual = np.where(algebraic, Point(definition, given).rhs(), 0)
        step = np.linalg.solve(index_one_matrix(definition, given), residual)
        given = given | {
            name: given[name] - change for name, change in zip(definition.state_names, step, strict=True)
        }
    return given
