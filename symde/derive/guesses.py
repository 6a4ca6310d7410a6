"""Where the solve of the start begins for derivatives that the model itself makes algebraic variables."""

from __future__ import annotations

import dataclasses

from symde.derive.system import EquationSystem
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
