"""Integrals over time as states: `q' = g` with q = 0 at the start."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from symde.diagnostics import Diagnostics, ModelError
from symde.language import parse_expression
from symde.language.syntax import Expr, Name, Number
from symde.model.definition import Definition, State
from symde.model.draft import CONSTANT, FUNCTION, OBSERVABLE, PARAMETER, STATE, is_reserved, primes_of
from symde.model.functions import BUILT_IN
from symde.model.implicit import MassEntry, explicit_rows
from symde.model.kinds import check_expression
from symde.model.scope import EQUATION, Scope
from symde.model.syntax_derivative import ONE
from symde.model.walk import substitute


def with_integrals(definition: Definition, integrals: Mapping[str, str]) -> Definition:
    """The model with a state for each integral, after its own states.

    Args:
        definition: The model.
        integrals: Name of each integral -> what is integrated, an expression of the language that may read
            states, their derivatives, parameters, constants, observables, functions and `t`.

    Raises:
        ModelError: an expression is wrong, with its position.
        ValueError: a name is taken, or is no name.
    """
    kinds = _kinds(definition)
    states, mass = list(definition.states), definition.mass
    for name, text in integrals.items():
        _check_name(name, kinds)
        value = _resolved(definition, kinds, name, text)
        zero = Number(0, "0", span=None)
        if mass is not None:
            mass = (*mass, MassEntry(len(states), len(states), ONE))
        states.append(State(name, value, zero, span=value.span, equation=value.span))
    return dataclasses.replace(definition, states=tuple(states), mass=mass)


def _kinds(definition: Definition) -> dict[str, str]:
    kinds = {function.name: FUNCTION for function in definition.functions}
    for kind, names in (
        (CONSTANT, [constant.name for constant in definition.constants]),
        (OBSERVABLE, definition.observable_names),
        (PARAMETER, definition.parameter_names),
        (STATE, definition.state_names),
    ):
        kinds.update(dict.fromkeys(names, kind))
    return kinds


def _check_name(name: str, kinds: Mapping[str, str]) -> None:
    if name in kinds:
        raise ValueError(f"`{name}` is a {kinds[name]} of the model already: give the integral another name")
    try:
        parsed = parse_expression(name)
    except ModelError:
        parsed = None
    plain = isinstance(parsed, Name) and parsed.id == name and not primes_of(name)
    if not plain or is_reserved(name) or name in BUILT_IN:
        raise ValueError(
            f"{name!r} cannot name an integral: choose a plain name that the language does not use"
        )


def _resolved(definition: Definition, kinds: dict[str, str], name: str, text: str) -> Expr:
    """An expression with every name resolved."""
    expression = parse_expression(text, f"<integral {name}>")
    found = Diagnostics()
    scope = Scope(found, kinds, unknown_help="an integral reads what the model has")
    scope.check(expression, EQUATION)
    arities = {function.name: len(function.parameters) for function in definition.functions}
    values = {constant.name: constant.value for constant in definition.constants}
    check_expression(expression, found, kinds, arities, values)
    found.raise_if_any()
    explicit = explicit_rows(definition)
    derivatives = {
        state.name: state.derivative for state, own in zip(definition.states, explicit, strict=True) if own
    }
    for word, state in scope.derivative_reads.items():
        if state not in derivatives:
            raise ValueError(f"an integral cannot read `{word}`: implicit equations determine it")
    read = {word: derivatives[state] for word, state in scope.derivative_reads.items()}
    return substitute(expression, read)
