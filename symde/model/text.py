"""A definition as model text in the long form: reading it again gives an equal model."""

from __future__ import annotations

from collections.abc import Iterator

from symde.diagnostics import Diagnostic, ModelError, Source, Span
from symde.language import unparse
from symde.language.event_syntax import (
    AtClause,
    DiscreteDeclaration,
    DomainDeclaration,
    EventStatement,
    EveryClause,
    Reset,
    WhenClause,
)
from symde.language.reaction_syntax import Change, JumpStatement, ReactionStatement, Term
from symde.language.syntax import (
    Assignment,
    Compare,
    Conserved,
    ConstantDeclaration,
    Derivative,
    Expr,
    ExternDeclaration,
    FunctionDefinition,
    History,
    Implicit,
    InitialValue,
    ModelBlock,
    Name,
    Negate,
    Number,
    ParameterDeclaration,
    Product,
    StateDeclaration,
    Statement,
    Stratonovich,
    Sum,
    TimeSpan,
)
from symde.model.definition import INITIAL_TIME, Definition, State
from symde.model.derivative_names import differentiated
from symde.model.draft import base_of, primes_of
from symde.model.event_builder import unnamed
from symde.model.events import BOTH, At, Crossing, Every, ModelEvent, When, event_expressions
from symde.model.expansion import tree_size
from symde.model.externs import grouped
from symde.model.implicit import explicit_rows, mass_rows
from symde.model.network import weight_names
from symde.model.noise import STEP, coefficients
from symde.model.reactions import Side, governed
from symde.model.syntax_derivative import product, total

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
    yield from coefficients(definition.noise)
    yield from (one.value for one in definition.observables)
    yield from (one.body for one in definition.functions)
    for event in definition.events:
        yield from event_expressions(event)


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
        if state.discrete:
            yield _discrete(state, definition)
        elif primes_of(state.name) == 0:
            nominal = None if state.nominal is None else _number(state.nominal)
            yield StateDeclaration(
                _name(state.name), state.initial, state.unit, nominal, state.doc, span=_NOWHERE
            )
        elif state.initial is not None:
            target, order = _name(base_of(state.name)), primes_of(state.name)
            yield InitialValue(target, order, _name(INITIAL_TIME), state.initial, span=_NOWHERE)
    for past in definition.delays.histories if definition.delays is not None else ():
        yield History(_name(past.state), past.value, span=_NOWHERE)
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
    explicit = explicit_rows(definition)
    values = {state.name: state.derivative for state in definition.states}
    elsewhere = governed(definition.reactions, definition.jumps, values)
    noisy = {term.state for term in definition.noise.terms} if definition.noise is not None else ()
    for state, left, is_explicit in zip(definition.states, left_sides(definition), explicit, strict=True):
        if not is_explicit:
            yield Implicit(left, state.derivative, span=_NOWHERE)
        elif state.name + "'" not in names | several and not state.discrete and state.name not in elsewhere:
            base, order = base_of(state.name), primes_of(state.name) + 1
            if state.name in noisy:
                yield stochastic(definition, state.name)
            else:
                yield Derivative(_name(base), order, state.split or state.derivative, span=_NOWHERE)
    if definition.noise is not None and definition.noise.stratonovich:
        yield Stratonovich(span=_NOWHERE)
    for invariant in definition.invariants:
        if not invariant.at_zero:  # others follow from the equations
            yield Conserved(invariant.value, span=_NOWHERE)
    yield from domain_statements(definition)
    yield from event_statements(definition)


def stochastic(definition: Definition, name: str) -> Assignment:
    """The equation of a state with noise: dx = f*dt + g*dW."""
    assert definition.noise is not None
    drift = definition.states[definition.state_names.index(name)].derivative
    parts: list[tuple[str, Expr]] = [("+", _times(drift, STEP))]
    for one in definition.noise.terms:
        if one.state == name:
            parts.append(("+", _times(one.coefficient, one.differential)))
    return Assignment(_name(f"d{name}"), Sum(tuple(parts), span=_NOWHERE), span=_NOWHERE)


def _times(factor: Expr, differential: str) -> Expr:
    return Product((("*", factor), ("*", _name(differential))), span=_NOWHERE)


def domain_statements(definition: Definition) -> Iterator[DomainDeclaration]:
    """Where the states of a model belong, as statements of the language."""
    for state in definition.states:
        if state.domain is not None:
            low, high = (None if end is None else _number(end) for end in state.domain)
            yield DomainDeclaration(_name(state.name), low, high, span=_NOWHERE)


def event_statements(definition: Definition) -> Iterator[EventStatement]:
    """The events of a model as statements of the language."""
    for position, event in enumerate(definition.events):
        yield _event(event, position)


def _discrete(state: State, definition: Definition) -> Statement:
    """One named as a parameter starts at its value, which its declaration does not repeat."""
    initial = None if state.name in definition.parameter_names else state.initial
    nominal = None if state.nominal is None else _number(state.nominal)
    return DiscreteDeclaration(_name(state.name), initial, state.unit, nominal, state.doc, span=_NOWHERE)


def _event(event: ModelEvent, position: int) -> EventStatement:
    name = None if event.name == unnamed(position + 1) else _name(event.name)
    resets = tuple(Reset(_name(one.target), one.value, span=_NOWHERE) for one in event.effects)
    match event.trigger:
        case When(condition=condition):
            trigger = WhenClause(condition, span=_NOWHERE)
        case Crossing(value=value, direction=direction):
            equation = Compare((value, _number(0)), ("==",), span=_NOWHERE)
            trigger = WhenClause(equation, None if direction == BOTH else direction, span=_NOWHERE)
        case At(times=times):
            trigger = AtClause(times, span=_NOWHERE)
        case Every(period=period, start=start, end=end):
            trigger = EveryClause(period, start, end, span=_NOWHERE)
    return EventStatement(
        name, trigger, resets, event.stop, event.after, event.priority, event.persistent, span=_NOWHERE
    )


def left_sides(definition: Definition) -> list[Expr]:
    """The left side of each row of M u' = f: the derivative itself, a sum of several, or 0."""
    names = [_name(name + "'") for name in definition.state_names]
    return [
        total(
            [("+", product([("*", value), ("*", names[column])], None)) for column, value in row.items()],
            None,
        )
        for row in mass_rows(definition)
    ]


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
