"""Where the solve of the start begins for what the text gives no value."""

from __future__ import annotations

import dataclasses

from symde.derive.system import EquationSystem, Incidence
from symde.model.bipartite import FREE, maximum_matching
from symde.model.linear import NotLinearError, linear_in
from symde.model.syntax_derivative import ZERO


def guess_derivatives(system: EquationSystem) -> None:
    """0 for derivatives without a guess in which all rows are linear: Newton's iteration needs no better one.

    Others keep none, and the modeller is asked: `0 = x'^2 - x` has two solutions.
    """
    slopes = [slope for slope in system.slopes if system.states[slope].initial is None]
    nonlinear: set[str] = set()
    for row in system.rows:
        try:
            linear_in(row.value, slopes, lambda factor: True)
        except NotLinearError as problem:
            nonlinear |= problem.names
    for slope in slopes:
        if slope not in nonlinear:
            system.states[slope] = dataclasses.replace(system.states[slope], initial=ZERO)


def guess_states(system: EquationSystem) -> None:
    """0, as a guess, for states without a value at the start as far as constraints determine them.

    Each is matched with a constraint that reads it; those left over keep no value, and the modeller is asked.
    """
    columns = [
        name
        for name, state in system.states.items()
        if state.initial is None and not state.algebraic and not state.discrete
    ]
    constraints = [value for row in (*system.constraints, *system.rows) for value in row.lower]
    incidence = Incidence(system, columns)
    matching = maximum_matching([incidence.of(value) for value in constraints], len(columns))
    for column, row in enumerate(matching.row_of):
        if row != FREE:
            state = system.states[columns[column]]
            system.states[columns[column]] = dataclasses.replace(state, initial=ZERO, guess=True)
