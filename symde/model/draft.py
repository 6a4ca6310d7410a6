"""First pass of the builder: statements sorted by what they are, with the mistakes that this alone shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from symde.diagnostics import Diagnostics, Span
from symde.language.event_syntax import DiscreteDeclaration, DomainDeclaration, EventStatement
from symde.language.reaction_syntax import JumpStatement, ReactionStatement
from symde.language.syntax import (
    Assignment,
    Conserved,
    ConstantDeclaration,
    Derivative,
    Expr,
    ExternDeclaration,
    FunctionDefinition,
    Hamiltonian,
    History,
    Implicit,
    InitialValue,
    Later,
    ModelBlock,
    Name,
    Number,
    Outputs,
    ParameterDeclaration,
    StateDeclaration,
    Stratonovich,
    TimeSpan,
)
from symde.model.definition import PI, TIME
from symde.model.later import later_code

if TYPE_CHECKING:
    from symde.model.noise_draft import NoiseDraft
    from symde.model.redundant import Redundant

RESERVED = {TIME: "time", PI: "the number pi"}

PARAMETER, STATE, CONSTANT, FUNCTION, OBSERVABLE, EXTERN = (
    "parameter",
    "state",
    "constant",
    "function",
    "observed quantity",
    "function from outside",
)

DISCRETE = "discrete variable"

CALLED = frozenset({FUNCTION, EXTERN})
"""Kinds of names that stand for functions."""


DERIVED = Number(0, "0", span=None)
"""Stands for the value of an equation that a Hamiltonian gives, until it is derived."""


@dataclass(slots=True)
class Equation:
    """`name` differentiated `order` times equals `value`; `target` is what the text differentiates.

    `split` is the value with its marks of stiffness, None where it has none.
    """

    name: str
    order: int
    value: Expr
    target: Span | None
    span: Span | None
    split: Expr | None = None


@dataclass(slots=True)
class Draft:
    """The statements of one model by kind, still unresolved.

    Names declared twice keep their first meaning; those in `disputed` have their error already. `incomplete`:
    a statement of a later version was left out, so missing names and equations mean nothing. `derived`:
    states whose equations follow from reactions.
    """

    block: ModelBlock
    found: Diagnostics
    listed: tuple[Name, ...] | None = None
    declared: dict[str, tuple[str, Span | None]] = field(default_factory=dict)
    states: dict[str, StateDeclaration] = field(default_factory=dict)
    parameters: dict[str, ParameterDeclaration] = field(default_factory=dict)
    constants: dict[str, ConstantDeclaration] = field(default_factory=dict)
    functions: dict[str, FunctionDefinition] = field(default_factory=dict)
    externs: dict[str, ExternDeclaration] = field(default_factory=dict)
    assignments: list[Assignment] = field(default_factory=list)
    observables: dict[str, Assignment] = field(default_factory=dict)
    equations: list[Equation] = field(default_factory=list)
    implicit: list[Implicit] = field(default_factory=list)
    redundant: list[Redundant] = field(default_factory=list)
    conserved: list[Conserved] = field(default_factory=list)
    initial_values: list[InitialValue] = field(default_factory=list)
    hamiltonians: list[Hamiltonian] = field(default_factory=list)
    events: list[EventStatement] = field(default_factory=list)
    discretes: dict[str, DiscreteDeclaration] = field(default_factory=dict)
    domains: list[DomainDeclaration] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    reactions: list[ReactionStatement | JumpStatement] = field(default_factory=list)
    derived: set[str] = field(default_factory=set)
    noise: list[NoiseDraft] = field(default_factory=list)
    stratonovich: Span | None = None
    timespan: TimeSpan | None = None
    disputed: set[str] = field(default_factory=set)
    incomplete: bool = False

    def declare(self, name: str, kind: str, span: Span | None) -> bool:
        """Record that `name` means `kind`; False, with an error, where it is reserved or taken."""
        if is_reserved(name):
            self.found.error(
                "E204",
                f"`{name}` is reserved",
                span,
                f"always {RESERVED[base_of(name)]}",
                "choose another name",
            )
            return False
        if name in self.declared:
            known, where = self.declared[name]
            self.disputed.add(name)
            if known == kind:
                message = f"{kind} `{name}` is declared twice"
            else:
                message = f"`{name}` is declared as a {kind}, but it is a {known} already"
            self.found.error("E203", message, span, first_seen(where), "remove or rename one of them")
            return False
        self.declared[name] = (kind, span)
        return True

    def kind_of(self, name: str) -> str | None:
        """What `name` is declared as, None where no statement declares it."""
        return self.declared[name][0] if name in self.declared else None


def base_of(name: str) -> str:
    """The name without its primes: ``x`` for ``x''``."""
    return name.rstrip("'")


def primes_of(name: str) -> int:
    """How many primes a name ends with."""
    return len(name) - len(base_of(name))


def is_reserved(name: str) -> bool:
    """Whether a name (or what its primes differentiate) belongs to the language."""
    return base_of(name) in RESERVED


def line_of(where: Span | None) -> int:
    """The line of a statement, 0 where it comes from no text."""
    return where.source.position(where.start)[0] if where is not None else 0


def first_seen(where: Span | None) -> str:
    """A label that points to the line of an earlier statement."""
    return f"first in line {line_of(where)}"


def gather(block: ModelBlock, found: Diagnostics) -> Draft:
    """The statements of `block` sorted by kind, with errors for names declared twice and later features."""
    from symde.model.externs import gather_externs

    draft = Draft(block, found)
    several: list[Outputs] = []
    _gather_parameters(draft)
    for statement in block.statements:
        match statement:
            case ParameterDeclaration():
                pass
            case StateDeclaration(name=name):
                if draft.declare(name.id, STATE, name.span):
                    draft.states[name.id] = statement
            case ConstantDeclaration(name=name):
                if draft.declare(name.id, CONSTANT, name.span):
                    draft.constants[name.id] = statement
            case FunctionDefinition():
                _gather_function(draft, statement)
            case ExternDeclaration(name=name):
                if draft.declare(name.id, EXTERN, name.span):
                    draft.externs[name.id] = statement
            case Outputs():
                several.append(statement)
            case Assignment():
                draft.assignments.append(statement)
            case Derivative(target=target, order=order, value=value):
                name, order = base_of(target.id), order + primes_of(target.id)
                draft.equations.append(Equation(name, order, value, target.span, statement.span))
            case InitialValue():
                draft.initial_values.append(statement)
            case TimeSpan():
                _gather_timespan(draft, statement)
            case EventStatement():
                draft.events.append(statement)
            case DomainDeclaration():
                draft.domains.append(statement)
            case DiscreteDeclaration():
                _gather_discrete(draft, statement)
            case Hamiltonian():
                _gather_hamiltonian(draft, statement)
            case History():
                draft.histories.append(statement)
            case ReactionStatement() | JumpStatement():
                draft.reactions.append(statement)
            case Later(feature=feature):
                _refuse_later(draft, feature, statement.span)
            case Implicit():
                draft.implicit.append(statement)
            case Stratonovich():
                draft.stratonovich = statement.span or block.span
            case Conserved():
                draft.conserved.append(statement)
    gather_externs(draft, several)
    return draft


def _refuse_later(draft: Draft, feature: str, span: Span | None) -> None:
    message = f"not in this version yet: {feature}"
    draft.found.error(later_code(feature), message, span, "not built yet")
    draft.incomplete = True


def _gather_parameters(draft: Draft) -> None:
    """Parameters in the order they are named: those listed after `end` first."""
    block = draft.block
    declarations: dict[str, ParameterDeclaration] = {}
    for statement in block.statements:
        if isinstance(statement, ParameterDeclaration):
            name = statement.name
            if draft.declare(name.id, PARAMETER, name.span):
                declarations[name.id] = statement
    if block.parameters is None:
        draft.parameters = declarations
        return
    draft.listed = block.parameters
    for name in block.parameters:
        if name.id in declarations and name.id not in draft.parameters:
            draft.parameters[name.id] = declarations[name.id]
        elif draft.declare(name.id, PARAMETER, name.span):
            draft.parameters[name.id] = ParameterDeclaration(
                name, None, None, None, None, None, span=name.span
            )
    draft.parameters |= {name: one for name, one in declarations.items() if name not in draft.parameters}


def _gather_function(draft: Draft, statement: FunctionDefinition) -> None:
    check_arguments(draft, statement.name.id, statement.parameters)
    if draft.declare(statement.name.id, FUNCTION, statement.name.span):
        draft.functions[statement.name.id] = statement


def check_arguments(draft: Draft, function: str, parameters: Iterable[Name]) -> None:
    """Report arguments of a function that are reserved, or named twice."""
    seen: dict[str, Span | None] = {}
    for parameter in parameters:
        if is_reserved(parameter.id):
            draft.found.error(
                "E204",
                f"`{parameter.id}` is reserved",
                parameter.span,
                f"always {RESERVED[base_of(parameter.id)]}",
                "choose another name for the argument; a function may read `t` without it",
            )
        elif parameter.id in seen:
            draft.found.error(
                "E317",
                f"function `{function}` has two arguments named `{parameter.id}`",
                parameter.span,
                "named before",
                "give every argument a name of its own",
            )
        seen[parameter.id] = parameter.span


def _gather_hamiltonian(draft: Draft, statement: Hamiltonian) -> None:
    """The energy as an observed quantity; equations of its pairs whose values are still to be derived."""
    name = statement.name
    if draft.declare(name.id, OBSERVABLE, name.span):
        draft.observables[name.id] = Assignment(name, statement.value, span=statement.span)
    draft.hamiltonians.append(statement)
    seen: dict[str, Name] = {}
    for state in (state for pair in statement.pairs for state in pair):
        if primes_of(state.id):
            message = f"`{state.id}` is a derivative, and pairs are made of states"
            help_text = "name the momentum as a state of its own"
            draft.found.error("E324", message, state.span, "a derivative", help_text)
        elif state.id in seen:
            message = f"`{state.id}` stands in two pairs"
            help_text = "each state is conjugate to one other"
            draft.found.error("E324", message, state.span, first_seen(seen[state.id].span), help_text)
        else:
            seen[state.id] = state
            draft.equations.append(Equation(state.id, 1, DERIVED, state.span, statement.span))


def _gather_discrete(draft: Draft, statement: DiscreteDeclaration) -> None:
    """A discrete variable; one without a value may have the name of a parameter, and starts at its value."""
    name = statement.name
    follows = statement.initial is None and draft.kind_of(name.id) == PARAMETER
    if (
        follows
        and name.id not in draft.discretes
        or not follows
        and draft.declare(name.id, DISCRETE, name.span)
    ):
        draft.discretes[name.id] = statement


def _gather_timespan(draft: Draft, statement: TimeSpan) -> None:
    if draft.timespan is None:
        draft.timespan = statement
        return
    draft.found.error(
        "E320",
        "the time span is given twice",
        statement.span,
        first_seen(draft.timespan.span),
        "keep one `time a .. b`",
    )
