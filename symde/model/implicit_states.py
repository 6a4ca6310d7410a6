"""Unknowns of implicit equations: which names they are, how often they are differentiated, and in what way.

An unknown is a state that has no differential equation of its own. Where it is nowhere differentiated it is
an algebraic variable. Where its highest derivative stands in implicit equations only, each time with a factor
of parameters and constants, that derivative gives entries of the mass matrix. Else the derivative is an
algebraic variable by itself: `0 = F(x, x')` is x' = v, 0 = F(x, v), with v named `x'`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from symde.diagnostics import Span
from symde.language.syntax import Expr, Implicit, Name, Number, Sum
from symde.model.definition import TIME
from symde.model.derivative_names import differentiated
from symde.model.draft import CONSTANT, PARAMETER, Draft, Equation, base_of, primes_of
from symde.model.linear import Linear, NotLinearError, difference, linear_in
from symde.model.reactions import expressions_of
from symde.model.syntax_derivative import ZERO, negative, total
from symde.model.walk import calls, names, substitute

PENDING = Number(0, "0", span=None)
"""Stands for the right side of an unknown's row, until equations are shared out among the unknowns."""


@dataclass(slots=True)
class Unknown:
    """A name that implicit equations determine.

    Attributes:
        name: Without primes.
        order: How often it is differentiated at most.
        linear: Whether its highest derivative stands in the mass matrix.
        span: Where it is declared or first read.
    """

    name: str
    order: int
    linear: bool
    span: Span | None

    @property
    def derivative(self) -> str:
        """The name of its highest derivative."""
        return self.name + "'" * self.order

    @property
    def slot(self) -> str:
        """The last of its states: the one whose row of M u' = f is an implicit equation."""
        return self.derivative[:-1] if self.linear else self.derivative

    @property
    def states(self) -> int:
        """Number of states that it needs."""
        return self.order if self.linear else self.order + 1


@dataclass(slots=True)
class ImplicitSystem:
    """The implicit equations of a model, and what they determine.

    Attributes:
        unknowns: By name, in the order of the text.
        rows: Each equation as M u' = f: coefficients of derivatives by name, and f.
    """

    unknowns: dict[str, Unknown] = field(default_factory=dict)
    rows: list[Linear] = field(default_factory=list)

    @property
    def mass_names(self) -> frozenset[str]:
        """Derivatives that stand in the mass matrix; they have no value of their own."""
        return frozenset(one.derivative for one in self.unknowns.values() if one.linear)

    @property
    def algebraic(self) -> frozenset[str]:
        """States that are algebraic variables."""
        return frozenset(one.slot for one in self.unknowns.values() if not one.linear)


def collect_unknowns(draft: Draft) -> ImplicitSystem:
    """The unknowns of a model's implicit equations; each becomes an equation of the draft that is pending."""
    system = ImplicitSystem()
    if not draft.implicit:
        return system
    read = {base_of(name.id) for name in _read_names(draft)}
    read |= {inner for name in _read_names(draft) if (inner := differentiated(name.id)) is not None}
    spans = {name: span for name, span in _candidates(draft).items() if name in read}
    orders = _orders(draft, spans)
    _spell_derivatives(draft, spans)
    outside = _read_outside(draft)
    for name, span in spans.items():
        order = orders[name]
        top = name + "'" * order
        linear = order > 0 and top not in outside
        system.unknowns[name] = Unknown(name, order, linear, span)
    _split_equations(draft, system)
    for one in system.unknowns.values():
        draft.equations.append(Equation(one.name, one.states, PENDING, one.span, None))
    return system


def _candidates(draft: Draft) -> dict[str, Span | None]:
    """States without an equation of their own: declared, initialised or, in an implicit equation, primed.

    Inside `@ode_def` a name `dNAME` is a derivative too.
    """
    explicit = {equation.name for equation in draft.equations}
    found: dict[str, Span | None] = {}
    for name, declaration in draft.states.items():
        found.setdefault(base_of(name), declaration.name.span)
    for one in draft.initial_values:
        if draft.kind_of(base_of(one.target.id)) is None:
            found.setdefault(base_of(one.target.id), one.target.span)
    for name in _implicit_names(draft):
        if primes_of(name.id) and draft.kind_of(base_of(name.id)) is None:
            found.setdefault(base_of(name.id), name.span)
        inner = differentiated(name.id) if draft.block.form == "short" else None
        if inner is not None and draft.kind_of(name.id) is None and draft.kind_of(inner) is None:
            found.setdefault(inner, name.span)
    return {name: span for name, span in found.items() if name not in explicit}


def _implicit_names(draft: Draft) -> Iterator[Name]:
    for one in draft.implicit:
        yield from names(one.left, one.right)


def _read_names(draft: Draft) -> Iterator[Name]:
    """Names read in equations, rates, observed quantities, conserved ones and functions."""
    yield from _implicit_names(draft)
    yield from names(*expressions_of(draft.reactions))
    yield from names(*(one.value for one in draft.equations))
    yield from names(*(one.value for one in draft.assignments))
    yield from names(*(one.value for one in draft.hamiltonians))
    yield from names(*(one.value for one in draft.conserved))
    yield from names(*(one for event in draft.events for one in event.values()))
    yield from names(*(one.body for one in draft.functions.values()))


def _derivative_of(word: str, draft: Draft, unknowns: Mapping[str, object]) -> tuple[str, int] | None:
    """The unknown that a name differentiates, and how often; None where it does not."""
    base, primes = base_of(word), primes_of(word)
    if base in unknowns:
        return (base, primes) if primes else None
    inner = differentiated(word)
    if inner in unknowns and draft.kind_of(word) is None:
        assert inner is not None
        return inner, 1
    return None


def _orders(draft: Draft, unknowns: Mapping[str, object]) -> dict[str, int]:
    orders = dict.fromkeys(unknowns, 0)
    for name in _read_names(draft):
        found = _derivative_of(name.id, draft, unknowns)
        if found is not None:
            orders[found[0]] = max(orders[found[0]], found[1])
    return orders


def _spell_derivatives(draft: Draft, unknowns: Mapping[str, object]) -> None:
    """`dx` of an unknown x as `x'` in implicit equations."""
    spelled: dict[str, Expr] = {}
    for name in _implicit_names(draft):
        found = _derivative_of(name.id, draft, unknowns)
        if found is not None and not primes_of(name.id):
            spelled[name.id] = Name(found[0] + "'", span=name.span)
    if spelled:
        draft.implicit = [
            Implicit(substitute(one.left, spelled), substitute(one.right, spelled), one.span)
            for one in draft.implicit
        ]


def _read_outside(draft: Draft) -> set[str]:
    """Names that something other than an implicit equation reads; `dx` also as `x'`."""
    implicit = {id(name) for name in _implicit_names(draft)}
    read = {name.id for name in _read_names(draft) if id(name) not in implicit}
    return read | {f"{inner}'" for word in read if (inner := differentiated(word)) is not None}


def _split_equations(draft: Draft, system: ImplicitSystem) -> None:
    """Every equation as M u' = f; unknowns whose derivatives do not fit that are linear no more."""
    is_fixed = _fixed(draft, system.unknowns)
    rows: list[Linear] = []
    while len(rows) < len(draft.implicit):
        one = draft.implicit[len(rows)]
        try:
            rows.append(_row(one, system.mass_names, is_fixed))
        except NotLinearError as problem:
            for name in problem.names:
                system.unknowns[base_of(name)].linear = False
            rows.clear()
    system.rows = rows


def _row(equation: Implicit, derivatives: frozenset[str], is_fixed: Callable[[Expr], bool]) -> Linear:
    """`left = right` as M u' = f: derivatives keep their sign from the left, and change it from the right."""
    left = linear_in(equation.left, derivatives, is_fixed)
    right = linear_in(equation.right, derivatives, is_fixed)
    coefficients = dict(left.coefficients)
    for name, one in right.coefficients.items():
        flipped = _flipped(one)
        coefficients[name] = total([("+", coefficients.get(name, ZERO)), ("+", flipped)], None)
    zero = Number(0, "0", equation.span)
    return Linear(coefficients, difference(right.rest or zero, left.rest or zero, equation.span))


def _flipped(expression: Expr) -> Expr:
    """-expression, with the signs of a sum changed."""
    if isinstance(expression, Sum):
        signs = {"+": "-", "-": "+"}
        return total([(signs[sign], term) for sign, term in expression.terms], expression.span)
    return negative(expression, expression.span)


def _fixed(draft: Draft, unknowns: Mapping[str, object]) -> Callable[[Expr], bool]:
    """Whether an expression is a factor that does not change while the model runs."""
    explicit = {equation.name for equation in draft.equations}

    def changes(word: str) -> bool:
        if word == TIME or base_of(word) in unknowns or base_of(word) in explicit or word in draft.discretes:
            return True
        inner = differentiated(word)
        if draft.kind_of(word) is None and inner is not None and (inner in unknowns or inner in explicit):
            return True
        return draft.kind_of(word.partition("[")[0]) not in (None, PARAMETER, CONSTANT)

    def is_fixed(expression: Expr) -> bool:
        called = (call.function for call in calls(expression))
        read = (name.id for name in names(expression))
        return not any(changes(word) for word in (*called, *read))

    return is_fixed
