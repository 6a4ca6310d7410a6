"""The equations that a target can write which knows u' = f alone."""

from __future__ import annotations

from symde.diagnostics import Diagnostic, ModelError
from symde.lowering import solved_definition
from symde.model.definition import Definition
from symde.model.model import Model


def explicit_definition(model: Model) -> Definition:
    """The model as u' = f, with algebraic variables that equations give outright as observed quantities.

    Raises:
        ModelError: what is left is M u' = f with another M than the identity.
    """
    definition = solved_definition(model.definition)
    if definition.mass is None:
        return definition
    algebraic = next((state for state in definition.states if state.algebraic), None)
    if algebraic is None:
        message, span = "an export writes u' = f, and this model has a mass matrix", None
    else:
        message = f"an export writes u' = f, and `{algebraic.name}` is determined by an implicit equation"
        span = algebraic.equation
    help_text = "export it as LaTeX, or solve it here"
    raise ModelError([Diagnostic("E605", message, span, "no differential equation", help_text)])
