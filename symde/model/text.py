"""A definition as model text in the long form: reading it again gives an equal model."""

from __future__ import annotations

from collections.abc import Iterator

from symde.diagnostics import Diagnostic, ModelError, Source, Span
from symde.language import unparse
from symde.language.reaction_syntax import Change, JumpStatement, ReactionStatement, Term
from symde.language.syntax import (
    Assignment,
    ConstantDeclaration,
    Derivative,
    Expr,
    ExternDeclaration,
    FunctionDefinition,
    InitialValue,
    ModelBlock,
    Name,
    Negate,
    Number,
    ParameterDeclaration,
    StateDeclaration,
    Statement,
    TimeSpan,
)
from symde.model.definition import INITIAL_TIME, Definition
from symde.model.derivative_names import differentiated
from symde.model.draft import base_of, primes_of
from symde.model.expansion import tree_size
from symde.model.externs import grouped
from symde.model.network import weight_names
from symde.model.reactions import Side, governed

# Operations of a whole model written as text; the text limit of the language is 8 MB.
TEXT_LIMIT = 2_000_000

_NOWHERE = Span(Source("<model>", ""), 0, 0)


def model_text(definition: Definition) -> str:
    """The text of a model.

    Raises:
        ModelError: the model shares so many subexpressions (a traced function) that its text would explode.
    """
    block = block_of(definition)
    total = sum(tree_size(root, {}) for root in _expressions(definition))
    if total > TEXT_LIMIT:
        message = f"written as text, this model has more than {TEXT_LIMIT:,} operations"
        raise ModelError([Diagnostic("E319", message, None)])
    return unparse(block)


def _expressions(definition: Definition) -> Iterator[Expr]:
    species = {name for one in definition.reactions for name in one.species}
    yield from (one.derivative for one in definition.states if one.name not in species)
    yield from (one.rate for one in (*definition.reactions, *definition.jumps))
    yield from (one.value for one in definition.observables)
    yield from (one.body for one in definition.functions)


def block_of(definition: Definition) -> ModelBlock:
    """The syntax tree of a definition in the long form."""
    statements = tuple(_statements(definition))
    return ModelBlock(_name(definition.name), definition.doc, "long", statements, None, span=_NOWHERE)


def _statements(definition: Definition) -> Iterator[Statement]:
    for constant in definition.constants:
        yield ConstantDeclaration(
            _name(constant.name), _number(constant.value), constant.unit, constant.doc, span=_NOWHERE
        )
    weights = weight_names(definition)
    for one in definition.parameters:
        if one.name in weights:
            continue  # the text does not know the network
        bounds = None if one.bounds is None else (_number(one.bounds[0]), _number(one.bounds[1]))
        nominal = None if one.nominal is None else _number(one.nominal)
        yield ParameterDeclaration(
            _name(one.name), one.default, one.unit, bounds, nominal, one.doc, span=_NOWHERE
        )
    for state in definition.states:
        if primes_of(state.name) == 0:
            nominal = None if state.nominal is None else _number(state.nominal)
            yield StateDeclaration(
                _name(state.name), state.initial, state.unit, nominal, state.doc, span=_NOWHERE
            )
        elif state.initial is not None:
            target, order = _name(base_of(state.name)), primes_of(state.name)
            yield InitialValue(target, order, _name(INITIAL_TIME), state.initial, span=_NOWHERE)
    if definition.tspan is not None:
        yield TimeSpan(*definition.tspan, span=_NOWHERE)
    for extern in definition.externs:
        arguments = tuple(_name(one) for one in extern.parameters)
        yield ExternDeclaration(_name(extern.name), arguments, extern.outputs, span=_NOWHERE)
    for function in definition.functions:
        arguments = tuple(_name(one) for one in function.parameters)
        yield FunctionDefinition(_name(function.name), arguments, function.body, span=_NOWHERE)
    several = set()
    for outputs in grouped(definition):
        several |= {target.id for target in outputs.targets}
        yield outputs
    for observable in definition.observables:
        if not (is_derivative_reading(observable.name, definition) or observable.name in several):
            yield Assignment(_name(observable.name), observable.value, span=_NOWHERE)
    yield from statements_of(definition)
    names = set(definition.state_names)
    values = {state.name: state.derivative for state in definition.states}
    elsewhere = governed(definition.reactions, definition.jumps, values)
    for state in definition.states:
        if state.name + "'" not in names | several and state.name not in elsewhere:
            base, order = base_of(state.name), primes_of(state.name) + 1
            yield Derivative(_name(base), order, state.split or state.derivative, span=_NOWHERE)


def statements_of(definition: Definition) -> Iterator[Statement]:
    """The reactions and jumps of a model as statements."""
    for one in definition.reactions:
        arrow = "-->" if one.mass_action else "=>"
        sides = (_terms(one.reactants), _terms(one.products))
        yield ReactionStatement((one.rate,), arrow, *sides, span=_NOWHERE)
    for one in definition.jumps:
        changes = (Change(_name(c.state), c.operator, c.value, span=_NOWHERE) for c in one.effects)
        yield JumpStatement(one.rate, tuple(changes), span=_NOWHERE)


def _terms(side: Side) -> tuple[Term, ...]:
    return tuple(Term(count, _name(name), span=_NOWHERE) for name, count in side)


def is_derivative_reading(name: str, definition: Definition) -> bool:
    """Whether an observed quantity is a derivative that some expression reads by name (`dx`, `x'`)."""
    state = name[:-1] if primes_of(name) else differentiated(name)
    return state in definition.state_names


def _name(name: str) -> Name:
    return Name(name, span=_NOWHERE)


def _number(value: float) -> Expr:
    if value in (float("inf"), float("-inf")):
        infinite = _name("inf")
        return infinite if value > 0 else Negate(infinite, span=_NOWHERE)
    short = int(value) if value == int(value) and abs(value) < 1e15 else value
    magnitude = Number(abs(short), repr(abs(short)), span=_NOWHERE)
    return Negate(magnitude, span=_NOWHERE) if value < 0 else magnitude
