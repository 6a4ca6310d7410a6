"""The states of a model: one equation each, second-order equations reduced, initial values gathered."""

from __future__ import annotations

from dataclasses import dataclass

from symde.diagnostics import Span
from symde.language.syntax import Expr, Name, StateDeclaration
from symde.model.definition import INITIAL_TIME
from symde.model.draft import (
    OBSERVABLE,
    RESERVED,
    STATE,
    Draft,
    Equation,
    base_of,
    first_seen,
    is_reserved,
    line_of,
    primes_of,
)
from symde.model.evaluate import evaluate
from symde.model.nearest import nearest

# Every order is a state with a name one prime longer; texts with thousands of primes are accidents.
HIGHEST_ORDER = 20


@dataclass(slots=True)
class StateDraft:
    """One state of the reduced system, still unresolved."""

    name: str
    derivative: Expr
    span: Span | None
    equation: Span | None
    declaration: StateDeclaration | None = None
    initial: Expr | None = None
    split: Expr | None = None


def collect_states(draft: Draft) -> dict[str, StateDraft]:
    """The states in order: as declared, then as their equations come; `x'' = e` gives `x` and then `x'`."""
    equations = _one_equation_each(draft)
    states: dict[str, StateDraft] = {}
    declared = dict.fromkeys(base_of(name) for name in draft.states)
    places = {base_of(name): one.name.span for name, one in reversed(draft.states.items())}
    for name in [*declared, *(name for name in equations if name not in declared)]:
        if name in equations:
            for state in _reduce(draft, equations[name]):
                states[state.name] = state
        elif not draft.incomplete:
            span = places[name]
            near = nearest(name, (one for one in equations if one not in declared), draft.found)
            help_text = f"write `{name}' = ...`"
            if draft.implicit:
                help_text += ", or an equation `0 = ...` in which it stands"
            if draft.reactions:
                help_text += ", or let a reaction or a jump change it"
            if near is not None:
                help_text += f"; there is an equation for `{near}`"
            if (head := _functions_of(draft, name)) is not None:
                help_text += f"; `{head} = ...` defines a function, and `0 = {head} - ...` is an equation"
            draft.found.error("E302", f"state `{name}` has no equation", span, "declared here", help_text)
    _check_declared_orders(draft, equations)
    _take_initial_values(draft, states, equations)
    return states


def _functions_of(draft: Draft, name: str) -> str | None:
    """The head of a function's definition that may have been meant as an equation of a state."""
    for one in draft.functions.values():
        if name in (parameter.id for parameter in one.parameters):
            return f"{one.name.id}({', '.join(parameter.id for parameter in one.parameters)})"
    return None


def _one_equation_each(draft: Draft) -> dict[str, Equation]:
    equations: dict[str, Equation] = {}
    initialised = {base_of(one.target.id) for one in draft.initial_values} | set(map(base_of, draft.states))
    for equation in draft.equations:
        name = equation.name
        kind = STATE if name in draft.disputed else draft.kind_of(name)
        if is_reserved(name):
            label = f"always {RESERVED[name]}"
            draft.found.error("E204", f"`{name}` is reserved", equation.target, label, "choose another name")
        elif kind == OBSERVABLE:
            where = draft.observables[name].target.span
            draft.found.error(
                "E308",
                f"state `{name}` cannot be assigned",
                where,
                f"it has a differential equation in line {line_of(equation.target)}",
                "remove one of them, or choose another name for the observed quantity",
            )
        elif kind is not None and kind != STATE:
            draft.found.error(
                "E308",
                f"`{name}` is a {kind} and has no differential equation",
                equation.target,
                f"declared as a {kind}",
                f"declare it as a state instead: `state {name} = ...`",
            )
        elif name in equations:
            draft.found.error(
                "E301",
                f"state `{name}` has two equations",
                equation.target,
                first_seen(equations[name].target),
                "keep one of them",
            )
        elif equation.order > HIGHEST_ORDER:
            draft.found.error(
                "E322",
                f"equation of order {equation.order}",
                equation.target,
                f"at most {HIGHEST_ORDER} is read",
                "name the lower derivatives as states of their own",
            )
        else:
            if kind is None and draft.block.form == "long" and not draft.incomplete:
                _check_declared(draft, equation, initialised)
            equations[name] = equation
    return equations


def _check_declared(draft: Draft, equation: Equation, initialised: set[str]) -> None:
    """In `model ... end` a state is declared or at least given an initial value."""
    name = equation.name
    if name in initialised:
        return
    near = nearest(name, draft.states, draft.found)
    help_text = f"declare it: `state {name} = ...`" if near is None else f"there is a state `{near}`"
    what = f"`{name}` is changed here and" if name in draft.derived else f"equation for `{name}`, which"
    message = f"{what} is not declared as a state"
    draft.found.error("E303", message, equation.target, "no state of that name", help_text)


def _reduce(draft: Draft, equation: Equation) -> list[StateDraft]:
    """The first-order states of one equation of any order."""
    states = []
    for order in range(equation.order):
        name = equation.name + "'" * order
        last = order == equation.order - 1
        derivative = equation.value if last else Name(name + "'", span=equation.target)
        declaration = draft.states.get(name)
        span = declaration.name.span if declaration is not None else equation.target
        initial = declaration.initial if declaration is not None else None
        split = equation.split if last else None
        states.append(StateDraft(name, derivative, span, equation.span, declaration, initial, split))
    return states


def _check_declared_orders(draft: Draft, equations: dict[str, Equation]) -> None:
    """A declared `x'` needs an equation of second order at least."""
    for name, declaration in draft.states.items():
        equation = equations.get(base_of(name))
        if equation is not None and primes_of(name) >= equation.order:
            _refuse_initial(draft, name, equation, declaration.name.span)


def _refuse_initial(draft: Draft, name: str, equation: Equation, span: Span | None) -> None:
    below = ["'" * order for order in range(equation.order)]
    draft.found.error(
        "E310",
        f"`{name}` has no initial value of its own",
        span,
        _given_by(equation),
        "the states of this equation are " + ", ".join(f"`{base_of(name)}{primes}`" for primes in below),
    )


def _given_by(equation: Equation) -> str:
    if equation.span is None:
        return "given by the implicit equations"
    return f"given by the equation in line {line_of(equation.target)}"


def _take_initial_values(draft: Draft, states: dict[str, StateDraft], equations: dict[str, Equation]) -> None:
    for one in draft.initial_values:
        name = base_of(one.target.id) + "'" * (one.order + primes_of(one.target.id))
        if name in states:
            if states[name].initial is not None:
                draft.found.error(
                    "E309",
                    f"state `{name}` has two initial values",
                    one.target.span,
                    "given before",
                    "keep one of them",
                )
            else:
                states[name].initial = one.value
        elif base_of(name) in equations:
            _refuse_initial(draft, name, equations[base_of(name)], one.target.span)
        elif not draft.incomplete and draft.kind_of(base_of(name)) != STATE:
            _refuse_unknown_state(draft, base_of(name), states, one.target.span)
        _check_time(draft, one.target.id, one.at)


def _refuse_unknown_state(draft: Draft, name: str, states: dict[str, StateDraft], span: Span | None) -> None:
    kind = draft.kind_of(name)
    near = nearest(name, states, draft.found)
    if kind is not None:
        label, help_text = f"it is a {kind}", None
    elif near is not None:
        label, help_text = "not a state", f"there is a state `{near}`"
    else:
        label, help_text = "not a state", f"write its equation: `{name}' = ...`"
    draft.found.error("E310", f"initial value of `{name}`, which is not a state", span, label, help_text)


def _check_time(draft: Draft, name: str, at: Expr) -> None:
    """`x(t0)` always, `x(0)` where the time span does not say that t0 is something else."""
    if isinstance(at, Name) and at.id == INITIAL_TIME:
        return
    value = _constant(draft, at)
    if draft.timespan is None:
        if value == 0:
            return
        label = "not the initial time"
    else:
        start = _constant(draft, draft.timespan.start)
        if start is not None and start == value:
            return
        start_span = draft.timespan.start.span
        label = f"the time span begins at `{start_span.text}`" if start_span is not None else "another time"
    help_text = f"write `{name}({INITIAL_TIME}) = ...`"
    draft.found.error("E311", "initial values are given at the initial time", at.span, label, help_text)


def _constant(draft: Draft, expression: Expr) -> float | None:
    """The value of an expression of numbers, None where it is not one."""
    try:
        return evaluate(expression, {})
    except (ArithmeticError, ValueError):
        return None
