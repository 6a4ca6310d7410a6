"""A network with fewer states: of each conservation law one species is computed from the others.

A network with a law has a singular Jacobian everywhere; without it Newton's method finds steady states
(as in Catalyst's `remove_conserved`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from symde.derive.conservation import ConservationLaw, definition_of, laws_of
from symde.derive.parts import refuse_domain, refuse_other_parts
from symde.diagnostics import Span
from symde.language.syntax import Expr, Name, Number, Product, Sum
from symde.model.definition import INITIAL_TIME, Definition, Observable, Parameter, State
from symde.model.model import Model
from symde.model.reactions import whole
from symde.model.walk import names

_WHAT = "eliminate_conserved"


def eliminate_conserved(model: Model) -> Model:
    """The differential equations of a network without the states that its conservation laws give.

    Of each law the species that is in no other law becomes an observed quantity of the same name, so that
    `solution["E"]` reads it as before. What the law keeps is a parameter `total_E`, by default from the
    initial values in the text; where a problem gives other initial values than those, it gives the total too.
    The model that comes back has the equations of the reactions and no reactions: it has no jump reading.

    Raises:
        TypeError: it is no model.
        ValueError: the model has no conservation law or nothing else, its states' initial values read `t0`,
            or it has jumps, events, algebraic equations, delays, or a domain for a species that would go.
    """
    definition = definition_of(model)
    refuse_other_parts(definition, _WHAT)
    if definition.jumps:
        raise ValueError("eliminate_conserved reads differential equations, and this one has jumps")
    laws = laws_of(definition)
    if not laws:
        raise ValueError(f"the reactions of model `{definition.name}` conserve no sum of species")
    smaller = _without(definition, laws)
    if not smaller.states:
        raise ValueError(
            f"the reactions of model `{definition.name}` change no species: nothing would be left to solve"
        )
    return Model(smaller)


def _without(definition: Definition, laws: Sequence[ConservationLaw]) -> Definition:
    states = {state.name: state for state in definition.states}
    taken = {*definition.state_names, *definition.parameter_names, *definition.observable_names}
    taken |= {one.name for one in (*definition.constants, *definition.functions, *definition.externs)}
    observables, parameters = [], []
    for law in laws:
        name, _ = law.coefficients[0]
        refuse_domain(states[name], _WHAT)
        total = _free_name(f"total_{name}", taken)
        taken.add(total)
        parameters.append(_total(total, law, states))
        observables.append(Observable(name, _rest(total, law, states[name].span), states[name].span))
    gone = {one.name for one in observables}
    return dataclasses.replace(
        definition,
        states=tuple(state for state in definition.states if state.name not in gone),
        parameters=(*definition.parameters, *parameters),
        observables=(*observables, *definition.observables),
        reactions=(),
    )


def _free_name(wanted: str, taken: Iterable[str]) -> str:
    taken, name = set(taken), wanted
    while name in taken:
        name += "_"
    return name


def _total(name: str, law: ConservationLaw, states: dict[str, State]) -> Parameter:
    """The parameter of what a law keeps; without default where an initial value is lacking."""
    doc = f"conserved: {law}"
    initial = [states[species].initial for species, _ in law.coefficients]
    known = [one for one in initial if one is not None]
    for value in known:
        if any(one.id == INITIAL_TIME for one in names(value)):
            raise ValueError(f"the total {law} depends on the initial time, and a parameter cannot read it")
    if len(known) < len(initial):
        return Parameter(name, doc=doc)
    counts = (count for _, count in law.coefficients)
    return Parameter(name, _combination(zip(counts, known, strict=True), None), doc=doc)


def _rest(total: str, law: ConservationLaw, span: Span | None) -> Expr:
    """(total - what the other species have of it) / coefficient."""
    (_, own), *others = law.coefficients
    terms = [(-count, Name(name, span=span)) for name, count in others]
    value = _combination([(1, Name(total, span=span)), *terms], span)
    return value if own == 1 else Product((("*", value), ("/", whole(own, span))), span=span)


def _combination(terms: Iterable[tuple[int, Expr]], span: Span | None) -> Expr:
    """The sum of expressions times whole numbers; the first of these is positive."""
    signed: list[tuple[str, Expr]] = []
    for count, value in terms:
        size: Number = whole(abs(count), span)
        part = value if abs(count) == 1 else Product((("*", size), ("*", value)), span=span)
        signed.append(("+" if count > 0 else "-", part))
    return signed[0][1] if len(signed) == 1 else Sum(tuple(signed), span=span)
